"""Limits the number of concurrent calls to auth_api."""

from collections.abc import Iterator
from contextlib import contextmanager
from queue import Empty, SimpleQueue

from gatehouse.waiting_line import LineFull, WaitingLine

from .answer import AuthApiUnavailable

_TOO_MANY = "too many calls at once"


class CallSlots:
    """`with slots:` waits up to `wait` seconds for one. Raises AuthApiUnavailable.

    A queue of free slots: under gevent it costs less than a semaphore, whose lock is written in Python there.
    """

    def __init__(self, number: int, wait: float) -> None:
        self._free: SimpleQueue[None] = SimpleQueue()
        self._wait = wait
        for _ in range(number):
            self._free.put(None)

    def __enter__(self) -> None:
        try:
            self._free.get(timeout=self._wait)
        except Empty:
            raise AuthApiUnavailable(_TOO_MANY) from None

    def __exit__(self, *_: object) -> None:
        self._free.put(None)


class HashingSlots:
    """For calls that make auth_api hash a password: few at once, the others wait in a queue.

    A greenlet that waits here costs little, and a thread of auth_api that waits costs more. Browsers
    that have signed in before go first, and a third more of the calls are kept for them.
    """

    def __init__(self, number: int, *, waiting: int, wait: float) -> None:
        reserved = max(1, number // 3)
        self._wait = wait
        self._line = WaitingLine(
            slots=number + reserved, reserved=reserved, waiting=waiting, named_waiting=waiting
        )

    @contextmanager
    def slot(self, account_tag: str) -> Iterator[None]:
        """Hold one; `account_tag` is "" for a browser that is not known. Raises AuthApiUnavailable."""
        try:
            with self._line.slot(self._wait, account_tag):
                yield
        except LineFull:
            raise AuthApiUnavailable(_TOO_MANY) from None
