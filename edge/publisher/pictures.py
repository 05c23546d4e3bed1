"""When which picture goes to the agency: after the reads, one at a time and in pieces, so that a read waits for one piece.
No I/O but the outbox.

A picture goes once the agency has its read.  Like a read it is forgotten on a signed receipt only; what has none in time is
sent again.  Where pictures are sent on request, those go that the agency has asked for.
"""

from __future__ import annotations

from collections import deque
from typing import Literal

from edge.envelope.interface import PartWriter, Receipt, RequestReader
from edge.errors import EnvelopeError
from edge.journal import Journal
from edge.outbox.interface import PictureAccount, PictureBox, WaitingPicture

Send = Literal["after-reads", "on-request"]

# So many pictures may be with the agency without a receipt.
_AHEAD = 16
_SLOWEST_RESEND = 16
_FIRST_PAUSE_S = 1.0
_LONGEST_PAUSE_S = 30.0


class Pictures:
    """The pictures of one outbox on their way.  Times are seconds of a clock that only goes forward."""

    def __init__(
        self,
        box: PictureBox,
        parts: PartWriter,
        requests: RequestReader,
        journal: Journal,
        *,
        epoch: str,
        send: Send = "after-reads",
        resend_after_s: float = 30.0,
    ) -> None:
        """``epoch`` is the outbox's."""
        self._box, self._parts, self._requests, self._journal = box, parts, requests, journal
        self._epoch, self._send, self._resend_after_s = epoch, send, resend_after_s
        self._pieces: deque[bytes] = deque()
        self._whose: WaitingPicture | None = None
        self._token: int | None = None
        self._due_s: dict[bytes, float] = {}
        self._tries: dict[bytes, int] = {}
        self._pause_s, self._paused_until_s = 0.0, 0.0
        self._account: PictureAccount | None = None

    def begin(self) -> None:
        """A fresh connection, or none: nothing is under way."""
        self._pieces.clear()
        self._token, self._whose = None, None
        self._due_s.clear()
        self._pause_s = self._paused_until_s = 0.0

    @property
    def left(self) -> int:
        """How many are still to be sent, up to a few, as far as it is this unit's to send them."""
        return len(self._waiting(_AHEAD))

    def next_piece(self, now_s: float) -> bytes | None:
        """The wire bytes of what is to be handed over now; None while a piece is not answered for, or nothing is due."""
        if self._token is not None or now_s < self._paused_until_s:
            return None
        if not self._pieces:
            self._choose(now_s)
        return self._pieces[0] if self._pieces else None

    def sent(self, token: int) -> None:
        """What was due is handed over."""
        self._token = token

    def answered(self, token: int, refused: str, now_s: float) -> bool:
        """Whether ``token`` was a piece's; one that nobody took begins its picture anew after a pause."""
        if token != self._token or self._whose is None:
            return False
        self._token = None
        if refused:
            self._journal.count("pictures_refused", refused)
            self._pieces.clear()
            self._pause_s = min(max(2 * self._pause_s, _FIRST_PAUSE_S), _LONGEST_PAUSE_S)
            self._paused_until_s = now_s + self._pause_s
            return True
        self._pause_s = 0.0
        self._pieces.popleft()
        if not self._pieces:
            self._is_sent(self._whose, now_s)
        return True

    def settled(self, receipt: Receipt) -> None:
        """Forget what a verified receipt names."""
        if not (receipt.pictures or receipt.unwanted):
            return
        gone = self._box.settle(receipt.pictures, receipt.unwanted)
        self._journal.count("pictures_pruned", by=gone)
        for sha256 in (*receipt.pictures, *receipt.unwanted):
            self._due_s.pop(sha256, None)
            self._tries.pop(sha256, None)

    def look(self) -> None:
        """Count, and be loud about, what will not be delivered."""
        now, before = self._box.account(), self._account
        self._account = now
        if before is None:
            return
        for name, number in (
            ("dropped", now.dropped - before.dropped),
            ("expired", now.expired - before.expired),
            ("unwanted", now.unwanted - before.unwanted),
        ):
            self._journal.count(f"pictures_{name}", by=number)
        if now.dropped > before.dropped:
            self._journal.warning("pictures had to go undelivered; their reads are kept", pictures=now.dropped - before.dropped)

    def take_request(self, wire: bytes) -> None:
        """Note what the agency asks for."""
        try:
            request = self._requests.request(wire)
        except EnvelopeError as error:
            self._journal.count("requests_refused", error.reason)
            self._journal.warning("request for pictures refused", reason=error.reason)
            return
        asked = self._box.ask(request.epoch, request.reads)
        self._journal.count("pictures_asked_for", by=asked)

    def _waiting(self, limit: int) -> list[WaitingPicture]:
        """What may be sent, asked for or not; what was asked for goes first."""
        asked = list(self._box.asked_for(limit))
        if self._send == "on-request":
            return asked
        known = {each.sha256 for each in asked}
        return (asked + [each for each in self._box.due(limit) if each.sha256 not in known])[:limit]

    def _choose(self, now_s: float) -> None:
        """Begin with the next picture, if one is due."""
        under_way = sum(due_s > now_s for due_s in self._due_s.values())
        if under_way >= _AHEAD:
            return
        for picture in self._waiting(2 * _AHEAD):
            if self._due_s.get(picture.sha256, now_s) > now_s:
                continue
            file = self._box.file(picture)
            if file is None:
                self._journal.count("alarms", "picture-altered")
                self._journal.error("a picture is not as it was written; its read is whole", seq=picture.seq)
                continue
            self._whose = picture
            self._pieces.extend(self._parts.parts(self._epoch, picture.seq, file))
            return

    def _is_sent(self, picture: WaitingPicture, now_s: float) -> None:
        tries = self._tries.get(picture.sha256, 0)
        self._journal.count("pictures_sent", "again" if tries else "first")
        self._tries[picture.sha256] = tries + 1
        self._due_s[picture.sha256] = now_s + self._resend_after_s * min(2**tries, _SLOWEST_RESEND)
