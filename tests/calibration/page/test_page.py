"""The page in a real Chromium: a technician's whole hour on a played-back clip, and what everybody else meets.

The clip shows the calibration card at two known places in the lane, then cars with known plates.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

pytest.importorskip("selenium", reason="selenium drives the browser: pip install selenium")

from cryptography import x509
from selenium import webdriver
from selenium.webdriver.common.actions.action_builder import ActionBuilder
from selenium.webdriver.common.actions.pointer_input import PointerInput
from selenium.webdriver.common.by import By

from calibration.record import open_record
from calibration.records import Record
from edge.config import load_device
from edge.demo.run import make_keys
from edge.envelope.keyring import load_private_key
from tests.calibration.page.browser import open_browser, resize
from tests.calibration.page.clip import FAR, NEAR, PLATES, SEES_DEG, make_clip
from tests.calibration.page.served import Served
from tests.calibration.page.unit import write_unit

LOOK = (Path(__file__).parent / "look.js").read_text()
TABLET, UPRIGHT, PHONE = (1280, 800), (800, 1280), (390, 844)
WAIT_S = 150.0
STEPS = ("aim", "focus", "lane", "card", "predict", "proof", "save")


class Technician:
    """Somebody at the tablet: sees what stands on the page, taps, types and draws."""

    def __init__(self, browser: webdriver.Chrome, served: Served) -> None:
        self.browser, self._served = browser, served

    def open(self) -> None:
        self.browser.get(f"https://127.0.0.1:{self._served.port}/")

    def enter(self, code: str) -> None:
        self.browser.find_element(By.ID, "code").send_keys(code)
        self.tap("form button")

    def tap(self, selector: str) -> None:
        found = self.browser.find_element(By.CSS_SELECTOR, selector)
        self.browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", found)
        found.click()

    def type(self, name: str, words: str) -> None:
        field = self.browser.find_element(By.ID, name)
        field.clear()
        field.send_keys(words)
        self.script("arguments[0].dispatchEvent(new Event('change'))", field)

    def draw(self, *path: tuple[float, float]) -> None:
        """A finger on the picture, from point to point (shares of it), then lifted."""
        area = self.browser.find_element(By.ID, "overlay")
        self.browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", area)
        box = self.script("const b = arguments[0].getBoundingClientRect(); return [b.x, b.y, b.width, b.height]", area)
        hand = ActionBuilder(self.browser, mouse=PointerInput("touch", "finger"))
        for number, (x, y) in enumerate(path):
            hand.pointer_action.move_to_location(round(box[0] + x * box[2]), round(box[1] + y * box[3]))
            if number == 0:
                hand.pointer_action.pointer_down()
        hand.pointer_action.pointer_up()
        hand.perform()

    def script(self, code: str, *arguments: object) -> object:
        return self.browser.execute_script(code, *arguments)

    def state(self, name: str) -> object:
        """A part of what the unit said last."""
        return self.script(f"return state ? state.{name} : null")

    def text(self, selector: str) -> str:
        return str(self.script("return document.querySelector(arguments[0])?.textContent ?? ''", selector))

    def until(self, holds: Callable[[], object], what: str) -> None:
        """Wait until it holds; fails with what the page says instead."""
        deadline = time.monotonic() + WAIT_S
        while not holds():
            if time.monotonic() > deadline:
                raise AssertionError(f"{what}: the page says {self.text('body')!r}; {self._served.errors}")
            time.sleep(0.1)

    def card_is(self, wide: bool) -> bool:
        """Whether the card is seen, at the near edge (wide) or the far one."""
        width = self.script("return state && state.card ? state.card.width_px : 0")
        return float(str(width)) > 160 if wide else 100 < float(str(width)) < 150


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("clip") / "hour.mp4"
    make_clip(path)
    return path


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A unit's keys, and a certificate for the page that the tablet knows beforehand."""
    folder = tmp_path_factory.mktemp("keys")
    make_keys(folder, 8883)
    return folder


