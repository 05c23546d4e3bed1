"""The page's server from outside: what it shows to whom, and what it takes from nobody."""

from __future__ import annotations

import http.client
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from calibration.page.serve import check_address
from edge.errors import ConfigError
from tests.calibration.page.browser import certificate
from tests.calibration.page.clip import DEMO
from tests.calibration.page.served import Served

SQUARE = [[0.1, 0.1], [0.9, 0.1], [0.9, 0.9], [0.1, 0.9]]
INSIDE = ["/state", "/picture/1", "/card/0", "/report", "/record", "/page.js", "/drawing.js"]


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    """One page for all claims of this file, on the demo clip."""
    with Served("--clip", DEMO) as page:
        yield page


@pytest.fixture(scope="module")
def session(served: Served) -> dict[str, str]:
    """The tablet that is in."""
    return served.session()


def test_the_terminal_shows_the_certificates_own_fingerprint(served: Served) -> None:
    """What the technician compares on the tablet is what the server speaks with."""
    from cryptography.hazmat.primitives import hashes

    shown = certificate(served.port).fingerprint(hashes.SHA256()).hex(":").upper()
    assert served.fingerprint == shown


def test_without_a_session_there_is_nothing_but_the_door(served: Served, session: dict[str, str]) -> None:
    """No picture, no state, no script of the page, no action, with no cookie and with a wrong one."""
    for cookie in ({}, {"Cookie": "__Host-plate-edge=" + "x" * 43}):
        for path in INSIDE:
            answer = served.ask("GET", path, headers=cookie)
            assert answer.status == 401, path
            assert "new code" in answer.error
        assert served.does("draw", {"lane": SQUARE}, cookie).status == 401
    assert b"overlay" not in served.ask("GET", "/").body


def test_a_second_tablet_meets_a_clear_word_and_no_field_for_a_code(served: Served, session: dict[str, str]) -> None:
    """While the first one is in."""
    answer = served.ask("GET", "/")
    assert answer.status == 403
    assert "Another tablet is using this page" in answer.text
    assert re.search(r"<form[^>]* hidden>", answer.text)


def test_another_sites_page_can_make_the_browser_send_nothing(served: Served, session: dict[str, str]) -> None:
    """A POST from another origin, or from none, changes nothing even with the cookie."""
    for origin in ("https://evil.example", "null", None, f"http://127.0.0.1:{served.port}"):
        answer = served.does("draw", {"lane": SQUARE}, session, origin)
        assert answer.status == 403
        assert served.ask("POST", "/leave", b"", session, origin).status == 403
    assert served.ask("GET", "/state", headers=session).status == 200


def test_every_answer_carries_the_strict_headers(served: Served, session: dict[str, str]) -> None:
    """Pages, data, refusals and what is not there alike: nothing from elsewhere, nothing inline, nothing kept."""
    for answer in (
        served.ask("GET", "/"),
        served.ask("GET", "/state"),
        served.ask("GET", "/state", headers=session),
        served.ask("GET", "/page.css"),
        served.ask("GET", "/nowhere"),
        served.enter("x", None),
    ):
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "http" not in policy
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-frame-options"] == "DENY"
        assert "server" not in answer.headers


@pytest.mark.parametrize(
    ("name", "message", "word"),
    [
        ("draw", {"lane": [[0.1, 0.1], [0.9, 0.1]]}, "length >= 3"),
        ("draw", {"lane": [[0.1, 0.1], [1.9, 0.1], [0.5, 0.5]]}, "<= 1"),
        ("draw", {"lane": [[0.1, 0.1], ["x", 0.1], [0.5, 0.5]]}, "Expected `float`"),
        ("draw", {"lane": [[n / 99, n / 99] for n in range(25)]}, "length <= 24"),
        ("draw", {"masks": [SQUARE] * 13}, "length <= 12"),
        ("draw", {"lane": [[0.1, 0.1], [0.9, 0.9], [0.9, 0.1], [0.1, 0.9]]}, "cross"),
        ("draw", {"lane": [[0.5, 0.5], [0.5, 0.5], [0.5, 0.5]]}, "cross"),
        ("draw", {"travel": [[0.5, 0.5], [0.5, 0.5]]}, "longer arrow"),
        ("settings", {"speed_mph": 0}, ">= 1"),
        ("settings", {"speed_mph": 45, "field_of_view_deg": 400}, "<= 170"),
        ("settings", {"speed": 45}, "unknown field `speed`"),
        ("prove", {"passes": "<script>"}, "matching regex"),
        ("prove", {"passes": ""}, "length >= 1"),
        ("prove", {"passes": "NOPLATEISASLONGASTHIS"}, "not a plate"),
        ("patch", {"corner": [0.1, 0.1], "size": [0.0, 0.1]}, ">= 0.01"),
        ("save", {"technician": "a\nb"}, "matching regex"),
        ("save", {"technician": "x" * 61}, "length <= 60"),
        ("capture", {"place": "elsewhere"}, "Invalid enum"),
    ],
)
def test_what_is_out_of_bounds_is_refused_in_words(
    served: Served, session: dict[str, str], name: str, message: object, word: str
) -> None:
    """Each with what is wrong, and the server goes on."""
    answer = served.does(name, message, session)
    assert answer.status in (400, 409), answer.text
    assert word in answer.error


