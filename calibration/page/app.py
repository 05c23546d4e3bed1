"""Addresses and answers.  Everything but the door itself wants the session's cookie; everything that changes something wants to
come from this very page."""

from __future__ import annotations

import html
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar
from urllib.parse import parse_qs

import msgspec
from msgspec import Struct
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from calibration.page.door import TRIES, Door
from calibration.page.feed import Feed
from calibration.page.hour import Hour
from calibration.page.messages import Capture, Drawing, Nothing, Patch, Plan, Save, Settings, Watch
from edge.errors import PlateEdgeError
from edge.masking import where

STATIC = Path(__file__).resolve().parent / "static"
COOKIE = "__Host-plate-edge"
MAX_BODY_BYTES = 1 << 14
_WAIT_S = 1.0

#: Nothing from elsewhere, nothing inline, in no frame, nothing kept by browser or proxy.
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Cache-Control": "no-store",
}
_DOOR_WORDS = {
    "code": "Type the code that stands on the unit’s terminal.",
    "wrong": "That is not the code. {tries}",
    "taken": "Another tablet is using this page. Leave there first; after five minutes without a sign of it the unit shows a "
    "new code.",
    "locked": f"Locked after {TRIES} wrong codes. Start “plate-edge calibrate serve” again on the unit.",
    "over": "The hour is over and this page is off. Start “plate-edge calibrate serve” again on the unit.",
    "left": "You have left. Everything that you saved is on the unit.",
}
_DOOR_STATUS = {"code": 200, "left": 200, "wrong": 403, "taken": 403, "locked": 403, "over": 410}

M = TypeVar("M", bound=Struct)


class Trouble(Struct, frozen=True, kw_only=True):
    """What went wrong, for the technician; ``over`` when the page must not go on asking."""

    error: str
    over: bool = False


class BadRequest(Exception):
    """The tablet sent what it should not; the words say what."""

    def __init__(self, status: int, words: str) -> None:
        super().__init__(words)
        self.status, self.words = status, words


