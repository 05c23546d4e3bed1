"""The command line: every group of commands under one name.

Exit codes: 0 done, 1 found something wrong, 2 wrong call or configuration (see the README's table)."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import typer
from typer.core import TyperGroup
from typer.main import get_group

#: Modules whose ``app`` holds commands that stand by themselves …
PLAIN = {
    "edge.commands.reading": ("read", "eval"),
    "edge.commands.unit": ("run", "demo", "doctor", "report"),
    "edge.commands.agency": ("ingest", "alarms", "units", "times"),
}
#: … and the groups: where each is.  All in the order in which somebody meets them.
GROUPS = {
    "models": "edge.commands.models:model_commands",
    "keys": "edge.commands.keys:key_commands",
    "outbox": "edge.commands.outbox:outbox_commands",
    "store": "edge.commands.store:store_commands",
    "hotlist": "edge.commands.hotlist:hotlist_commands",
    "policy": "edge.commands.policy:policy_commands",
    "bench": "edge.commands.bench:bench_commands",
    "calibrate": "calibration.cli:app",
}


class Commands(TyperGroup):
    """Imports a command when it is called or helped with: the agency end needs no camera library, a unit no benchmark."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Every name, in order."""
        return [*(name for names in PLAIN.values() for name in names), *GROUPS]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command or group of that name; None if there is none."""
        for module, names in PLAIN.items():
            if cmd_name in names:
                return get_group(import_module(module).app).commands[cmd_name]
        if cmd_name not in GROUPS:
            return None
        module, _, attribute = GROUPS[cmd_name].partition(":")
        group = get_group(getattr(import_module(module), attribute))
        group.name = cmd_name
        return group


app = typer.Typer(
    name="plate-edge",
    cls=Commands,
    help="Licence-plate reads that carry their own sharing rules, decided and sealed at the camera.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

#: What typer raises for a wrong call (it offers only a subclass by name), and when somebody presses Ctrl-C.
WRONG_CALL: type[Exception] = next(kind for kind in typer.BadParameter.__mro__ if kind.__name__ == "UsageError")
STOPPED = (KeyboardInterrupt, typer.Abort)


@app.callback()
def main() -> None:
    """Nothing by itself: a command is needed."""
