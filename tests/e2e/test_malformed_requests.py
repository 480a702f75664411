"""What is no HTTP, to both services as they run, read by either of gunicorn's parsers.

Each answer has our security headers, nothing of the request comes back or is logged but its host, and the
service lives on.
"""

import importlib.util
import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.processes import Stack

SERVICES = ("web", "auth")
SECRET = "s3cret"  # a part of every request
_FAST = importlib.util.find_spec("gunicorn_h1c") is not None
_HOST = "Host: localhost"
_CHUNKED = "Transfer-Encoding: chunked"
_SMUGGLED = f"0\r\n\r\nGET /healthz?{SECRET} HTTP/1.1\r\n{_HOST}\r\n\r\n"


def _get(*lines: str) -> str:
    return "\r\n".join([f"GET /healthz?{SECRET} HTTP/1.1", _HOST, *lines, "", ""])


def _post(*lines: str, body: str) -> str:
    head = [f"POST /nothing?{SECRET} HTTP/1.1", _HOST, "Connection: close", *lines]
    return "\r\n".join([*head, "", body])


# Each with the statuses that may answer it.
REQUESTS: dict[str, tuple[str, set[int]]] = {
    "no request line": (f"{SECRET}\r\n\r\n", {400}),
    "HTTP/0.9": (f"GET /{SECRET}\r\n\r\n", {400}),
    "HTTP/3.0": (f"GET /{SECRET} HTTP/3.0\r\n{_HOST}\r\n\r\n", {400}),
    "HTTP/2 preface": (f"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n{SECRET}", {400}),
    "blanks in the target": (f"GET /?token={SECRET} of mine HTTP/1.1\r\n{_HOST}\r\n\r\n", {400}),
    "NUL in the target": (f"GET /?{SECRET}\0 HTTP/1.1\r\n{_HOST}\r\n\r\n", {400}),
    "long request line": (f"GET /?{SECRET}{'a' * 9000} HTTP/1.1\r\n{_HOST}\r\n\r\n", {414}),
    "odd method": (f"GE{{T /?{SECRET} HTTP/1.1\r\n{_HOST}\r\n\r\n", {400}),
    "lower-case method": (f"get /?{SECRET} HTTP/1.1\r\n{_HOST}\r\n\r\n", {400}),
    "bare LF": (f"GET /?{SECRET} HTTP/1.1\n{_HOST}\n\n", {400}),
    "absolute form, strange host": (
        f"GET http://{SECRET}.example/ HTTP/1.1\r\nHost: {SECRET}.example\r\nConnection: close\r\n\r\n",
        {400},
    ),
    "two hosts": (_get(f"Host: {SECRET}"), {400}),
    "header without a colon": (_get(f"Cookie {SECRET}"), {400}),
    "blank in a header's name": (_get(f"X {SECRET}: a"), {400}),
    "blank before the colon": (_get(f"Cookie : {SECRET}"), {400}),
    "folded header": (_get("X-A: a", f" {SECRET}"), {400}),
    "NUL in a header": (_get(f"X-A: {SECRET}\0"), {400}),
    "CR in a header": (_get(f"X-A: {SECRET}\rX-B: b"), {400}),
    "long header": (_get(f"X-A: {SECRET}{'a' * 9000}"), {431}),
    "too many headers": (_get(*(f"X-{n}: {SECRET}" for n in range(100))), {431}),
    "odd expectation": (_get(f"Expect: {SECRET}"), {417}),
    "odd coding": (_post(f"Transfer-Encoding: {SECRET}", body=""), {400, 501}),
    "chunked twice": (_post("Transfer-Encoding: chunked, chunked", body=_SMUGGLED), {400, 501}),
    "chunked HTTP/1.0": (
        f"POST /nothing HTTP/1.0\r\n{_HOST}\r\n{_CHUNKED}\r\n\r\n{_SMUGGLED}",
        {400},
    ),
    "length and coding": (_post("Content-Length: 4", _CHUNKED, body=_SMUGGLED), {400}),
    "two lengths": (_post("Content-Length: 4", "Content-Length: 5", body=_SMUGGLED), {400}),
    "signed length": (_post("Content-Length: +4", body=_SMUGGLED), {400}),
    "no chunk": (_post(_CHUNKED, body=f"{SECRET}\r\n"), {400, 404}),
    "chunk of no size": (_post(_CHUNKED, body=f"-1\r\n{SECRET}\r\n0\r\n\r\n"), {400, 404}),
    "long chunk": (_post(_CHUNKED, body=f"2\r\n{{}}{SECRET}\r\n0\r\n\r\n"), {400, 404}),
    "length that is none": (_post(f"Content-Length: {SECRET}", body=""), {400}),
}
HEADERS = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "cache-control": "no-store",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}


@pytest.fixture(
    scope="module",
    params=[
        "python",
        pytest.param("fast", marks=pytest.mark.skipif(not _FAST, reason="no gunicorn_h1c")),
    ],
)
def running(request: pytest.FixtureRequest) -> Iterator[Stack]:
    with Stack(GUNICORN_CMD_ARGS=f"--http-parser={request.param}") as stack:
        yield stack


def _port(stack: Stack, service: str) -> int:
    return stack.web_port if service == "web" else stack.auth_port


def _exchange(stack: Stack, service: str, data: bytes) -> bytes:
    address = ("127.0.0.1", _port(stack, service))
    with closing(socket.create_connection(address, timeout=20)) as sock:
        sock.sendall(data)
        received = b""
        while piece := sock.recv(65536):
            received += piece
    return received


def _workers(stack: Stack, service: str) -> str:
    pid = stack.processes[service].pid
    return Path(f"/proc/{pid}/task/{pid}/children").read_text()


def _check_answer(answer: bytes, statuses: set[int]) -> None:
    assert answer.count(b"HTTP/1.1 ") == 1, answer
    head, _, body = answer.partition(b"\r\n\r\n")
    status, *lines = head.decode("ascii").split("\r\n")
    assert int(status.split(" ")[1]) in statuses
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    assert HEADERS.items() <= headers.items()
    assert "default-src 'none'" in headers["content-security-policy"]
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert headers["referrer-policy"] in ("no-referrer", "same-origin")
    assert "camera=()" in headers["permissions-policy"]
    assert int(headers["content-length"]) == len(body)
    assert SECRET.encode() not in answer


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("kind", REQUESTS)
def test_it_is_refused_and_repeated_nowhere(running: Stack, service: str, kind: str) -> None:
    data, statuses = REQUESTS[kind]
    workers, log = _workers(running, service), running.log(service)
    before = log.stat().st_size
    _check_answer(_exchange(running, service, data.encode("latin-1")), statuses)
    with log.open() as file:
        file.seek(before)
        # The operator is told for which host a request came.
        written = "".join(line for line in file if "host.refused" not in line)
    assert SECRET not in written
    assert "Traceback" not in written
    alive = _exchange(
        running, service, f"GET /healthz HTTP/1.1\r\n{_HOST}\r\nConnection: close\r\n\r\n".encode()
    )
    assert alive.startswith(b"HTTP/1.1 200 ")
    assert _workers(running, service) == workers
