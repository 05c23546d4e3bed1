"""Configuration → objects: the only file that names concrete classes.

Parts that load a library of tens of megabytes are imported where they are made: the agency end needs none of them.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeVar

from edge import __version__, memory
from edge.camera.interface import Camera
from edge.camera_setup import Verified, load_record
from edge.clock import Clock
from edge.config import (
    BUNDLE_THRESHOLD,
    AgencyConfig,
    CameraConfig,
    DetectorConfig,
    DeviceConfig,
    GateConfig,
    PolicyConfig,
    RecognizerConfig,
    StoreConfig,
    TrackerConfig,
)
from edge.detector.interface import Detector
from edge.drift import Drift, NoDrift
from edge.envelope.enrolled import EnrolledDevices
from edge.envelope.keyring import PublicKey, load_private_key, load_private_keys, load_public_key, load_public_keys
from edge.envelope.notice import NoticeSigner
from edge.envelope.open import HpkeOpener, verify
from edge.envelope.picture import HpkePictureOpener, PartSigner
from edge.envelope.receipt import ReceiptSigner, ReceiptVerifier
from edge.envelope.renewed import Renewed, RenewedNotices, RenewedOpener, RenewedReceipts, RenewedSealer
from edge.envelope.renewed_pictures import RenewedParts, RenewedPictureOpener, RenewedRequests
from edge.envelope.request import RequestSigner, RequestVerifier
from edge.envelope.seal import HpkeSealer
from edge.envelope.signature import sign
from edge.errors import ConfigError, OutboxError
from edge.exit import Exit
from edge.expiry import Expiry
from edge.gate.interface import Gate
from edge.hotlist.files import stamp_path
from edge.hotlist.load import load_hotlist
from edge.ingest.interface import Mailbox
from edge.ingest.mqtt import MqttMailbox
from edge.ingest.pictures import PictureDesk
from edge.ingest.quarantine import QuarantineFile
from edge.ingest.witness import WitnessFile
from edge.ingest.worker import Worker
from edge.journal import Journal
from edge.labeler.capture import CaptureStamp
from edge.lane import LaneDetector
from edge.ledger import Ledger
from edge.outbox.interface import Bury
from edge.outbox.sqlite import SqliteOutbox
from edge.policy.bundle import ListDigest, Trust
from edge.policy.installed import PolicyFolder
from edge.policy.load import load_pack
from edge.policy.pack import Pack
from edge.policy.zones import Zone, load_zones, undrawn
from edge.policy_source import FixedPolicy, InstalledPolicy
from edge.position import make_position
from edge.publisher.anchors import Anchors
from edge.publisher.drain import Drain
from edge.publisher.mqtt import MqttPublisher
from edge.publisher.pictures import Pictures
from edge.rules import Policy, PolicySource
from edge.store.book import DOMAIN as BOOK_DOMAIN
from edge.store.book import BookKeeper
from edge.store.interface import RetentionStore
from edge.store.sqlite import SqliteStore
from edge.tracker.association import PlateTracker
from edge.window import NoWindow, SocketWindow, Window

if TYPE_CHECKING:
    from edge.detector.onnx import OnnxDetector
    from edge.ingest.switch import Switch
    from edge.providers import Ran
    from edge.recognizer.fast_plate_ocr import FastPlateOcr
    from edge.unit import Unit

OUTBOX_FILE = "outbox.sqlite"
ANCHORS_FILE = "anchors"
LEDGER_FILE = "counters.sqlite"
POLICY_FOLDER = "policy"
WITNESS_FILE = "chains.sqlite"
_Part = TypeVar("_Part")


class Observe(Protocol):
    """Is shown each part of a unit by the name of its stage and says what takes its place: the part itself, or something that
    watches it at work."""

    def __call__(self, stage: str, part: _Part) -> _Part:
        """What stands in the unit for ``part``."""
        ...


def unobserved(stage: str, part: _Part) -> _Part:
    """The part itself."""
    return part


def detector(folder: Path, config: DetectorConfig) -> OnnxDetector:
    """The detector that ``config`` names.  Raises ModelError."""
    from edge.detector.onnx import OnnxDetector
    from edge.model_files import default_models, find_model

    name = config.model or default_models(folder).detector
    return OnnxDetector(find_model(folder, name, ("plate-edge-detector/1", "yolov9-end2end")), config)


def recognizer(folder: Path, config: RecognizerConfig) -> FastPlateOcr:
    """The plate reader that ``config`` names.  Raises ModelError."""
    from edge.model_files import default_models, find_model
    from edge.recognizer.fast_plate_ocr import FastPlateOcr

    name = config.model or default_models(folder).recognizer
    return FastPlateOcr(find_model(folder, name, ("fast-plate-ocr",)), config)


def one_thread_for_pictures() -> None:
    """OpenCV's own threads cost more than they bring: 7 % of a line's CPU time went into waking them for small pictures, and
    several cameras keep the cores busy without them."""
    import cv2

    cv2.setNumThreads(1)


def tell_where(stage: str, ran: Ran, journal: Journal) -> None:
    """Say where a network runs, and what could not be had."""
    for provider, why in ran.passed_over.items():
        journal.warning("provider cannot be had", stage=stage, provider=provider, why=why)
    journal.info("network runs", stage=stage, provider=ran.provider)


def camera(config: CameraConfig, clock: Clock, journal: Journal) -> Camera:
    """The source that ``config`` names.  Raises CameraError if there is no such thing."""
    from edge.camera.open import make_camera

    return make_camera(config, clock, lambda words: journal.warning("camera says", camera=config.name, words=words))


def tracker(name: str, config: TrackerConfig) -> PlateTracker:
    """A tracker for the camera ``name``."""
    return PlateTracker(name, config)


def gate(config: GateConfig) -> Gate:
    """What decides which frames of one camera the detector looks at."""
    from edge.gate.change import ChangeGate
    from edge.gate.open import OpenGate

    return ChangeGate(config) if config.look_every_s or config.changes_only else OpenGate()


def policy(config: DeviceConfig, clock: Clock, journal: Journal) -> PolicySource:
    """Where the unit's rules come from.  Raises PolicyError or ConfigError if there are none that may be obeyed, StartAgain if
    they may be by a process that overwrites freed memory."""

    def obeyed(pack: Pack, zones: tuple[Zone, ...], vouched: tuple[ListDigest, ...] | None) -> Policy:
        """With the hot lists; what the pack does not admit is dropped here, before anything is matched."""
        if pack.forget_within is not None:
            memory.check_forgets()
        missing = undrawn(pack.categories, zones)
        if missing:
            journal.warning("the pack forbids capture at places of which none is drawn", categories=", ".join(missing))
        now = clock.now()
        if not pack.in_force(now.utc):
            journal.error("pack is not in force: nothing is captured", pack=pack.identity.id, version=pack.identity.version)
        hotlist = load_hotlist(config.hotlist, pack, now, vouched)
        journal.info("hot lists loaded", admitted=hotlist.admitted)
        hotlist.tell_stale(now, journal)
        for rule, number in hotlist.refused.items():
            journal.count("hotlist_entries_refused", rule, number)
            journal.info("hot-list entries refused before matching", rule=rule, entries=number)
        return Policy(pack=pack, unit=config.unit.kind, zones=zones, hotlist=hotlist)

    if config.policy.bundle_keys:
        return InstalledPolicy(
            policy_folder(config),
            lambda rules: obeyed(rules.pack, rules.zones, rules.manifest.lists),
            [file for path in config.hotlist.files for file in (path, stamp_path(path))],
            clock,
            journal,
        )
    zones = load_zones(config.policy.zones) if config.policy.zones else ()
    return FixedPolicy(obeyed(plain_pack(config.policy), zones, None))


def plain_pack(config: PolicyConfig) -> Pack:
    """The pack in the files that ``config`` names.  Raises PolicyError, or ConfigError if it names none."""
    if config.pack is None:
        raise ConfigError("load pack: none is configured; the unit takes signed bundles only")
    return load_pack(config.pack, *config.layers, agreements=config.agreements)


def policy_folder(config: DeviceConfig) -> PolicyFolder:
    """The unit's folder of signed bundles, and whom it believes.  Raises ConfigError."""
    keys = {key.public_numbers(): key for path in config.policy.bundle_keys for key in load_public_keys(path)}
    if not keys:
        raise ConfigError("open folder of policy bundles: no key is trusted; name some as `policy.bundle_keys`")
    threshold = config.policy.threshold or BUNDLE_THRESHOLD
    if threshold > len(keys):
        raise ConfigError(
            f"open folder of policy bundles: {threshold} people must sign one, but `policy.bundle_keys` holds {len(keys)} "
            "different keys; add keys, or lower `policy.threshold`"
        )
    trust = Trust(keys=tuple(keys.values()), threshold=threshold, device=config.unit.device)
    return PolicyFolder(config.unit.data / POLICY_FOLDER, trust)


