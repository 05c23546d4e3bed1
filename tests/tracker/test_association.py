"""When detections of many frames are one pass."""

from __future__ import annotations

import gc

import msgspec
import pytest

from edge.config import TrackerConfig
from edge.records import Detection, Reading, Track, Wish
from edge.tracker.association import PlateTracker
from tests.readings import detection, frame, reading

CONFIG = TrackerConfig(max_gap_s=1.0, min_detections=3, enough_readings=3, settled_confidence=0.7)


def drive(tracker: PlateTracker, frames: dict[int, list[Detection]], upto: int, fps: float = 10.0) -> list[Track]:
    """Show a tracker ``upto`` frames; every wanted plate is read as AB123."""
    ended: list[Track] = []
    for number in range(upto):
        picture = frame(number, fps)
        wanted = tracker.follow(picture, frames.get(number, []))
        tracker.add([reading("AB123", found=each, number=number) for each in wanted])
        ended += tracker.finished()
    return ended + list(tracker.flush())


def test_a_car_driving_by_is_one_track() -> None:
    """Ten frames of a moving, growing plate are one pass."""
    seen = {n: [detection(100 + 60 * n, 200 + 10 * n, 60 * 1.05**n)] for n in range(10)}
    (track,) = drive(PlateTracker("north", CONFIG), seen, 30)
    assert (track.frames, track.first_s, track.last_s) == (10, 0.0, 0.9)


def test_a_fast_car_at_five_frames_a_second_is_one_track() -> None:
    """Boxes that never overlap still belong together when they move steadily."""
    seen = {n: [detection(80 + 220 * n, 200, 80 * 1.15**n)] for n in range(5)}
    assert len(drive(PlateTracker("north", CONFIG), seen, 20, fps=5.0)) == 1


def test_two_cars_side_by_side_are_two_tracks() -> None:
    """Neighbouring lanes do not mix."""
    seen = {n: [detection(100 + 20 * n, 200), detection(700 + 20 * n, 220)] for n in range(8)}
    tracks = drive(PlateTracker("north", CONFIG), seen, 30)
    assert sorted(track.frames for track in tracks) == [8, 8]


def test_a_missed_frame_does_not_break_a_pass() -> None:
    """A gap shorter than max_gap_s is bridged by the plate's velocity."""
    seen = {n: [detection(100 + 40 * n, 200)] for n in range(12) if n not in (4, 5, 6)}
    (track,) = drive(PlateTracker("north", CONFIG), seen, 30)
    assert track.frames == 9


def test_a_repeat_visit_is_a_new_pass() -> None:
    """The same plate at the same place after a gap is reported again."""
    seen = {n: [detection(100 + 40 * (n % 30), 200)] for n in [*range(8), *range(30, 38)]}
    assert len(drive(PlateTracker("north", CONFIG), seen, 60)) == 2


def test_a_flicker_is_noise_and_counted() -> None:
    """Fewer than min_detections give no pass, and the accounts say so."""
    tracker = PlateTracker("north", CONFIG)
    assert drive(tracker, {3: [detection(100, 100)], 4: [detection(102, 100)]}, 30) == []
    assert tracker.noise == 1


def test_a_settled_track_is_not_read_again_until_it_has_grown() -> None:
    """Reading stops when enough readings agree, and resumes for a clearly nearer picture."""
    tracker = PlateTracker("north", CONFIG)
    widths = [80.0] * 10 + [84.0, 100.0, 119.0, 130.0]
    read = []
    for number, width in enumerate(widths):
        wanted = tracker.follow(frame(number), [detection(100, 100, width)])
        tracker.add([reading("AB123", found=each, number=number) for each in wanted])
        read.append(len(wanted))
    assert read[:10] == [1, 1, 1] + [0] * 7
    assert read[10:] == [0, 0, 0, 1]


def test_a_parked_car_is_reported_once_while_it_stands() -> None:
    """A pass is handed out after half a minute, and not again when the car leaves."""
    seen = {n: [detection(300, 200)] for n in range(450)}
    tracks = drive(PlateTracker("north", CONFIG), seen, 480)
    assert len(tracks) == 1
    assert tracks[0].last_s - tracks[0].first_s >= 30


