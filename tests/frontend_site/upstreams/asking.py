"""Calls of a signed-in user, through the real gunicorn."""

import re
import socket

from tests.frontend_site.server import Answer, Server
from tests.frontend_site.stub import TOKEN

COOKIE = f"Cookie: __Host-session={TOKEN}"


def get(site: Server, path: str, *lines: str) -> Answer:
    return site.ask("GET", path, COOKIE, *lines)


def problem_of(answer: Answer) -> str:
    found = re.search(rb'"urn:gatehouse:problem:([a-z-]+)"', answer.body)
    return found[1].decode() if found else ""


def open_events(site: Server, path: str = "/api/reports/events") -> socket.socket:
    sock = socket.create_connection(("127.0.0.1", site.port), timeout=15)
    request = f"GET {path} HTTP/1.1\r\nHost: localhost\r\n{COOKIE}\r\n\r\n"
    sock.sendall(request.encode())
    return sock


def read_until(sock: socket.socket, text: bytes) -> bytes:
    received = b""
    while text not in received:
        piece = sock.recv(65536)
        assert piece, received
        received += piece
    return received
