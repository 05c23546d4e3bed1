"""Pictures in the real line: the bundled clip, the bundled models, a pack that permits them, and no network at all."""

from __future__ import annotations

import io
import threading
from contextlib import closing
from pathlib import Path

import cv2
import numpy as np

from edge import build
from edge.clock import Clock
from edge.config import RecognizerConfig, load_device
from edge.demo import run as demo
from edge.envelope.enrolled import EnrolledDevices
from edge.envelope.interface import Opened
from edge.envelope.keyring import load_private_keys
from edge.envelope.open import HpkeOpener
from edge.envelope.picture import HpkePictureOpener
from edge.journal import Journal
from edge.model_files import bundled_folder
from edge.outbox.interface import WaitingPicture
from edge.outbox.sqlite import SqliteOutbox
from edge.recognizer.interface import Recognizer
from edge.records import Box, Detection, Frame
from tests.labeled import instant
from tests.policy.situations import pack_text
from tests.policy.test_images import EVERY_FIELD, FIELDS, RULE
from tests.stores import files_with


def test_each_read_that_leaves_takes_its_own_pictures_along_and_a_withheld_one_leaves_none(tmp_path: Path) -> None:
    """The reader reads from nearly every crop what the pass was voted to be; of the read that was withheld there is no picture;
    nothing lies on the unit in clear."""
    demo.make_keys(tmp_path, port=demo.free_port())
    demo.write_configuration(tmp_path, port=demo.free_port())
    rule = RULE.format(permit="crop-and-frame", reads="all")
    (tmp_path / "pictures.toml").write_text(pack_text((FIELDS, EVERY_FIELD), ("[match]\n", rule + "[match]\n")))
    device = tmp_path / "device.toml"
    device.write_text(device.read_text().replace('pack = "us-ct"', 'pack = "pictures.toml"'))
    config, journal = load_device(device), Journal(io.StringIO())
    accounts = build.unit(config, Clock(), journal).run(threading.Event(), drain_s=0)
    assert sum(accounts.reads_withheld.values()) >= 1
    assert accounts.reads_committed >= 14
    has = accounts.backlog.pictures
    assert (has.made, has.waiting) == (2 * accounts.reads_committed, 2 * accounts.reads_committed)
    assert files_with(tmp_path / "unit", b"\xff\xd8\xff\xe0") == []
    same = total = 0
    keys = {
        "agency": config.unit.agency,
        "device_keys": EnrolledDevices(tmp_path / "agency" / "devices"),
        "seal_keys": load_private_keys(tmp_path / "agency" / "seal.key"),
    }
    opener, pictures = HpkeOpener(**keys), HpkePictureOpener(**keys)  # type: ignore[arg-type]
    reader = build.recognizer(bundled_folder(), RecognizerConfig())
    with closing(build.outbox(config, Clock(), lambda dropped, newest: (), journal)) as outbox:
        for envelope in outbox.waiting(0, 1000):
            opened = opener.open(config.unit.device, envelope.wire)
            assert isinstance(opened, Opened)
            read = opened.labeled
            assert [ref.kind for ref in read.pictures] == ["crop", "frame"]
            crop, frame = (pictures.open(_file(outbox, bytes.fromhex(ref.sealed_sha256)), read, ref) for ref in read.pictures)
            assert cv2.imdecode(np.frombuffer(frame, np.uint8), cv2.IMREAD_COLOR).shape == (720, 1280, 3)
            total += 1
            same += _text(reader, crop) == read.read.text
    assert total == accounts.reads_committed
    assert same >= 0.8 * total


def _file(outbox: SqliteOutbox, sha256: bytes) -> bytes:
    file = outbox.pictures.file(WaitingPicture(sha256=sha256, seq=0, kind="crop", hit=False, bytes=0))
    assert file is not None
    return file


def _text(reader: Recognizer, jpeg: bytes) -> str:
    """What the reader makes of a crop: its margin is known, so where the plate lies on it is."""
    image = np.asarray(cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR), np.uint8)
    height, width = image.shape[:2]
    w, h = width / 1.3, height / 1.6
    x, y = 0.15 * w, 0.3 * h
    corners = ((x, y), (x + w, y), (x + w, y + h), (x, y + h))
    plate = Detection(box=Box(x=x, y=y, w=w, h=h), corners=corners, confidence=1.0)
    frame = Frame(camera="crop", number=0, image=image, at=instant(), media_s=0.0)
    return reader.read(frame, [plate])[0].text
