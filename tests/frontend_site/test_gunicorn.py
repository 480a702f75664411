"""What only the real server shows: raw headers, odd methods, two lines of one header."""

import socket
from contextlib import closing

import pytest

from tests.frontend_site.server import Server
from tests.frontend_site.stub import (
    EXPIRE_SESSION,
    HANDLE,
    NEW_TOKEN,
    SET_SESSION,
    TOKEN,
    Canned,
    Stub,
    current_session,
    hang,
)
from tests.processes import wait_for

COOKIE = f"Cookie: __Host-session={TOKEN}"


def test_a_page_over_the_wire(server: Server) -> None:
    answer = server.ask("GET", "/account", COOKIE)
    assert answer.status == 200
    assert b"Ada Lovelace" in answer.body


def test_set_cookie_lines_are_the_same_bytes_on_the_wire(server: Server, stub: Stub) -> None:
    lines = [SET_SESSION, "a=1;path=/;  secure", "a=2; Expires=Thu, 01 Jan 2026 00:00:00 GMT"]
    headers = tuple(("Set-Cookie", line) for line in lines)
    stub.answers["POST /v1/login"] = Canned(200, current_session(), headers)
    answer = server.ask(
        "POST", "/api/auth/login", *server.csrf(), "Content-Type: application/json", body=b"{}"
    )
    assert answer.all("Set-Cookie")[1:] == lines


def test_logout_over_the_wire(server: Server) -> None:
    answer = server.ask("POST", "/api/auth/logout", *server.csrf(COOKIE))
    assert answer.status == 204
    assert EXPIRE_SESSION in answer.all("Set-Cookie")
    assert answer.body == b""


@pytest.mark.parametrize(
    "lines",
    [
        [COOKIE, f"Cookie: __Host-session={NEW_TOKEN}"],
        [COOKIE, COOKIE],
        [COOKIE + f"; __Host-session={NEW_TOKEN}"],
        [COOKIE + f"; \xe2\x80\x80__Host-session={NEW_TOKEN}"],
        [COOKIE + f"; \xc2\xa0__Host-session={NEW_TOKEN}"],
        [COOKIE + f"; __HOST-session={NEW_TOKEN}"],
        ["Cookie: a=b", COOKIE, f"Cookie: __Host-session={NEW_TOKEN}"],
    ],
)
def test_two_sessions_in_one_request_are_a_400(
    server: Server, stub: Stub, lines: list[str]
) -> None:
    assert server.ask("GET", "/account", *lines).status == 400
    assert stub.calls == []


@pytest.mark.parametrize(
    "lines", [[COOKIE, "Cookie: a=b"], ["Cookie: a=b", COOKIE], ["Cookie:", COOKIE]]
)
def test_a_session_in_one_of_two_cookie_lines_is_none(
    server: Server, stub: Stub, lines: list[str]
) -> None:
    assert server.ask("GET", "/account", *lines).status == 302
    assert stub.calls == []


@pytest.mark.parametrize("method", ["TRACE", "PUT", "PATCH", "DELETE", "OPTIONS", "FOO", "get"])
def test_odd_methods_are_a_405_and_echo_nothing(server: Server, method: str) -> None:
    answer = server.ask(method, "/account", COOKIE, "X-Secret: echo-me")
    assert answer.status in (400, 405)
    assert b"echo-me" not in answer.body


def test_two_authorization_lines_reach_nobody(server: Server, stub: Stub) -> None:
    server.ask("GET", "/account", COOKIE, "Authorization: Bearer a", "Authorization: Bearer b")
    authorization = [v for k, v in stub.seen[0].headers if k.lower() == "authorization"]
    assert len(authorization) == 1
    assert authorization[0].startswith("Bearer v1.test2.")


@pytest.mark.parametrize(
    "name",
    [
        "Gatehouse-Client-Address",
        "Gatehouse_Client_Address",
        "GATEHOUSE_CLIENT-ADDRESS",
        "X-Forwarded-For",
        "X_Forwarded_For",
        "Remote-Addr",
    ],
)
def test_a_browser_cannot_choose_its_address(server: Server, stub: Stub, name: str) -> None:
    server.ask("GET", "/account", COOKIE, f"{name}: 6.6.6.6")
    assert stub.seen[0].header("Gatehouse-Client-Address") == "127.0.0.1"


@pytest.mark.parametrize("name", ["SCRIPT_NAME", "Script-Name", "SCRIPT-NAME", "Path-Info"])
def test_a_script_name_from_outside_moves_no_path(server: Server, name: str) -> None:
    assert server.ask("GET", "/login/account", COOKIE, f"{name}: /login").status == 404
    assert b"Sign in" in server.ask("GET", "/login", f"{name}: /login").body


@pytest.mark.parametrize(
    "path",
    [
        "//evil.example/account",
        "/\\evil.example",
        "/%2f%2fevil.example",
        "/./account",
        "/account/../login",
        "/account%00",
    ],
)
def test_odd_paths_are_no_pages_and_no_redirects(server: Server, path: str) -> None:
    answer = server.ask("GET", path, COOKIE, "Sec-Fetch-Site: cross-site")
    assert answer.status in (400, 404)
    assert answer.all("Location") == []


@pytest.mark.parametrize("path", ["/auth%2Fverify", "/auth/%76erify", "//auth/verify"])
def test_forward_auth_answers_by_no_other_spelling(server: Server, stub: Stub, path: str) -> None:
    """A proxy hides /auth/verify from browsers, perhaps not in every spelling."""
    asked = ["X-Forwarded-Method: GET", "X-Forwarded-Uri: /app/", "Sec-Fetch-Site: same-origin"]
    answer = server.ask("GET", path, COOKIE, *asked)
    assert answer.status == 404
    assert answer.all("Gatehouse-Identity") == []
    assert stub.calls == []


