"""Views and apps behind forward auth that demand a level of assurance: who meets it, and what others are shown."""

from typing import Any

import pytest

from frontend_site.settings.access_rules import parse_access_rules
from tests.adopter import views
from tests.frontend_site.browser import Browser, form_fields, set_cookie_lines
from tests.frontend_site.pages.test_views import text_of
from tests.frontend_site.stub import (
    FACTOR,
    NEW_TOKEN,
    SET_SESSION,
    STORE_DOWN,
    Canned,
    Stub,
    at_level,
    current_session,
    identity,
    moment,
    problem,
)

PAGE = {"Sec_Fetch_Mode": "navigate", "Sec_Fetch_Dest": "document", "Accept": "text/html"}
FETCH = {"Sec_Fetch_Mode": "cors", "Sec_Fetch_Dest": "empty", "Sec_Fetch_Site": "same-origin"}
USE, PEEK, FACTORS = "GET /v1/session", "GET /v1/session?slide=false", "GET /v1/factors"
AGAIN = "POST /v1/reauthenticate"
VERIFY = "GET /v1/identity?audience=app"
CODE, PASSWORD = "reauthentication_code", "reauthentication_password"
CONTINUE = "/login/continue?next=/reports/secret%3Fof%3D7&level=aal2"


@pytest.fixture(autouse=True)
def _site(settings: Any, options: Any, stub: Stub) -> None:
    settings.ROOT_URLCONF = "tests.adopter.urls"
    items = ["/app/=signed-in", "/vault/=group:ops+level=aal2", "/board/=group:board+level=aal2"]
    options(access_rules=parse_access_rules(items, ()))
    stub.answers[VERIFY] = Canned(200, identity())
    views.saved.clear()


@pytest.fixture
def at_aal2(stub: Stub) -> None:
    for call in (USE, PEEK, AGAIN):
        stub.answers[call] = Canned(200, at_level("aal2"))
    stub.answers[AGAIN] = Canned(200, at_level("aal2"), (("Set-Cookie", SET_SESSION),))
    stub.answers[VERIFY] = Canned(200, at_level("aal2", identity()))


def a_code_raises_the_level(stub: Stub) -> None:
    stub.answers[AGAIN] = Canned(200, at_level("aal2"), (("Set-Cookie", SET_SESSION),))


def without_a_factor(stub: Stub) -> None:
    document = {"items": [], "recovery_codes_left": 0, **current_session()}
    stub.answers[FACTORS] = Canned(200, document)


# -- views -------------------------------------------------------------------------------------


def test_a_session_at_the_level_costs_one_call(browser: Browser, stub: Stub, at_aal2: None) -> None:
    answer = browser.sign_in().get("/reports/secret", **PAGE)
    assert (answer.status_code, answer.content) == (200, b"aal2 pwd,otp,mfa")
    assert stub.calls == [USE]


def test_a_page_leads_to_the_page_that_asks_and_back(browser: Browser, stub: Stub) -> None:
    browser.sign_in()
    answer = browser.get("/reports/secret?of=7", **PAGE)
    assert (answer.status_code, answer["Location"]) == (302, CONTINUE)
    page = browser.get(CONTINUE, **PAGE)
    fields = form_fields(page.content.decode())
    assert (page.status_code, fields[CODE]) == (403, "")
    assert "signed in as ada@example.com" in text_of(page)
    assert (fields["next"], fields["level"]) == ("/reports/secret?of=7", "aal2")
    a_code_raises_the_level(stub)
    done = browser.post("/login/continue", {**fields, CODE: "123456"}, **PAGE)
    assert (done.status_code, done["Location"]) == (302, "/reports/secret?of=7")
    assert SET_SESSION in set_cookie_lines(done)
    assert stub.seen[-1].json == {"method": "totp", "code": "123456"}


@pytest.mark.parametrize(
    ("typed", "sent"), [("123 456", "totp"), ("ABCD-EFGH-JKMN-PQRS-TVWX-YZ01", "recovery")]
)
def test_the_page_takes_an_apps_code_and_a_recovery_code(
    browser: Browser, stub: Stub, typed: str, sent: str
) -> None:
    browser.sign_in().post("/login/continue", {"next": "/account", "level": "aal2", CODE: typed})
    assert stub.seen[-1].json["method"] == sent