@pytest.fixture(scope="module")
def tablet(keys: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    """One browser for all claims: it takes seconds to start."""
    known = x509.load_pem_x509_certificate((keys / "broker" / "tls.pem").read_bytes())
    browser = open_browser(tmp_path_factory.mktemp("profile"), known, TABLET)
    yield browser
    browser.quit()


def serve(keys: Path, *options: str | Path) -> Served:
    """The page with the certificate that the tablet knows."""
    return Served("--certificate", keys / "broker" / "tls.pem", "--key", keys / "broker" / "tls.key", *options)


def at(tablet: webdriver.Chrome, served: Served) -> Technician:
    """Somebody with the tablet at this page's door, as if for the first time."""
    tablet.delete_all_cookies()
    resize(tablet, TABLET)
    me = Technician(tablet, served)
    me.open()
    return me


@pytest.mark.timeout(900)  # a minute on a quiet machine, and machines that run tests are not
def test_the_whole_hour(clip: Path, keys: Path, tablet: webdriver.Chrome, tmp_path: Path) -> None:
    """Code, aim, focus, lane, card, drive-by, prediction, save, report: each step does on the page what it says, nothing comes
    from elsewhere, and the record is signed by the unit and says what was measured."""
    config, folder = write_unit(keys, clip, realtime=False), tmp_path / "setup"
    with serve(keys, "-c", config, "--clip", clip, "--plates", "10", "--into", folder) as served:
        me = at(tablet, served)
        me.enter(served.code)
        me.until(lambda: (me.state("serial") or -1) > 2, "pictures come")
        _aim(me)
        _focus(me)
        _draw_the_lane(me)
        _take_the_cards(me)
        _drive_by(me)
        _predict(me)
        record = _save(me, folder, config)
        assert record.technician == "A. Technician"
        assert record.proof is not None
        assert record.proof.passes.hits == 2
        assert record.geometry is not None
        assert len(record.setup.lane) == 4
        assert record.prediction is not None
        assert record.focus
        _looks_right_on_every_screen(me)
        outside = me.script(
            "return performance.getEntriesByType('resource').map(e => e.name).filter(n => !n.startsWith(origin))"
        )
        assert [name for name in outside if not name.startswith("blob:https://127.0.0.1")] == []  # type: ignore[attr-defined]
        assert [each for each in me.browser.get_log("browser") if each["level"] == "SEVERE"] == []
        me.tap("header form button")
        me.until(lambda: "You have left" in me.text("body"), "the session has ended")


def _aim(me: Technician) -> None:
    me.type("speed", "35")
    me.type("fov", str(SEES_DEG))
    me.type("shutter", "500")
    me.until(lambda: me.card_is(wide=True), "the card is found at the near edge")
    me.until(lambda: me.script("return document.querySelectorAll('#found .card-line').length") == 1, "the card is outlined")
    me.until(lambda: "15" in me.text('[data-measures="aim"] [data-name="horizontal_angle"] .value'), "the angle is shown")
    width = me.text('[data-measures="aim"] [data-name="plate_width"] .value')
    assert 170 <= int(width.split()[0]) <= 185
    assert me.script("return state.steps.aim") == "PASS"


def _focus(me: Technician) -> None:
    me.script("go('focus')")
    me.until(lambda: me.script("return state.focus.course.length") or 0, "focus is measured")
    me.until(lambda: me.text("#of-best").isdecimal(), "its share of the best is shown")
    me.tap("#patch")
    me.draw((0.10, 0.05), (0.20, 0.10), (0.30, 0.15))
    me.until(lambda: me.state("focus.patch"), "the patch is chosen")
    me.until(lambda: me.script("return state.focus.course.length") or 0, "focus is measured on the patch")
    x, _, width, _ = me.state("focus.patch")  # type: ignore[misc]
    assert abs(x - 0.10) < 0.01
    assert abs(width - 0.20) < 0.01
    assert 80 <= int(me.text("#of-best")) <= 100  # a sign on a wall: the lens stands still


def _draw_the_lane(me: Technician) -> None:
    me.script("go('lane')")
    for corner in ((0.45, 0.58), (0.80, 0.50), (0.95, 0.75), (0.35, 0.95)):
        me.draw(corner)
    me.tap('[data-tool="mask"]')
    me.draw((0.57, 0.14), (0.60, 0.20), (0.65, 0.29))
    me.tap('[data-tool="travel"]')
    me.draw((0.75, 0.55), (0.65, 0.70), (0.55, 0.88))
    me.until(lambda: me.state("travel"), "the unit has what was drawn")
    assert me.script("return state.lane.length") == 4
    x, y = me.state("lane")[0]  # type: ignore[index]
    assert abs(x - 0.45) < 0.01
    assert abs(y - 0.58) < 0.01
    assert me.script("return state.masks.map(m => m.length)") == [4]


def _take_the_cards(me: Technician) -> None:
    me.script("go('card')")
    for wide, place in ((True, "near"), (False, "far")):
        me.until(lambda wide=wide: me.card_is(wide), f"the card is at the {place} edge")  # type: ignore[misc]
        me.tap(f'[data-capture="{place}"]')
        me.until(lambda place=place: place in str(me.state("cards")), f"the {place} card is taken")  # type: ignore[misc]
    taken = {card["place"]: card for card in me.state("cards")}  # type: ignore[attr-defined]
    for place, pose in (("near", NEAR), ("far", FAR)):
        truth = (pose.x_m**2 + pose.y_m**2 + pose.z_m**2) ** 0.5
        assert abs(taken[place]["distance_m"] / truth - 1) < 0.02


def _predict(me: Technician) -> None:
    me.script("go('predict')")
    me.until(lambda: me.state("can_predict"), "something was measured")
    me.tap("#predict")
    me.until(lambda: me.state("prediction"), "the prediction is there")
    me.until(lambda: me.script("return document.querySelectorAll('#curves svg').length") == 3, "its curves are drawn")
    assert 0 <= int(me.text("#exact")) <= 100


def _drive_by(me: Technician) -> None:
    me.script("go('proof')")
    me.type("known", "\n".join(PLATES))
    me.tap("#prove")
    me.until(lambda: me.script("return state.proof.share && state.proof.share.hits") == 2, "both passes are read")
    me.tap("#end-proof")
    me.until(lambda: me.script("return state.proof.running") is False, "counting has stopped")
    assert me.text("#proved") == "2/2"


def _save(me: Technician, folder: Path, config: Path) -> Record:
    """Save on the page, download the report, and read the record as anybody with the unit's public key can."""
    me.script("go('save')")
    me.type("technician", "A. Technician")
    me.tap("#save")
    me.until(lambda: me.state("saved"), "the record is saved")
    downloads = folder.parent / "downloads"
    downloads.mkdir()
    me.browser.execute_cdp_cmd("Browser.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(downloads)})
    me.tap("#get-report")
    report = downloads / "north.calibration.html"
    me.until(report.exists, "the report is downloaded")
    key = load_private_key(load_device(config).keys.sign_key).public_key()
    number, record = open_record(folder / "north.calibration.json", [key])
    assert number == me.text("#record-id")
    assert number in report.read_text()
    return record


def _looks_right_on_every_screen(me: Technician) -> None:
    """Contrast of 7:1, targets of 48 px, a label for everything, nothing wider than the screen."""
    assert me.script("document.querySelector('.all h2').style.color = '#999';" + LOOK)  # what looks can see something
    me.script("document.querySelector('.all h2').style.color = ''")
    for size in (TABLET, UPRIGHT, PHONE):
        resize(me.browser, size)
        for step in STEPS:
            me.script(f"go('{step}')")
            assert me.script(LOOK) == [], f"{step} at {size}"
    resize(me.browser, TABLET)


def test_a_wrong_code_and_too_many_of_them(clip: Path, keys: Path, tablet: webdriver.Chrome) -> None:
    """In red, with how many tries are left; then locked, without a field to type in, for the right code too."""
    with serve(keys, "--clip", clip) as served:
        me = at(tablet, served)
        for left in (4, 3, 2):
            me.enter("0" if served.code[0] != "0" else "1")
            me.until(lambda left=left: f"{left} tries left" in me.text(".words"), "the tries are counted")  # type: ignore[misc]
        me.enter("0")
        me.until(lambda: "One try left" in me.text(".words"), "one try is left")
        me.enter("0")
        me.until(lambda: "Locked after 5 wrong codes" in me.text(".words"), "the door is locked")
        assert me.script("return document.querySelector('form').checkVisibility()") is False
        assert me.script(LOOK) == []
        me.open()
        assert "Locked" in me.text(".words")


def test_a_second_tablet(clip: Path, keys: Path, tablet: webdriver.Chrome) -> None:
    """While another one is in, it is told so, with no field for a code and a way to try again; then it gets in."""
    with serve(keys, "--clip", clip) as served:
        first = served.session()
        me = at(tablet, served)
        assert "Another tablet is using this page" in me.text(".words")
        assert me.script("return document.querySelector('form').checkVisibility()") is False
        served.ask("POST", "/leave", b"", first)
        me.tap(".button")
        me.until(lambda: me.script("return document.querySelector('form').checkVisibility()"), "the door is free")


def test_the_end_of_the_hour(clip: Path, keys: Path, tablet: webdriver.Chrome) -> None:
    """The page says that it is over and shows no picture any more, and nothing on it can be pressed."""
    with serve(keys, "--clip", clip, "--minutes", "0.5") as served:
        me = at(tablet, served)
        me.enter(served.code)
        me.until(lambda: (me.state("serial") or -1) >= 0, "pictures come")
        me.until(lambda: "hour is over" in me.text("#alert"), "the page says that it is over")
        assert me.script("return document.getElementById('picture').hasAttribute('src')") is False
        assert me.script("return [...document.querySelectorAll('main button')].every(b => b.disabled)") is True
        me.open()
        assert "hour is over" in me.text(".words")


def test_a_lost_camera_is_said_and_comes_back_by_itself(keys: Path, tablet: webdriver.Chrome, tmp_path: Path) -> None:
    """Clear words in place of the last picture, nothing can be taken meanwhile; pictures go on when the camera does."""
    source, away = tmp_path / "camera.mp4", tmp_path / "away.mp4"
    make_clip(source, near_s=1.0, far_s=0.0, traffic_s=0.0)
    with serve(keys, "--clip", source) as served:
        me = at(tablet, served)
        me.enter(served.code)
        me.until(lambda: me.card_is(wide=True), "the card is seen")
        source.rename(away)
        me.until(lambda: "No picture" in me.text("#alert"), "the loss is said")
        assert me.script("return document.getElementById('dark').checkVisibility()") is True
        me.script("go('card')")
        assert me.script("return document.querySelector('[data-capture]').disabled") is True
        away.rename(source)
        me.until(lambda: me.script("return document.getElementById('alert').hidden"), "the word goes")
        me.until(lambda: me.card_is(wide=True), "the card is seen again")
