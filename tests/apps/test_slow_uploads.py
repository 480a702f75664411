"""Uploads over slow lines, on the real gunicorn."""

import socket
import time
from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.frontend_site.conftest import _stub
from tests.frontend_site.server import Answer, Server, running_site
from tests.frontend_site.stub import TOKEN
from tests.processes import wait_for

pytestmark = pytest.mark.slow
ORIGIN = "http://localhost"
USUAL = 10  # seconds that other bodies may take
BODY = (
    b'--b\r\nContent-Disposition: form-data; name="csrfmiddlewaretoken"\r\n\r\n%s\r\n'
    b'--b\r\nContent-Disposition: form-data; name="title"\r\n\r\nEmma\r\n'
    b'--b\r\nContent-Disposition: form-data; name="scan"; filename="s"\r\n\r\nsome bytes\r\n--b--\r\n'
)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    var = tmp_path_factory.mktemp("var")
    settings = {"GATEHOUSE_APPS": "tests.apps.shelf", "GATEHOUSE_PUBLIC_ORIGIN": ORIGIN}
    with running_site(_stub.url, GATEHOUSE_VAR=str(var), **settings) as site:
        wait_for(lambda: site.ask("GET", "/healthz").status == 200, "the site")
        yield site


def test_a_file_of_a_signed_in_user_may_come_slowly(site: Server) -> None:
    cookies, *_, token = site.csrf(f"Cookie: __Host-session={TOKEN}")
    body = BODY % token.partition(": ")[2].encode()
    lines = [
        "POST /shelf/ways/upload HTTP/1.1", "Host: localhost", f"Origin: {ORIGIN}", "Connection: close",
        cookies, f"Content-Length: {len(body)}", "Content-Type: multipart/form-data; boundary=b",
    ]  # fmt: skip
    with closing(socket.create_connection(("127.0.0.1", site.port), timeout=60)) as sock:
        sock.sendall("\r\n".join(lines).encode() + b"\r\n\r\n" + body[:100])
        time.sleep(USUAL + 1)
        sock.sendall(body[100:])
        answer = Answer(b"".join(iter(lambda: sock.recv(65536), b"")))
    assert (answer.status, answer.body) == (200, b"10 bytes for ada@example.com")