def test_a_wrong_code_shows_the_page_again(browser: Browser, stub: Stub) -> None:
    stub.answers[AGAIN] = problem("invalid-code", 401)
    form = {"next": "/reports/secret", "level": "aal2", CODE: "000000"}
    answer = browser.sign_in().post("/login/continue", form, **PAGE)
    fields = form_fields(answer.content.decode())
    assert (answer.status_code, fields["next"], fields[CODE]) == (401, "/reports/secret", "")
    assert "Incorrect code" in text_of(answer)


def test_the_form_that_asks_needs_its_csrf_token(browser: Browser, stub: Stub) -> None:
    form = {"next": "/account", CODE: "123456", "csrfmiddlewaretoken": "x"}
    assert browser.sign_in().post("/login/continue", form, **PAGE).status_code == 403
    assert AGAIN not in stub.calls


def test_a_link_can_put_nothing_into_the_page(browser: Browser) -> None:
    answer = browser.sign_in().get(
        "/login/continue?next=//evil.example&level=aal2&password=x&email=y&max_age=z", **PAGE
    )
    fields = form_fields(answer.content.decode())
    assert fields["next"] == "/account"
    assert not {"password", "email", "max_age"} & set(fields)


def test_a_form_is_kept_and_completed(browser: Browser, stub: Stub) -> None:
    asked = browser.sign_in().post("/reports/secret", {"title": "Q3"}, **PAGE)
    fields = form_fields(asked.content.decode())
    assert (asked.status_code, fields["title"], views.saved) == (403, "Q3", [])
    a_code_raises_the_level(stub)
    done = browser.post("/reports/secret", {**fields, CODE: "123456"}, **PAGE)
    assert (done.status_code, [title for _, title in views.saved]) == (302, ["Q3"])
    assert browser.cookies["__Host-session"] == NEW_TOKEN


def test_a_password_is_not_enough_for_a_form(browser: Browser, stub: Stub) -> None:
    form = {"title": "Q3", PASSWORD: "my password"}
    answer = browser.sign_in().post("/reports/secret", form, **PAGE)
    assert (answer.status_code, views.saved) == (403, [])
    assert CODE in form_fields(answer.content.decode())


@pytest.mark.parametrize("path", ["/api/reports/secret", "/reports/secret"])
def test_a_fetch_gets_a_problem_that_says_what_to_do(browser: Browser, path: str) -> None:
    answer = browser.sign_in().send("GET", path, **FETCH)
    document = answer.json()
    assert (answer.status_code, answer["Content-Type"]) == (403, "application/problem+json")
    assert document["type"] == "urn:gatehouse:problem:step-up-required"
    assert (document["acr"], document["max_age"]) == ("aal2", 86400)
    assert document["methods"] == ["totp", "recovery"]


def test_methods_are_those_that_the_user_has(browser: Browser, stub: Stub) -> None:
    document = {"items": [FACTOR], "recovery_codes_left": 0, **current_session()}
    stub.answers[FACTORS] = Canned(200, document)
    answer = browser.sign_in().send("GET", "/api/reports/secret", **FETCH)
    assert answer.json()["methods"] == ["totp"]


def test_who_has_no_factor_is_told_to_add_one(browser: Browser, stub: Stub) -> None:
    without_a_factor(stub)
    fetched = browser.sign_in().send("GET", "/api/reports/secret", **FETCH).json()
    assert fetched["type"] == "urn:gatehouse:problem:second-factor-missing"
    assert fetched["page"] == "/account/factors"
    form = {**PAGE, "Referer": "http://testserver/reports/new"}
    for page, back in (
        (browser.get(CONTINUE, **PAGE), "/reports/secret%3Fof%3D7"),
        (browser.post("/reports/secret", {"title": "Q3"}, **PAGE), "/account"),
        (browser.post("/reports/secret", {"title": "Q3"}, **form), "/reports/new"),
    ):
        assert page.status_code == 403
        assert f'href="/account/factors?next={back}"' in page.content.decode()
    assert views.saved == []


