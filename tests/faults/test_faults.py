"""The short cut of the fault bench: the same faults as ``make faults``, fewer of each."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults import (
    brokers,
    budget,
    clocks,
    cuts,
    damage,
    databases,
    disk,
    growth,
    kills,
    links,
    named,
    pictures,
    stores,
    tamper,
)
from tests.faults.disk_log import Disk, Step
from tests.faults.ledger import Truth
from tests.faults.rows import FULL, SHORT, Bench, Row, scale
from tests.mosquitto import needs_mosquitto
from tests.postgres import needs_postgres

SEED = 20261122


@pytest.fixture
def bench(tmp_path: Path, request: pytest.FixtureRequest) -> Bench:
    return Bench(tmp_path, SHORT, SEED, request.node.name)


def holds(row: Row) -> None:
    """PASS; a machine that cannot do it skips, and says why."""
    if row.verdict == "SKIPPED":
        pytest.skip(row.note)
    assert row.verdict == "PASS", row.line()


@needs_mosquitto
def test_kills_at_random_moments_lose_nothing(bench: Bench) -> None:
    """Unit, each lane alone, agency end: what a put returned for is stored once, whatever was killed in between."""
    row = kills.at_random(bench)
    holds(row)
    assert row.numbers["kills"] == SHORT.kills


@needs_mosquitto
def test_kills_at_named_points_lose_nothing(bench: Bench) -> None:
    """Right before and right after each step from put to prune and from opening to the receipt."""
    row = named.at_named_points(bench)
    holds(row)
    assert row.numbers["kills"] == row.numbers["points"]


def test_a_power_cut_at_the_unit_loses_no_committed_read(bench: Bench) -> None:
    """At any moment, also with unsynced writes half there or torn: the outbox opens, whole, and goes on counting."""
    holds(cuts.at_the_unit(bench))


def test_a_power_cut_at_the_unit_loses_no_picture_and_leaves_none_behind(bench: Bench) -> None:
    """Files and the rows that name them are two things on the disk; at every moment they fit."""
    holds(pictures.cut_at_the_unit(bench))


def test_the_power_cuts_would_find_careless_pictures(bench: Bench) -> None:
    """Files that nobody syncs are lost under the same cuts."""
    holds(pictures.control_not_synced(bench))


@needs_mosquitto
def test_kills_lose_no_picture(bench: Bench) -> None:
    """Unit and agency end, again and again: made on the unit is stored at the agency, once each."""
    holds(pictures.killed_at_random(bench))


def test_a_power_cut_at_the_agency_loses_nothing_that_a_receipt_may_name(bench: Bench) -> None:
    """A unit forgets on a receipt, so the store must be as hard as the outbox."""
    holds(cuts.at_the_agency(bench))


def test_the_power_cuts_would_find_a_careless_outbox(bench: Bench) -> None:
    """With ``synchronous=NORMAL`` the same cuts lose reads: the bench can see what it claims is not there."""
    holds(cuts.control_not_synchronous(bench))


@needs_mosquitto
def test_bad_links_cost_nothing_but_time(bench: Bench) -> None:
    """Black hole, silence, one byte a second, resets inside packets, half-closed connections: reads are kept meanwhile."""
    for row in links.rows(bench):
        holds(row)


@needs_mosquitto
def test_random_partitions_lose_nothing(bench: Bench) -> None:
    """Each link on its own, the agency end's too."""
    holds(links.random_partitions(bench))


@needs_mosquitto
def test_a_broker_that_is_wiped_again_and_again_loses_nothing(bench: Bench) -> None:
    """What it acknowledged it may lose; units keep until there is a receipt."""
    holds(brokers.wiped(bench))


@needs_mosquitto
def test_a_broker_without_persistence_loses_nothing(bench: Bench) -> None:
    """As the broker's configuration that we generate has it."""
    holds(brokers.without_persistence(bench))


@needs_mosquitto
def test_the_wiped_broker_would_find_a_credulous_unit(bench: Bench) -> None:
    """A unit that prunes on PUBACK loses reads here: the bench can see what it claims is not there."""
    holds(brokers.control_pruned_on_the_brokers_word(bench))


def test_a_full_disk_refuses_and_goes_on_by_itself(bench: Bench) -> None:
    """Full at any write, in the middle of it: a put says so, nothing kept is lost, the same process keeps it later."""
    holds(disk.full_at_any_write(bench))


def test_a_sync_that_fails_is_never_a_commit(bench: Bench) -> None:
    """Also where the system then forgets what it should have written, and the power fails."""
    holds(disk.sync_fails(bench))


@needs_mosquitto
def test_a_disk_that_another_process_fills_costs_nothing_but_time(bench: Bench) -> None:
    """The unit stays up, and goes on when there is room again."""
    holds(disk.filled_by_another(bench))