def test_no_text_is_remembered_for_longer_than_a_parked_car_is_followed() -> None:
    """Of what was read more than 30 seconds ago nothing is left in the tracker, reported or not, however long it stands."""
    tracker = PlateTracker("north", msgspec.structs.replace(CONFIG, settled_confidence=1.0))
    doubtful = detection(600, 200, sure=False)
    for number in range(900):
        wanted = tracker.follow(frame(number, 10.0), [detection(100, 200), doubtful])
        tracker.add([reading("AB123", found=each, number=number) for each in wanted])
        tracker.finished()
    held = [one for one in gc.get_objects() if isinstance(one, Reading)]
    assert [one for one in held if one.text == "AB123"] == []


def test_a_stream_that_starts_again_at_zero_ends_open_passes() -> None:
    """Time running backwards (a restarted stream) is a cut, not a negative gap."""
    tracker = PlateTracker("north", CONFIG)
    for number in range(100, 105):
        wanted = tracker.follow(frame(number), [detection(100, 100)])
        tracker.add([reading("AB123", found=each, number=number) for each in wanted])
    tracker.follow(frame(0), [detection(100, 100)])
    (track,) = tracker.finished()
    assert track.frames == 5


def read_as(tracker: PlateTracker, count: int, text: str, probability: float, sure: bool) -> int:
    """Show what stands still ``count`` times; every wanted reading is ``text`` with ``probability`` a character."""
    read = 0
    for number in range(count):
        wanted = tracker.follow(frame(number), [detection(300, 200, 100.0, 0.3, sure=sure)])
        tracker.add([reading(text, probability, each, number) for each in wanted])
        read += len(wanted)
    return read


def test_a_candidate_whose_text_vouches_for_it_is_a_pass() -> None:
    """A plate that the detector doubted is proved by its text."""
    tracker = PlateTracker("north", CONFIG)
    read_as(tracker, 5, "AB123", 0.95, sure=False)
    (track,) = tracker.flush()
    assert track.frames == 5


def test_a_candidate_without_a_text_is_noise_and_costs_three_readings() -> None:
    """A badge that is seen for a minute is neither a pass nor read over and over."""
    tracker = PlateTracker("north", CONFIG)
    assert read_as(tracker, 600, "AB123", 0.3, sure=False) == 3
    assert tracker.flush() == ()
    assert tracker.noise == 1


@pytest.mark.parametrize("text", ["", "6045550123"], ids=["no character", "telephone number"])
def test_what_the_reader_calls_no_plate_is_noise_however_sure_the_detector_is(text: str) -> None:
    """A lamp or a lease board is no pass, though the detector takes it for a plate for a while, and is hardly read."""
    tracker = PlateTracker("north", CONFIG)
    assert read_as(tracker, 300, text, 0.95, sure=True) <= 35
    assert tracker.flush() == ()
    assert tracker.noise == 1


def test_a_plate_that_was_covered_at_first_is_still_read() -> None:
    """Three empty readings do not end it while the detector is sure: once it is seen, it is a pass."""
    tracker = PlateTracker("north", CONFIG)
    read_as(tracker, 5, "", 0.95, sure=True)
    for number in range(5, 40):
        wanted = tracker.follow(frame(number), [detection(300, 200, 100.0, 0.8)])
        tracker.add([reading("AB123", found=each, number=number) for each in wanted])
    (track,) = tracker.flush()
    assert {one.text for one in track.readings} == {"", "AB123"}


def test_a_sign_does_not_swallow_the_plate_that_passes_it() -> None:
    """A plate that comes up before a sign long known to be none, as large as itself, is a pass of its own."""
    tracker = PlateTracker("north", CONFIG)
    sign = detection(300, 200, 120, 0.6)
    for number in range(60):
        plate = [detection(200 + 90 * (number - 40), 240, 100)] if 40 <= number < 50 else []
        hidden = 40 <= number < 44  # the car is first seen before the sign
        wanted = tracker.follow(frame(number), plate if hidden else [sign, *plate])
        tracker.add([reading("" if each is sign else "AB123", found=each, number=number) for each in wanted])
    (track,) = tracker.flush()
    assert track.frames == 10
    assert {one.text for one in track.readings} == {"AB123"}


def asks_after(texts: list[str], sure: bool = True, probability: float = 0.95) -> list[Wish]:
    """What a tracker asks for after each reading of a plate that comes nearer slowly."""
    tracker, asked = PlateTracker("north", CONFIG), []
    for number, text in enumerate(texts):
        wanted = tracker.follow(frame(number), [detection(300 + number, 200, 100.0 + number, sure=sure)])
        tracker.add([reading(text, probability, each, number) for each in wanted])
        asked.append(tracker.asks)
    return asked


