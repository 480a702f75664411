"""Streams request and response bodies in pieces."""

import errno
import time
from collections.abc import Callable, Iterator

import structlog
from gunicorn.http.errors import ParseException

from frontend_site.connections.body import TimedBody
from frontend_site.site_request import SiteRequest
from frontend_site.transport.answer import BadAnswer
from frontend_site.transport.response import Response
from frontend_site.transport.wire import PIECE

_log = structlog.get_logger("frontend_site")


class ClientGone(Exception):
    """The browser stopped sending, or sends what is no body."""


class BodyTooSlow(Exception):
    """The browser sends more slowly than we wait."""


class BodyTooLong(Exception):
    """The browser sends more than the limit."""


class AccessEnded(Exception):
    """The session, or its user's access, ended while the browser was sending."""


class Recheck:
    """Asks `still_valid` every `interval` seconds while data moves. The first interval begins at construction."""

    def __init__(self, still_valid: Callable[[], bool], interval: float) -> None:
        self._still_valid, self._interval = still_valid, interval
        self._next = time.monotonic() + interval

    def has_ended(self) -> bool:
        """Whether access has ended, so that the transfer must end, too."""
        if time.monotonic() < self._next:
            return False
        self._next = time.monotonic() + self._interval
        return not self._still_valid()


class FairShare:
    """Lets other greenlets go on: between a fast sender and a fast receiver nothing ever waits."""

    _SIZE = 16 * 1024  # bytes, after which it is the others' turn

    def __init__(self) -> None:
        self._moved = 0

    def count(self, piece: bytes) -> None:
        """Note that `piece` was moved."""
        self._moved += len(piece)

    def let_others(self) -> None:
        """Let them, if it is their turn."""
        if self._moved >= self._SIZE:
            self._moved = 0
            time.sleep(0)  # gevent's


class RequestBody:
    """What the browser sends, as it comes.

    `length` in bytes, None when it comes in chunks; `silence` in seconds. Raises ClientGone, BodyTooLong, BodyTooSlow,
    and AccessEnded if `recheck` says that access has ended: then the upstream does not get the rest.
    """

    def __init__(self, request: SiteRequest, *, limit: int, silence: int, recheck: Recheck) -> None:
        self._share = FairShare()
        self._recheck = recheck
        self._input = request.META["wsgi.input"]
        if isinstance(self._input, TimedBody):
            self._input.pace.may_be_long(silence)
        coding = request.META.get("HTTP_TRANSFER_ENCODING", "").strip().lower()
        if coding not in ("", "chunked"):  # we would pass it on as plain
            raise ClientGone
        self.chunked = coding == "chunked"
        self.length = None if self.chunked else int(request.META.get("CONTENT_LENGTH") or 0)
        self._left = limit if self.length is None else self.length
        if self.length is not None and self.length > limit:
            raise BodyTooLong

    def __iter__(self) -> Iterator[bytes]:
        while piece := self._read():
            yield piece

    def _read(self) -> bytes:
        self._share.let_others()
        wanted = PIECE if self.chunked else min(PIECE, self._left)
        try:
            piece: bytes = self._input.read(wanted) if wanted else b""
        except TimeoutError as error:
            raise BodyTooSlow from error
        except (OSError, ParseException) as error:
            raise ClientGone from error
        self._share.count(piece)
        self._left -= len(piece)
        if self._left < 0:
            raise BodyTooLong
        if not piece and not self.chunked and self._left:
            raise ClientGone
        if self._recheck.has_ended():  # at the end, too: it may come as late as any other piece
            raise AccessEnded
        return piece


class Held:
    """What a call holds until its answer has been sent. (An ExitStack would do the same at a higher cost.)"""

    def __init__(self) -> None:
        self._steps: list[Callable[[], None]] = []

    def until_closed(self, give_back: Callable[[], None]) -> None:
        """Hold something that `give_back` gives back."""
        self._steps.append(give_back)

    def close(self) -> None:
        """Give all of it back, the last first, once."""
        if self._steps:
            give_back = self._steps.pop()
            try:
                give_back()
            finally:
                self.close()


class AnswerBody:
    """What the upstream sends, as it comes; closed with the response, read to its end or not.

    A session that ended meanwhile (`recheck`) ends the transfer, too. `held` is closed with it.
    """

    def __init__(self, answer: Response, *, recheck: Recheck, held: Held) -> None:
        self._share = FairShare()
        self._answer = answer
        self._recheck = recheck
        self._held = held

    def __iter__(self) -> "AnswerBody":
        return self

    def __next__(self) -> bytes:
        self._share.let_others()
        try:
            piece = self._answer.next_piece()
        except (BadAnswer, OSError) as error:
            raise _torn(type(error).__name__) from error
        # At the end, too: an answer without a body may come as late as any other.
        if self._recheck.has_ended():
            raise _torn("session ended")
        if not piece:
            raise StopIteration
        self._share.count(piece)
        return piece

    def close(self) -> None:
        self._held.close()


def _torn(reason: str) -> ConnectionResetError:
    """Makes gunicorn close the connection without a proper end: a cut file must not look whole."""
    _log.warning("upstream.torn", reason=reason)
    return ConnectionResetError(errno.ECONNRESET, reason)