@needs_mosquitto
def test_a_clock_that_jumps_loses_nothing(bench: Bench) -> None:
    """To 1970, ten years on, back by an hour, with certificates judged by it."""
    holds(clocks.jumps(bench))


def test_a_clock_that_is_set_deletes_nothing_of_the_same_run(bench: Bench) -> None:
    """What was kept in 1970 lives by the boot clock; what comes later is a known gap."""
    assert clocks.set_right_too_late(bench).verdict in ("PASS", "GAP")


@needs_mosquitto
def test_a_locked_store_acknowledges_nothing(bench: Bench) -> None:
    """For longer than the agency end waits; then it goes on."""
    holds(stores.locked(bench))


@needs_mosquitto
def test_a_store_on_a_full_or_failing_disk_acknowledges_nothing(bench: Bench) -> None:
    """No receipt names what is not stored; when the disk takes bytes again it goes on by itself."""
    holds(stores.full(bench))


@needs_mosquitto
@needs_postgres
def test_a_database_that_is_killed_loses_nothing(bench: Bench) -> None:
    """The server as a whole and one of its processes: the agency end waits and goes on by itself."""
    holds(databases.killed(bench))


def test_a_damaged_file_is_never_called_whole(bench: Bench) -> None:
    """Bits flipped, blocks zeroed, the end cut: said at opening or found by verify, and whatever can be read goes on."""
    holds(damage.at_random(bench))


@needs_mosquitto
def test_three_times_the_budget_offline_is_stored_or_buried_to_the_unit(bench: Bench) -> None:
    """Never over budget; then the disk itself is full, and it recovers without a restart."""
    holds(budget.three_times_offline(bench))


@needs_mosquitto
def test_neither_end_gains_threads_or_files(bench: Bench) -> None:
    """Nor holds more than it may; whether memory grows only the long run can tell, which is a gap here."""
    row = growth.at_fifty_times_the_rate(bench)
    assert row.verdict in ("PASS", "GAP"), row.line()


@needs_mosquitto
def test_messages_doubled_shuffled_and_replayed_are_stored_once(bench: Bench) -> None:
    """With the agency end killed in the middle; a replay of everything changes nothing."""
    holds(stores.replayed(bench))


@needs_mosquitto
def test_the_agency_end_notices_a_changed_card(bench: Bench) -> None:
    """Edit, delete, swap, insert, cut the tail, roll back, sign anew, clone; an honest unit raises nothing.  Of a tail that
    nobody outside ever heard of nothing can be known: a gap, never called a success."""
    for row in tamper.rows(bench):
        if row.fault.endswith("what nobody knew"):
            assert row.verdict == "GAP", row.line()
        else:
            holds(row)


def test_the_modelled_disk_keeps_what_was_synced_and_loses_what_was_not(bench: Bench) -> None:
    """The model itself: file contents by fsync of the file, names by fsync of the folder, a failed sync loses for good."""
    disk = Disk()

    def then(*steps: tuple[str, str, bytes]) -> dict[str, bytes]:
        for kind, name, data in steps:
            disk.take(Step(kind, 0, name, data))
        return disk.after_cut("synced", bench.chance)

    assert then(("C", "/d/a", b""), ("W", "/d/a", b"one"), ("S", "/d/a", b"")) == {}
    assert then(("D", "/d", b"")) == {"/d/a": b"one"}
    assert then(("W", "/d/a", b"two")) == {"/d/a": b"one"}
    assert then(("E", "/d/a", b""), ("S", "/d/a", b"")) == {"/d/a": b"one"}
    assert then(("R", "/d/a", b"/d/b")) == {"/d/a": b"one"}
    assert then(("D", "/d", b""), ("U", "/d/b", b"")) == {"/d/b": b"one"}
    assert disk.after_cut("killed", bench.chance) == {}


def test_a_ledger_believes_only_what_was_written_whole() -> None:
    """A kill between the return of put and the end of the line leaves that read in doubt."""
    sha256 = "0" * 64
    truth = Truth([f"? e 1 r-1 {sha256}\n", "= e 1\n", f"? e 2 r-2 {sha256}\n", "= e 2"])
    assert set(truth.tried) == {("e", 1), ("e", 2)}
    assert set(truth.committed) == {("e", 1)}


def test_less_time_is_less_of_each_fault_and_never_less_than_the_short_cut() -> None:
    """``--minutes`` asks for as much as fits, ten for all of it."""
    assert scale(10) == FULL
    assert scale(0) == SHORT
    assert scale(20).kills == 2 * FULL.kills
    assert scale(20).silence_s == FULL.silence_s