def test_an_outage_is_no_missing_factor(browser: Browser, stub: Stub) -> None:
    stub.answers[FACTORS] = STORE_DOWN
    assert browser.sign_in().send("GET", "/api/reports/secret", **FETCH).status_code == 503
    assert browser.post("/reports/secret", {"title": "Q3"}, **PAGE).status_code == 503


@pytest.mark.parametrize("changes", [{"expires_at": moment(-5)}, {"acr": "aal7"}, {"acr": None}])
def test_an_answer_whose_level_has_ended_is_not_enough(
    browser: Browser, stub: Stub, changes: dict[str, Any]
) -> None:
    stub.answers[USE] = Canned(200, at_level("aal2", **changes))
    assert browser.sign_in().get("/reports/secret", **PAGE).status_code == 302


def test_an_earlier_auth_api_tells_no_level(browser: Browser, stub: Stub) -> None:
    document = current_session()
    document["session"]["assurance"] = {"methods": ["pwd", "otp"], "auth_time": moment(-1)}
    stub.answers[USE] = Canned(200, document)
    assert browser.sign_in().get("/reports/secret", **PAGE).status_code == 302


def test_an_authentication_can_be_too_old(browser: Browser, stub: Stub) -> None:
    browser.sign_in()
    recent = "/login/continue?next=/reports/recent&level=aal1&max_age=60"
    assert browser.get("/reports/recent", **PAGE)["Location"] == recent
    page = browser.get(recent, **PAGE)
    fields = form_fields(page.content.decode())
    assert (page.status_code, fields["max_age"], fields[PASSWORD]) == (403, "60", "")
    done = browser.post("/login/continue", {**fields, PASSWORD: "my password"}, **PAGE)
    assert done["Location"] == "/reports/recent"
    fetched = browser.send("GET", "/reports/recent", **FETCH).json()
    assert (fetched["acr"], fetched["max_age"]) == ("aal1", 60)
    assert fetched["methods"] == ["password", "totp", "recovery"]
    stub.answers[USE] = Canned(200, at_level("aal1", auth_time=moment(-3)))
    assert browser.get("/reports/recent", **PAGE).status_code == 200


def test_a_password_that_is_not_enough_leads_to_the_code(browser: Browser, stub: Stub) -> None:
    """The session is older than the account's factor: auth_api does not renew it by the password."""
    browser.sign_in()
    stub.answers[AGAIN] = problem("step-up-required", 403)
    page = browser.get("/login/continue?next=/reports/recent&level=aal1&max_age=60", **PAGE)
    form = {**form_fields(page.content.decode()), PASSWORD: "my password"}
    asked = browser.post("/login/continue", form, **PAGE)
    fields = form_fields(asked.content.decode())
    assert (asked.status_code, fields["next"], fields[CODE]) == (403, "/reports/recent", "")
    assert PASSWORD not in fields


@pytest.mark.parametrize("path", ["/reports/secret", "/reports/secret/public", "/reports/own"])
def test_who_is_not_signed_in_is_asked_to_first(browser: Browser, path: str) -> None:
    """A demand also protects a view that is declared public, or makes its own call."""
    assert browser.get(path, **PAGE)["Location"].startswith("/login?next=")
    assert browser.sign_in().get(path, **PAGE)["Location"].startswith("/login/continue?next=")


def test_a_demand_that_another_decorator_hides_still_holds(browser: Browser) -> None:
    answer = browser.sign_in().get("/reports/secret/hidden", **PAGE)
    assert answer["Location"].startswith("/login/continue?next=")


def test_a_level_that_does_not_exist_is_a_mistake_in_the_view() -> None:
    from frontend_site.security.endpoints import require_level

    with pytest.raises(ValueError, match="aal1, aal2"):
        require_level("aal3")


# -- forward auth ------------------------------------------------------------------------------


def verify(browser: Browser, uri: str, query: str = "", **headers: str) -> Any:
    given = {"X_Forwarded_Method": "GET", "X_Forwarded_Uri": uri, **headers}
    return browser.send("GET", f"/auth/verify?audience=app{query}", **given)


