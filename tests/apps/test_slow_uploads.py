"""Uploads over slow lines, on the real gunicorn."""

import socket
import time
from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.frontend_site.conftest import _stub
from tests.frontend_site.server import Answer, Server, running_site
from tests.frontend_site.stub import SESSION_ENDED, TOKEN, Stub
from tests.processes import wait_for

pytestmark = pytest.mark.slow
ORIGIN = "http://localhost"
USUAL = 10  # seconds that other bodies may take
BODY = (
    b'--b\r\nContent-Disposition: form-data; name="csrfmiddlewaretoken"\r\n\r\n%s\r\n'
    b'--b\r\nContent-Disposition: form-data; name="title"\r\n\r\nEmma\r\n'
    b'--b\r\nContent-Disposition: form-data; name="scan"; filename="s"\r\n\r\nsome bytes\r\n--b--\r\n'
)
_REST = 20  # bytes that come late


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    var = tmp_path_factory.mktemp("var")
    settings = {"GATEHOUSE_APPS": "tests.apps.shelf", "GATEHOUSE_PUBLIC_ORIGIN": ORIGIN}
    with running_site(_stub.url, GATEHOUSE_VAR=str(var), **settings) as site:
        wait_for(lambda: site.ask("GET", "/healthz").status == 200, "the site")
        yield site


def slow_upload(site: Server) -> socket.socket:
    """Return a connection on which all but the last bytes of a file have been sent."""
    cookies, *_, token = site.csrf(f"Cookie: __Host-session={TOKEN}")
    body = BODY % token.partition(": ")[2].encode()
    lines = [
        "POST /shelf/ways/upload HTTP/1.1", "Host: localhost", f"Origin: {ORIGIN}", "Connection: close",
        cookies, f"Content-Length: {len(body)}", "Content-Type: multipart/form-data; boundary=b",
    ]  # fmt: skip
    sock = socket.create_connection(("127.0.0.1", site.port), timeout=60)
    sock.sendall("\r\n".join(lines).encode() + b"\r\n\r\n" + body[:-_REST])
    return sock


def finished(sock: socket.socket) -> Answer:
    sock.sendall(BODY[-_REST:])
    return Answer(b"".join(iter(lambda: sock.recv(65536), b"")))


def test_a_file_of_a_signed_in_user_may_come_slowly_if_the_session_lasts(
    site: Server, stub: Stub
) -> None:
    with closing(slow_upload(site)) as first, closing(slow_upload(site)) as second:
        wait_for(lambda: stub.calls.count("GET /v1/session") == 2, "both to be checked")
        time.sleep(USUAL + 1)
        answer = finished(first)
        assert (answer.status, answer.body) == (200, b"10 bytes for ada@example.com")
        stub.answers["GET /v1/session"] = SESSION_ENDED
        assert finished(second).status == 302
