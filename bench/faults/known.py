"""What one client knows from acknowledged answers, and what contradicted it."""

import itertools
import time
from base64 import urlsafe_b64encode
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum
from hashlib import sha256


class State(Enum):
    """What is known of a session."""

    LIVE = "live"  # its sign-in was acknowledged, and nothing was asked that ends it
    ENDED = "ended"  # its end was acknowledged
    UNKNOWN = "unknown"  # an end was asked for and not acknowledged
    REFUSED = "refused"  # live, but an answer said that it is not


@dataclass
class Session:
    """One browser that signed in. Times are those of time.monotonic()."""

    token: str
    csrf: str
    asked: float  # when its sign-in was sent
    born: float = field(default_factory=time.monotonic)  # when that was acknowledged
    state: State = State.LIVE
    end_asked: float = 0.0
    ended: float = 0.0
    by_epoch: bool = False  # ended with all others, which the database knows

    @property
    def handle(self) -> str:
        """What the list of sessions calls it."""
        digest = sha256(self.token.partition(".")[2].encode()).digest()
        return urlsafe_b64encode(digest).decode()[:16]

    def end(self, asked: float, *, by_epoch: bool) -> None:
        """Note an acknowledged end that was asked for at `asked`."""
        self.state, self.by_epoch = State.ENDED, by_epoch
        self.end_asked, self.ended = asked, time.monotonic()


class Kind(Enum):
    """How an answer contradicts what is known."""

    WRONG = "wrong"
    LOST = "lost"
    REVIVED = "revived"


@dataclass(frozen=True)
class Finding:
    """One contradiction. It contradicts an act that was `asked` for and `acknowledged` at these times."""

    kind: Kind
    text: str
    asked: float = 0.0
    acknowledged: float = 0.0
    is_final: bool = True  # no loss of Redis excuses it


@dataclass
class Tally:
    """The answers to one client."""

    requests: int = 0
    unavailable: int = 0  # 503
    broken: int = 0  # no answer
    findings: list[Finding] = field(default_factory=list)
    ghosts: Counter[str] = field(default_factory=Counter)
    good: list[float] = field(default_factory=list)  # when
    statuses: Counter[str] = field(default_factory=Counter)  # of each kind of call

    def longest_gap(self, begin: float, end: float) -> float:
        """Return the longest time without a good answer, in seconds."""
        times = [begin, *(t for t in list(self.good) if begin < t < end), end]
        return max(b - a for a, b in itertools.pairwise(times))

    def good_after(self, moment: float) -> float | None:
        """Return the seconds from `moment` to the next good answer, None if there is none yet."""
        return next((t - moment for t in list(self.good) if t > moment), None)


def excused(
    findings: Iterable[Finding], windows: list[tuple[float, float]]
) -> tuple[list[Finding], list[Finding]]:
    """Return the findings that count, and those about acts in a documented window of loss.

    An act has its effect at some time between the request and its answer.
    """
    counted, in_window = [], []
    for one in findings:
        fits = any(one.asked <= end and one.acknowledged >= begin for begin, end in windows)
        (in_window if fits and not one.is_final else counted).append(one)
    return counted, in_window
