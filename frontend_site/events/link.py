"""Reads the event stream of auth_api, one per worker."""

import json
import random
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog

from frontend_site.backend.client import auth_api_server
from frontend_site.transport.answer import BadAnswer
from frontend_site.transport.pool import Pool
from frontend_site.transport.request import Request
from frontend_site.transport.response import Response
from frontend_site.transport.wire import Patience
from gatehouse.service_token import ServiceTokens

if TYPE_CHECKING:
    from frontend_site.settings.base import Gatehouse

_PATH = "/v1/events"
_SILENCE = 10.0  # seconds: auth_api gives a sign of life each second while Redis answers
_LONGEST_LINE = 1024  # bytes
_SHORTEST_PAUSE, _LONGEST_PAUSE = 0.25, 8.0  # seconds
_FIELDS = {"ref", "handle", "renewed", "kept"}
_NAME = re.compile(r"[A-Za-z0-9_-]{16}", re.ASCII)
_log = structlog.get_logger("frontend_site")


@dataclass(frozen=True)
class Ended:
    """Sessions of one user are over: the one with `handle`, all but `kept`, or all.

    With `renewed` the one goes on under that handle.
    """

    ref: str
    handle: str = ""
    renewed: str = ""
    kept: str = ""

    def concerns(self, handle: str) -> bool:
        """Whether the session with that handle may be over."""
        return self.handle in ("", handle) and (not self.kept or self.kept != handle)

    @classmethod
    def read(cls, text: str) -> "Ended | None":
        """Return what one event says; None for anything else than we agreed on."""
        try:
            fields = json.loads(text)
        except (ValueError, RecursionError):
            return None
        if not isinstance(fields, dict) or not fields.keys() <= _FIELDS:
            return None
        names = [
            name for name in fields.values() if isinstance(name, str) and _NAME.fullmatch(name)
        ]
        return cls(**fields) if "ref" in fields and len(names) == len(fields) else None


class Link:
    """Reads the stream for as long as the worker lives, and opens it again whenever it ends."""

    def __init__(
        self,
        options: "Gatehouse",
        *,
        on_ended: Callable[[Ended], None],
        on_ready: Callable[[], None],
        on_lost: Callable[[], None],
    ) -> None:
        server, prefix = auth_api_server(options)
        self._pool = Pool(server, idle_limit=0)
        self._path = prefix + _PATH
        self._patience = Patience(options.connect_timeout, _SILENCE)
        self._tokens = ServiceTokens(options.service_keys[0])
        self._on_ended = on_ended
        self._on_ready = on_ready
        self._on_lost = on_lost
        self._stopped = threading.Event()
        self._response: Response | None = None

    def start(self) -> None:
        """Open the stream, in a thread of its own (a greenlet under gevent)."""
        threading.Thread(target=self._run, name="event-link", daemon=True).start()

    def stop(self) -> None:
        """End the stream, and open no other."""
        self._stopped.set()
        if self._response is not None:
            self._response.hang_up()

    def _run(self) -> None:
        pause = _SHORTEST_PAUSE
        while not self._stopped.is_set():
            try:
                for event, data in self._events():
                    pause = _SHORTEST_PAUSE
                    self._pass_on(event, data)
                reason = "ended"
            except (OSError, BadAnswer) as error:
                reason = type(error).__name__
            self._on_lost()
            if not self._stopped.is_set():
                _log.warning("events.link_lost", reason=reason)
            # Workers that lost it together must not all come back together.
            self._stopped.wait(pause * random.uniform(0.5, 1.5))  # noqa: S311
            pause = min(pause * 2, _LONGEST_PAUSE)

    def _pass_on(self, event: str, data: str) -> None:
        if event == "ready":
            self._on_ready()
        elif event == "ended" and (ended := Ended.read(data)):
            self._on_ended(ended)

    def _events(self) -> Iterator[tuple[str, str]]:
        """Yield (event, data) until the stream ends. Raises OSError, BadAnswer."""
        headers = {
            "Authorization": f"Bearer {self._tokens.current()}",
            "Accept": "text/event-stream",
            "User-Agent": "gatehouse-frontend",
        }
        request = Request("GET", self._path, headers)
        with closing(self._pool.send(request, self._patience, alone=True)) as response:
            self._response = response
            if self._stopped.is_set() or response.head.status != 200:
                raise BadAnswer(f"status {response.head.status}")
            event = ""
            for line in _lines(response):
                name, _, value = line.partition(": ")
                if name == "event":
                    event = value
                elif name.startswith("data"):
                    yield event, value


def _lines(response: Response) -> Iterator[str]:
    """Yield the lines of a stream as they come. Raises OSError, BadAnswer."""
    rest = b""
    while piece := response.next_piece():
        *lines, rest = (rest + piece).split(b"\n")
        for line in lines:
            yield line.rstrip(b"\r").decode("utf-8", "replace")
        if len(rest) > _LONGEST_LINE:
            raise BadAnswer("line too long")
