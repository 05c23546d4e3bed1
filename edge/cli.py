"""The command line: every group of commands under one name.

Exit codes: 0 done, 1 found something wrong, 2 wrong call or configuration (see the README's table)."""

from __future__ import annotations

import typer

from calibration.cli import app as calibrate_app
from edge.commands import agency, bench, hotlist, keys, models, outbox, policy, reading, store, unit

app = typer.Typer(
    name="plate-edge",
    help="Licence-plate reads that carry their own sharing rules, decided and sealed at the camera.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

#: What typer raises for a wrong call (it offers only a subclass by name), and when somebody presses Ctrl-C.
WRONG_CALL: type[Exception] = next(kind for kind in typer.BadParameter.__mro__ if kind.__name__ == "UsageError")
STOPPED = (KeyboardInterrupt, typer.Abort)


# In the order in which somebody meets them.
for plain in (reading, unit, agency):
    app.registered_commands.extend(plain.app.registered_commands)
app.add_typer(models.model_commands, name="models")
app.add_typer(keys.key_commands, name="keys")
app.add_typer(outbox.outbox_commands, name="outbox")
app.add_typer(store.store_commands, name="store")
app.add_typer(hotlist.hotlist_commands, name="hotlist")
app.add_typer(policy.policy_commands, name="policy")
app.add_typer(bench.bench_commands, name="bench")
app.add_typer(calibrate_app, name="calibrate")
