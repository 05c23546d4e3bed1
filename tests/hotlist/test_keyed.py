"""Keyed lists: nothing of them can be read on a unit without the secret, and nothing else is taken for them."""

from __future__ import annotations

import gzip
import io
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge.errors import ConfigError, PolicyError
from edge.hotlist.files import COLUMNS
from edge.hotlist.keyed import MAGIC, ListKey, compile_list, lies_in_memory, load_key, make_key
from edge.journal import Journal
from edge.policy.pack import Pack
from tests.hotlist.lists import keyed, load, seen, sha256, stamped, write
from tests.policy.situations import edited_pack

PLATES = [f"{n:03d}QXZ" for n in range(0, 1000, 10)]
ROWS = [f"{plate},CT,NCIC,stolen-vehicle,stolen in Hartford,HPD,2026-10-20," for plate in PLATES]
SILENT = Journal(io.StringIO())


@pytest.fixture
def memory() -> Iterator[Path]:
    """A folder that is gone with the power."""
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        yield Path(folder)


@pytest.fixture
def secret_pack(tmp_path: Path) -> Pack:
    """Connecticut's, but no list may be readable on a unit."""
    return edited_pack(tmp_path, ('region = "mark-inexact"', 'region = "mark-inexact"\nat_rest = "keyed"'))


def test_nothing_of_a_list_can_be_read_in_its_compiled_file(tmp_path: Path) -> None:
    """No plate, no reason, no name, not even a digest stands in its bytes; with the secret every plate is found."""
    key = tmp_path / "hotlist.key"
    path = keyed(tmp_path, key, *ROWS)
    data = path.read_bytes().removeprefix(MAGIC)
    digest = load_key(key).digest
    for plate in PLATES:
        assert plate.encode() not in data
        assert f"{digest(plate):016x}".encode() not in data
        assert digest(plate).to_bytes(8, "big") not in data
    assert not any(
        word in data for word in (b"stolen", b"NCIC", b"2026", b'list"', b"hotlist", *(name.encode() for name in COLUMNS))
    )
    hot_list = load(path, key=key)
    assert all(hot_list.match(seen(plate), SILENT) is not None for plate in PLATES)


def test_two_compilations_of_one_list_have_nothing_in_common(tmp_path: Path) -> None:
    """Whoever gets hold of several days' lists learns nothing from comparing them."""
    key = make_key(tmp_path / "hotlist.key")
    plain = stamped(tmp_path, *ROWS)
    one, other = compile_list(plain, key), compile_list(plain, key)
    head = len(MAGIC) + 8
    assert one[:head] == other[:head]
    assert sum(a == b for a, b in zip(one[head:], other[head:], strict=True)) < len(one) / 50


def test_another_secret_does_not_open_it(tmp_path: Path) -> None:
    """Both keys are named by their ids, which give nothing away."""
    path = keyed(tmp_path, tmp_path / "hotlist.key", *ROWS)
    other = make_key(tmp_path / "other.key")
    with pytest.raises(PolicyError, match="compiled with key") as caught:
        load(path, key=tmp_path / "other.key")
    assert other.id.hex() in str(caught.value)
    with pytest.raises(PolicyError, match=r"name the key .* as `hotlist.key`"):
        load(path)


