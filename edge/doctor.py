"""``plate-edge doctor``: everything that can be wrong on a unit, one line each, with the cure."""

from __future__ import annotations

import contextlib
import functools
import importlib.metadata
import os
import shutil
import socket
import ssl
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Literal

from cryptography import x509
from cryptography.x509.oid import NameOID
from msgspec import Struct

from edge import build
from edge.camera.source import source_kind
from edge.clock import Clock, time_quality
from edge.config import BrokerConfig, CameraConfig, DeviceConfig, HotListConfig, load_device
from edge.envelope.keyring import load_private_key, load_public_key, load_public_keys
from edge.errors import PlateEdgeError
from edge.hotlist.load import load_hotlist
from edge.journal import Journal
from edge.model_files import bundled_folder
from edge.outbox import inspect as outbox_inspect
from edge.policy.bundle import ListDigest, Manifest
from edge.policy.pack import Pack
from edge.policy.zones import Zone, load_zones, undrawn
from edge.position import make_position

#: A certificate or a policy bundle that ends within this time is worth a visit now.
RENEW_WITHIN = timedelta(days=30)
CONNECT_TIMEOUT_S = 5.0


class Check(Struct, frozen=True, kw_only=True):
    """One thing that was looked at: ``fault`` keeps the unit from working, ``warning`` does not yet."""

    what: str
    state: Literal["ok", "warning", "fault"]
    words: str


def examine(path: Path) -> Iterator[Check]:
    """Every check of the unit that ``path`` configures, each as soon as it is done; nothing is changed."""
    try:
        config = load_device(path)
    except PlateEdgeError as error:
        yield Check(what="configuration", state="fault", words=str(error))
        return
    yield Check(what="configuration", state="ok", words=f"{config.unit.device} of {config.unit.agency}")
    folder = config.models.folder or bundled_folder()
    yield _opencv()
    yield _tried("detector", lambda: f"loads, {_provider(folder, config)}")
    yield _tried("recognizer", lambda: f"loads, names {len(build.recognizer(folder, config.recognizer).regions)} regions")
    yield from _rules(config)
    yield _tried("signing key", lambda: _loaded(load_private_key(config.keys.sign_key)))
    yield _tried("agency's sealing key", lambda: _loaded(load_public_key(config.keys.agency_seal)))
    yield _tried("agency's receipt keys", lambda: f"{len(load_public_keys(config.keys.agency_receipt))} known")
    yield _certificate(config)
    for camera in config.cameras:
        yield _tried(f"camera {camera.name}", functools.partial(_camera, camera))
        if camera.calibration is not None:
            yield _tried(f"calibration {camera.name}", functools.partial(_calibration, config, camera))
    yield _disk(config)
    yield _outbox(config)
    yield _clock()
    yield _broker(config.broker)


def _tried(what: str, check: Callable[[], str]) -> Check:
    try:
        return Check(what=what, state="ok", words=check())
    except PlateEdgeError as error:
        return Check(what=what, state="fault", words=str(error))


def _loaded(_: object) -> str:
    return "loads"


def _calibration(config: DeviceConfig, camera: CameraConfig) -> str:
    record = build.calibration(config, camera)
    if record is None:
        return "none is named"
    setup = record.head.setup
    lane = "a lane" if setup.lane else "no lane"
    return f"record {record.id} of {record.head.made:%Y-%m-%d}, signature holds; {lane}, {len(setup.masks)} masks"


def _camera(config: CameraConfig) -> str:
    build.camera(config, Clock(), Journal())
    if source_kind(config.source) == "stream":
        return "its address is well formed; whether it answers shows when the unit runs"
    return "is there"


def _provider(folder: Path, config: DeviceConfig) -> str:
    found = build.detector(folder, config.detector)
    width, height = found.input_size
    return f"input {width}x{height}, runs on {found.provider}"


