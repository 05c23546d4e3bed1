"""The configuration: one TOML file a unit (``device.toml``) or an agency end (``agency.toml``), read into frozen Structs.

Unknown keys are refused with the nearest known one; relative paths count from the file's own folder.
"""

from __future__ import annotations

import difflib
import os
import re
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Literal, TypeVar

import msgspec
from msgspec import Struct

from edge.errors import ConfigError
from edge.policy.vocabulary import UnitKind

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

#: How many people must have signed a policy bundle, unless told.
BUNDLE_THRESHOLD = 2
#: Where a network may run.
Provider = Literal["cpu", "cuda", "tensorrt", "openvino"]
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_DSN_PASSWORD = re.compile(r"password\s*=|://[^/@]*:[^/@]*@", re.IGNORECASE)


class UnitConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who this unit is.  ``device`` equals the common name of its certificate; ``kind`` is what a pack may ask for: some
    laws let only vehicles with an officer in them capture.  ``window``: whether `plate-edge calibrate serve`, started on the
    unit by its own account or root, may look at what the running line sees."""

    device: str
    agency: str
    data: Path
    kind: UnitKind = "fixed"
    window: bool = True


class CameraConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One camera.  ``source``: a clip's path, a folder of pictures, ``rtsp://host/path`` or ``/dev/video0``.

    The user and password of a stream stand apart from its address, in the file that ``credentials`` names
    (``user:password`` on one line), so that the address may be logged.  ``calibration`` is the record that
    ``plate-edge calibrate report`` signed: lane, masks, size of plates, and the look of the scene.
    """

    name: str
    source: str
    credentials: Path | None = None
    open_timeout_s: float = 10.0
    read_timeout_s: float = 5.0
    backoff_max_s: float = 30.0
    realtime: bool = False
    calibration: Path | None = None


class GateConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which frames the detector looks at.

    While no plate waits for a reading it looks every ``look_every_s`` seconds: at 100 km/h a car moves 3 m in that (0.1 s is
    every third frame of 25 or 30 a second, every other of 15).  A plate that is new is looked at in every frame until it counts
    as a pass; then, until it is read, every ``look_again_every_s``: neighbouring frames of a fast camera show the same and
    repeat each other's mistakes.  0 is every frame.  With ``changes_only`` it does not look again at a picture in which nothing
    has changed since it last did, but for a full look every ``full_look_every_s``, which bounds what that can miss.
    """

    look_every_s: float = 0.1
    look_again_every_s: float = 0.05
    changes_only: bool = True
    full_look_every_s: float = 2.0


class DetectorConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which detector, from ``models/manifest.toml`` by name, and from which confidence a plate counts by itself (the manifest's
    default and its figure unless told).

    ``pixels`` is how many pixels of a frame the network sees, for a model that leaves it open (as many as the model was made
    for unless told): the time a frame takes grows with it, and so does the distance from which a plate is found.

    ``providers`` are where it may run, best first, of `cpu`, `cuda`, `tensorrt` and `openvino`: the first that can be had does;
    with none of them the unit does not start.  ``threads`` is one, since cameras share the cores: a second one only pays where
    there is one camera and cores to spare."""

    model: str | None = None
    threshold: float | None = None
    pixels: int | None = None
    providers: tuple[Provider, ...] = ("cpu",)
    threads: int = 1


class RecognizerConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which plate reader, from ``models/manifest.toml`` by name; the manifest's default unless told.  ``providers`` and
    ``threads`` as for the detector."""

    model: str | None = None
    providers: tuple[Provider, ...] = ("cpu",)
    threads: int = 1


class TrackerConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When detections are one pass: it ends ``max_gap_s`` after the last detection; fewer than ``min_detections`` frames in
    which the detector was sure, or the text vouched for the plate, are noise.

    A track is read until ``enough_readings`` agree with ``settled_confidence``.
    """

    max_gap_s: float = 1.0
    min_detections: int = 3
    enough_readings: int = 6
    settled_confidence: float = 0.97


class ModelsConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the models lie: the folder with ``manifest.toml``; the bundled one unless told."""

    folder: Path | None = None


class PolicyConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Either plain files, to try things out: the state's ``pack``, by the name of one that comes with the program (``us-ct``)
    or the path of a TOML file; the agency's and the device's ``layers``, which can only narrow it; a file of agreements, and
    a GeoJSON file of no-capture zones.

    Or signed bundles, which ``plate-edge policy install`` takes in: the public ``bundle_keys`` of the people who may sign them,
    and how many of them must have, the ``threshold``, 2 unless told.
    """

    pack: str | None = None
    layers: tuple[Path, ...] = ()
    agreements: Path | None = None
    zones: Path | None = None
    bundle_keys: tuple[Path, ...] = ()
    threshold: int | None = None


class HotListConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Hot lists: CSV files with their stamps beside them, or what `plate-edge hotlist compile` made of them; filtered by source
    and topic before anything is matched.  ``key`` is the secret of compiled lists, best a systemd credential."""

    files: tuple[Path, ...] = ()
    key: Path | None = None


class PositionConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the unit is: fixed coordinates, or a CSV ``track`` (time_s,latitude,longitude,accuracy_m) beside a recorded clip.

    Neither: position unknown.
    """

    latitude: float | None = None
    longitude: float | None = None
    accuracy_m: float = 10.0
    track: Path | None = None


class KeysConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The unit's keys as ``plate-edge keys`` made them: its signing key, the agency's sealing and receipt public keys."""

    sign_key: Path
    agency_seal: Path
    agency_receipt: Path


class OutboxConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How much the outbox may hold."""

    budget_bytes: int = 1 << 30
    reserve_bytes: int = 16 << 20


class ImagesConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What becomes of pictures, where the policy lets any leave.  ``send``: each goes after its read (``after-reads``), or
    waits until the agency asks for it (``on-request``).  Of the outbox's budget they take no more than ``budget_bytes``, a
    quarter unless told, and none waits for longer than ``keep_days``."""

    send: Literal["after-reads", "on-request"] = "after-reads"
    budget_bytes: int | None = None
    keep_days: float = 7.0


class BrokerConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The MQTT broker, always over TLS with a client certificate."""

    host: str
    port: int = 8883
    ca: Path
    certificate: Path
    key: Path
    keepalive_s: int = 30
    in_flight: int = 64
    backoff_max_s: float = 60.0


class MetricsConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Prometheus metrics on the loopback address; off unless a port is given."""

    port: int | None = None


class DeviceConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything a unit is told."""

    unit: UnitConfig
    cameras: tuple[CameraConfig, ...]
    policy: PolicyConfig
    keys: KeysConfig
    broker: BrokerConfig
    models: ModelsConfig = ModelsConfig()
    gate: GateConfig = GateConfig()
    detector: DetectorConfig = DetectorConfig()
    recognizer: RecognizerConfig = RecognizerConfig()
    tracker: TrackerConfig = TrackerConfig()
    hotlist: HotListConfig = HotListConfig()
    position: PositionConfig = PositionConfig()
    outbox: OutboxConfig = OutboxConfig()
    images: ImagesConfig = ImagesConfig()
    metrics: MetricsConfig = MetricsConfig()


class StoreConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the agency keeps reads.

    ``sqlite``: in files beside ``path``, for a town.  ``postgres``: in the PostgreSQL (15 or newer) that ``dsn`` names, as
    libpq writes it; its password stands in the file ``password`` or where libpq looks by itself (PGPASSFILE), never in ``dsn``.
    A server on another machine is spoken to over checked TLS only.  The program refuses a server whose ``fsync``,
    ``full_page_writes`` or ``synchronous_commit`` is off: it would lose reads that units were told to forget.
    """

    kind: Literal["sqlite", "postgres"] = "sqlite"
    path: Path | None = None
    dsn: str | None = None
    password: Path | None = None


class IngestConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The agency end.  ``devices`` is the folder of enrolled devices' public keys, one ``<device>.pem`` each; ``data`` the
    folder for what it notes beside the reads (refused messages and the like), the store's own unless told.  ``workers`` above 1
    are processes that verify, open and store side by side, each the devices of its buckets, behind one connection."""

    agency: str
    devices: Path
    seal_key: Path
    receipt_key: Path
    data: Path | None = None
    batch: int = 256
    batch_wait_s: float = 0.1
    workers: int = 1


class AgencyConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything the agency end is told."""

    ingest: IngestConfig
    broker: BrokerConfig
    store: StoreConfig


_C = TypeVar("_C", DeviceConfig, AgencyConfig)


def load_device(path: Path) -> DeviceConfig:
    """Read a unit's configuration.  Raises ConfigError naming the file, the key and the cure."""
    config = _load(path, DeviceConfig)
    for name in (config.unit.device, config.unit.agency, *(camera.name for camera in config.cameras)):
        _check_name(path, name)
    if not config.cameras:
        raise ConfigError(f"read configuration {path}: no camera is configured; add a [[cameras]] table")
    names = [camera.name for camera in config.cameras]
    if len(set(names)) != len(names):
        raise ConfigError(f"read configuration {path}: two cameras have the same name; names must differ")
    _check_ranges(path, config)
    _check_policy(path, config.policy)
    return _from_folder(config, path.parent.absolute())