def test_a_file_that_was_altered_anywhere_is_refused(tmp_path: Path) -> None:
    """One bit in any part of it, a cut end, more at the end."""
    key = tmp_path / "hotlist.key"
    path = keyed(tmp_path, key, *ROWS)
    data = path.read_bytes()
    places = {*range(len(MAGIC), len(MAGIC) + 40), *range(len(MAGIC) + 40, len(data), 97), len(data) - 1}
    spoilt = [data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :] for place in sorted(places)]
    spoilt += [data[:-1], data[: len(data) // 2], data[: len(MAGIC) + 10], MAGIC, data + b"\0", data + data]
    for each in spoilt:
        path.write_bytes(each)
        with pytest.raises(PolicyError, match=r"read hot list .*list\.keyed"):
            load(path, key=key)


def test_what_a_holder_of_the_secret_sealed_wrongly_is_refused_like_any_malformed_list(tmp_path: Path) -> None:
    """No stamp, no compression, half of it, a row that is none, a plate in clear: an error of ours, never the plate."""
    key = make_key(tmp_path / "hotlist.key")
    stamp = b'{"name":"l","version":"1","issued":"2026-11-01T00:00:00Z","sha256":"' + b"0" * 64 + b'"}\n'
    head = ",".join(COLUMNS).encode() + b"\n"
    row = b"QQ7QQ7,CT,NCIC,stolen-vehicle,r,X,2026-10-20,\n"
    whole = gzip.compress(stamp + head + (b"0" * 16 + row[6:]) * 2000)
    for content in (b"", b"no gzip", gzip.compress(b""), gzip.compress(head), gzip.compress(stamp), gzip.compress(stamp + row),
                    gzip.compress(stamp + head + row), whole[: len(whole) // 2], whole[:-9] + b"\0" * 9):  # fmt: skip
        path = tmp_path / "wrong.keyed"
        path.write_bytes(key.seal(content))
        with pytest.raises(PolicyError, match=r"read hot list .*wrong\.keyed") as caught:
            load(path, key=tmp_path / "hotlist.key")
        assert "QQ7QQ7" not in str(caught.value)


def test_a_list_is_compiled_only_with_its_stamp(tmp_path: Path) -> None:
    """A unit could not know its age otherwise."""
    key = make_key(tmp_path / "hotlist.key")
    with pytest.raises(PolicyError, match="plate-edge hotlist stamp"):
        compile_list(write(tmp_path, *ROWS), key)
    with pytest.raises(PolicyError, match="line 3, column `region`"):
        compile_list(_stamped_by_hand(tmp_path, ROWS[0], "ABC,Mars!,NCIC,stolen-vehicle,r,X,2026-10-20,"), key)


def _stamped_by_hand(folder: Path, *rows: str) -> Path:
    path = write(folder, *rows)
    text = f'name = "l"\nversion = "1"\nissued = 2026-11-01T00:00:00Z\nsha256 = "{sha256(path)}"\n'
    path.with_name("list.csv.toml").write_text(text)
    return path


def test_where_a_pack_wants_lists_keyed_a_plain_one_is_refused_with_what_to_do(
    tmp_path: Path, memory: Path, secret_pack: Pack
) -> None:
    """The rule is named, no plate is."""
    with pytest.raises(PolicyError, match="plate-edge hotlist compile") as caught:
        load(stamped(tmp_path, *ROWS), pack=secret_pack)
    assert "ct-hotlist-closed" in str(caught.value)
    key = memory / "hotlist.key"
    hot_list = load(keyed(tmp_path, key, *ROWS), pack=secret_pack, key=key)
    assert hot_list.match(seen(PLATES[0]), SILENT) is not None


def test_where_a_pack_wants_lists_keyed_their_secret_must_not_lie_on_a_disk(
    tmp_path: Path, memory: Path, secret_pack: Pack
) -> None:
    """Whoever steals the unit would find it beside the lists."""
    assert lies_in_memory(memory)
    if lies_in_memory(tmp_path):
        pytest.skip("this machine's temporary files lie in memory too")
    key = tmp_path / "hotlist.key"
    path = keyed(tmp_path, key, *ROWS)
    with pytest.raises(PolicyError, match="systemd credential"):
        load(path, pack=secret_pack, key=key)


def test_barred_entries_are_dropped_by_the_units_own_pack(tmp_path: Path) -> None:
    """Whoever compiled the list: what the pack refuses is refused at load, counted, and never matched."""
    key = tmp_path / "hotlist.key"
    barred = "ZZTOP99,CT,NCIC,immigration-violator,administrative warrant,ICE,2026-10-20,2026-12-01"
    hot_list = load(keyed(tmp_path, key, *ROWS, barred), key=key)
    assert dict(hot_list.refused) == {"ct-hotlist-immigration": 1}
    assert hot_list.match(seen("ZZTOP99"), SILENT) is None


def test_a_secret_is_made_once_and_readable_by_its_owner_alone(tmp_path: Path) -> None:
    """Nothing is overwritten, and what others could read is not used."""
    path = tmp_path / "hotlist.key"
    assert make_key(path).id == load_key(path).id
    assert path.stat().st_mode & 0o777 == 0o600
    with pytest.raises(ConfigError, match="exists"):
        make_key(path)
    path.chmod(0o644)
    with pytest.raises(ConfigError, match="chmod 600"):
        load_key(path)
    path.chmod(0o600)
    for content in (b"", b"0" * 63, b"g" * 64, b"0" * 66):
        path.write_bytes(content)
        with pytest.raises(ConfigError, match="no such key"):
            load_key(path)
    with pytest.raises(ConfigError, match="handed over"):
        load_key(tmp_path / "none.key")


def test_digests_depend_on_the_secret_and_on_nothing_else() -> None:
    """So an agency and its units of any version agree, and another agency's table says nothing about theirs."""
    one, same, other = ListKey(bytes(32)), ListKey(bytes(32)), ListKey(bytes(31) + b"\1")
    assert one.digest("ABC123") == same.digest("ABC123") == 0x62E501413269FBA9
    assert one.digest("ABC123") != other.digest("ABC123")
    assert one.digest_cell("ab-c 123") == one.digest("ABC123")
    assert one.digest_cell("---") is None
