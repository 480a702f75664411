"""A worker of auth_api that stops closes its socket, and answers who waits in the queue only if nobody else will."""

import logging
import selectors
import socket
from collections.abc import Iterator
from contextlib import ExitStack, closing
from types import SimpleNamespace

import pytest
from gunicorn.config import Config

from auth_api.gunicorn import ApiWorker

WAITING = 3


class CountingWorker(ApiWorker):
    accepted = 0

    def accept(self, listener: socket.socket) -> None:
        listener.accept()[0].close()
        self.accepted += 1


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """A socket in whose queue some wait."""
    with ExitStack() as opened:
        listening = opened.enter_context(socket.create_server(("127.0.0.1", 0)))
        for _ in range(WAITING):
            opened.enter_context(closing(socket.create_connection(listening.getsockname())))
        yield listening


@pytest.mark.parametrize(("stops", "accepted"), [(True, WAITING), (False, 0)])
def test_who_waits_is_taken_when_the_whole_service_stops(
    listener: socket.socket, monkeypatch: pytest.MonkeyPatch, stops: bool, accepted: int
) -> None:
    monkeypatch.setattr("auth_api.gunicorn.is_stopping", lambda: stops)
    log = logging.getLogger("gunicorn.error")
    worker = CountingWorker(1, 1, [listener], SimpleNamespace(), 30, Config(), log)
    with closing(selectors.DefaultSelector()) as worker.poller:
        worker.set_accept_enabled(True)
        worker.alive = False
        worker.set_accept_enabled(False)
    assert worker.accepted == accepted
    assert listener.fileno() == -1  # closed
