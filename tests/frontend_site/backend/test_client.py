"""The client of auth_api against a real server that behaves, hangs, lies and hangs up."""

import json
import threading
import time
from typing import Any

import pytest

from frontend_site.backend.caller import Caller
from frontend_site.backend.client import ROUTES, AuthApiUnavailable, auth_api
from frontend_site.options import options
from frontend_site.session_token import SessionToken
from tests.frontend_site.stub import (
    HANDLE,
    SET_SESSION,
    TOKEN,
    Canned,
    Stub,
    current_session,
    drip,
    hang,
    hang_up,
    problem,
    raw,
    send,
)

CALLER = Caller(SessionToken(TOKEN), "192.0.2.7", "Firefox", "request-1")


# GETs may use a kept connection, all others never do.
both_ways = pytest.mark.parametrize(
    ("route", "call"),
    [("session", "GET /v1/session"), ("login", "POST /v1/login")],
    ids=["safe", "unsafe"],
)


@pytest.fixture(autouse=True)
def _fresh_client() -> None:
    auth_api.cache_clear()


@both_ways
def test_the_headers_are_ours_and_no_others(stub: Stub, route: str, call: str) -> None:
    body = {"body": b"{}", "content_type": "application/json"} if route == "login" else {}
    auth_api().call(route, CALLER, **body)
    headers = {name.lower(): value for name, value in stub.seen[0].headers}
    token = headers.pop("authorization")
    assert token.startswith("Bearer v1.test2.")
    if body:
        assert headers.pop("content-type") == "application/json"
        assert headers.pop("content-length") == "2"
        assert headers.pop("connection") == "close"
    assert headers == {
        "host": stub.url.removeprefix("http://"),
        "accept-encoding": "identity",
        "gatehouse-client-address": "192.0.2.7",
        "gatehouse-client-user-agent": "Firefox",
        "gatehouse-deadline": str(int(options().read_timeout * 1000)),
        "x-request-id": "request-1",
        "cookie": f"__Host-session={TOKEN}",
    }


def test_safe_calls_share_one_kept_alive_connection(stub: Stub) -> None:
    for route in ("session", "sessions", "session"):
        auth_api().call(route, CALLER)
    assert len({seen.connection for seen in stub.seen}) == 1


def test_each_unsafe_call_has_a_connection_of_its_own(stub: Stub) -> None:
    """Also beside one that is kept, and nothing else is sent by it afterwards."""
    for route in ("session", "login", "logout", "end-session", "session"):
        auth_api().call(route, CALLER, handle=HANDLE)
    first, *unsafe, last = (seen.connection for seen in stub.seen)
    assert len({first, *unsafe}) == 4
    assert last == first


@both_ways
def test_a_cookie_of_one_user_never_reaches_the_next(stub: Stub, route: str, call: str) -> None:
    stub.answers["POST /v1/login"] = Canned(
        200, current_session(), (("Set-Cookie", "a=b; Path=/"),)
    )
    auth_api().call("login", Caller(request_id="r" * 8), body=b"{}")
    auth_api().call(route, Caller(request_id="r" * 8))
    assert stub.seen[1].header("Cookie") is None


def test_every_set_cookie_line_is_handed_over_as_it_came(stub: Stub) -> None:
    lines = (SET_SESSION, "a=b; Expires=Thu, 01 Jan 1970 00:00:00 GMT", "a=c")
    headers = tuple(("Set-Cookie", line) for line in lines)
    stub.answers["POST /v1/login"] = Canned(200, current_session(), headers)
    assert auth_api().call("login", CALLER, body=b"{}").set_cookie == lines


@both_ways
def test_the_environment_and_netrc_are_not_read(
    stub: Stub, monkeypatch: pytest.MonkeyPatch, tmp_path: Any, route: str, call: str
) -> None:
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login evil password evil\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    assert auth_api().call(route, CALLER).status == 200
    assert (stub.seen[0].header("Authorization") or "").startswith("Bearer v1.")


@both_ways
@pytest.mark.parametrize("location", ["/v1/sessions", "http://127.0.0.1:1/", "http://[evil"])
def test_a_redirect_is_not_followed_and_not_believed(
    stub: Stub, location: str, route: str, call: str
) -> None:
    stub.answers[call] = Canned(302, b"", (("Location", location),))
    with pytest.raises(AuthApiUnavailable):
        auth_api().call(route, CALLER)
    assert stub.calls == [call]


@pytest.mark.parametrize(
    "handle",
    ["", "..", "../../admin/", "%2e%2e", "a?x", "a#f", "a/b", "h" * 15, "h" * 17, HANDLE + "\n"],
)
def test_a_handle_that_is_none_never_makes_an_address(stub: Stub, handle: str) -> None:
    with pytest.raises(ValueError, match="handle"):
        auth_api().call("end-session", CALLER, handle=handle)
    assert stub.calls == []


def test_a_stranger_cannot_name_a_route() -> None:
    with pytest.raises(KeyError):
        auth_api().call("../admin", CALLER)
    assert all(path.startswith("/v1/") or path == "/readyz" for _, path in ROUTES.values())