def unit(config: DeviceConfig, clock: Clock, journal: Journal, observe: Observe = unobserved) -> Unit:
    """Everything on a unit, checked and ready to run; ``observe`` is for measuring.

    Raises ConfigError, CameraError, ModelError, PolicyError or OutboxError, each saying what is wrong; a broker that is
    away is no error here."""
    from edge.model_files import bundled_folder
    from edge.pipeline import Line
    from edge.unit import Unit

    folder = config.models.folder or bundled_folder()
    memory.few_heaps()
    one_thread_for_pictures()
    finder, reader = detector(folder, config.detector), recognizer(folder, config.recognizer)
    tell_where("detector", finder.ran, journal)
    tell_where("recognizer", reader.ran, journal)
    found, ocr = observe("detector", finder), observe("recognizer", reader)
    rules = policy(config, clock, journal)
    position = make_position(config.position)
    cameras = [(each, observe("camera", camera(each, clock, journal))) for each in config.cameras]
    sealer = observe("envelope", unit_sealer(config, journal))
    receipts = unit_receipts(config, journal)
    publisher = observe("publisher", MqttPublisher(config.broker, device=config.unit.device, agency=config.unit.agency))
    notices = unit_notices(config, clock, journal)
    kept = observe("outbox", outbox(config, clock, notices.bury, journal))
    book = Ledger(config.unit.data / LEDGER_FILE, clock)
    backlog = kept.backlog()
    missed = book.reconcile(backlog.epoch, backlog.committed)
    if missed:
        journal.warning("reads of the last run were counted late: it did not end by itself", reads=missed)
    journal.keep_in(book)
    door = observe("exit", Exit(sealer, kept, clock, journal))
    look = window(config, journal)
    records = {each.name: calibration(config, each) for each in config.cameras}
    lines = [
        Line(
            camera=source,
            position=position,
            gate=observe("gate", gate(config.gate)),
            detector=in_lane(found, records[each.name], journal),
            tracker=observe("tracker", tracker(each.name, config.tracker)),
            recognizer=ocr,
            policy=rules,
            stamp=observe(
                "labeler",
                CaptureStamp(
                    device=config.unit.device,
                    agency=config.unit.agency,
                    camera=each.name,
                    detector_sha256=found.sha256,
                    recognizer_sha256=ocr.sha256,
                    calibration_id=record.id if (record := records[each.name]) else None,
                    software=f"plate-edge {__version__}",
                ),
            ),
            exit=door,
            journal=journal,
            window=look,
            drift=drift(config, each, records[each.name], journal),
        )
        for each, source in cameras
    ]
    anchors = Anchors(config.unit.data / ANCHORS_FILE, clock.now, notices.anchor)
    pictures = unit_pictures(config, kept, journal)
    drain = Drain(kept, publisher, receipts, journal, notices=notices, anchors=anchors, pictures=pictures)
    return Unit(lines, door, kept, drain, journal, look)


