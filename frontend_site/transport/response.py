"""Reads a response while it arrives."""

from collections.abc import Callable
from typing import Self

from .answer import AnswerReader, BadAnswer, Head
from .wire import Wire


class Response:
    """An answer whose head has come. Close it, whether or not it was read to its end; `with` does so."""

    def __init__(
        self,
        wire: Wire,
        reader: AnswerReader,
        head: Head,
        *,
        first: bytes,
        keep: Callable[[Wire], None] | None,
    ) -> None:
        self.head = head
        self._wire = wire
        self._reader = reader
        self._first = first  # what of the body came with the head
        self._keep = keep
        self._closed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def next_piece(self) -> bytes:
        """Return more of the body, as soon as there is some; b"" at its end.

        Raises OSError and BadAnswer, also for a body that is cut.
        """
        piece, self._first = self._first, b""
        while not piece and not self._reader.finished:
            if data := self._wire.receive():
                piece = self._reader.feed(data)
            else:
                self._reader.end()
        return piece

    def read(self, limit: int) -> bytes:
        """Return the whole body. Raises OSError and BadAnswer, also for one of over `limit` bytes."""
        pieces, size = [], 0
        while piece := self.next_piece():
            pieces.append(piece)
            size += len(piece)
            if size > limit:
                raise BadAnswer("answer too long")
            if self._reader.finished:
                break
        return b"".join(pieces)

    def take_over(self) -> tuple[Wire, bytes]:
        """Return the connection after a 101, and what came on it with the head. The caller closes it."""
        self._closed = True
        return self._wire, self._first

    def hang_up(self) -> None:
        """End the connection while another thread reads from it, which sees that as its end."""
        self._wire.shut_down()

    def close(self) -> None:
        """Keep the connection if nothing of this answer can be left on it, otherwise close it."""
        if self._closed:
            return
        self._closed = True
        if self._keep and self._reader.may_be_followed:
            self._keep(self._wire)
        else:
            self._wire.close()
