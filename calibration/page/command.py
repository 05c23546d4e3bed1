"""``plate-edge calibrate serve``: from options to a running page."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec
from msgspec import Struct

from calibration.page.certificate import load_certificate, make_certificate
from calibration.page.hour import Hour
from calibration.page.serve import Offer, check_address, serve
from calibration.page.sources import OwnLine, Source, UnitWindow
from calibration.target import make_card, read_card
from edge import build
from edge.clock import Clock
from edge.config import CameraConfig, DetectorConfig, DeviceConfig, RecognizerConfig, TrackerConfig, load_device
from edge.errors import ConfigError
from edge.journal import Journal
from edge.model_files import bundled_folder
from edge.window import is_open


def chosen_camera(config: DeviceConfig, name: str | None) -> CameraConfig:
    """The camera of this name, or the only one.  Raises ConfigError naming those there are."""
    names = ", ".join(each.name for each in config.cameras)
    if name is None and len(config.cameras) == 1:
        return config.cameras[0]
    for each in config.cameras:
        if each.name == name:
            return each
    raise ConfigError(f"calibrate: say which camera with --camera; the configuration has {names}")


def own_line(camera: CameraConfig, config: DeviceConfig | None) -> Source:
    """The camera, or a clip at its own speed, with the models of the configuration, or the bundled ones."""
    folder = (config.models.folder if config else None) or bundled_folder()
    found = build.detector(folder, config.detector if config else DetectorConfig())
    reader = build.recognizer(folder, config.recognizer if config else RecognizerConfig())
    tracking = config.tracker if config else TrackerConfig()
    clock, journal = Clock(), Journal()
    return OwnLine(lambda: build.camera(camera, clock, journal), found, lambda: build.tracker(camera.name, tracking), reader)


class Call(Struct, frozen=True, kw_only=True):
    """How the page was asked for, as the command line has it."""

    config: Path | None
    camera: str | None
    clip: Path | None
    card: Path | None
    host: str
    port: int
    minutes: float
    certificate: Path | None
    key: Path | None


def run_page(call: Call, say: Callable[[str], None]) -> None:
    """Serve the page until it is over.  Raises ConfigError, CameraError or ModelError."""
    check_address(call.host)
    if (call.certificate is None) != (call.key is None):
        raise ConfigError("serve calibration page: --certificate and --key go together")
    config = load_device(call.config) if call.config else None
    camera, source = _source(call, config, say)
    card = read_card(call.card) if call.card else make_card()
    tls = load_certificate(call.certificate, call.key) if call.certificate and call.key else make_certificate(call.host)

    def offer(told: Offer) -> None:
        say(f"camera   {camera}")
        say(f"address  {told.address}")
        if tls.made:
            say("         The tablet warns of the certificate, which was made just now.  Compare its SHA-256 fingerprint:")
            half = len(told.fingerprint) // 2
            say(f"         {told.fingerprint[: half + 1]}")
            say(f"         {told.fingerprint[half + 1 :]}")
        say(f"time     off by itself after {told.minutes:g} minutes; Ctrl-C ends it now")

    serve(
        source,
        Hour(camera, card),
        host=call.host,
        port=call.port,
        tls=tls,
        lasts_s=call.minutes * 60,
        offer=offer,
        show_code=lambda code: say(f"code     {code}"),
    )


def _source(call: Call, config: DeviceConfig | None, say: Callable[[str], None]) -> tuple[str, Source]:
    """The camera's name and where its pictures come from."""
    if call.clip is not None:
        name = chosen_camera(config, call.camera).name if config else call.camera or "clip"
        return name, own_line(CameraConfig(name=name, source=str(call.clip.absolute()), realtime=True), config)
    if config is None:
        raise ConfigError("serve calibration page: name the unit's configuration (-c device.toml) or a clip (--clip)")
    camera = chosen_camera(config, call.camera)
    if is_open(config.unit.data):
        say("The unit is running: the page looks through its window.")
        return camera.name, UnitWindow(config.unit.data, camera.name)
    return camera.name, own_line(msgspec.structs.replace(camera, realtime=True), config)
