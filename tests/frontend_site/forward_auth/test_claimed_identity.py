"""/auth/verify refuses whoever claims an identity by a header."""

from typing import Any

import pytest

from tests.frontend_site.browser import Browser
from tests.frontend_site.stub import Canned, Stub, identity

CALL = "GET /v1/identity?audience=forward-auth"
ASKED = {"X_Forwarded_Method": "GET", "X_Forwarded_Uri": "/app/"}


@pytest.fixture(autouse=True)
def app(stub: Stub, options: Any) -> None:
    from frontend_site.settings.access_rules import parse_access_rules

    stub.answers[CALL] = Canned(200, identity())
    options(access_rules=parse_access_rules(["/app/=signed-in"], ()))


@pytest.mark.parametrize(
    "name",
    [
        "Remote_User", "Remote_Groups", "X_Remote_User", "X_WebAuth_User", "X_Authentik_Username",
        "X_Auth_Request_Email", "X_Forwarded_User", "X_Forwarded_Preferred_Username", "Gatehouse_User_Id",
        "X_Gatehouse_User_Id", "Remote.User",
    ],
)  # fmt: skip
def test_a_claim_is_refused(browser: Browser, stub: Stub, name: str) -> None:
    answer = browser.sign_in().send("GET", "/auth/verify", **ASKED, **{name: "victim"})
    assert (answer.status_code, stub.calls) == (403, [])


@pytest.mark.parametrize(
    "name", ["X_Forwarded_For", "X_Forwarded_Host", "X_Auth_Token", "Remotely"]
)
def test_other_headers_claim_nothing(browser: Browser, name: str) -> None:
    answer = browser.sign_in().send("GET", "/auth/verify", **ASKED, **{name: "x"})
    assert answer.status_code == 204


@pytest.mark.parametrize(
    ("origin", "status"), [("http://evil.example", 403), ("null", 403), ("http://testserver", 204)]
)
def test_without_fetch_metadata_a_websocket_must_name_this_origin(
    browser: Browser, origin: str, status: int
) -> None:
    headers = {**ASKED, "Sec_WebSocket_Key": "x", "Origin": origin}
    assert browser.sign_in().send("GET", "/auth/verify", **headers).status_code == status
