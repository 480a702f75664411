"""The public site as it really runs: gunicorn with its own configuration, on a free port."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from tests.answers import keep

ROOT = Path(__file__).resolve().parents[2]


class Answer:
    """One raw answer."""

    def __init__(self, data: bytes) -> None:
        head, _, self.body = data.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        self.status = int(lines[0].split(" ")[1])
        self.headers = [
            (name.lower(), value.strip())
            for name, _, value in (line.partition(":") for line in lines[1:])
        ]

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key == name.lower()]


class Server:
    """A running gunicorn with its production worker class."""

    def __init__(self, port: int, process: "subprocess.Popen[bytes]") -> None:
        self.port = port
        self.process = process

    def exchange(self, data: bytes) -> Answer:
        with closing(socket.create_connection(("127.0.0.1", self.port), timeout=15)) as sock:
            sock.sendall(data)
            received = b""
            while chunk := sock.recv(65536):
                received += chunk
        answer = Answer(received)
        keep(*data.decode("latin-1").split(" ")[:2], answer.status, answer.body)
        return answer

    def ask(self, method: str, path: str, *lines: str, body: bytes = b"") -> Answer:
        head = [f"{method} {path} HTTP/1.1", "Host: localhost", "Connection: close", *lines]
        if body:
            head.append(f"Content-Length: {len(body)}")
        return self.exchange("\r\n".join(head).encode("latin-1") + b"\r\n\r\n" + body)

    def csrf(self, *lines: str) -> list[str]:
        """Header lines that make a call with `lines` (a Cookie line first) pass the CSRF gate."""
        [line] = self.ask("GET", "/api/auth/csrf", *lines).all("Set-Cookie")
        pair = line.partition(";")[0]
        cookies = [lines[0] + "; " + pair] if lines else ["Cookie: " + pair]
        return [*cookies, *lines[1:], "X-CSRF-Token: " + pair.partition("=")[2]]


@contextmanager
def running_site(
    auth_api_url: str,
    *,
    application: str = "frontend_site.wsgi",
    port: int = 0,
    arguments: Sequence[str] = (),
    **changes: str,
) -> Iterator[Server]:
    """Start gunicorn in front of `auth_api_url`; end it afterwards.

    `arguments`: gunicorn's, which go before its configuration; `changes`: environment.
    """
    with socket.create_server(("127.0.0.1", port)) as listener:
        environment = {
            **os.environ,
            "GATEHOUSE_ENV": "test",
            "AUTH_API_URL": auth_api_url,
            "GATEHOUSE_LOG_LEVEL": "ERROR",
            "PYTHONWARNINGS": "ignore",
            **changes,
        }
        process = subprocess.Popen(
            [sys.executable, "-m", "gunicorn", application, "--config=python:frontend_site.gunicorn",
             "--workers=1", f"--bind=fd://{listener.fileno()}", *arguments],
            env=environment, cwd=ROOT, pass_fds=[listener.fileno()],
        )  # fmt: skip
        try:
            yield Server(listener.getsockname()[1], process)
        finally:
            process.terminate()
            process.wait(15)
