"""Limits how often the codes of second factors may be tried at one account, over all doors."""

from auth_api.errors import Throttled
from auth_api.metrics import THROTTLED
from auth_api.tries import FREE_TRIES, MEMORY, Tries, asked, count, forget, hidden

# After this many failures in a row (SP 800-63B-4, 3.2.2), only a recovery code, which cannot be guessed,
# signs in and clears them.
CODE_TRIES = 100
CODE_MEMORY = 366 * 86400  # seconds


class CodeThrottle:
    """Counts the codes that are tried at one account, apart from its password's.

    The right password does not clear it; only a whole sign-in does. `guessable` is False for recovery
    codes, which are delayed as the others but never shut out.
    """

    def __init__(self, user_id: str, *, guessable: bool = True) -> None:
        tag = hidden(f"codes of {user_id}", 32)
        self._tries = Tries({f"gh:throttle:{{{tag}}}:tries": FREE_TRIES})
        self._failures = f"gh:throttle:{{{tag}}}:failures"
        self._guessable = guessable

    @property
    def keys(self) -> tuple[str, str]:
        """Return the keys of its two counters: of tries, and of failures."""
        [tries] = self._tries.limits
        return tries, self._failures

    def hit(self) -> None:
        """Count a try before it is judged, so that parallel tries count too. Raises Throttled."""
        shut = self._guessable and int(asked("GET", self._failures) or 0) >= CODE_TRIES
        if wait := MEMORY if shut else self._tries.hit():
            THROTTLED.labels("codes").inc()
            raise Throttled(wait)

    def fail(self) -> None:
        """Count a wrong code. Raises SessionStoreUnavailable."""
        count({self._failures: CODE_TRIES}, CODE_MEMORY)

    def give_back(self) -> None:
        """Forget the last try, which nobody judged."""
        self._tries.give_back()

    def clear(self) -> None:
        """Forget the failures after a whole sign-in. Raises SessionStoreUnavailable."""
        forget(*self._tries.limits, self._failures)
