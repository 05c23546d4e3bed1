"""What is installed on a unit: accepted by systemd, tight, and with examples that the program itself accepts."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
from configparser import RawConfigParser
from pathlib import Path

import pytest

from edge import keys
from edge.config import load_agency, load_device

FOLDER = Path(__file__).resolve().parents[2] / "systemd"
UNITS = ("plate-edge.service", "plate-edge-ingest.service")
BROKER = ("plate-edge-broker.service", "plate-edge-broker.path")


def tool(name: str) -> str:
    path = shutil.which(name)
    if path is None:
        pytest.skip(f"{name} (systemd) is not installed")
    return path


def settings(unit: str) -> dict[str, list[str]]:
    """The [Service] section; a key that comes several times keeps all its values."""
    result: dict[str, list[str]] = {}
    section = ""
    for line in (FOLDER / unit).read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            section = line
        elif "=" in line and not line.startswith("#") and section == "[Service]":
            key, _, value = line.partition("=")
            result.setdefault(key, []).append(value)
    return result


@pytest.mark.parametrize("unit", (*UNITS, *BROKER))
def test_systemd_accepts_the_unit(unit: str, tmp_path: Path) -> None:
    """`systemd-analyze verify` has nothing to say once the program exists."""
    text = (FOLDER / unit).read_text(encoding="utf-8").replace("/opt/plate-edge/bin/plate-edge", "/bin/true")
    copy = tmp_path / unit
    if unit == BROKER[1]:
        (tmp_path / BROKER[0]).write_text("[Service]\nExecStart=/bin/true\n", encoding="utf-8")
    copy.write_text(text.replace("Documentation=file:/opt/plate-edge/share/INSTALL.md\n", ""), encoding="utf-8")
    done = subprocess.run([tool("systemd-analyze"), "verify", str(copy)], capture_output=True, text=True)
    assert [line for line in done.stderr.splitlines() if unit in line] == []
    assert done.returncode == 0


@pytest.mark.parametrize(("unit", "limit"), [(UNITS[0], 15), (UNITS[1], 13), (BROKER[0], 13)])
def test_the_sandbox_is_as_tight_as_promised(unit: str, limit: int) -> None:
    """The offline exposure score (times ten) stays within the limit."""
    command = [tool("systemd-analyze"), "security", "--offline=yes", f"--threshold={limit}", str(FOLDER / unit)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert "Overall exposure level" in done.stdout
    assert done.returncode == 0, done.stdout[-200:]


def test_the_unit_runs_the_documented_commands() -> None:
    """Program, configuration and account are those of the install guide."""
    assert settings(UNITS[0])["ExecStart"] == ["/opt/plate-edge/bin/plate-edge run -c /etc/plate-edge/device.toml"]
    assert settings(UNITS[1])["ExecStart"] == ["/opt/plate-edge/bin/plate-edge ingest -c /etc/plate-edge-ingest/agency.toml"]
    for unit in UNITS:
        assert settings(unit)["Restart"] == ["always"]
        assert settings(unit)["User"] != ["root"]
        assert "WatchdogSec" not in settings(unit)  # the program does not ping yet, so systemd would kill it


def test_the_unit_may_still_learn_what_it_writes_into_reads() -> None:
    """Neither the clock's quality nor the boot id is hidden by the sandbox, and yet nobody can set the clock."""
    unit = settings(UNITS[0])
    assert "ProtectClock" not in unit
    assert "ProcSubset" not in unit
    assert unit["SystemCallFilter"][-1].startswith("adjtimex clock_adjtime")
    assert unit["CapabilityBoundingSet"] == [""]


def test_a_usb_camera_gets_its_device_and_nothing_else() -> None:
    """The drop-in opens video devices only."""
    drop_in = RawConfigParser()
    drop_in.optionxform = str  # type: ignore[assignment,method-assign]
    drop_in.read(FOLDER / "plate-edge-usb-camera.conf")
    assert dict(drop_in["Service"]) == {
        "PrivateDevices": "no",
        "DevicePolicy": "closed",
        "DeviceAllow": "char-video4linux rw",
    }


def test_the_example_configurations_are_accepted() -> None:
    """What the guide tells to copy is read by the program's own loader, and keeps its data where the service may write."""
    device, agency = load_device(FOLDER / "device.example.toml"), load_agency(FOLDER / "agency.example.toml")
    assert device.unit.agency == agency.ingest.agency
    assert device.unit.data == Path("/var/lib") / settings(UNITS[0])["StateDirectory"][0]
    assert agency.store.path.parent == Path("/var/lib") / settings(UNITS[1])["StateDirectory"][0]


def test_accounts_are_made_and_keys_get_owner_and_mode(tmp_path: Path) -> None:
    """sysusers and tmpfiles, run on an empty root with freshly made keys: the service reads, others do not see."""
    if os.geteuid() != 0:
        pytest.skip("only root can give files away")
    sysusers, tmpfiles = tool("systemd-sysusers"), tool("systemd-tmpfiles")
    root = tmp_path / "root"
    (root / "etc/plate-edge").mkdir(parents=True)
    keys.make_ca(tmp_path / "ca")
    keys.make_device(root / "etc/plate-edge/keys", tmp_path / "ca", "ct-01", "hartford-pd")
    shutil.copy(FOLDER / "device.example.toml", root / "etc/plate-edge/device.toml")
    for command in ([sysusers, f"--root={root}"], [tmpfiles, "--create", f"--root={root}"]):
        source = FOLDER / ("plate-edge.sysusers" if command[0] == sysusers else "plate-edge.tmpfiles")
        done = subprocess.run([*command, str(source)], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
    groups = dict(line.split(":")[0::2][:2] for line in (root / "etc/group").read_text().splitlines())
    members = {line.split(":")[0]: line.split(":")[3] for line in (root / "etc/group").read_text().splitlines()}
    assert "plate-edge" in members["video"].split(",")
    for path in [root / "etc/plate-edge", *(root / "etc/plate-edge").rglob("*")]:
        found = path.stat()
        assert (found.st_uid, found.st_gid) == (0, int(groups["plate-edge"]))
        assert stat.S_IMODE(found.st_mode) == (0o750 if path.is_dir() else 0o640), path
    ingest = (root / "etc/plate-edge-ingest").stat()
    assert ingest.st_gid == int(groups["plate-edge-ingest"]) != int(groups["plate-edge"])
    assert stat.S_IMODE((root / "var/lib/plate-edge").stat().st_mode) == 0o700


def test_the_guide_names_every_file_that_is_there() -> None:
    """No file of this folder is left unexplained."""
    guide = (FOLDER / "INSTALL.md").read_text(encoding="utf-8")
    for path in FOLDER.iterdir():
        assert path.name in guide
