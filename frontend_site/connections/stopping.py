"""Ends connections that wait for their next request when a worker stops. No Django: gunicorn's master imports it."""

from typing import Any

import gevent
from gunicorn.workers.ggevent import GeventWorker

_LINGER = 2.0  # seconds for a request that is on its way; gunicorn's threaded worker gives as many


class WaitingConnectionsEnd(GeventWorker):  # type: ignore[misc]
    """For a worker class: kept-alive connections do not hold up a worker that stops.

    gunicorn's gevent worker waits for them as for requests, and they would use up the whole grace.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._waiting: dict[gevent.Greenlet, Any] = {}  # with its timeout

    def timeout_ctx(self) -> "_Listed":
        """Limit the wait for the head of a request, as the worker class behind us does."""
        return _Listed(super().timeout_ctx(), self._waiting)

    def end_waiting_connections(self) -> None:
        """End those that still wait a little later; every answer ends its connection by then."""
        gevent.sleep(_LINGER)
        loop = gevent.get_hub().loop
        for greenlet, timeout in self._waiting.items():
            loop.run_callback(self._end, greenlet, timeout)

    def _end(self, greenlet: gevent.Greenlet, timeout: Any) -> None:
        """In the hub, as when the time is over: a request may have come in the meantime."""
        still_waits = self._waiting.get(greenlet) is timeout
        if still_waits:
            greenlet.throw(timeout.exception or timeout)


class _Listed:
    """A timeout that is in `waiting`, under its greenlet, while it runs."""

    def __init__(self, timeout: Any, waiting: dict[gevent.Greenlet, Any]) -> None:
        self._timeout, self._waiting = timeout, waiting

    def __enter__(self) -> None:
        self._timeout.__enter__()
        self._waiting[gevent.getcurrent()] = self._timeout

    def __exit__(self, *raised: Any) -> Any:
        del self._waiting[gevent.getcurrent()]
        return self._timeout.__exit__(*raised)