def calibration(config: DeviceConfig, camera: CameraConfig) -> Verified | None:
    """The camera's calibration record, its signature verified; None where none is named.  Raises ConfigError."""
    if camera.calibration is None:
        return None
    record = load_record(camera.calibration, _own_public_keys(config))
    if (record.head.device, record.head.camera) != (config.unit.device, camera.name):
        raise ConfigError(
            f"read calibration record {camera.calibration}: it is of camera `{record.head.camera}` of `{record.head.device}`, "
            f"not of `{camera.name}` of `{config.unit.device}`; calibrate this one, or name its own file"
        )
    return record


def in_lane(found: Detector, record: Verified | None, journal: Journal) -> Detector:
    """The detector, kept to the lane of a calibrated camera."""
    return found if record is None else LaneDetector(found, record.head.setup, journal)


def drift(config: DeviceConfig, camera: CameraConfig, record: Verified | None, journal: Journal) -> Drift:
    """What notices that a calibrated camera has moved or its lens is dirty."""
    if record is None:
        return NoDrift()
    from edge.drift_watch import DriftWatch

    memory = config.unit.data / f"drift-{camera.name}.json"
    return DriftWatch(camera.name, record.id, record.head.setup, memory, journal)


def window(config: DeviceConfig, journal: Journal) -> Window:
    """What lets the calibration page look on; a unit that cannot have one reads plates all the same."""
    if not config.unit.window:
        return NoWindow()
    try:
        return SocketWindow(config.unit.data, [each.name for each in config.cameras], journal)
    except OSError as error:
        journal.warning("nobody can look on: the window could not be made", reason=error.strerror)
        return NoWindow()


