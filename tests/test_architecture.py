"""Who may import what: the table of the design, kept by reading every import statement."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
BASE = {"edge.records", "edge.errors", "edge.clock", "edge.ranges", "edge.masking", "edge.sqlite", "edge"}
STAGES = {
    "camera", "gate", "detector", "recognizer", "tracker", "labeler", "policy", "hotlist", "envelope", "outbox", "publisher",
    "images", "ingest", "store",
}  # fmt: skip
#: Third-party packages that exactly one place may import.
OWNERS = {
    "paho": {"edge/mqtt.py"},
    "fast_plate_ocr": {"edge/recognizer/fast_plate_ocr.py"},
    "starlette": {"calibration/page/app.py"},
    "uvicorn": {"calibration/page/serve.py"},
    "psycopg": {f"edge/store/postgres{part}.py" for part in ("", "_link", "_pictures", "_retention", "_schema")},
    "typer": {
        "edge/cli.py",
        "calibration/cli.py",
        "calibration/headless.py",
        *(f"edge/commands/{p.name}" for p in ROOT.glob("edge/commands/*.py")),
    },
}


def modules(folder: str) -> list[Path]:
    return sorted(p for p in (ROOT / folder).rglob("*.py"))


def imports(path: Path) -> set[str]:
    """Every module that a file imports, nested imports too."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = {f"{node.module}.{alias.name}" for alias in node.names}
            package = ROOT / Path(*node.module.split("."))
            found |= {n for n in names if package.is_dir() and (ROOT / Path(*n.split("."))).with_suffix(".py").exists()}
            found.add(node.module)
    return found


def ours(path: Path) -> set[str]:
    return {name for name in imports(path) if name.split(".")[0] in ("edge", "calibration", "models", "tests")}


def name_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts)


@pytest.mark.parametrize("name", ["records", "errors", "ranges", "masking", "sqlite"])
def test_records_and_errors_import_nothing_of_the_project(name: str) -> None:
    """The words that all stages share depend on no stage."""
    assert ours(ROOT / "edge" / f"{name}.py") == set()


@pytest.mark.parametrize("name", ["clock", "journal", "model_files", "mqtt", "providers"])
def test_shared_modules_import_only_the_base(name: str) -> None:
    """What every stage may use pulls no stage in; mqtt and providers also take their slice of the configuration, and a model
    file is looked into before it is loaded."""
    more = {
        "mqtt": {"edge.config", "edge.reach"},
        "model_files": {"edge.onnx_file"},
        "providers": {"edge.config"},
    }
    allowed = BASE | more.get(name, set())
    assert ours(ROOT / "edge" / f"{name}.py") <= allowed


@pytest.mark.parametrize("path", sorted(ROOT.glob("edge/*/interface.py")), ids=name_of)
def test_an_interface_imports_only_records(path: Path) -> None:
    """An interface can be read without any implementation."""
    assert ours(path) <= {"edge.records"}


@pytest.mark.parametrize("path", [p for p in modules("edge") if p.relative_to(ROOT).parts[1] in STAGES], ids=name_of)
def test_no_stage_imports_another_stage(path: Path) -> None:
    """Stages meet in pipeline.py and build.py only; labels and lists are made from the pack's Structs, so they see policy."""
    stage = path.relative_to(ROOT).parts[1]
    shared = BASE | {"edge.config", "edge.model_files", "edge.mqtt", "edge.journal", "edge.providers"}
    allowed_stages = {stage}
    if stage in ("labeler", "hotlist"):
        allowed_stages.add("policy")
    loops = {f"publisher.{name}" for name in ("drain", "chain_watch", "pictures")}
    loops |= {f"ingest.{name}" for name in ("worker", "pictures", "chain", "witness", "clocks")}
    if f"{stage}.{path.stem}" in loops:
        shared |= {"edge.outbox.interface", "edge.store.interface", "edge.envelope.interface"}
        allowed_stages.add("envelope")
    if (stage, path.stem) == ("policy", "bundle"):
        shared |= {"edge.envelope.signature", "edge.envelope.keyring"}  # one form of signature for everything
    for name in ours(path):
        parts = name.split(".")
        inside = len(parts) > 1 and parts[1] in allowed_stages
        assert inside or name in shared, f"{name_of(path)} imports {name}"


@pytest.mark.parametrize("name", ["policy/decide.py", "labeler/scope.py", "tracker/vote.py", "bench/score.py", "onnx_file.py"])
def test_what_decides_does_no_io(name: str) -> None:
    """Decisions, labels, votes and scores are pure: no clock, no file, no log, no network."""
    forbidden = {"edge.clock", "edge.journal", "edge.config", "os", "io", "pathlib", "time", "socket", "logging", "sqlite3"}
    assert not imports(ROOT / "edge" / name) & forbidden


@pytest.mark.parametrize("path", modules("edge"), ids=name_of)
def test_the_line_never_imports_calibration_or_training(path: Path) -> None:
    """A unit runs without the technician's tool and without the training code."""
    assert not {name for name in ours(path) if name.split(".")[0] in ("calibration", "tests")} - (
        {"calibration", "calibration.cli"} if path.name == "cli.py" else set()
    )
    assert not {name for name in imports(path) if name.startswith(("models.train", "torch"))}


@pytest.mark.parametrize("package", sorted(OWNERS))
def test_a_library_has_one_owner(package: str) -> None:
    """A library that may change under us is imported in one place."""
    users = {
        str(p.relative_to(ROOT))
        for folder in ("edge", "calibration")
        for p in modules(folder)
        if any(n.split(".")[0] == package for n in imports(p))
    }
    assert users <= OWNERS[package]


def test_only_build_names_concrete_classes() -> None:
    """pipeline.py shows the order in one screen and knows interfaces and pure functions only."""
    concrete = {"edge.camera.clip", "edge.camera.stream", "edge.detector.onnx", "edge.recognizer.fast_plate_ocr"}
    concrete |= {"edge.outbox.sqlite", "edge.store.sqlite", "edge.tracker.association", "edge.mqtt"}
    assert not ours(ROOT / "edge" / "pipeline.py") & concrete