def load_agency(path: Path) -> AgencyConfig:
    """Read an agency end's configuration.  Raises ConfigError naming the file, the key and the cure."""
    config = _load(path, AgencyConfig)
    _check_name(path, config.ingest.agency)
    _refuse_wrong(
        path,
        [
            *_broker_ranges(config.broker),
            ("ingest.batch", config.ingest.batch >= 1, "at least 1"),
            ("ingest.batch_wait_s", 0 <= config.ingest.batch_wait_s <= 60, "between 0 and 60"),
            ("ingest.workers", 1 <= config.ingest.workers <= 64, "between 1 and 64"),
        ],
    )
    _check_store(path, config)
    return config


def _load(path: Path, kind: type[_C]) -> _C:
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"read configuration {path}: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"read configuration {path}: it is not UTF-8 text") from error
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"read configuration {path}: not valid TOML: {error}") from error
    _refuse_unknown(path, raw, kind, "")

    def decode(wanted: type, value: object) -> object:
        if wanted is Path and isinstance(value, str):
            return Path(os.path.normpath(path.parent.absolute() / value))
        raise NotImplementedError(f"cannot read {wanted}")

    try:
        return msgspec.convert(raw, kind, dec_hook=decode)
    except msgspec.ValidationError as error:
        raise ConfigError(f"read configuration {path}: {error}") from error


def _refuse_unknown(path: Path, raw: object, kind: object, where: str) -> None:
    """msgspec names the unknown key; this also names the nearest known one and the table it stands in."""
    if not (isinstance(raw, dict) and isinstance(kind, type) and issubclass(kind, Struct)):
        return
    fields = {field.name: field.type for field in msgspec.structs.fields(kind)}
    for key, value in raw.items():
        if key not in fields:
            near = difflib.get_close_matches(key, fields, n=1, cutoff=0.5)
            hint = f"did you mean `{near[0]}`?" if near else f"known keys: {', '.join(sorted(fields))}"
            raise ConfigError(f"read configuration {path}: unknown key `{where}{key}`; {hint}")
        inner = fields[key]
        if isinstance(value, list):
            arguments = getattr(inner, "__args__", ())
            for item in value:
                _refuse_unknown(path, item, arguments[0] if arguments else None, f"{where}{key}.")
        else:
            _refuse_unknown(path, value, inner, f"{where}{key}.")


def _from_folder(config: DeviceConfig, folder: Path) -> DeviceConfig:
    """Sources and packs are words or paths; those that are relative paths count from the file's folder, like all others."""
    cameras = tuple(
        camera if "://" in camera.source else msgspec.structs.replace(camera, source=os.path.normpath(folder / camera.source))
        for camera in config.cameras
    )
    pack = config.policy.pack
    if pack is not None and ("/" in pack or pack.endswith(".toml")):
        pack = os.path.normpath(folder / pack)
    return msgspec.structs.replace(config, cameras=cameras, policy=msgspec.structs.replace(config.policy, pack=pack))


def _check_name(path: Path, name: str) -> None:
    if not _NAME.fullmatch(name):
        raise ConfigError(
            f"read configuration {path}: `{name}` is not a name; use lower-case letters, digits and hyphens, at most 63"
        )


def _check_store(path: Path, config: AgencyConfig) -> None:
    """Each kind of store has keys of its own; a password has no place in a file that people show around."""
    store = config.store
    needed, others = ("path", ("dsn", "password")) if store.kind == "sqlite" else ("dsn", ("path",))
    if getattr(store, needed) is None:
        raise ConfigError(f'read configuration {path}: [store] of kind "{store.kind}" needs `{needed}`')
    for other in others:
        if getattr(store, other) is not None:
            raise ConfigError(f'read configuration {path}: [store] of kind "{store.kind}" has no `{other}`; remove it')
    if store.dsn is not None and _DSN_PASSWORD.search(store.dsn):
        raise ConfigError(
            f"read configuration {path}: `store.dsn` holds a password; put it alone into a file and name that as "
            "`store.password`"
        )
    if store.path is None and config.ingest.data is None:
        raise ConfigError(f"read configuration {path}: `ingest.data` must name a folder, for refused messages and the like")


