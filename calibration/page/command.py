"""``plate-edge calibrate serve``: from options to a running page."""

from __future__ import annotations

import functools
import io
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path

import msgspec
from msgspec import Struct

from calibration.folder import Folder
from calibration.page.certificate import load_certificate, make_certificate
from calibration.page.hour import Hour, Site
from calibration.page.serve import Offer, check_address, serve
from calibration.page.sources import OwnLine, Source, UnitWindow
from calibration.predict import InstalledModels
from calibration.target import make_card, read_card
from edge import build, memory
from edge.clock import Clock
from edge.config import CameraConfig, DetectorConfig, DeviceConfig, RecognizerConfig, TrackerConfig, load_device
from edge.errors import ConfigError, PlateEdgeError
from edge.journal import Journal
from edge.model_files import bundled_folder
from edge.window import is_open


class Call(Struct, frozen=True, kw_only=True):
    """How the page was asked for, as the command line has it."""

    config: Path | None
    camera: str | None
    clip: Path | None
    card: Path | None
    into: Path | None
    night: Path | None
    host: str
    port: int
    minutes: float
    plates: int
    certificate: Path | None
    key: Path | None


class _Place(Struct, frozen=True, kw_only=True):
    """Which camera, as what unit, with which models."""

    config: DeviceConfig | None
    camera: CameraConfig
    models: Callable[[], InstalledModels]


def run_page(call: Call, say: Callable[[str], None]) -> None:
    """Serve the page until it is over.  Raises ConfigError, CameraError or ModelError."""
    memory.be_closed_to_others()
    check_address(call.host)
    if (call.certificate is None) != (call.key is None):
        raise ConfigError("serve calibration page: --certificate and --key go together")
    place = _place(call)
    card = read_card(call.card) if call.card else make_card()
    tls = load_certificate(call.certificate, call.key) if call.certificate and call.key else make_certificate(call.host)
    source = _source(place, call.clip is None, say)

    def offer(told: Offer) -> None:
        say(f"camera   {place.camera.name}")
        say(f"address  {told.address}")
        if tls.made:
            say("         The tablet warns of the certificate, which was made just now.  Compare its SHA-256 fingerprint:")
            half = len(told.fingerprint) // 2
            say(f"         {told.fingerprint[: half + 1]}")
            say(f"         {told.fingerprint[half + 1 :]}")
        say(f"time     off by itself after {told.minutes:g} minutes; Ctrl-C ends it now")

    with _folder(call, place, say) as folder:
        site = Site(
            camera=place.camera.name,
            card=card,
            folder=Folder(folder),
            night=None if call.night is None else Folder(call.night),
            unit=place.config,
            models=place.models,
            plates=call.plates,
        )
        serve(
            source,
            Hour(site),
            host=call.host,
            port=call.port,
            tls=tls,
            lasts_s=call.minutes * 60,
            gives_way=isinstance(source, UnitWindow),
            offer=offer,
            show_code=lambda code: say(f"code     {code}"),
        )


def _place(call: Call) -> _Place:
    config = load_device(call.config) if call.config else None
    if config is not None:
        _forget_as_the_unit_does(config)
    if config is None and call.clip is None:
        raise ConfigError("serve calibration page: name the unit's configuration (-c device.toml) or a clip (--clip)")
    named = CameraConfig(name=call.camera or "clip", source="") if config is None else _chosen(config, call.camera)
    source = named.source if call.clip is None else str(call.clip.absolute())
    camera = msgspec.structs.replace(named, source=source, realtime=True)
    return _Place(config=config, camera=camera, models=functools.cache(lambda: _installed(config)))


@contextmanager
def _folder(call: Call, place: _Place, say: Callable[[str], None]) -> Iterator[Path]:
    """Where the set-up grows: as named, or with the unit's data, a folder for each start; to try things out, one that is
    removed again."""
    if call.into is not None:
        yield call.into
    elif place.config is not None:
        started = datetime.now(timezone.utc)
        yield place.config.unit.data / "calibration" / f"{place.camera.name}-{started:%Y%m%d-%H%M%S}"
    else:
        say("Without the unit's configuration (-c) nothing is signed, and what is measured is forgotten at the end.")
        with tempfile.TemporaryDirectory(prefix="plate-edge-calibrate-") as scratch:
            yield Path(scratch)


def _forget_as_the_unit_does(config: DeviceConfig) -> None:
    """Plates stand on the page, so it overwrites freed memory where the unit's rules make the unit do so; a unit whose rules
    are not installed yet can be set up all the same."""
    try:
        build.policy(config, Clock(), Journal(io.StringIO()))
    except memory.StartAgain:
        memory.overwrite_what_is_freed()
        raise
    except PlateEdgeError:
        return


def _chosen(config: DeviceConfig, name: str | None) -> CameraConfig:
    """The camera of this name, or the only one."""
    if name is None and len(config.cameras) == 1:
        return config.cameras[0]
    for each in config.cameras:
        if each.name == name:
            return each
    names = ", ".join(each.name for each in config.cameras)
    raise ConfigError(f"serve calibration page: say which camera with --camera; the configuration has {names}")


def _installed(config: DeviceConfig | None) -> InstalledModels:
    """The unit's detector and reader, or the bundled ones."""
    folder = (config.models.folder if config else None) or bundled_folder()
    return InstalledModels(
        detector=build.detector(folder, config.detector if config else DetectorConfig()),
        recognizer=build.recognizer(folder, config.recognizer if config else RecognizerConfig()),
    )


def _source(place: _Place, live: bool, say: Callable[[str], None]) -> Source:
    """The running unit's window, or the camera or clip itself with the unit's models behind it."""
    if live and place.config is not None and is_open(place.config.unit.data):
        say("The unit is running: the page looks through its window.")
        return UnitWindow(place.config.unit.data, place.camera.name)
    tracking = place.config.tracker if place.config else TrackerConfig()
    clock, journal, models = Clock(), Journal(), place.models()
    build.camera(place.camera, clock, journal)  # what cannot be is refused now, not on the page
    return OwnLine(
        lambda: build.camera(place.camera, clock, journal),
        models.detector,
        lambda: build.tracker(place.camera.name, tracking),
        models.recognizer,
    )
