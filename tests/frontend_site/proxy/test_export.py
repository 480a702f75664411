"""The data export arrives complete or not at all, whatever its length."""

import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest

from frontend_site.backend.caller import Caller
from frontend_site.backend.client import AuthApiUnavailable, auth_api
from frontend_site.session_token import SessionToken
from tests.frontend_site.server import Server
from tests.frontend_site.stub import (
    NO_SESSION,
    SET_SESSION,
    STORE_DOWN,
    TOKEN,
    Behaviour,
    Stub,
    drip,
    hang,
    hang_up,
    problem,
    raw,
)
from tests.processes import wait_for

EXPORT = "GET /v1/account/export"
PATH = "/api/auth/account/export"
COOKIE = f"Cookie: __Host-session={TOKEN}"
CALLER = Caller(SessionToken(TOKEN), "192.0.2.7", "Firefox", "request-1")
PIECES = [b'{"security_events": ["', *[b"x" * 65536] * 48, b'"]}']  # 3 MiB
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"


def in_chunks(
    *pieces: bytes, end: bytes = b"0\r\n\r\n"
) -> Callable[[BaseHTTPRequestHandler], None]:
    """Answer as auth_api does, without a Content-Length. Without `end`, the answer is truncated."""
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces)
    cookie = f"Set-Cookie: {SET_SESSION}\r\n\r\n".encode()
    return raw(CHUNKED[:-2] + cookie + chunks + end)


def test_a_long_answer_arrives_whole_and_with_its_length(server: Server, stub: Stub) -> None:
    stub.answers[EXPORT] = in_chunks(*PIECES)
    answer = server.ask("GET", PATH, COOKIE)
    assert answer.status == 200
    assert answer.body == b"".join(PIECES)
    assert answer.all("Content-Length") == [str(len(answer.body))]
    assert answer.all("Content-Type") == ["application/json"]
    assert answer.all("Cache-Control") == ["no-store"]
    assert SET_SESSION in answer.all("Set-Cookie")


@pytest.mark.parametrize(
    "broken",
    [
        in_chunks(*PIECES[:-1], end=b""),
        in_chunks(*PIECES, end=b""),
        in_chunks(*PIECES[:-1], end=b"10000\r\nxxx"),
        raw(HEAD + b"Content-Length: 4000000\r\n\r\n" + b"".join(PIECES)),
        raw(HEAD + b"Connection: close\r\n\r\n" + b"".join(PIECES)),  # no framing
        raw(CHUNKED.replace(b"application/json", b"text/html") + b"2\r\n{}\r\n0\r\n\r\n"),
        hang_up,
        STORE_DOWN,
    ],
)
def test_a_download_that_breaks_off_at_auth_api_never_begins(
    server: Server, stub: Stub, broken: Behaviour
) -> None:
    stub.answers[EXPORT] = broken
    answer = server.ask("GET", PATH, COOKIE)
    assert answer.status == 503
    assert json.loads(answer.body)["type"] in (
        "urn:gatehouse:problem:auth-api-unavailable",
        "urn:gatehouse:problem:session-store-unavailable",
    )
    assert not any(line.startswith("__Host-session=") for line in answer.all("Set-Cookie"))


def test_a_refusal_passes_as_it_is(server: Server, stub: Stub) -> None:
    stub.answers[EXPORT] = NO_SESSION
    # The damaged ones before may have opened the circuit breaker.
    wait_for(lambda: server.ask("GET", PATH, COOKIE).status == 401, "the refusal")
    stub.answers[EXPORT] = problem("reauthentication-required", 403)
    assert server.ask("GET", PATH, COOKIE).status == 403


@pytest.mark.parametrize(
    "limits", [{"download_limit": 1024**2}, {"download_deadline": 0.3}, {"read_timeout": 0.3}]
)
def test_length_time_and_silence_have_limits(stub: Stub, options: Any, limits: Any) -> None:
    slow = drip(stub.wake, CHUNKED) if "download_deadline" in limits else hang(stub.wake)
    stub.answers[EXPORT] = in_chunks(*PIECES) if "download_limit" in limits else slow
    options(**limits)
    with pytest.raises(AuthApiUnavailable):
        auth_api().call("export-account", CALLER)


def test_downloads_leave_room_for_other_calls(stub: Stub, options: Any) -> None:
    options(downloads_at_once=1, connect_timeout=0.2)
    stub.answers[EXPORT] = hang(stub.wake)
    first = threading.Thread(target=export_in_vain)
    first.start()
    wait_for(lambda: EXPORT in stub.calls, "the first download")
    with pytest.raises(AuthApiUnavailable, match="too many"):
        export()
    assert auth_api().call("session", CALLER).status == 200
    stub.wake.set()
    first.join()
    assert stub.calls.count(EXPORT) == 1


def export() -> None:
    auth_api().call("export-account", CALLER)


def export_in_vain() -> None:
    with pytest.raises(AuthApiUnavailable):
        export()
