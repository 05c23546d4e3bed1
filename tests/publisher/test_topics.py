"""Topics carry names and nothing that could reach further."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge import mqtt
from edge.errors import ConfigError

NAMES = st.from_regex(r"\A[a-z0-9][a-z0-9-]{0,62}\Z")


@given(NAMES, NAMES, st.sampled_from(["reads", "receipts", "pictures", "requests"]))
def test_a_topic_names_whose_messages_it_carries(agency: str, device: str, kind: str) -> None:
    """Made and parsed, every topic gives back its address."""
    address = mqtt.Address(agency=agency, device=device, kind=kind)  # type: ignore[arg-type]
    assert mqtt.parse_topic(mqtt.topic(address)) == address


def test_the_topic_scheme_is_version_1() -> None:
    """Brokers' access lists and other programs rely on these very words."""
    assert mqtt.topic(mqtt.Address(agency="milltown", device="pole-7", kind="reads")) == (
        "plate-edge/v1/milltown/52/pole-7/reads"
    )
    assert mqtt.reads_filter("milltown") == "plate-edge/v1/milltown/+/+/reads"
    assert mqtt.pictures_filter("milltown") == "plate-edge/v1/milltown/+/+/pictures"


@pytest.mark.parametrize("name", ["", "+", "#", "a/b", "A", "pole 7", "\u0000", "x" * 64])
def test_what_is_no_name_makes_no_topic(name: str) -> None:
    """No wildcard and no further level."""
    with pytest.raises(ConfigError):
        mqtt.topic(mqtt.Address(agency="milltown", device=name, kind="reads"))


@pytest.mark.parametrize(
    "topic",
    [
        "plate-edge/v1/milltown/21/pole-7/reads",
        "plate-edge/v2/milltown/52/pole-7/reads",
        "plate-edge/v1/milltown/52/pole-7/other",
        "plate-edge/v1/milltown/52/pole-7/reads/more",
        "x/plate-edge/v1/milltown/52/pole-7/reads",
    ],
)
def test_another_topic_is_not_ours(topic: str) -> None:
    """A wrong bucket would escape the worker whose devices it belongs to."""
    assert mqtt.parse_topic(topic) is None


@given(st.lists(st.binary(min_size=1, max_size=300), min_size=1, max_size=mqtt.MESSAGES_AT_MOST))
def test_what_is_packed_together_comes_apart_again(messages: list[bytes]) -> None:
    """In order; a single message goes as it is, so that an agency end of before reads what a quiet unit sends."""
    messages = [b"\x94" + each for each in messages]  # as every message of ours begins
    assert list(mqtt.unpack(mqtt.pack(messages))) == messages
    assert mqtt.pack(messages[:1]) == messages[0]


@given(st.binary(max_size=200))
def test_what_is_no_bundle_is_one_message(payload: bytes) -> None:
    """Whatever a device sends, it is taken as a whole and refused as a whole, never half believed and never an error."""
    found = mqtt.unpack(payload)
    assert list(found) == [payload] or mqtt.pack(found) == payload


def test_a_bundle_holds_no_more_than_it_may() -> None:
    """A thousand parts of nothing would fill the quarantine a thousand times as fast."""
    small = msgspec.msgpack.encode([1, [b"\x94"] * mqtt.MESSAGES_AT_MOST])
    large = msgspec.msgpack.encode([1, [b"\x94"] * (mqtt.MESSAGES_AT_MOST + 1)])
    assert len(mqtt.unpack(small)) == mqtt.MESSAGES_AT_MOST
    assert list(mqtt.unpack(large)) == [large]
