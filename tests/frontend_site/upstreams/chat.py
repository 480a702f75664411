"""A real WebSocket server that stands for a service behind the site, and browsers that call it."""

import threading
from contextlib import suppress
from http import HTTPStatus
from typing import Any

from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.sync.client import ClientConnection, connect
from websockets.sync.server import ServerConnection, serve

from tests.frontend_site.stub import TOKEN


class Chat:
    """Says each message again. `handshakes` has what arrived; `hang_ups` counts connections that ended."""

    def __init__(self) -> None:
        self.handshakes: list[Request] = []
        self.hang_ups = 0
        # Cut connections are part of the tests, and a test's browser answers no pings while it waits.
        self._server = serve(
            self._talk, "127.0.0.1", 0, process_request=self._judge, subprotocols=["v1.chat"],
            ping_interval=None,
        )  # fmt: skip
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.socket.getsockname()[1]}/base"

    def stop(self) -> None:
        self._server.shutdown()

    def _judge(self, connection: ServerConnection, request: Request) -> Response | None:
        self.handshakes.append(request)
        if request.path.endswith("/refused"):
            return connection.respond(HTTPStatus.CONFLICT, "not here")
        return None

    def _talk(self, connection: ServerConnection) -> None:
        assert connection.request
        if "/greeting" in connection.request.path:
            connection.send("welcome")
        with suppress(ConnectionClosed):
            while connection.request.path.endswith("/flood"):
                connection.send("x" * 65536)
            for message in connection:
                connection.send(message)
                if message == "bye":
                    break
        self.hang_ups += 1


def open_chat(
    port: int, path: str = "/api/chat/talk", *, token: str = TOKEN, **changes: Any
) -> ClientConnection:
    """Open a WebSocket as a page of the site at that port does. Raises InvalidStatus."""
    changes.setdefault("subprotocols", ["v1.chat"])
    changes.setdefault("origin", f"http://localhost:{port}")
    return connect(
        f"ws://localhost:{port}{path}",
        additional_headers={"Cookie": f"__Host-session={token}"},
        proxy=None, open_timeout=30, close_timeout=0.1, ping_interval=None, **changes,
    )  # fmt: skip


def says_again(chat: ClientConnection, message: str = "hello") -> bool:
    chat.send(message)
    return bool(chat.recv(timeout=30) == message)


def is_closed(chat: ClientConnection) -> bool:
    """Wait until it is. Raises TimeoutError."""
    try:
        chat.recv(timeout=60)
    except ConnectionClosed:
        return True
    return False
