"""The whole way through real processes, by HTTP."""

import socket
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from tests.e2e.conftest import EMAIL
from tests.processes import JsonClient, Stack, wait_for


@pytest.fixture
def client(stack: Stack, password: str) -> JsonClient:
    signed_in = JsonClient(stack.address)
    assert signed_in.login(EMAIL, password).status_code == 200
    return signed_in


def test_register_verify_sign_in_sign_out(stack: Stack) -> None:
    new = JsonClient(stack.address)
    form = {"email": "new@example.com", "password": "a lantern in the orchard", "name": "New"}
    assert new.post("/api/auth/register", form).status_code == 202
    assert new.login(form["email"], form["password"]).status_code == 401
    token = parse_qs(urlsplit(stack.mailed_link(form["email"])).query)["token"][0]
    verify = {"token": token, "password": form["password"]}
    assert new.post("/api/auth/email/verify", verify).status_code == 200
    assert new.login(form["email"], form["password"]).status_code == 200
    assert new.get("/account").status_code == 200
    assert new.post("/api/auth/logout").status_code == 204
    assert new.get("/account").headers["Location"] == "/login?next=/account"


def test_a_dead_cookie_stays_dead_on_both_ports(stack: Stack, client: JsonClient) -> None:
    dead = dict(client.cookies)
    client.post("/api/auth/logout")
    again = JsonClient(stack.address)
    again.cookies = dead

    def replay(_: int) -> int:
        other = JsonClient(stack.address)
        other.cookies = dict(dead)
        return other.get("/api/auth/session").status_code

    with ThreadPoolExecutor(10) as pool:
        assert set(pool.map(replay, range(50))) == {401}
    bearer = "Bearer " + stack.manage("service_token").strip()
    cookie = f"__Host-session={dead['__Host-session']}"
    private = requests.get(
        f"http://127.0.0.1:{stack.auth_port}/v1/session",
        headers={"Authorization": bearer, "Cookie": cookie},
        timeout=10,
    )
    assert private.status_code == 401


def test_one_page_costs_one_internal_call_and_one_redis_round_trip(
    stack: Stack, client: JsonClient
) -> None:
    assert client.get("/account").status_code == 200  # connections are open, scripts are known
    before = internal_calls(stack)
    with stack.valkey.client().monitor() as monitor:
        assert client.get("/account").status_code == 200
        stack.valkey.client().ping()  # ends what is looked at
        commands = []
        for seen in monitor.listen():
            if seen["client_type"] == "lua":
                continue  # inside the server, in the one round trip
            if seen["command"] == "PING":
                break
            commands.append(seen["command"].split()[0])
    assert [c for c in commands if c not in ("HELLO", "CLIENT", "INFO")] == ["EVALSHA"]
    assert internal_calls(stack) - before == 1


def internal_calls(stack: Stack) -> int:
    text = requests.get(f"http://127.0.0.1:{stack.auth_port}/metrics", timeout=10).text
    counted = 'gatehouse_request_seconds_count{route="auth_api.api.'
    lines = (line for line in text.splitlines() if line.startswith(counted))
    return sum(int(float(line.rpartition(" ")[2])) for line in lines)


def test_a_restart_of_everything_keeps_users_signed_in(stack: Stack, client: JsonClient) -> None:
    for name in ("web", "auth"):
        stack.stop(name)
    stack.valkey.stop()
    stack.valkey.start()
    for name in ("auth", "web"):
        stack.start(name)
    assert client.get("/account").status_code == 200


def test_visitors_and_random_cookies_store_nothing(stack: Stack, password: str) -> None:
    before = stack.valkey.client().dbsize()
    for number in range(200):
        stranger = JsonClient(stack.address)
        if number % 2:
            stranger.cookies["__Host-session"] = f"{number:016}.{number:043}"
        assert stranger.get("/account").status_code == 302
        assert stranger.get("/login").status_code == 200
    assert stack.valkey.client().dbsize() == before


