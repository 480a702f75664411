"""gunicorn's threads for auth_api, but the call that every page makes is answered by the thread that saw it come.

That call (GET /v1/session) takes a third of a millisecond, and handing it to a thread, waking that
and handing the connection back costs as much again: threads of one process wait for each other.
Everything else (Argon2, SQL, streams) goes to the threads as before.
"""

import socket
import time
from typing import Any

from gunicorn.workers.gthread import ThreadWorker

_HOT = (b"GET /v1/session ", b"GET /v1/session?")
_END = b"\r\n\r\n"
_BODY = (b"\r\ncontent-length:", b"\r\ntransfer-encoding:")  # it may still be on its way
_PEEK = 4096  # bytes; a head that is longer goes to the threads
_HELD_UP = 0.25  # seconds: an answer that takes longer had to wait, for Redis or the database
_SLOW = 0.02  # seconds, of the answers on the whole: a busy machine makes one late, but not all
_PAUSE = 5.0  # seconds without answers here, after either
_SIGN_OF_LIFE = 1.0  # seconds between two; the arbiter looks for the last 30


class AuthWorker(ThreadWorker):
    """A ThreadWorker whose main thread answers short calls itself.

    An outage of Redis may hold the main thread up once, for as long as the engine's socket timeout;
    then the threads take everything for a while, so that nothing else waits for that outage.
    """

    _here_from = 0.0  # monotonic seconds
    _on_the_whole = 0.0  # seconds: a moving average of what answers took
    _alive_at = 0.0  # monotonic seconds

    def notify(self) -> None:
        """Tell the arbiter that we live; not after each answer, as it costs a system call."""
        now = time.monotonic()
        if now - self._alive_at > _SIGN_OF_LIFE:
            self._alive_at = now
            super().notify()

    def on_client_socket_readable(self, conn: Any, client: Any) -> None:
        """Answer a short call at once; the connection stays registered for its next one."""
        now = time.monotonic()
        if now < self._here_from or not self.alive or not _is_hot(client):
            super().on_client_socket_readable(conn, client)
            return
        kept = self.handle(conn)
        self._pause_if_slow(time.monotonic() - now)
        self.keepalived_conns.remove(conn)
        if kept is True and self.alive:
            conn.sock.setblocking(False)
            conn.set_timeout()
            self.keepalived_conns.append(conn)
            return
        self.poller.unregister(client)
        self.nr_conns -= 1
        conn.close(graceful=True)

    def _pause_if_slow(self, taken: float) -> None:
        self._on_the_whole += (taken - self._on_the_whole) / 8
        if taken > _HELD_UP or self._on_the_whole > _SLOW:
            self._on_the_whole = 0.0
            self._here_from = time.monotonic() + _PAUSE


def _is_hot(client: socket.socket) -> bool:
    """Whether one whole request of that kind is there: a slow one must not keep the others waiting."""
    try:
        head = client.recv(_PEEK, socket.MSG_PEEK)
    except (OSError, ValueError):  # ValueError: TLS, which cannot be peeked into
        return False
    if not head.startswith(_HOT) or head.find(_END) != len(head) - len(_END):
        return False
    lower = head.lower()
    return not any(name in lower for name in _BODY)
