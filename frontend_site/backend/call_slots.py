"""Limits the number of concurrent calls to auth_api."""

import threading

from .answer import AuthApiUnavailable


class CallSlots:
    """`with slots:` waits up to `wait` seconds for one. Raises AuthApiUnavailable."""

    def __init__(self, number: int, wait: float) -> None:
        self._slots = threading.BoundedSemaphore(number)
        self._wait = wait

    def __enter__(self) -> None:
        # Nearly always there is one: a timeout that is not needed costs more than the slot.
        if not (self._slots.acquire(blocking=False) or self._slots.acquire(timeout=self._wait)):
            raise AuthApiUnavailable("too many calls at once")

    def __exit__(self, *_: object) -> None:
        self._slots.release()
