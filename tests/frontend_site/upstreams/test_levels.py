"""Upstreams that demand a second factor, by their option or by an access rule, on the real server."""

import json
from contextlib import closing

import pytest

from tests.frontend_site.server import Server
from tests.frontend_site.stub import STORE_DOWN, Canned, Stub, assurance, at_level, identity
from tests.frontend_site.upstreams.asking import get, open_events, problem_of, read_until
from tests.frontend_site.upstreams.service import Service

PEEK = "GET /v1/session?slide=false"
PATHS = ["/api/sealed/x", "/api/reports/sealed/x"]  # by +level in either setting
PAGE = ("Sec-Fetch-Mode: navigate", "Sec-Fetch-Site: same-origin", "Accept: text/html")


def tell(stub: Stub, level: str) -> None:
    for name in ("sealed", "reports"):
        answer = Canned(200, at_level(level, identity()))
        stub.answers[f"GET /v1/identity?audience={name}"] = answer
    stub.answers[PEEK] = Canned(200, at_level(level))


@pytest.mark.parametrize("path", PATHS)
def test_a_second_factor_is_needed(site: Server, service: Service, stub: Stub, path: str) -> None:
    tell(stub, "aal1")
    answer = get(site, path)
    assert (answer.status, problem_of(answer), service.calls) == (403, "step-up-required", [])
    assert json.loads(answer.body)["methods"] == ["totp", "recovery"]
    tell(stub, "aal2")
    assert get(site, path).status == 200


@pytest.mark.parametrize("path", PATHS)
def test_a_link_leads_to_the_page_that_asks_and_back_to_the_link(
    site: Server, service: Service, stub: Stub, path: str
) -> None:
    tell(stub, "aal1")
    answer = get(site, path, *PAGE, "Referer: http://localhost/account/sessions")
    wanted = "/login/continue?next=/account/sessions&level=aal2"
    assert (answer.status, answer.all("location"), service.calls) == (302, [wanted], [])
    elsewhere = get(site, path, *PAGE, "Referer: http://evil.example/account/sessions")
    assert elsewhere.all("location") == ["/login/continue?next=/account&level=aal2"]


@pytest.mark.parametrize("gone", ["told", "told of nothing"])
def test_a_running_answer_ends_with_the_level(
    site: Server, service: Service, stub: Stub, gone: str
) -> None:
    """The level ends by time alone; an outage of auth_api does not keep it."""
    tell(stub, "aal2")
    ends = {"assurance": assurance("aal2", ends=2)}
    held = identity()
    held["session"] |= ends
    stub.answers["GET /v1/identity?audience=sealed"] = Canned(200, held)
    with closing(open_events(site, "/api/sealed/events")) as sock:
        read_until(sock, b"data: one")
        stub.answers[PEEK] = Canned(200, at_level("aal1")) if gone == "told" else STORE_DOWN
        received = b"".join(iter(lambda: sock.recv(65536), b""))
    assert not received.endswith(b"0\r\n\r\n")
    assert not service.go_on.is_set()