GARBAGE = {
    "no HTTP at all": raw(b"\x00\x01\x02 nonsense\r\n\r\n"),
    "an empty answer": hang_up,
    "half of a header": raw(b"HTTP/1.1 200 OK\r\nContent-Le"),
    "half of a body": raw(
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{"
    ),
    "a bad chunk": raw(
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
        b"Transfer-Encoding: chunked\r\n\r\nzz\r\n"
    ),
    "HTML": Canned(200, b"<html>", content_type="text/html"),
    "an HTML error": Canned(502, b"<html>", content_type="text/html"),
    "no type": Canned(200, b"{}", content_type=""),
    "broken JSON": Canned(200, b'{"user": '),
    "a JSON list": Canned(200, []),
    "a JSON number": Canned(200, b"1"),
    "deep JSON": Canned(200, b"[" * 200_000),
    "invalid UTF-8": Canned(200, b'{"a": "\xff\xfe"}'),
    "a long number": Canned(200, b'{"a": ' + b"9" * 5000 + b"}"),
    "compressed": Canned(200, b"{}", (("Content-Encoding", "gzip"),)),
    "201": Canned(201, {}),
    "304": Canned(304, b""),
    "too long": Canned(200, b'{"a": "' + b"x" * 1_100_000 + b'"}'),
    "our key refused": problem("service-token-required", 401),
}


@both_ways
@pytest.mark.parametrize("behaviour", GARBAGE.values(), ids=GARBAGE.keys())
def test_garbage_is_unknown_and_the_next_call_is_clean(
    stub: Stub, behaviour: Any, route: str, call: str
) -> None:
    stub.answers[call] = behaviour
    with pytest.raises(AuthApiUnavailable):
        auth_api().call(route, CALLER)
    stub.answers[call] = Canned(200, current_session())
    assert auth_api().call(route, CALLER).document["user"]["email"] == "ada@example.com"


@both_ways
def test_nobody_listens(auth_api_down: None, route: str, call: str) -> None:
    with pytest.raises(AuthApiUnavailable):
        auth_api().call(route, CALLER)


@both_ways
def test_a_silent_server_costs_the_read_timeout_only(
    stub: Stub, options: Any, route: str, call: str
) -> None:
    options(read_timeout=0.2)
    stub.answers[call] = hang(stub.wake)
    started = time.monotonic()
    with pytest.raises(AuthApiUnavailable):
        auth_api().call(route, CALLER)
    assert time.monotonic() - started < 1


@pytest.mark.parametrize(
    "head",
    [
        b"HTTP/1.1 200 OK\r\nX-Slow: ",
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 9999\r\n\r\n",
    ],
    ids=["in its headers", "in its body"],
)
@both_ways
def test_a_dripping_server_ends_at_the_deadline(
    stub: Stub, options: Any, head: bytes, route: str, call: str
) -> None:
    options(read_timeout=5, call_deadline=0.4)
    stub.answers[call] = drip(stub.wake, head)
    started = time.monotonic()
    with pytest.raises(AuthApiUnavailable):
        auth_api().call(route, CALLER)
    assert time.monotonic() - started < 1.5


def test_more_calls_than_slots_are_unknown_soon(stub: Stub, options: Any) -> None:
    options(calls_at_once=1, connect_timeout=0.2, read_timeout=3)
    stub.answers["GET /v1/session"] = hang(stub.wake)

    def first_call() -> None:
        with pytest.raises(AuthApiUnavailable):
            auth_api().call("session", CALLER)

    first = threading.Thread(target=first_call, daemon=True)
    first.start()
    while not stub.seen:
        time.sleep(0.01)
    with pytest.raises(AuthApiUnavailable, match="too many"):
        auth_api().call("ready", CALLER)
    stub.wake.set()
    first.join()


@pytest.mark.parametrize(
    "route",
    [
        "login", "reauthenticate", "register", "verify-email", "reset-password", "change-password",
    ],
)  # fmt: skip
def test_sign_ins_never_use_up_the_calls_of_those_who_are_signed_in(
    route: str, stub: Stub, options: Any
) -> None:
    options(hashing_calls_at_once=1, hashing_wait=0.2, read_timeout=3)
    stub.answers["POST /v1/login"] = hang(stub.wake)

    def first_call() -> None:
        with pytest.raises(AuthApiUnavailable):
            auth_api().call("login", CALLER)

    first = threading.Thread(target=first_call, daemon=True)
    first.start()
    while not stub.seen:
        time.sleep(0.01)
    with pytest.raises(AuthApiUnavailable, match="too many"):
        auth_api().call(route, CALLER)
    assert auth_api().call("session", CALLER).status == 200
    stub.wake.set()
    first.join()


def hanging_up_once(stub: Stub, then: Canned) -> Any:
    """The first request meets a closing connection, the next ones an answer."""
    left = [hang_up]

    def behave(handler: Any) -> None:
        if left:
            left.pop()(handler)
        else:
            send(handler, then)

    return behave


def test_a_get_on_a_closed_connection_is_sent_once_more(stub: Stub) -> None:
    auth_api().call("sessions", CALLER)
    stub.seen.clear()
    stub.answers["GET /v1/session"] = hanging_up_once(stub, Canned(200, current_session()))
    assert auth_api().call("session", CALLER).status == 200
    assert len(stub.calls) == 2


def test_a_get_is_not_sent_a_third_time(stub: Stub) -> None:
    auth_api().call("sessions", CALLER)
    stub.seen.clear()
    stub.answers["GET /v1/session"] = hang_up
    with pytest.raises(AuthApiUnavailable):
        auth_api().call("session", CALLER)
    assert len(stub.calls) == 2


def test_a_get_on_a_new_connection_is_sent_once(stub: Stub) -> None:
    stub.answers["GET /v1/session"] = hang_up
    with pytest.raises(AuthApiUnavailable):
        auth_api().call("session", CALLER)
    assert len(stub.calls) == 1


JSON = b"Content-Type: application/json\r\n"
DOUBTFUL = {
    "two lengths": b"HTTP/1.1 200 OK\r\n"
    + JSON
    + b"Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}",
    "chunks": b"HTTP/1.1 200 OK\r\n"
    + JSON
    + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    "both": b"HTTP/1.1 200 OK\r\n" + JSON + b"Content-Length: 2\r\nTransfer-Encoding: x\r\n\r\n{}",
    "no length": b"HTTP/1.1 200 OK\r\n" + JSON + b"\r\n{}",
    "a signed length": b"HTTP/1.1 200 OK\r\n" + JSON + b"Content-Length: +2\r\n\r\n{}",
    "more than announced": b"HTTP/1.1 200 OK\r\n" + JSON + b"Content-Length: 2\r\n\r\n{}HTTP/1.1",
    "a blank more than announced": b"HTTP/1.1 200 OK\r\n" + JSON + b"Content-Length: 2\r\n\r\n{} ",
    "an early hint": b"HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\n"
    + JSON
    + b"Content-Length: 2\r\n\r\n{}",
    "a folded header": b"HTTP/1.1 200 OK\r\n" + JSON + b"X: a\r\n b\r\nContent-Length: 2\r\n\r\n{}",
    "a blank before the colon": b"HTTP/1.1 200 OK\r\n" + JSON + b"Content-Length : 2\r\n\r\n{}",
    "an older protocol": b"HTTP/1.0 200 OK\r\n" + JSON + b"Content-Length: 2\r\n\r\n{}",
    "a head without end": b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 9000,
}


@pytest.mark.parametrize("answer", DOUBTFUL.values(), ids=DOUBTFUL)
def test_what_two_readers_could_read_in_two_ways_is_unknown(stub: Stub, answer: bytes) -> None:
    stub.answers["GET /v1/session"] = raw(answer)
    for _ in range(2):
        with pytest.raises(AuthApiUnavailable):
            auth_api().call("session", CALLER)
    assert auth_api().call("session-peek", CALLER).status == 200


def test_an_answer_in_many_pieces_is_one_answer(stub: Stub) -> None:
    body = json.dumps(current_session()).encode()
    head = b"HTTP/1.1 200 OK\r\n" + JSON + f"Content-Length: {len(body)}\r\n\r\n".encode()

    def in_pieces(handler: Any) -> None:
        for byte in head + body:
            handler.wfile.write(bytes((byte,)))
            handler.wfile.flush()

    stub.answers["GET /v1/session"] = in_pieces
    for _ in range(2):
        assert auth_api().call("session", CALLER).body == body
    assert len({seen.connection for seen in stub.seen}) == 1


@pytest.mark.parametrize(
    ("route", "call"),
    [("login", "POST /v1/login"), ("end-session", f"DELETE /v1/sessions/{HANDLE}")],
)
def test_an_unsafe_call_is_never_repeated(stub: Stub, route: str, call: str) -> None:
    stub.answers[call] = hanging_up_once(stub, Canned(200, current_session()))
    with pytest.raises(AuthApiUnavailable):
        auth_api().call(route, CALLER, body=b"{}", handle=HANDLE)
    assert stub.calls == [call]


def test_a_server_that_closed_an_idle_connection_is_no_error(stub: Stub) -> None:
    auth_api().call("session", CALLER)

    def answer_and_close(handler: Any) -> None:
        send(handler, Canned(200, current_session()))
        handler.wfile.flush()
        handler.close_connection = True

    stub.answers["GET /v1/session"] = answer_and_close
    auth_api().call("session", CALLER)
    time.sleep(0.05)
    assert auth_api().call("login", CALLER, body=b"{}").status == 200


def test_concurrent_callers_get_their_own_answers(stub: Stub) -> None:
    def echo(handler: Any) -> None:
        send(handler, Canned(200, {"cookie": handler.headers["Cookie"]}))

    stub.answers["GET /v1/session"] = echo
    wrong: list[str] = []

    def ask(number: int) -> None:
        token = f"{number:016d}." + "s" * 43
        for _ in range(20):
            answer = auth_api().call("session", Caller(SessionToken(token), request_id="r" * 8))
            if answer.document["cookie"] != f"__Host-session={token}":
                wrong.append(answer.document["cookie"])

    threads = [threading.Thread(target=ask, args=(number,), daemon=True) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