class Guard:
    """Puts :data:`HEADERS` on every answer and refuses what another site made the browser send."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *((k.lower().encode(), v.encode()) for k, v in HEADERS.items())]
            await send(message)

        request = Request(scope)
        if request.method not in ("GET", "HEAD") and not _from_this_page(request):
            refused = _trouble(403, "This did not come from the unit’s own page.")
            await refused(scope, receive, with_headers)
            return
        await self._app(scope, receive, with_headers)


def _from_this_page(request: Request) -> bool:
    """Browsers name the page that a POST comes from (Fetch standard, Origin header), and no script can change that."""
    return request.headers.get("origin") == f"https://{request.headers.get('host', '')}"


class Page:
    """The answers, for one door, one feed and one hour."""

    def __init__(self, door: Door, feed: Feed, hour: Hour) -> None:
        self._door, self._feed, self._hour = door, feed, hour

    def app(self) -> ASGIApp:
        """The application."""
        hour = self._hour
        return Guard(
            Starlette(
                routes=[
                    Route("/", self._front),
                    Route("/enter", self._enter, methods=["POST"]),
                    Route("/leave", self._inside(self._leave), methods=["POST"]),
                    Route("/page.css", self._file("page.css", "text/css")),
                    Route("/icon.svg", self._file("icon.svg", "image/svg+xml")),
                    Route("/page.js", self._inside(self._file("page.js", "text/javascript"))),
                    Route("/drawing.js", self._inside(self._file("drawing.js", "text/javascript"))),
                    Route("/state", self._inside(self._state)),
                    Route("/picture/{serial:int}", self._inside(self._picture)),
                    Route("/card/{number:int}", self._inside(self._card)),
                    Route("/report", self._inside(self._report)),
                    Route("/record", self._inside(self._record)),
                    self._does("settings", Settings, hour.set),
                    self._does("watch-focus", Watch, hour.watch_focus),
                    self._does("patch", Patch, hour.choose_patch),
                    self._does("focus-again", Nothing, hour.focus_again),
                    self._does("draw", Drawing, hour.draw),
                    self._does("capture", Capture, hour.capture),
                    self._does("forget-cards", Nothing, hour.forget_cards),
                    self._does("predict", Nothing, hour.predict),
                    self._does("prove", Plan, hour.prove),
                    self._does("end-proof", Nothing, hour.end_proof),
                    self._does("save", Save, hour.save),
                ]
            )
        )

    async def _front(self, request: Request) -> Response:
        if self._door.knows(request.cookies.get(COOKIE)):
            return _html((STATIC / "hour.html").read_text(encoding="utf-8"))
        return self._at_door("left" if request.query_params.get("left") else self._door.standing())

    async def _enter(self, request: Request) -> Response:
        try:
            fields = parse_qs((await _body(request)).decode("ascii"), max_num_fields=4)
        except (BadRequest, ValueError):
            return self._at_door("wrong")
        answer, token = self._door.enter(fields.get("code", [""])[0][:40])
        if answer != "in":
            return self._at_door(answer)
        response = RedirectResponse("/", status_code=303)
        response.set_cookie(COOKIE, token, max_age=int(self._door.left_s) + 60, secure=True, httponly=True, samesite="strict")
        return response

    async def _leave(self, request: Request) -> Response:
        self._door.leave()
        response = RedirectResponse("/?left=1", status_code=303)
        response.delete_cookie(COOKIE, secure=True, httponly=True, samesite="strict")
        return response

    def _at_door(self, standing: str) -> Response:
        left = self._door.tries_left
        words = _DOOR_WORDS[standing].format(tries=f"{left} tries left." if left != 1 else "One try left.")
        form = standing in ("code", "wrong")
        page = (STATIC / "door.html").read_text(encoding="utf-8")
        page = page.replace("{words}", html.escape(words)).replace("{form}", "" if form else "hidden")
        page = page.replace("{again}", "" if standing in ("taken", "left") else "hidden")
        return _html(page.replace("{standing}", standing), _DOOR_STATUS[standing])

    def _inside(self, answer: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
        """Only with the session's cookie, and our own errors in plain words."""

        async def guarded(request: Request) -> Response:
            if not self._door.knows(request.cookies.get(COOKIE)):
                standing = self._door.standing()
                words = (
                    _DOOR_WORDS["over"] if standing == "over" else "This page has ended. Load it again and type the new code."
                )
                return _trouble(410 if standing == "over" else 401, words, over=True)
            try:
                return await answer(request)
            except BadRequest as error:
                return _trouble(error.status, error.words)
            except PlateEdgeError as error:
                return _trouble(409, str(error))
            except ClientDisconnect:
                return Response(status_code=400)
            except Exception as error:  # noqa: BLE001  the top of a request: its words may hold anything and are not shown
                return _trouble(500, f"A fault of the program: {where(error)}. Please report it; the rest of the page goes on.")

        return guarded

    def _does(self, name: str, kind: type[M], act: Callable[[M], None]) -> Route:
        """``POST /do/name`` with a message of ``kind``; answers with the state after it."""

        async def answer(request: Request) -> Response:
            message = await _message(request, kind)
            await run_in_threadpool(act, message)
            return _json(self._hour.state(self._door.left_s))

        return Route(f"/do/{name}", self._inside(answer), methods=["POST"])

    async def _state(self, request: Request) -> Response:
        after = _number(request.query_params.get("after", "-1"))
        shown = await run_in_threadpool(self._feed.newest, after, _WAIT_S)
        return _json(await run_in_threadpool(self._hour.state, self._door.left_s, shown))

    async def _picture(self, request: Request) -> Response:
        jpeg = await run_in_threadpool(self._feed.jpeg, request.path_params["serial"])
        return _trouble(404, "This picture is no longer kept.") if jpeg is None else Response(jpeg, media_type="image/jpeg")

    async def _card(self, request: Request) -> Response:
        jpeg = self._hour.card_picture(request.path_params["number"])
        return _trouble(404, "There is no such picture.") if jpeg is None else Response(jpeg, media_type="image/jpeg")

    async def _report(self, request: Request) -> Response:
        return _download(self._hour.report())

    async def _record(self, request: Request) -> Response:
        return _download(self._hour.record())

    def _file(self, name: str, kind: str) -> Callable[[Request], Awaitable[Response]]:
        async def answer(request: Request) -> Response:
            return Response((STATIC / name).read_bytes(), media_type=kind)

        return answer


async def _body(request: Request) -> bytes:
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            raise BadRequest(413, f"More than {MAX_BODY_BYTES >> 10} kB were sent; nothing on this page needs as much.")
    return body


async def _message(request: Request, kind: type[M]) -> M:
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
        raise BadRequest(415, "This wants JSON.")
    try:
        return msgspec.json.decode(await _body(request), type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadRequest(400, f"That cannot be taken: {error}.") from error


def _number(text: str) -> int:
    return int(text) if text.lstrip("-").isdecimal() and len(text) < 12 else -1


def _json(value: object) -> Response:
    return Response(msgspec.json.encode(value), media_type="application/json")


def _html(text: str, status: int = 200) -> Response:
    return Response(text, status, media_type="text/html")


def _trouble(status: int, words: str, over: bool = False) -> Response:
    return Response(msgspec.json.encode(Trouble(error=words, over=over)), status, media_type="application/json")


def _download(file: Path) -> Response:
    kind = {".json": "application/json", ".html": "text/html", ".pdf": "application/pdf"}.get(
        file.suffix, "application/octet-stream"
    )
    return Response(file.read_bytes(), media_type=kind, headers={"Content-Disposition": f'attachment; filename="{file.name}"'})
