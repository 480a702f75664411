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
_SLOW = 0.05  # seconds: one answer that takes longer had to wait, for Redis or the database
_PAUSE = 5.0  # seconds without answers here, after a slow one


class AuthWorker(ThreadWorker):
    """A ThreadWorker whose main thread answers short calls itself.

    An outage of Redis may hold the main thread up once, for as long as the engine's socket timeout;
    then the threads take everything for a while, so that nothing else waits for that outage.
    """

    _here_from = 0.0  # monotonic seconds

    def on_client_socket_readable(self, conn: Any, client: Any) -> None:
        """Answer a short call at once; the connection stays registered for its next one."""
        now = time.monotonic()
        if now < self._here_from or not self.alive or not _is_hot(client):
            super().on_client_socket_readable(conn, client)
            return
        kept = self.handle(conn)
        if time.monotonic() - now > _SLOW:
            self._here_from = time.monotonic() + _PAUSE
        self.keepalived_conns.remove(conn)
        if kept is True and self.alive:
            conn.sock.setblocking(False)
            conn.set_timeout()
            self.keepalived_conns.append(conn)
            return
        self.poller.unregister(client)
        self.nr_conns -= 1
        conn.close(graceful=True)


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
