"""The time that a call of the BFF has left: work that nobody waits for any more has no effect.

The BFF says with each call how long it will wait (`Gatehouse-Deadline`, milliseconds). It is a length
of time, not a time of day, because clocks differ. It counts from when a thread of this worker takes
the request, so time spent in a queue before is missing from it; therefore, whether the caller has hung
up is looked at too. No clock is needed for that, and it is also right after this process was frozen.
"""

import re
import select
import time
from contextlib import AbstractContextManager
from contextvars import ContextVar, Token
from dataclasses import dataclass, field

from django.db import OperationalError

# Of a call without the header, in seconds: what the BFF of earlier releases waits for an answer.
DEFAULT = 5.0
LONGEST = 60.0  # seconds
_HEADER = re.compile("[0-9]{1,6}", re.ASCII)
_HUNG_UP = getattr(select, "POLLRDHUP", 0) | select.POLLHUP | select.POLLERR


class DeadlinePassed(OperationalError):
    """The caller has given up, so that nothing may be changed for it any more.

    A database error because Django rolls back a transaction whose commit raises one.
    """


@dataclass
class _Call:
    """The call that this thread works for, in a `with` block."""

    until: float  # on the monotonic clock
    caller: int | None  # the file descriptor of its connection
    is_decided: bool = False  # it has had its effect, and the rest is to be finished
    before: "Token[_Call | None] | None" = field(default=None, init=False, repr=False)

    def __enter__(self) -> None:
        self.before = _call.set(self)

    def __exit__(self, *_: object) -> None:
        if self.before is not None:
            _call.reset(self.before)


_call: ContextVar[_Call | None] = ContextVar("deadline", default=None)


def limited(header: str, caller: int | None = None) -> AbstractContextManager[None]:
    """Give the block the milliseconds that `header` names; `caller` is the connection's descriptor."""
    seconds = int(header) / 1000 if _HEADER.fullmatch(header) else DEFAULT
    return _Call(time.monotonic() + min(seconds, LONGEST), caller)


def within(seconds: float) -> AbstractContextManager[None]:
    """Give the block at most `seconds`, also where there is no call."""
    outer, until = _call.get(), time.monotonic() + seconds
    if outer is not None and not outer.is_decided:
        until = min(until, outer.until)
    return _Call(until, outer.caller if outer else None)


def decided() -> None:
    """Lift the deadline: the call has had its effect, and what follows belongs to it.

    From here on, nothing may tell the user that the effect did not happen.
    """
    if call := _call.get():
        call.is_decided = True


def left() -> float | None:
    """Return the seconds that are left, possibly negative; None if there is no limit."""
    call = _call.get()
    return None if call is None or call.is_decided else call.until - time.monotonic()


def is_over() -> bool:
    """Whether the deadline has passed or the caller has hung up. Ask before a lasting effect."""
    call = _call.get()
    if call is None or call.is_decided:
        return False
    return time.monotonic() >= call.until or _has_hung_up(call.caller)


def require_time() -> None:
    """Raise DeadlinePassed if `is_over`."""
    if is_over():
        raise DeadlinePassed("the caller is no longer waiting")


def _has_hung_up(caller: int | None) -> bool:
    if caller is None:
        return False
    poll = select.poll()
    poll.register(caller, _HUNG_UP)
    return bool(poll.poll(0))