def _opencv() -> Check:
    installed = []
    for name in ("opencv-python", "opencv-contrib-python", "opencv-python-headless", "opencv-contrib-python-headless"):
        try:
            installed.append(f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            continue
    words = ", ".join(installed)
    if len(installed) > 1:
        words += ": two of them break each other; uninstall all and install opencv-python-headless alone"
    return Check(what="OpenCV", state="ok" if len(installed) == 1 else "fault", words=words or "not installed")


def _rules(config: DeviceConfig) -> Iterator[Check]:
    now = Clock().now().utc
    vouched: tuple[ListDigest, ...] | None = None
    zones: tuple[Zone, ...] | None = ()
    try:
        if config.policy.bundle_keys:
            folder = build.policy_folder(config)
            look = folder.look(now)
            for refusal in look.refusals:
                yield Check(what="policy bundle", state="warning", words=f"{refusal.file} was refused: {refusal.why}")
            if look.rules is None:
                raise folder.nothing(look)
            yield _bundle(look.rules.manifest, folder.latest(now))
            pack, zones, vouched = look.rules.pack, look.rules.zones, look.rules.manifest.lists
        else:
            pack = build.plain_pack(config.policy)
    except PlateEdgeError as error:
        yield Check(what="pack", state="fault", words=str(error))
        return
    if not config.policy.bundle_keys and config.policy.zones is not None:
        try:
            zones = load_zones(config.policy.zones)
        except PlateEdgeError as error:
            zones = None
            yield Check(what="no-capture zones", state="fault", words=str(error))
    words = ", ".join(f"{layer.says.identity.id} {layer.says.identity.version}" for layer in pack.layers)
    if pack.in_force(now):
        yield Check(what="pack", state="ok", words=f"{words}, in force")
    else:
        yield Check(what="pack", state="fault", words=f"{words} is not in force at {now:%Y-%m-%d}: nothing is captured")
    if zones is not None:
        yield _no_capture_zones(pack, zones)
    yield _tried("position", lambda: type(make_position(config.position)).__name__)
    yield _hot_lists(config.hotlist, pack, vouched)


def _no_capture_zones(pack: Pack, zones: tuple[Zone, ...]) -> Check:
    missing = undrawn(pack.categories, zones)
    words = f"{len(zones)} drawn"
    if missing:
        words += f"; the pack forbids capture at {', '.join(missing)} places, none of which is drawn: draw them"
    return Check(what="no-capture zones", state="warning" if missing else "ok", words=words)


def _bundle(says: Manifest, at: datetime) -> Check:
    words = f"counter {says.counter}, issued {says.issued:%Y-%m-%d}, expires {says.expires:%Y-%m-%d %H:%M} UTC"
    if says.expired(at):
        return Check(what="policy bundle", state="fault", words=f"{words}: it has expired and nothing is captured")
    if says.expires - at < RENEW_WITHIN:
        return Check(what="policy bundle", state="warning", words=f"{words}: issue its successor")
    return Check(what="policy bundle", state="ok", words=words)


def _hot_lists(config: HotListConfig, pack: Pack, vouched: tuple[ListDigest, ...] | None) -> Check:
    """A stale list is a warning: the unit works on and only raises no hit of it."""
    now = Clock().now()
    try:
        lists = load_hotlist(config, pack, now, vouched)
    except PlateEdgeError as error:
        return Check(what="hot lists", state="fault", words=str(error))
    refused = ", ".join(f"{number} by {rule}" for rule, number in lists.refused.items()) or "none"
    stale = "".join(f"; {each.list.name} raises no hit: {each.why} [{each.rule.id}]" for each in lists.stale(now))
    words = f"{lists.admitted} entries admitted, refused before matching: {refused}{stale}"
    return Check(what="hot lists", state="warning" if stale else "ok", words=words)


def _certificate(config: DeviceConfig) -> Check:
    path = config.broker.certificate
    try:
        certificate = x509.load_pem_x509_certificate(path.read_bytes())
    except (OSError, ValueError) as error:
        return Check(what="certificate", state="fault", words=f"read {path}: {error}; make it with `plate-edge keys device`")
    names = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    if [name.value for name in names] != [config.unit.device]:
        words = f"{path} names another device than `{config.unit.device}`; the broker would refuse its reads"
        return Check(what="certificate", state="fault", words=words)
    ends = certificate.not_valid_after_utc
    left = ends - datetime.now(timezone.utc)
    if left < timedelta(0):
        return Check(what="certificate", state="fault", words=f"ended on {ends:%Y-%m-%d}; make a new one")
    state: Literal["ok", "warning"] = "warning" if left < RENEW_WITHIN else "ok"
    return Check(what="certificate", state=state, words=f"good until {ends:%Y-%m-%d}")


def _disk(config: DeviceConfig) -> Check:
    folder = config.unit.data
    while not folder.exists():
        folder = folder.parent
    if not folder.is_dir() or not os.access(folder, os.W_OK | os.X_OK):
        words = f"{folder} is no folder that this account may write; name another as `unit.data`, or look at its owner"
        return Check(what="disk", state="fault", words=words)
    free = shutil.disk_usage(folder).free
    wanted = config.outbox.budget_bytes + config.outbox.reserve_bytes
    words = f"{free >> 20} MiB free at {folder}; the outbox may want {wanted >> 20} MiB"
    state: Literal["ok", "warning", "fault"] = "ok" if free >= wanted else "warning"
    return Check(what="disk", state="fault" if free < config.outbox.reserve_bytes else state, words=words)


def _outbox(config: DeviceConfig) -> Check:
    path = build.outbox_path(config)
    if not path.exists():
        return Check(what="outbox", state="ok", words="none yet; it is made at the first start")
    return _tried("outbox", lambda: f"{outbox_inspect.status(path).waiting} reads wait for a receipt")


def _clock() -> Check:
    quality = time_quality()
    if quality.source == "unset":
        return Check(what="clock", state="warning", words="nobody disciplines it; start chrony or systemd-timesyncd")
    return Check(what="clock", state="ok", words=f"disciplined, estimated error {quality.error_ms} ms")


def _broker(broker: BrokerConfig) -> Check:
    """A TLS handshake with the unit's certificate.  Under TLS 1.3 a broker refuses it only after the handshake: one read."""
    where = f"{broker.host}:{broker.port}"
    try:
        context = ssl.create_default_context(cafile=str(broker.ca))
        context.load_cert_chain(broker.certificate, broker.key)
    except (OSError, ValueError) as error:
        words = f"read {broker.ca}, {broker.certificate} and {broker.key}: {error}; do they belong together?"
        return Check(what="broker", state="fault", words=words)
    try:
        with (
            socket.create_connection((broker.host, broker.port), CONNECT_TIMEOUT_S) as plain,
            context.wrap_socket(plain, server_hostname=broker.host) as secured,
        ):
            secured.settimeout(0.5)
            with contextlib.suppress(TimeoutError):
                secured.recv(1)
            return Check(what="broker", state="ok", words=f"{where} answers, {secured.version()}")
    except OSError as error:
        return Check(what="broker", state="warning", words=f"{where}: {error}; reads are kept until it answers")
