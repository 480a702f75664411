"""/auth/verify refuses a path without a rule, and tells an app about the user what its proxy asks for."""

import json
from typing import Any

import pytest

from tests.auth_api.logs import logged
from tests.frontend_site.browser import Browser
from tests.frontend_site.stub import Canned, Stub, identity

CALL = "GET /v1/identity?audience=app"
PAGE = {"Sec_Fetch_Mode": "navigate", "Sec_Fetch_Dest": "document", "Accept": "text/html"}
FETCH = {"Sec_Fetch_Mode": "cors", "Sec_Fetch_Dest": "empty", "Sec_Fetch_Site": "same-origin"}
RULES = ["/wiki/=signed-in", "/jupyter/=group:ops|group:lab", "/board/=group:board"]


@pytest.fixture(autouse=True)
def rules(stub: Stub, options: Any) -> None:
    from frontend_site.settings.access_rules import parse_access_rules

    stub.answers[CALL] = Canned(200, identity())
    options(access_rules=parse_access_rules(RULES, ()), contact="it@example.com")


def ask(browser: Browser, uri: str, query: str = "", **headers: str) -> Any:
    given = {"X_Forwarded_Method": "GET", "X_Forwarded_Uri": uri, **headers}
    return browser.send("GET", f"/auth/verify?audience=app{query}", **given)


@pytest.mark.parametrize(
    ("uri", "status"),
    [
        ("/wiki/x", 204),
        ("/jupyter/api/terminals", 204),  # as a member of ops
        ("/board/minutes", 403),
        ("/board", 403),
        ("/other/", 403),
        ("/wiki/../board/", 403),
        ("/wiki/%2e%2e/board/?x=/wiki/", 403),
        ("//wiki/x", 403),
        ("https://testserver/wiki/", 403),
        ("", 403),
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_rule_decides(browser: Browser, method: str, uri: str, status: int) -> None:
    browser.sign_in()
    headers = {**FETCH, "X_Forwarded_Method": method}
    assert ask(browser, uri, **headers).status_code == status


def test_without_any_rule_nobody_enters(browser: Browser, options: Any) -> None:
    options(access_rules=())
    for uri in ("/wiki/x", "/account", "/"):
        assert ask(browser.sign_in(), uri, **FETCH).status_code == 403


def test_the_refusal_is_a_page_that_says_whom_to_ask(browser: Browser) -> None:
    answer = ask(browser.sign_in(), "/board/minutes?secret=1", **PAGE)
    html = answer.content.decode()
    assert (answer.status_code, answer["Content-Type"]) == (403, "text/html; charset=utf-8")
    assert "Ask it@example.com for access." in html
    assert "style-src 'self'" in answer["Content-Security-Policy"]
    assert "minutes" not in html
    assert not {"Cookie", "Gatehouse-Identity", "Gatehouse-User-Id"} & set(answer.headers)


def test_a_fetch_gets_a_problem_document(browser: Browser) -> None:
    answer = ask(browser.sign_in(), "/board/minutes", **FETCH)
    document = answer.json()
    assert (answer.status_code, document["type"]) == (403, "urn:gatehouse:problem:no-access")
    assert "it@example.com" in document["detail"]
    assert not {"Cookie", "Gatehouse-Identity", "Gatehouse-User-Id"} & set(answer.headers)


def test_nginx_shows_the_same_page(browser: Browser) -> None:
    page = browser.send("GET", "/auth/refused", **PAGE)
    assert (page.status_code, "it@example.com" in page.content.decode()) == (403, True)
    fetched = browser.send("GET", "/auth/refused", **FETCH)
    assert fetched.json()["type"] == "urn:gatehouse:problem:no-access"


def test_who_is_not_signed_in_is_asked_to_first(browser: Browser) -> None:
    assert ask(browser, "/board/x", **PAGE).status_code == 302
    assert ask(browser, "/board/x", **FETCH).status_code == 401


def test_a_user_without_groups_is_in_none(browser: Browser, stub: Stub) -> None:
    """An earlier release stored snapshots without them, and they live for some minutes."""
    document = identity()
    del document["user"]["groups"]
    stub.answers[CALL] = Canned(200, document)
    assert ask(browser.sign_in(), "/jupyter/", **FETCH).status_code == 403
    assert ask(browser, "/wiki/", **FETCH).status_code == 204


@pytest.mark.parametrize(
    "headers",
    [
        {"X_Original_Uri": "/board/"},
        {"X_Original_Uri": "/wiki"},
        {"X_Original_Method": "POST"},
    ],
)
def test_two_headers_that_contradict_each_other_are_refused(
    browser: Browser, headers: dict[str, str]
) -> None:
    """One is the proxy's; the other may be the browser's."""
    assert ask(browser.sign_in(), "/wiki/", **FETCH, **headers).status_code == 400
    same = {"X_Original_Uri": "/wiki/", "X_Original_Method": "GET"}
    assert ask(browser, "/wiki/", **FETCH, **same).status_code == 204


def refusal(browser: Browser, uri: str) -> dict[str, Any]:
    with logged() as events:
        ask(browser.sign_in(), uri, **FETCH)
    [event] = [event for event in events if event["event"] == "access.refused"]
    return event


def test_the_log_says_which_variable_to_look_at(browser: Browser) -> None:
    event = refusal(browser, "/other/secret-place")
    assert "GATEHOUSE_ACCESS_RULES" in event["hint"]
    assert "secret-place" not in json.dumps(event)
    event = refusal(browser, "/board/")
    assert (event["app"], "hint" in event) == ("/board", False)


NAMES = {"Gatehouse-User-Email", "Gatehouse-User-Name", "Gatehouse-User-Groups"}


@pytest.mark.parametrize(
    ("query", "token", "told"),
    [
        ("", "", {"Gatehouse-User-Email": "ada@example.com"}),
        ("&claims=", "", {}),
        ("&claims=groups", "&claims=groups", {"Gatehouse-User-Groups": "dev,ops"}),
        (
            "&claims=name,groups,email",
            "&claims=email,groups,name",
            {
                "Gatehouse-User-Email": "ada@example.com",
                "Gatehouse-User-Name": "Ada Lovelace",
                "Gatehouse-User-Groups": "dev,ops",
            },
        ),
    ],
)
def test_each_app_hears_what_its_proxy_asks_for(
    browser: Browser, stub: Stub, query: str, token: str, told: dict[str, str]
) -> None:
    stub.answers[f"{CALL}{token}"] = Canned(200, identity())
    answer = ask(browser.sign_in(), "/wiki/", query, **FETCH)
    assert {name: answer[name] for name in NAMES if answer[name]} == told  # the others are empty
    assert stub.calls == [f"{CALL}{token}"]


def test_names_are_encoded(browser: Browser, stub: Stub) -> None:
    document = identity()
    document["user"].update(name="J\u00f6rg\r\nX: y", groups=["a,b", "\u00fcber ops", "x\ny"])
    stub.answers[f"{CALL}&claims=groups,name"] = Canned(200, document)
    answer = ask(browser.sign_in(), "/wiki/", "&claims=name,groups", **FETCH)
    assert answer["Gatehouse-User-Name"] == "J%C3%B6rg%0D%0AX%3A y"
    assert answer["Gatehouse-User-Groups"] == "a%2Cb,%C3%BCber ops,x%0Ay"


@pytest.mark.parametrize("claims", ["password", "email,is_staff", "Email", "email%26x"])
def test_an_unknown_claim_is_a_400(browser: Browser, stub: Stub, claims: str) -> None:
    assert ask(browser.sign_in(), "/wiki/", f"&claims={claims}").status_code == 400
    assert stub.calls == []