def test_a_rule_and_a_proxy_can_demand_a_level(browser: Browser, stub: Stub, at_aal2: None) -> None:
    for uri, query in (("/vault/x", ""), ("/app/x", "&level=aal2")):
        answer = verify(browser.sign_in(), uri, query, **PAGE)
        assert answer.status_code == 204
        assert answer["Gatehouse-Acr"] == "aal2"
        assert answer["Gatehouse-Amr"] == "pwd,otp,mfa"
        assert int(answer["Gatehouse-Auth-Time"]) > 1_700_000_000
    assert set(stub.calls) == {VERIFY}


def test_without_a_demand_the_app_is_told_the_level(browser: Browser) -> None:
    answer = verify(browser.sign_in(), "/app/x", **PAGE)
    assert answer.status_code == 204
    assert (answer["Gatehouse-Acr"], answer["Gatehouse-Amr"]) == ("aal1", "pwd")


@pytest.mark.parametrize(("uri", "query"), [("/vault/x?y=1", ""), ("/app/x?y=1", "&level=aal2")])
def test_an_app_below_the_level_leads_to_the_page_that_asks(
    browser: Browser, uri: str, query: str
) -> None:
    browser.sign_in()
    wanted = f"/login/continue?next={uri.partition('?')[0]}%3Fy%3D1&level=aal2"
    answer = verify(browser, uri, query, **PAGE)
    assert (answer.status_code, answer["Location"]) == (302, wanted)
    nginx = verify(browser, uri, f"{query}&redirect=no", **PAGE)
    assert (nginx.status_code, nginx["Gatehouse-Login"]) == (401, wanted)
    for each in (answer, nginx):
        assert not {"Cookie", "Gatehouse-Identity", "Gatehouse-User-Id"} & set(each.headers)
    assert CODE in form_fields(browser.get(wanted, **PAGE).content.decode())


def test_a_fetch_of_an_app_gets_the_problem(browser: Browser) -> None:
    answer = verify(browser.sign_in(), "/vault/x", **FETCH)
    assert (answer.status_code, answer["Gatehouse-Level"]) == (403, "aal2")
    assert answer.json()["type"] == "urn:gatehouse:problem:step-up-required"
    shown_by_nginx = browser.send("GET", "/auth/refused?level=aal2", **FETCH)
    assert shown_by_nginx.status_code == 403
    for name in ("type", "acr", "max_age", "methods"):
        assert shown_by_nginx.json()[name] == answer.json()[name]


def test_a_form_to_an_app_is_not_sent_and_its_page_leads_back(browser: Browser) -> None:
    headers = {
        **PAGE, "X_Forwarded_Method": "POST", "Sec_Fetch_Site": "same-origin",
        "Referer": "http://testserver/vault/form?n=1",
    }  # fmt: skip
    browser.sign_in()
    answer = verify(browser, "/vault/save", **headers)
    for page in (answer, browser.send("GET", "/auth/refused?level=aal2", **headers)):
        assert page.status_code == 403
        assert "/login/continue?next=/vault/form%3Fn%3D1&amp;level=aal2" in page.content.decode()


def test_groups_are_judged_first(browser: Browser, at_aal2: None) -> None:
    answer = verify(browser.sign_in(), "/board/x", **FETCH)
    assert answer.json()["type"] == "urn:gatehouse:problem:no-access"


def test_every_reading_of_a_path_is_judged(browser: Browser) -> None:
    """As for groups: no spelling is let through by the rule of another app."""
    for uri in ("/app/../vault/x", "/app/%2e%2e/vault/x", "/VAULT/x"):
        assert verify(browser.sign_in(), uri, **FETCH).status_code == 403


def test_a_proxy_that_demands_an_unknown_level_is_refused(browser: Browser) -> None:
    for level in ("aal9", ""):  # an empty variable of the proxy demands nothing, by mistake
        answer = verify(browser.sign_in(), "/app/x", f"&level={level}", **PAGE)
        assert answer.status_code == 400
    assert browser.send("GET", "/auth/refused?level=aal9", **PAGE).status_code == 400