def test_no_secret_is_in_any_log(stack: Stack, client: JsonClient, password: str) -> None:
    client.login(EMAIL, "a wrong password, typed in a hurry")
    client.get("/api/auth/session")
    requests.get(f"{stack.address}/account?token=oh-a-secret", timeout=10)
    tokens = [value for cookie in client.cookies.values() for value in cookie.split(".")]
    wait_for(lambda: "session.started" in stack.logs(), "a log line")
    logs = stack.logs()
    keys = [value.rpartition(":")[2] for value in stack.secrets.values()]
    typed = [password, "typed in a hurry", "oh-a-secret"]
    refs = {client.cookies["__Host-session"].partition(".")[0]}
    for secret in {*tokens, *keys, *typed} - refs:
        assert secret not in logs


def raw(port: int, request: str) -> str:
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(request.encode("latin-1"))
        connection.settimeout(10)
        answer = b""
        while chunk := connection.recv(65536):
            answer += chunk
    return answer.decode("latin-1")


def get(stack: Stack, path: str, *headers: str, method: str = "GET") -> str:
    lines = [f"{method} {path} HTTP/1.1", f"Host: localhost:{stack.web_port}", *headers]
    return raw(stack.web_port, "\r\n".join([*lines, "Connection: close", "", ""]))


def test_two_cookie_lines_open_nothing(stack: Stack, client: JsonClient) -> None:
    cookie = f"Cookie: __Host-session={client.cookies['__Host-session']}"
    assert get(stack, "/account", cookie).startswith("HTTP/1.1 200")
    assert get(stack, "/account", cookie, cookie).startswith("HTTP/1.1 400")
    tossed = f"{cookie}; \xe2\x80\x80__Host-session={'A' * 16}.{'B' * 43}"
    assert get(stack, "/account", tossed).startswith("HTTP/1.1 400")


@pytest.mark.parametrize("header", ["SCRIPT_NAME: /login", "PATH_INFO: /healthz"])
def test_no_header_moves_a_path(stack: Stack, header: str) -> None:
    answer = get(stack, "/account", header)
    assert answer.startswith("HTTP/1.1 302")
    assert "/login?next=/account" in answer


@pytest.mark.parametrize(
    "path", ["/v1/session", "/admin/", "/metrics", "/.git/HEAD", "/static/../"]
)
def test_the_private_service_is_not_behind_the_public_port(stack: Stack, path: str) -> None:
    assert get(stack, path).startswith(("HTTP/1.1 404", "HTTP/1.1 302", "HTTP/1.1 400"))
    assert "gatehouse_auth" not in get(stack, path)


def test_two_authorization_lines_are_no_service_token(stack: Stack) -> None:
    token = stack.manage("service_token").strip()
    line = f"Authorization: Bearer {token}\r\n"
    request = (
        f"GET /v1/session HTTP/1.1\r\nHost: localhost\r\n{line}{line}Connection: close\r\n\r\n"
    )
    assert "service-token-required" in raw(stack.auth_port, request)


def test_identity_headers_of_a_browser_are_not_believed(stack: Stack, password: str) -> None:
    liar = JsonClient(stack.address)
    form: dict[str, Any] = {"email": EMAIL, "password": password}
    liar.post("/api/auth/login", form, **{"Gatehouse-Client-Address": "198.51.100.1"})
    listed = liar.get("/api/auth/sessions").json()["items"]
    assert {item["ip"] for item in listed} == {"127.0.0.1"}


def test_the_private_port_refuses_in_our_words(stack: Stack) -> None:
    with socket.create_connection(("127.0.0.1", stack.auth_port), timeout=15) as sock:
        sock.sendall(b"GET /v1/session s3cret HTTP/1.1\r\n\r\n")
        answer = b"".join(iter(lambda: sock.recv(65536), b""))
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"application/problem+json" in answer
    assert b"Content-Security-Policy: default-src 'none'" in answer
    assert b"s3cret" not in answer
    assert "s3cret" not in stack.logs()
