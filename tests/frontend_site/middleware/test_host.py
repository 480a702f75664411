"""A host name that is configured nowhere looks like that, not like an outage."""

from typing import Any

import pytest

from tests.auth_api.logs import logged
from tests.frontend_site.browser import Browser
from tests.frontend_site.server import Server
from tests.frontend_site.stub import Stub, problem

UNKNOWN = b"This site does not serve the host name in the request."


@pytest.mark.parametrize("path", ["/", "/login", "/api/auth/session", "/auth/verify", "/nowhere"])
@pytest.mark.parametrize("host", ["elsewhere.example", "", "a b", "[::1"])
def test_an_unknown_host_is_a_400_that_says_so(server: Server, path: str, host: str) -> None:
    answer = server.exchange(
        f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode()
    )
    assert (answer.status, answer.all("Retry-After")) == (400, [])
    assert UNKNOWN in answer.body
    assert b"elsewhere.example" not in answer.body


def test_the_log_says_where_hosts_are_set(browser: Browser, settings: Any) -> None:
    settings.ALLOWED_HOSTS = ["gatehouse.example"]
    with logged() as events:
        assert browser.get("/login", Host="elsewhere.example").status_code == 400
    (event,) = (e for e in events if e["event"] == "host.refused")
    assert (event["host"], "ALLOWED_HOSTS" in event["hint"]) == ("elsewhere.example", True)


def test_a_request_that_is_refused_early_still_shows_the_links_of_a_session(
    browser: Browser, settings: Any
) -> None:
    settings.ALLOWED_HOSTS = ["gatehouse.example"]
    for path_of_link in ("/login", "/account"):
        content = browser.get("/nowhere", Host="elsewhere.example").content.decode()
        assert f'<a href="{path_of_link}">' in content
        browser.sign_in()


def test_an_auth_api_for_another_host_is_no_outage(browser: Browser, stub: Stub) -> None:
    """It has to be configured, so nobody is told to come back soon."""
    refusal = problem("unknown-host", 400)
    for call in ("GET /v1/session", "POST /v1/login", "GET /v1/identity?audience=forward-auth"):
        stub.answers[call] = refusal
    form = {"email": "ada@example.com", "password": "x"}
    verify = {"X_Forwarded_Method": "GET", "X_Forwarded_Uri": "/app/", "Sec_Fetch_Site": "none"}
    with logged() as events:
        answers = [
            browser.post("/login", form),
            browser.sign_in().call("GET", "/api/auth/session"),
            browser.get("/account"),
            browser.send("GET", "/auth/verify", **verify),
        ]
    assert [(a.status_code, "Retry-After" in a.headers) for a in answers] == [(500, False)] * 4
    assert all("AUTH_API_HOSTS" not in answer.content.decode() for answer in answers)
    reasons = [e["reason"] for e in events if e["event"] == "auth_api.unavailable"]
    assert len(reasons) == 4
    assert all("AUTH_API_HOSTS" in reason for reason in reasons)
    assert "__Host-session" in browser.cookies