def unit_sealer(config: DeviceConfig, journal: Journal) -> RenewedSealer:
    """Seals and signs with the keys that lie in their files now.  Raises ConfigError."""
    unit, keys = config.unit, config.keys

    def make() -> HpkeSealer:
        return HpkeSealer(
            device=unit.device,
            agency=unit.agency,
            sign_key=load_private_key(keys.sign_key),
            agency_seal=load_public_key(keys.agency_seal),
        )

    return RenewedSealer(Renewed(make, (keys.sign_key, keys.agency_seal), _tell(journal)))


def unit_notices(config: DeviceConfig, clock: Clock, journal: Journal) -> RenewedNotices:
    """Signs the unit's word about its chain, with the key that lies in its file now.  Raises ConfigError."""
    unit, own = config.unit, config.keys.sign_key

    def make() -> NoticeSigner:
        return NoticeSigner(
            device=unit.device,
            agency=unit.agency,
            sign_key=load_private_key(own),
            now=clock.now,
            former=_own_public_keys(config),
        )

    return RenewedNotices(Renewed(make, (own, own.with_suffix(".pem")), _tell(journal)))


def unit_receipts(config: DeviceConfig, journal: Journal) -> RenewedReceipts:
    """Believes receipts of the agency's keys that lie in their file now.  Raises ConfigError."""
    unit, path = config.unit, config.keys.agency_receipt

    def make() -> ReceiptVerifier:
        return ReceiptVerifier(agency=unit.agency, device=unit.device, keys=load_public_keys(path))

    return RenewedReceipts(Renewed(make, (path,), _tell(journal)))


def unit_pictures(config: DeviceConfig, kept: SqliteOutbox, journal: Journal) -> Pictures:
    """Sends the outbox's pictures, signed with the key that lies in its file now.  Raises ConfigError."""
    unit, own, path = config.unit, config.keys.sign_key, config.keys.agency_receipt

    def signer() -> PartSigner:
        return PartSigner(device=unit.device, agency=unit.agency, sign_key=load_private_key(own))

    def verifier() -> RequestVerifier:
        return RequestVerifier(agency=unit.agency, device=unit.device, keys=load_public_keys(path))

    return Pictures(
        kept.pictures,
        RenewedParts(Renewed(signer, (own,), _tell(journal))),
        RenewedRequests(Renewed(verifier, (path,), _tell(journal))),
        journal,
        epoch=kept.head().epoch,
        send=config.images.send,
    )


def _own_public_keys(config: DeviceConfig) -> list[PublicKey]:
    """What this unit signed with, now and before: `plate-edge keys` keeps the public halves beside the key."""
    key, beside = config.keys.sign_key, config.keys.sign_key.with_suffix(".pem")
    return [load_private_key(key).public_key(), *(load_public_keys(beside) if beside.exists() else ())]


def _tell(journal: Journal) -> Callable[[str], None]:
    return lambda words: journal.error("changed keys could not be taken up; the former ones are used", why=words)


def outbox(config: DeviceConfig, clock: Clock, bury: Bury, journal: Journal) -> SqliteOutbox:
    """The unit's outbox, made if there is none; ``bury`` signs what it drops.

    Raises OutboxError if it cannot be had as durable as it must be."""
    try:
        config.unit.data.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutboxError(f"make data folder {config.unit.data}: {error.strerror}") from error
    kept = SqliteOutbox(
        outbox_path(config),
        clock=clock,
        budget_bytes=config.outbox.budget_bytes,
        reserve_bytes=config.outbox.reserve_bytes,
        bury=bury,
        pictures_bytes=config.images.budget_bytes,
        pictures_for=timedelta(days=config.images.keep_days),
    )
    if kept.damaged is not None:
        journal.count("alarms", "outbox-damaged")
        journal.error("outbox was damaged: it was set aside and a new epoch begun", aside=str(kept.damaged))
    head = kept.head()
    if head.began == "missing" and head.seq == 0:
        journal.count("alarms", "outbox-missing")
        journal.error("outbox was gone: a new one was begun; what waited in it is lost", before=head.before[0])
    return kept


