"""gunicorn's threads for auth_api, but the call that every page makes is answered by the thread that saw it come.

That call (GET /v1/session) takes a third of a millisecond, and handing it to a thread, waking that
and handing the connection back costs as much again: threads of one process wait for each other.
Everything else (Argon2, SQL, streams) goes to the threads as before.
"""

import socket
import time
from typing import Any

from gunicorn.workers.gthread import ThreadWorker

from gunicorn_hot_call import answer_of, environ_of

_PEEK = 4096  # bytes; a head that is longer goes to the threads
_HELD_UP = 0.25  # seconds: an answer that takes longer had to wait, for Redis or the database
_SLOW = 0.02  # seconds, of the answers on the whole: a busy machine makes one late, but not all
_SHORTEST_PAUSE, _LONGEST_PAUSE = 5.0, 60.0  # seconds without answers here, after either
_SIGN_OF_LIFE = 1.0  # seconds between two; the arbiter looks for the last 30


class AuthWorker(ThreadWorker):  # type: ignore[misc]
    """A ThreadWorker whose main thread answers short calls itself.

    An outage of Redis may hold the main thread up for as long as the engine's socket timeout; then the
    threads take everything for a while, and for twice as long each time that it is held up again.
    """

    _here_from = 0.0  # monotonic seconds
    _pause = _SHORTEST_PAUSE
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
        started = time.monotonic()
        here = started >= self._here_from and self._may_answer(conn)
        head = _peek(client) if here else b""
        environ = environ_of(head, client=conn.client, server=conn.server) if head else None
        if environ is None:
            super().on_client_socket_readable(conn, client)
            return
        kept = self._answer(client, len(head), environ)
        self._pause_if_slow(time.monotonic() - started)
        self.keepalived_conns.remove(conn)
        if kept:
            conn.set_timeout()
            self.keepalived_conns.append(conn)
            return
        self.poller.unregister(client)
        self.nr_conns -= 1
        conn.close(graceful=True)

    def _may_answer(self, conn: Any) -> bool:
        """Stopping, restarting after so many requests, access logs, Unix sockets are gunicorn's matter."""
        if not self.alive or self.nr + 1 >= self.max_requests or self.cfg.accesslog:
            return False
        return isinstance(conn.server, tuple)

    def _answer(self, client: socket.socket, length: int, environ: dict[str, Any]) -> bool:
        """Answer the request of `length` bytes. Whether the connection can be kept."""
        self.nr += 1
        try:
            client.recv(length)
            answer = answer_of(self.wsgi, environ)
            if client.send(answer) == len(answer):  # it fits into the socket's buffer
                return True
            self.log.error("An answer was not taken whole")
        except OSError:  # the BFF left
            pass
        except Exception:
            self.log.exception("Error handling request")
        return False

    def _pause_if_slow(self, taken: float) -> None:
        self._on_the_whole += (taken - self._on_the_whole) / 8
        if taken > _HELD_UP or self._on_the_whole > _SLOW:
            self._on_the_whole = 0.0
            self._here_from = time.monotonic() + self._pause
            self._pause = min(self._pause * 2, _LONGEST_PAUSE)
        elif taken < _SLOW:
            self._pause = _SHORTEST_PAUSE


def _peek(client: socket.socket) -> bytes:
    """What has come, without taking it: half a request must not keep the others waiting."""
    try:
        return client.recv(_PEEK, socket.MSG_PEEK)
    except (OSError, ValueError):  # ValueError: TLS, which cannot be peeked into
        return b""
