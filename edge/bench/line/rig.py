"""A unit on the bench: made by :mod:`edge.build` from a configuration like any other, in a folder of its own, with simulated
cameras before it and, where asked for, a broker and an agency end behind it."""

from __future__ import annotations

import hashlib
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TypeVar, cast

import msgspec
from msgspec import Struct

from edge import build
from edge.bench.line.clips import Clip
from edge.bench.line.watch import Watch, WatchedJournal
from edge.camera.interface import Camera
from edge.clock import Clock
from edge.config import (
    BrokerConfig,
    CameraConfig,
    DetectorConfig,
    DeviceConfig,
    GateConfig,
    KeysConfig,
    ModelsConfig,
    PolicyConfig,
    PositionConfig,
    Provider,
    RecognizerConfig,
    UnitConfig,
)
from edge.demo import run as demo
from edge.unit import Accounts, Unit

_Part = TypeVar("_Part")
DRAIN_S = 20.0
#: What the line does without a policy.
NO_POLICY = Path(__file__).parent / "no-policy.toml"
#: Makes the simulated camera around the clip's own; it ends when the event is set.
CameraMaker = Callable[[Camera, threading.Event], Camera]


class Setup(Struct, frozen=True, kw_only=True):
    """What a run is made with: the axes that a person chooses.  ``every_frame``: the detector looks at each, whatever it shows.
    ``delivery``: over TLS to a broker and an agency end; a unit speaks no other way."""

    models: Path | None = None
    detector: str | None = None
    recognizer: str | None = None
    pixels: int | None = None
    providers: tuple[Provider, ...] = ("cpu",)
    threads: int = 1
    pack: str = "us-ct"
    every_frame: bool = False
    delivery: bool = False

    @property
    def for_detector(self) -> DetectorConfig:
        """The detector's part."""
        return DetectorConfig(model=self.detector, pixels=self.pixels, providers=self.providers, threads=self.threads)

    @property
    def for_recognizer(self) -> RecognizerConfig:
        """The reader's part."""
        return RecognizerConfig(model=self.recognizer, providers=self.providers, threads=self.threads)

    def sha256(self) -> str:
        """Names the setup in a record."""
        return hashlib.sha256(msgspec.json.encode([str(self.models), *msgspec.structs.astuple(self)[1:]])).hexdigest()


class Rig:
    """One run of one unit.  Make it with :func:`rigged`."""

    def __init__(self, unit: Unit, over: threading.Event, drain_s: float) -> None:
        self._unit, self._over, self._drain_s = unit, over, drain_s
        self._accounts: Accounts | None = None
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="unit")

    def start(self) -> None:
        """Let the unit run, beside this thread."""
        self._thread.start()

    @property
    def running(self) -> bool:
        """Whether it has not ended yet, by itself or by a failure."""
        return self._thread.is_alive()

    def end(self) -> Accounts:
        """End the cameras; the unit then ends in good order.  Gives its accounts; raises what made it fail."""
        self._over.set()
        self._thread.join()
        if self._failure is not None:
            raise self._failure
        assert self._accounts is not None
        return self._accounts

    def abandon(self) -> None:
        """Let a unit that still runs end; nobody asks for its accounts."""
        self._over.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        try:
            self._accounts = self._unit.run(threading.Event(), self._drain_s)
        except Exception as error:  # noqa: BLE001  it is raised where the run is waited for
            self._failure = error


@contextmanager
def rigged(
    setup: Setup,
    clips: Sequence[Clip],
    watch: Watch,
    camera: CameraMaker,
    data: Path | None = None,
    realtime: bool = False,
) -> Iterator[Rig]:
    """A unit with one camera for each of ``clips``, each wrapped by ``camera``; its outbox lies in a new folder in ``data``.
    ``realtime``: clips play at their own speed.

    Raises ConfigError, CameraError, ModelError, PolicyError or OutboxError."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="plate-edge-bench-", dir=data)))
        port = demo.free_port()
        demo.make_keys(folder, port)
        if setup.delivery:
            demo.write_configuration(folder, port)
            stack.enter_context(demo.far_end(folder, port))
        log = stack.enter_context((folder / "unit.log").open("w", encoding="utf-8"))
        over = threading.Event()
        observe = _observer(watch, lambda inner: camera(inner, over))
        unit = build.unit(device_config(setup, clips, folder, port, realtime), Clock(), WatchedJournal(log, watch), observe)
        rig = Rig(unit, over, DRAIN_S if setup.delivery else 0.0)
        try:
            yield rig
        finally:
            rig.abandon()


def camera_name(number: int) -> str:
    """The name of the camera that shows clip ``number``, counted from 0."""
    return f"camera-{number + 1}"


def device_config(setup: Setup, clips: Sequence[Clip], folder: Path, port: int, realtime: bool) -> DeviceConfig:
    """The configuration of the unit on the bench; its keys are those of :func:`edge.demo.run.make_keys` in ``folder``."""
    device = folder / "device"
    return DeviceConfig(
        unit=UnitConfig(device=demo.DEVICE, agency=demo.AGENCY, data=folder / "unit"),
        cameras=tuple(
            CameraConfig(name=camera_name(n), source=str(clip.path), realtime=realtime) for n, clip in enumerate(clips)
        ),
        policy=PolicyConfig(pack=setup.pack),
        position=PositionConfig(latitude=41.7637, longitude=-72.6851),
        keys=KeysConfig(
            sign_key=device / "sign.key",
            agency_seal=device / "agency-seal.pem",
            agency_receipt=device / "agency-receipt.pem",
        ),
        broker=BrokerConfig(
            host="127.0.0.1",
            port=port,
            ca=device / "ca.pem",
            certificate=device / "tls.pem",
            key=device / "tls.key",
            backoff_max_s=2.0,
        ),
        models=ModelsConfig(folder=setup.models),
        gate=GateConfig(look_every_s=0.0, changes_only=False) if setup.every_frame else GateConfig(),
        detector=setup.for_detector,
        recognizer=setup.for_recognizer,
    )


def _observer(watch: Watch, camera: Callable[[Camera], Camera]) -> build.Observe:
    def observe(stage: str, part: _Part) -> _Part:
        return cast(_Part, camera(cast(Camera, part))) if stage == "camera" else watch(stage, part)

    return observe