def test_not_a_number_is_no_coordinate(served: Served, session: dict[str, str]) -> None:
    """NaN and infinity, which JSON does not have but parsers may take."""
    for value in (b"NaN", b"Infinity", b"1e999"):
        body = b'{"lane": [[0.1, 0.1], [' + value + b", 0.1], [0.5, 0.5]]}"
        answer = served.ask("POST", "/do/draw", body, {"Content-Type": "application/json", **session})
        assert answer.status == 400


def test_bodies_are_bounded_and_typed(served: Served, session: dict[str, str]) -> None:
    """Too much is 413, a form where JSON is wanted 415, no JSON at all 400."""
    kind = {"Content-Type": "application/json", **session}
    assert served.ask("POST", "/do/draw", b" " * 20_000, kind).status == 413
    assert served.ask("POST", "/do/draw", b"{}", {"Content-Type": "text/plain", **session}).status == 415
    assert served.ask("POST", "/do/draw", b"\xff\xfe", kind).status == 400
    assert served.ask("GET", "/do/draw", headers=session).status == 405


def test_what_is_drawn_comes_back_in_the_state(served: Served, session: dict[str, str]) -> None:
    """So that a page that is loaded again shows it."""
    answer = served.does("draw", {"lane": SQUARE, "masks": [SQUARE], "travel": [[0.5, 0.2], [0.5, 0.8]]}, session)
    assert answer.status == 200
    state = msgspec.json.decode(served.ask("GET", "/state", headers=session).body)
    assert state["lane"] == SQUARE
    assert state["masks"] == [SQUARE]
    assert state["travel"] == [[0.5, 0.2], [0.5, 0.8]]


def test_plain_http_is_not_spoken(served: Served) -> None:
    """A browser that comes without TLS gets no answer that it could show."""
    link = http.client.HTTPConnection("127.0.0.1", served.port, timeout=20)
    with pytest.raises((http.client.HTTPException, OSError)):
        link.request("GET", "/")
        link.getresponse()
    link.close()


def test_wrong_codes_are_counted_down_and_then_the_door_is_locked() -> None:
    """In words; the right code does not open a locked door."""
    with Served("--clip", DEMO) as page:
        right = page.code
        wrong = ("1" if right[0] == "0" else "0") + right[1:]
        answers = [page.enter(wrong) for _ in range(5)]
        assert "4 tries left" in answers[0].text
        assert "One try left" in answers[3].text
        assert "Locked after 5 wrong codes" in answers[4].text
        assert all(answer.status == 403 for answer in answers)
        last = page.enter(right)
        assert last.status == 403
        assert "set-cookie" not in last.headers
        assert "Locked" in page.ask("GET", "/").text


def test_after_its_time_the_page_says_so_and_goes_off() -> None:
    """The tablet that is in gets 410 and the word; a little later the process has ended by itself."""
    with Served("--clip", DEMO, "--minutes", "0.1") as page:
        session = page.session()
        page.wait_for(lambda: page.ask("GET", "/state", headers=session).status == 410)
        assert "hour is over" in page.ask("GET", "/").text
        assert page.enter(page.code).status == 410
        assert page.process.wait(60) == 0


@pytest.mark.parametrize(("address", "word"), [("0.0.0.0", "every network"), ("::", "every network"), ("tablet", "no address")])
def test_the_page_is_for_one_network_only(address: str, word: str) -> None:
    """All of a unit's networks at once, the modem's too, are refused, and so is what is no address."""
    with pytest.raises(ConfigError, match=word):
        check_address(address)


@pytest.mark.parametrize(
    ("options", "word"),
    [
        (["--clip", DEMO, "--bind", "192.0.2.77"], "name another"),
        (["--clip", DEMO, "--certificate", "x.pem", "--key", "x.key"], "No such file"),
        ([], "-c device.toml"),
    ],
)
def test_what_cannot_be_served_is_refused_at_start(options: list[str | Path], word: str) -> None:
    """In one line that says what to do, with exit code 2, before anything listens."""
    command = [sys.executable, "-m", "edge", "calibrate", "serve", *map(str, options)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 2
    assert word in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_no_plate_stands_in_what_the_page_says_of_itself(served: Served, session: dict[str, str]) -> None:
    """Terminal and errors of the process hold no text of a plate that was on the picture meanwhile."""
    texts: set[str] = set()

    def read() -> bool:
        state = msgspec.json.decode(served.ask("GET", f"/state?after={len(texts)}", headers=session).body)
        texts.update(plate["text"] for plate in state["plates"])
        return bool(texts - {""})

    served.wait_for(read)
    said = "\n".join([*served.said, *served.errors])
    assert not [text for text in texts if text and text in said]


def test_a_session_is_closed_to_scripts_other_sites_and_plain_http_and_ends_when_its_tablet_leaves() -> None:
    """The cookie is HttpOnly, Secure, SameSite=Strict and by its name bound to this host; after leaving it opens nothing, and
    the unit shows a new code that does."""
    with Served("--clip", DEMO) as page:
        first, cookie = page.code, page.enter(page.code).headers["set-cookie"]
        assert cookie.startswith("__Host-plate-edge=")
        for word in ("HttpOnly", "Secure", "SameSite=strict", "Path=/"):
            assert word in cookie
        session = {"Cookie": cookie.partition(";")[0]}
        assert page.ask("POST", "/leave", b"", session).status == 303
        page.wait_for(lambda: page.code != first)
        assert page.ask("GET", "/state", headers=session).status == 401
        assert page.enter(page.code).status == 303
