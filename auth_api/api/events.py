"""The event stream of ended sessions: one for each worker of the BFF."""

import threading
from collections.abc import Callable, Iterator
from functools import cache

from django.http import StreamingHttpResponse
from django.views.decorators.http import require_GET

from auth_api.api_request import ApiRequest
from auth_api.errors import Overloaded
from auth_api.metrics import EVENT_STREAMS
from auth_api.options import options
from auth_api.sessions.exceptions import SessionStoreUnavailable
from auth_api.sessions.redis.revocations import READY, Revocations


def never() -> bool:
    return False


is_stopping: Callable[[], bool] = never  # auth_api/gunicorn.py says when this worker is


@require_GET
def events(request: ApiRequest) -> StreamingHttpResponse:
    """Server-sent events until one side goes away.

    `ready` (from here on nothing is missed), `ended` with an announcement (redis/revocations.py), and a comment a second or
    so: when none comes, Redis or this service is gone. Raises Overloaded, SessionStoreUnavailable.
    """
    response = StreamingHttpResponse(_EventStream(), content_type="text/event-stream")
    response["Cache-Control"] = "no-store"
    return response


@cache
def _slots() -> threading.BoundedSemaphore:
    """A stream keeps a thread, and auth_api/gunicorn.py has this many extra ones for them."""
    return threading.BoundedSemaphore(options().event_streams)


class _EventStream:
    """A body that gives its slot and its subscription back however it ends."""

    def __init__(self) -> None:
        self._slot = _slots()
        if not self._slot.acquire(blocking=False):
            raise Overloaded
        try:
            self._revocations = Revocations()
        except BaseException:
            self._slot.release()
            raise
        self._open = True
        EVENT_STREAMS.inc()

    def __iter__(self) -> Iterator[str]:
        try:
            for announced in self._revocations:
                yield _event(announced)
                if is_stopping():
                    return
        except SessionStoreUnavailable:
            return  # the BFF comes back, and knows that it may have missed something

    def close(self) -> None:
        if self._open:
            self._open = False
            EVENT_STREAMS.dec()
            self._revocations.close()
            self._slot.release()


def _event(announced: str) -> str:
    if not announced:
        return ":\n\n"
    if announced == READY:
        return "event: ready\ndata:\n\n"
    # Whoever can write to Redis can announce anything: one line stays one line.
    return f"event: ended\ndata: {' '.join(announced.split())}\n\n"
