"""Upstreams take the access rules: /api/ is open to who is signed in, /api/reports/private/ to `board`."""

from contextlib import closing
from typing import Any

import pytest

from frontend_site.settings.access_rules import parse_access_rules
from frontend_site.settings.upstreams import parse_upstreams
from tests.auth_api.logs import logged
from tests.frontend_site.browser import Browser
from tests.frontend_site.server import Server
from tests.frontend_site.stub import USER, Canned, Stub, current_session, identity
from tests.frontend_site.upstreams.asking import COOKIE, get, open_events, problem_of, read_until
from tests.frontend_site.upstreams.service import Service


@pytest.mark.parametrize(
    "path",
    [
        "/api/reports/private/x", "/api/reports/private", "/api/reports/PRIVATE/x", "/api/reports/%70rivate/x",
        "/api/reports/private;x/y", "/api/reports/private./x", "/api/reports/Private%20/x",
    ],
)  # fmt: skip
def test_a_part_can_be_for_a_group(site: Server, service: Service, stub: Stub, path: str) -> None:
    answer = get(site, path)
    assert (answer.status, problem_of(answer), service.calls) == (403, "no-access", [])
    assert site.ask("POST", path, *site.csrf(COOKIE), body=b"{}").status == 403
    assert service.calls == []
    document = identity()
    document["user"]["groups"] = ["board"]
    stub.answers["GET /v1/identity?audience=reports"] = Canned(200, document)
    assert get(site, path).status == 200


def test_a_refusal_is_logged_with_the_user(
    browser: Browser, service: Service, stub: Stub, options: Any
) -> None:
    upstreams = parse_upstreams([f"reports={service.url}"])
    rules = parse_access_rules(["/api/reports/=group:board"], upstreams)
    options(upstreams=upstreams, access_rules=rules)
    stub.answers["GET /v1/identity?audience=reports"] = Canned(200, identity())
    with logged() as events:
        answer = browser.sign_in().send("GET", "/api/reports/x", Sec_Fetch_Site="same-origin")
    assert answer.status_code == 403
    [event] = [event for event in events if event["event"] == "access.refused"]
    assert (event["user"], event["app"]) == (USER["id"], "/api")
    assert service.calls == []


def test_the_rest_is_open(site: Server, service: Service) -> None:
    assert get(site, "/api/reports/privately").status == 200


def test_a_running_answer_ends_when_its_user_loses_access(
    site: Server, service: Service, stub: Stub
) -> None:
    document = identity()
    document["user"]["groups"] = ["board"]
    stub.answers["GET /v1/identity?audience=reports"] = Canned(200, document)
    peek = "GET /v1/session?slide=false"
    stub.answers[peek] = Canned(200, current_session(groups=["board"]))
    with closing(open_events(site, "/api/reports/private/events")) as sock:
        read_until(sock, b"data: one")
        stub.answers[peek] = Canned(200, current_session(groups=[]))
        received = b"".join(iter(lambda: sock.recv(65536), b""))
    assert not received.endswith(b"0\r\n\r\n")
    assert not service.go_on.is_set()


def test_a_token_contains_what_the_setting_says(
    browser: Browser, service: Service, stub: Stub, options: Any
) -> None:
    upstreams = parse_upstreams([f"reports={service.url}+claims=groups|email"])
    options(upstreams=upstreams, access_rules=parse_access_rules(["/api/=signed-in"], upstreams))
    call = "GET /v1/identity?audience=reports&claims=email,groups"
    stub.answers[call] = Canned(200, identity())
    assert browser.sign_in().call("GET", "/api/reports/x").status_code == 200
    assert stub.calls == [call]
