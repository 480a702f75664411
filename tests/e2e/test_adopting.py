"""An adopter's views (docs/how-to/adopting.md) on the real servers."""

from collections.abc import Iterator

import pytest

from tests.e2e.conftest import EMAIL
from tests.e2e.test_flow import internal_calls
from tests.frontend_site.server import running_site
from tests.ports import free_port
from tests.processes import JsonClient, Stack, wait_for
from tests.walk import MADE_UP

PAGES = ["/reports", "/reports/archive", "/reports/help", "/old-style", "/own"]
CALLS = ["/api/reports/summary", "/api/reports/plain", "/api/reports/unread"]


@pytest.fixture(scope="module")
def address(stack: Stack) -> Iterator[str]:
    """The adopter's site, with the same auth_api."""
    port = free_port()
    here = f"http://localhost:{port}"
    changes = {
        "DJANGO_SETTINGS_MODULE": "tests.adopter.settings",
        "GATEHOUSE_PUBLIC_ORIGIN": here,
        "GATEHOUSE_SERVICE_KEYS": stack.secrets["GATEHOUSE_SERVICE_KEYS"],
    }
    with running_site(f"http://127.0.0.1:{stack.auth_port}", port=port, **changes) as site:
        wait_for(lambda: site.ask("GET", "/healthz").status == 200, "the adopter's site")
        yield here


@pytest.fixture
def visitor(stack: Stack, address: str, password: str) -> JsonClient:
    """A signed-in client."""
    client = JsonClient(address)
    assert client.login(EMAIL, password).status_code == 200
    return client


def check_asked_to_sign_in(client: JsonClient) -> None:
    for path in PAGES:
        answer = client.get(path)
        assert answer.status_code == 302, path
        assert answer.headers["Location"].startswith(f"/login?next={path}")
    for path in CALLS:
        answer = client.get(path)
        assert answer.status_code == 401, path
        assert answer.headers["Content-Type"] == "application/problem+json"


def test_without_a_cookie_and_with_a_made_up_one_views_of_theirs_are_closed(address: str) -> None:
    check_asked_to_sign_in(JsonClient(address))
    for path in [*PAGES, *CALLS]:
        stranger = JsonClient(address)
        stranger.cookies["__Host-session"] = MADE_UP
        assert stranger.get(path).status_code in (302, 401)


def test_a_session_that_was_ended_opens_no_view_of_theirs(visitor: JsonClient) -> None:
    dead = dict(visitor.cookies)
    assert visitor.get("/reports").status_code == 200
    assert visitor.post("/api/auth/logout").status_code == 204
    for path in [*PAGES, *CALLS]:
        again = JsonClient(visitor.address)
        again.cookies = dict(dead)
        assert again.get(path).status_code in (302, 401), path


def test_a_valid_session_opens_views_of_theirs_for_one_internal_call(
    stack: Stack, visitor: JsonClient
) -> None:
    for path in [*PAGES, *CALLS]:
        before = internal_calls(stack)
        answer = visitor.get(path)
        assert answer.status_code == 200, path
        assert answer.headers["Cache-Control"] == "no-store"
        assert internal_calls(stack) - before == 1, path
    assert visitor.get("/api/reports/summary").json()["of"] == EMAIL
    assert "Reports of Ada" in visitor.get("/prices").text


def test_data_of_the_session_are_kept_through_renewals_and_end_with_it(
    stack: Stack, visitor: JsonClient, password: str
) -> None:
    basket, secret = "/api/reports/basket", "a secret in the basket"
    before = internal_calls(stack)
    assert visitor.post(basket, [secret]).status_code == 200
    assert internal_calls(stack) - before == 2
    renewal = {"password": password}
    old = visitor.cookies["__Host-session"]
    assert visitor.post("/api/auth/reauthenticate", renewal).status_code == 200
    assert visitor.cookies["__Host-session"] != old
    before = internal_calls(stack)
    assert visitor.get(basket).json() == {"basket": [secret]}
    assert internal_calls(stack) - before == 1
    for address in ("session", "sessions", "account/export", "security-events"):
        answer = visitor.get(f"/api/auth/{address}")
        assert answer.status_code == 200
        assert secret not in answer.text
    values = stack.valkey.client()
    stored = [values.get(key) for key in values.scan_iter("*:s:*")]
    assert not [value for value in stored if secret.encode() in (value or b"")]
    assert secret not in stack.logs()
    assert visitor.post("/api/auth/logout").status_code == 204
    assert visitor.login(EMAIL, password).status_code == 200
    assert visitor.get(basket).json() == {"basket": []}


def test_data_for_a_session_that_ended_meanwhile_lead_to_sign_in(
    visitor: JsonClient, password: str
) -> None:
    page = visitor.get("/ends-meanwhile")
    assert page.headers["Location"] == "/login?next=/ends-meanwhile&notice=session-ended"
    assert visitor.cookies["__Host-session"] in ("", '""')  # expired
    assert visitor.login(EMAIL, password).status_code == 200
    call = visitor.get("/api/ends-meanwhile")
    assert (call.status_code, call.json()["type"]) == (401, "urn:gatehouse:problem:session-ended")


def test_an_outage_closes_views_of_theirs_and_signs_nobody_out(
    stack: Stack, visitor: JsonClient
) -> None:
    stack.stop("auth")
    try:
        for path in [*PAGES, *CALLS, "/prices"]:
            answer = visitor.get(path)
            assert answer.status_code == 503, path
            assert "Set-Cookie" not in answer.headers
        assert visitor.get("/opening-hours").status_code == 200
    finally:
        stack.start("auth")
    wait_for(lambda: visitor.get("/reports").ok, "being signed in again")
