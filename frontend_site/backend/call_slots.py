"""Limits the number of concurrent calls to auth_api."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import BoundedSemaphore

from gatehouse.waiting_line import LineFull, WaitingLine

from .answer import AuthApiUnavailable

_TOO_MANY = "too many calls at once"


class CallSlots:
    """`with slots:` waits up to `wait` seconds for one. Raises AuthApiUnavailable."""

    def __init__(self, number: int, wait: float) -> None:
        self._slots = BoundedSemaphore(number)
        self._wait = wait

    def __enter__(self) -> None:
        # Nearly always there is one: a timeout that is not needed costs more than the slot.
        if not (self._slots.acquire(blocking=False) or self._slots.acquire(timeout=self._wait)):
            raise AuthApiUnavailable(_TOO_MANY)

    def __exit__(self, *_: object) -> None:
        self._slots.release()


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