def test_a_plate_asks_for_the_next_frame_until_it_is_a_pass_and_for_another_look_until_it_is_read() -> None:
    """Three sightings make a pass; three sure readings that agree are enough to have read it, then nobody waits."""
    assert asks_after(["AB123"] * 5) == ["now", "now", "nothing", "nothing", "nothing"]
    assert asks_after(["AB123", "AB124"] * 2) == ["now", "now", "again", "again"]


def test_a_candidate_without_a_text_asks_for_nothing() -> None:
    """A lamp or a badge that the detector doubts does not make the line look faster; one that reads as a plate does, from when
    it was found a second time."""
    assert asks_after(["", "", "", ""], sure=False) == ["nothing"] * 4
    assert asks_after(["AB123", "AB123", "AB123"], sure=False) == ["nothing", "now", "now"]


def test_what_the_detector_doubts_and_finds_once_is_not_read() -> None:
    """A glint costs no reading; what is still there in the next picture does."""
    tracker = PlateTracker("north", CONFIG)
    assert tracker.follow(frame(0), [detection(300, 200, sure=False)]) == ()
    assert len(tracker.follow(frame(1), [detection(302, 200, sure=False)])) == 1
    assert len(tracker.follow(frame(1), [detection(900, 200, sure=True)])) == 1


def test_what_a_sure_detector_takes_for_a_plate_asks_until_three_readings_found_none() -> None:
    """A sign makes the line look faster for three frames, not for as long as it stands there."""
    assert asks_after([""] * 5) == ["now", "now", "nothing", "nothing", "nothing"]


def test_a_plate_that_never_settles_asks_a_dozen_times_and_is_then_read_at_the_lines_own_pace() -> None:
    """Readings go on after that, as long as the plate is there, but nobody hurries for them."""
    asked = asks_after(["AB123", "AB124"] * 15, probability=0.7)
    assert asked[:11] == ["now"] * 2 + ["again"] * 9
    assert set(asked[11:]) == {"nothing"}


def test_a_plate_that_left_unread_is_not_waited_for() -> None:
    """A third of a second after it was last found the line goes back to its own pace."""
    tracker = PlateTracker("north", CONFIG)
    wanted = tracker.follow(frame(0), [detection(300, 200)])
    tracker.add([reading("AB123", found=each) for each in wanted])
    asked = []
    for number in range(1, 7):
        tracker.follow(frame(number), [])
        asked.append(tracker.asks)
    assert asked == ["now"] * 3 + ["nothing"] * 3


def test_a_car_that_stands_in_an_unchanged_picture_is_one_pass() -> None:
    """Frames that nobody looked at because nothing had changed do not end the pass of a car that stands in them."""
    tracker = PlateTracker("north", CONFIG)
    ended: list[Track] = []
    for number in range(200):
        if number < 4 or number == 120:
            wanted = tracker.follow(frame(number), [detection(300, 200)])
            tracker.add([reading("AB123", found=each, number=number) for each in wanted])
        else:
            tracker.still(frame(number))
        ended += tracker.finished()
    (track,) = [*ended, *tracker.flush()]
    assert (track.first_s, track.last_s) == (0.0, 19.9)


def test_a_car_that_had_left_before_the_picture_stood_still_is_over() -> None:
    """An unchanged picture keeps what the last look found, and nothing that it did not find."""
    tracker = PlateTracker("north", CONFIG)
    for number in range(4):
        wanted = tracker.follow(frame(number), [detection(300, 200)])
        tracker.add([reading("AB123", found=each, number=number) for each in wanted])
    tracker.follow(frame(4), [])
    for number in range(5, 20):
        tracker.still(frame(number))
    (track,) = tracker.finished()
    assert track.last_s == 0.3


def test_a_pass_begins_with_the_first_sure_sight_of_its_plate() -> None:
    """A lamp that stood where a car then stops is not when the car came."""
    tracker = PlateTracker("north", CONFIG)
    for number in range(8):
        found = detection(300, 200, sure=number >= 3)
        wanted = tracker.follow(frame(number), [found])
        tracker.add([reading("AB123" if number >= 3 else "", found=each, number=number) for each in wanted])
    (track,) = tracker.flush()
    assert (track.first_s, track.first.boottime_ns) == (0.3, 300_000_000)


def test_what_only_may_be_a_plate_is_not_held_on_to_in_an_unchanged_picture() -> None:
    """After a second without a look a candidate is over; a car that comes to that place begins a pass of its own."""
    tracker = PlateTracker("north", CONFIG)
    tracker.follow(frame(0), [detection(300, 200, sure=False)])
    for number in range(1, 15):
        tracker.still(frame(number))
    assert tracker.noise == 1