def outbox_path(config: DeviceConfig) -> Path:
    """Where the unit's outbox lies."""
    return config.unit.data / OUTBOX_FILE


def open_store(config: StoreConfig) -> RetentionStore:
    """The agency's store.  Raises StoreError, or ConfigError if a part of this program is not installed."""
    if config.dsn is not None:
        try:
            from edge.store.postgres import PostgresStore
        except ImportError as error:
            raise ConfigError(f"open store: {error}; install it: pip install 'plate-edge[postgres]'") from error
        return PostgresStore(config.dsn, config.password)
    if config.path is None:
        raise ConfigError("open store: neither `store.path` nor `store.dsn` is configured")
    return SqliteStore(config.path)


def book_keeper(config: AgencyConfig) -> BookKeeper:
    """Signs the agency's book of holds and deletions, with the key of its receipts.  Raises ConfigError."""
    key = load_private_key(config.ingest.receipt_key)
    return BookKeeper(config.ingest.agency, lambda body: sign(key, BOOK_DOMAIN, body))


def expiry(config: AgencyConfig, clock: Clock, journal: Journal) -> Expiry:
    """What deletes expired reads while the agency end runs.  Raises ConfigError."""
    return Expiry(lambda: open_store(config.store), book_keeper(config), clock, journal)


def agency_data(config: AgencyConfig) -> Path:
    """The folder for what the agency end notes beside the reads.  Raises ConfigError."""
    if config.ingest.data is not None:
        return config.ingest.data
    if config.store.path is None:
        raise ConfigError("open the agency end: `ingest.data` names no folder for what it notes beside the reads")
    return config.store.path.parent


def witness_path(config: AgencyConfig) -> Path:
    """Where the agency keeps what it knows of its units' chains."""
    return agency_data(config) / WITNESS_FILE


def signature_check(config: DeviceConfig) -> Callable[[bytes], None]:
    """A check that raises EnvelopeError unless this unit signed the envelope that it is given."""
    keys = _own_public_keys(config)

    def check(wire: bytes) -> None:
        verify(config.unit.device, wire, keys)

    return check


def ingest(config: AgencyConfig, journal: Journal) -> Worker | Switch:
    """The agency end; several workers are processes that begin now, so no thread may have begun before.

    Raises ConfigError or StoreError; a broker that is away is no error here."""
    mailbox = MqttMailbox(config.broker, agency=config.ingest.agency)
    if config.ingest.workers == 1:
        return _worker(config, mailbox, journal)
    from edge.ingest.switch import Switch

    return Switch(mailbox, lambda own: _worker(config, own, journal), config.ingest.workers, journal)


def agency_opener(config: AgencyConfig, journal: Journal) -> RenewedOpener:
    """Opens with the keys that lie in their files now.  Raises ConfigError."""
    agency, path = config.ingest.agency, config.ingest.seal_key
    devices = EnrolledDevices(config.ingest.devices)

    def make() -> HpkeOpener:
        return HpkeOpener(agency=agency, device_keys=devices, seal_keys=load_private_keys(path))

    return RenewedOpener(Renewed(make, (path,), _tell(journal)))


def agency_picture_opener(config: AgencyConfig, journal: Journal) -> RenewedPictureOpener:
    """Opens pictures with the keys that lie in their files now.  Raises ConfigError."""
    agency, path = config.ingest.agency, config.ingest.seal_key
    devices = EnrolledDevices(config.ingest.devices)

    def make() -> HpkePictureOpener:
        return HpkePictureOpener(agency=agency, device_keys=devices, seal_keys=load_private_keys(path))

    return RenewedPictureOpener(Renewed(make, (path,), _tell(journal)))


def _worker(config: AgencyConfig, mailbox: Mailbox, journal: Journal) -> Worker:
    store = open_store(config.store)
    receipt_key = load_private_key(config.ingest.receipt_key)
    desk = PictureDesk(
        agency_picture_opener(config, journal), store, RequestSigner(receipt_key), journal, agency=config.ingest.agency
    )
    return Worker(
        mailbox,
        agency_opener(config, journal),
        store,
        ReceiptSigner(receipt_key),
        QuarantineFile(agency_data(config) / "quarantine.jsonl"),
        WitnessFile(witness_path(config)),
        journal,
        agency=config.ingest.agency,
        batch=config.ingest.batch,
        batch_wait_s=config.ingest.batch_wait_s,
        desk=desk,
    )
