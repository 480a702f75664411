"""Refuses calls at once while auth_api does not answer (a circuit breaker, one in each worker)."""

from collections.abc import Callable

import structlog

from gatehouse.breaker import Breaker, BreakerOpen

from .answer import AuthApiUnavailable

_FAILURES = 5  # in a row
_REST = 1.0  # seconds between two probes
_log = structlog.get_logger("frontend_site")


class Reachability:
    """Knows from the calls before whether auth_api answers.

    Any answer of its own is a success, 4xx and 5xx included. Calls that hash have a breaker more, which
    counts their timeouts: slow hashes alone must not refuse validations. `is_answering` probes; it
    is one call that changes nothing and takes a second at most, so no user's own call has to be the
    probe.
    """

    def __init__(self, is_answering: Callable[[], bool]) -> None:
        self._is_answering = is_answering
        self._all = Breaker(failures=_FAILURES, rest=_REST)
        self._hashing = Breaker(failures=_FAILURES, rest=_REST)

    def admit(self, *, hashing: bool) -> None:
        """Let a call pass, or raise AuthApiUnavailable; while it is open, one caller probes first."""
        for breaker in self._breakers(hashing):
            if not breaker.is_open:
                continue
            try:
                breaker.before()
            except BreakerOpen as error:
                raise AuthApiUnavailable(str(error), retry_after=error.retry_after) from None
            self._probe(breaker)

    def is_refusing(self, *, hashing: bool) -> bool:
        """Whether a call that was admitted has become hopeless meanwhile."""
        return any(breaker.is_open for breaker in self._breakers(hashing))

    def answered(self, *, hashing: bool) -> None:
        """Take note of an answer."""
        for breaker in self._breakers(hashing):
            breaker.succeeded()

    def failed(self, error: Exception, *, hashing: bool) -> None:
        """Take note that none came: nobody listens, it was late, or it is not auth_api's."""
        breaker = self._hashing if hashing and isinstance(error, TimeoutError) else self._all
        breaker.failed()

    def _breakers(self, hashing: bool) -> tuple[Breaker, ...]:
        return (self._all, self._hashing) if hashing else (self._all,)

    def _probe(self, breaker: Breaker) -> None:
        if not self._is_answering():
            breaker.failed()
            raise AuthApiUnavailable("auth_api does not answer a probe")
        breaker.succeeded()
        _log.info("auth_api.answers_again")
