"""Refuses calls at once while auth_api does not answer (a circuit breaker, one in each worker)."""

from collections.abc import Callable

import structlog

from gatehouse.breaker import Breaker, BreakerOpen
from gatehouse.metrics import shown_breaker

from .answer import AuthApiUnavailable

_FAILURES = 5  # in a row
_REST = 1.0  # seconds between two probes
_log = structlog.get_logger("frontend_site")


class Reachability:
    """Knows from the calls before whether auth_api answers.

    Any answer of its own is a success, 4xx and 5xx included. Calls that are slow by nature (hashes and
    downloads) have a breaker more, which counts what goes wrong after they were connected: they alone
    must not refuse validations. `is_answering` probes: one call that changes nothing and takes 0.8
    seconds at most, so that no user's own call has to be the probe.
    """

    def __init__(self, is_answering: Callable[[], bool]) -> None:
        self._is_answering = is_answering
        self._all = Breaker(failures=_FAILURES, rest=_REST, on_change=shown_breaker("auth_api"))
        self._slow = Breaker(failures=_FAILURES, rest=_REST)
        self._breakers = {False: (self._all,), True: (self._all, self._slow)}  # by `slow`

    def admit(self, *, slow: bool) -> None:
        """Let a call pass, or raise AuthApiUnavailable; while it is open, one caller probes first."""
        for breaker in self._breakers[slow]:
            if not breaker.is_open:
                continue
            try:
                breaker.before()
            except BreakerOpen as error:
                raise AuthApiUnavailable(str(error), retry_after=error.retry_after) from None
            self._probe(breaker)

    def is_refusing(self, *, slow: bool) -> bool:
        """Whether a call that was admitted has become hopeless meanwhile."""
        return self._all.is_open or (slow and self._slow.is_open)

    def answered(self, *, slow: bool) -> None:
        """Take note of an answer."""
        for breaker in self._breakers[slow]:
            breaker.succeeded()

    def failed(self, error: Exception, *, slow: bool) -> None:
        """Take note that none came: nobody listens, it was late, or it is not auth_api's."""
        nobody_listens = isinstance(error, ConnectionRefusedError)
        breaker = self._slow if slow and not nobody_listens else self._all
        breaker.failed()

    def _probe(self, breaker: Breaker) -> None:
        if not self._is_answering():
            breaker.failed()
            raise AuthApiUnavailable("auth_api does not answer a probe")
        breaker.succeeded()
        _log.info("auth_api.answers_again")