def test_an_absolute_request_target_names_no_other_host(server: Server) -> None:
    answer = server.ask("GET", "http://evil.example/account", "Sec-Fetch-Site: same-origin")
    assert "evil.example" not in "".join(answer.all("Location"))


def test_a_mebibyte_is_a_413(server: Server, stub: Stub) -> None:
    body = b"x" * (1024 * 1024)
    answer = server.ask("POST", "/api/auth/login", "Content-Type: application/json", body=body)
    assert answer.status == 413
    assert stub.calls == []


@pytest.mark.parametrize("size", [65 * 1024, 1024**2, 4 * 1024**2 + 1, 8 * 1024**2])
@pytest.mark.parametrize("path", ["/login", "/api/auth/login"])
def test_a_body_over_the_limit_gets_its_413_each_time(
    server: Server, stub: Stub, path: str, size: int
) -> None:
    """Without a reset that would destroy the answer before the client has sent everything."""
    body = b"x" * size
    assert {server.ask("POST", path, body=body).status for _ in range(20)} == {413}
    assert stub.calls == []


@pytest.mark.parametrize("size", [9_000, 60_000])
def test_9_kb_of_cookies_get_a_page_with_advice(server: Server, size: int) -> None:
    many = "; ".join(f"tracker{n}={'x' * 88}" for n in range(size // 100))
    for _ in range(20):
        answer = server.ask("GET", "/account", f"{COOKIE}; {many}")
        assert (answer.status, answer.all("Content-Type")) == (431, ["text/html; charset=utf-8"])
        assert b"Delete the cookies of this site" in answer.body
        assert "sandbox" in answer.all("Content-Security-Policy")[0]


@pytest.mark.parametrize("path", ["/login", "/register", "/account", "/account/sessions"])
@pytest.mark.parametrize("query", ["", "?next=%2Faccount"])
def test_a_slash_at_the_end_leads_to_the_page(server: Server, path: str, query: str) -> None:
    answer = server.ask("GET", f"{path}/{query}")
    assert (answer.status, answer.all("Location")) == (301, [path + query])
    assert server.ask("POST", f"{path}/", *server.csrf()).status == 404


@pytest.mark.parametrize(
    "path",
    ["//login/", "/nope/", "/api/auth/session/", "/auth/verify/", "/healthz/", "//evil.example/"],
)
def test_a_slash_at_the_end_leads_nowhere_else(server: Server, path: str) -> None:
    answer = server.ask("GET", path)
    assert (answer.status, answer.all("Location")) == (404, [])


def test_password_managers_find_the_page_that_changes_the_password(server: Server) -> None:
    """W3C, A Well-Known URL for Changing Passwords: and an address that is none is a 404."""
    answer = server.ask("GET", "/.well-known/change-password")
    assert (answer.status, answer.all("Location")) == (302, ["/account/password"])
    unlikely = "/.well-known/resource-that-should-not-exist-whose-status-code-should-not-be-200"
    assert server.ask("GET", unlikely).status == 404


def test_a_chunked_body_is_a_411(server: Server, stub: Stub) -> None:
    lines = [*server.csrf(), "Content-Type: application/json", "Transfer-Encoding: chunked"]
    answer = server.ask("POST", "/api/auth/login", *lines)  # the body follows by hand
    assert answer.status == 411
    assert stub.calls == []


@pytest.mark.parametrize(
    "lines",
    [
        ["Content-Length: 2", "Content-Length: 3"],
        ["Content-Length: 2", "Transfer-Encoding: chunked"],
    ],
)
def test_ambiguous_framing_is_refused(server: Server, stub: Stub, lines: list[str]) -> None:
    head = ["POST /api/auth/login HTTP/1.1", "Host: localhost", "Connection: close", *lines]
    data = "\r\n".join(head).encode() + b"\r\n\r\n{}\r\n0\r\n\r\nGET /account HTTP/1.1\r\n\r\n"
    assert server.exchange(data).status == 400
    assert stub.calls == []


def test_a_head_request_has_no_body(server: Server) -> None:
    answer = server.ask("HEAD", "/login")
    assert (answer.status, answer.body) == (200, b"")


def test_a_hanging_auth_api_leaves_other_pages_fast(server: Server, stub: Stub) -> None:
    stub.answers["GET /v1/sessions"] = hang(stub.wake)
    with closing(socket.create_connection(("127.0.0.1", server.port), timeout=15)) as slow:
        lines = ["GET /api/auth/sessions HTTP/1.1", "Host: localhost", "Connection: close", COOKIE]
        slow.sendall("\r\n".join(lines).encode() + b"\r\n\r\n")
        wait_for(lambda: "GET /v1/sessions" in stub.calls, "the slow call to be under way")
        assert server.ask("GET", "/account", COOKIE).status == 200
        slow.setblocking(False)
        with pytest.raises(BlockingIOError):  # it still has no answer
            slow.recv(1)
        slow.settimeout(15)
        assert slow.recv(65536).startswith(b"HTTP/1.1 503")


def test_an_ended_handle_goes_out_and_nothing_else(server: Server, stub: Stub) -> None:
    lines = server.csrf(COOKIE)
    assert server.ask("DELETE", f"/api/auth/sessions/{HANDLE}", *lines).status == 204
    assert server.ask("DELETE", "/api/auth/sessions/..%2f..%2fadmin%2f", *lines).status == 404
    assert stub.calls == [f"DELETE /v1/sessions/{HANDLE}"]