def _check_policy(path: Path, policy: PolicyConfig) -> None:
    """Rules come from one place: what a bundle says must not be mixed with what lies beside it."""
    plain = [name for name in ("pack", "layers", "agreements", "zones") if getattr(policy, name)]
    signed = [name for name in ("bundle_keys", "threshold") if getattr(policy, name)]
    if plain and signed:
        raise ConfigError(
            f"read configuration {path}: [policy] names both `{plain[0]}` and `{signed[0]}`; the rules come either from plain "
            "files or from signed bundles: remove one of the two"
        )
    if policy.pack is None and not policy.bundle_keys:
        raise ConfigError(f"read configuration {path}: [policy] needs `bundle_keys`, or `pack` to try things out")
    if policy.threshold is not None and policy.threshold < 1:
        raise ConfigError(f"read configuration {path}: `policy.threshold` must be at least 1")


def _check_ranges(path: Path, config: DeviceConfig) -> None:
    """Bounds that a type cannot say."""
    wrong = [
        (
            "detector.threshold",
            config.detector.threshold is None or 0 < config.detector.threshold < 1,
            "between 0 and 1",
        ),
        (
            "detector.pixels",
            config.detector.pixels is None or 100_000 <= config.detector.pixels <= 2_000_000,
            "between 100000 and 2000000",
        ),
        ("gate.look_every_s", 0 <= config.gate.look_every_s <= 1, "between 0 and 1"),
        (
            "gate.look_again_every_s",
            0 <= config.gate.look_again_every_s <= config.gate.look_every_s,
            "between 0 and gate.look_every_s",
        ),
        ("gate.full_look_every_s", 0 < config.gate.full_look_every_s <= 60, "above 0 and at most 60"),
        ("detector.threads", config.detector.threads >= 1, "at least 1"),
        ("detector.providers", bool(config.detector.providers), 'at least one, such as ["cpu"]'),
        ("recognizer.providers", bool(config.recognizer.providers), 'at least one, such as ["cpu"]'),
        ("recognizer.threads", config.recognizer.threads >= 1, "at least 1"),
        ("tracker.max_gap_s", config.tracker.max_gap_s > 0, "above 0"),
        ("tracker.min_detections", config.tracker.min_detections >= 1, "at least 1"),
        ("tracker.settled_confidence", 0 < config.tracker.settled_confidence <= 1, "between 0 and 1"),
        ("outbox.budget_bytes", config.outbox.budget_bytes >= 1 << 20, "at least 1048576"),
        ("images.keep_days", 0 < config.images.keep_days <= 3660, "above 0 and at most 3660"),
        (
            "images.budget_bytes",
            config.images.budget_bytes is None or 0 <= config.images.budget_bytes <= config.outbox.budget_bytes,
            "at most `outbox.budget_bytes`, of which it is a part",
        ),
        ("tracker.enough_readings", config.tracker.enough_readings >= 1, "at least 1"),
        ("outbox.reserve_bytes", config.outbox.reserve_bytes >= 0, "at least 0"),
        ("metrics.port", config.metrics.port is None or 0 < config.metrics.port < 65536, "between 1 and 65535"),
        *_broker_ranges(config.broker),
    ]
    for camera in config.cameras:
        wrong.append((f"cameras.{camera.name}.open_timeout_s", camera.open_timeout_s > 0, "above 0"))
        wrong.append((f"cameras.{camera.name}.read_timeout_s", camera.read_timeout_s > 0, "above 0"))
        if "://" in camera.source and "@" in camera.source:
            raise ConfigError(
                f"read configuration {path}: camera `{camera.name}`: its address holds a password; put `user:password` into "
                "a file and name it as `credentials`"
            )
    _refuse_wrong(path, wrong)


def _broker_ranges(broker: BrokerConfig) -> list[tuple[str, bool, str]]:
    """MQTT 5 holds the keep-alive in 16 bits (section 3.1.2.10); 0 would switch it off, and a dead line go unnoticed."""
    return [
        ("broker.port", 0 < broker.port < 65536, "between 1 and 65535"),
        ("broker.keepalive_s", 0 < broker.keepalive_s < 65536, "between 1 and 65535"),
        ("broker.in_flight", 0 < broker.in_flight < 65536, "between 1 and 65535"),
        ("broker.backoff_max_s", 0 < broker.backoff_max_s <= 3600, "above 0 and at most 3600"),
    ]


def _refuse_wrong(path: Path, checks: Iterable[tuple[str, bool, str]]) -> None:
    for key, holds, cure in checks:
        if not holds:
            raise ConfigError(f"read configuration {path}: `{key}` must be {cure}")
