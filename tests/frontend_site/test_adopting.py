"""Tests the rules of docs/how-to/adopting.md with the views that it shows."""

import re
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from tests.adopter import views
from tests.frontend_site.browser import Browser, set_cookie_lines
from tests.frontend_site.stub import (
    EXPIRE_SESSION,
    RETRY_SOON,
    SESSION_ENDED,
    STORE_DOWN,
    USER,
    Canned,
    Stub,
    current_session,
    problem,
)

ROOT = Path(__file__).resolve().parents[2]
ADOPTER = ROOT / "tests" / "adopter"
MADE_UP = "A" * 16 + "." + "B" * 43
USE, PEEK = "GET /v1/session", "GET /v1/session?slide=false"
PAGES = ["/reports", "/reports/new", "/reports/archive", "/reports/notes", "/reports/help"]
CALLS = ["/api/reports/summary", "/api/reports/plain", "/api/reports/unread", "/api/reports/page"]
OTHERS = ["/old-style", "/kept", "/profile"]
ENDINGS = {"made up": problem("no-session", 401), "ended": SESSION_ENDED}


@pytest.fixture(autouse=True)
def _adopters_site(settings: Any) -> None:
    from tests.adopter import settings as theirs

    settings.ROOT_URLCONF = theirs.ROOT_URLCONF
    settings.TEMPLATES = theirs.TEMPLATES
    views.saved.clear()
    views.closed.clear()


def answer_sessions(stub: Stub, answer: Canned) -> None:
    for call in (USE, PEEK, "GET /v1/sessions"):
        stub.answers[call] = answer


def open_path(browser: Browser, path: str) -> Any:
    return browser.call("GET", path) if path.startswith("/api/") else browser.get(path)


def test_the_docs_show_these_views() -> None:
    text = (ROOT / "docs" / "how-to" / "adopting.md").read_text()
    shown = re.findall(r"```(?:python|jinja)\n(.*?)```", text, re.DOTALL)
    adopter = [ADOPTER / name for name in ("views.py", "templates/reports.html")]
    ours = [ROOT / "tests/apps/shelf/ways.py", ROOT / "tests/apps/own_settings.py"]
    apps = [*ours, *(ROOT / "examples/notes").glob("*.py")]
    code = "\n".join(path.read_text() for path in [*adopter, *apps])
    look = (ROOT / "tests/apps/own_look.py").read_text()  # whose folder is another one
    code += look.replace('VAR / "look"', 'BASE_DIR / "shop" / "look"')
    assert len(shown) == 14
    assert set("".join(shown).splitlines()) <= set(code.splitlines())


@pytest.mark.parametrize("path", [*PAGES, *OTHERS])
def test_a_page_without_a_cookie_leads_to_sign_in_at_no_cost(
    browser: Browser, stub: Stub, path: str
) -> None:
    answer = browser.get(path)
    assert (answer.status_code, answer["Location"]) == (302, f"/login?next={path}")
    assert stub.calls == []


@pytest.mark.parametrize("path", [*PAGES, *OTHERS])
@pytest.mark.parametrize("ending", ENDINGS.values(), ids=ENDINGS.keys())
def test_a_page_with_a_session_that_is_none_leads_to_sign_in(
    browser: Browser, stub: Stub, path: str, ending: Canned
) -> None:
    answer_sessions(stub, ending)
    answer = browser.sign_in(MADE_UP).get(path)
    assert answer.status_code == 302
    assert answer["Location"] == f"/login?next={path}&notice=session-ended"
    assert len(stub.calls) == 1
    told = [EXPIRE_SESSION] if ending is SESSION_ENDED else []
    assert [line for line in set_cookie_lines(answer) if "__Host-session" in line] == told


@pytest.mark.parametrize("path", CALLS)
def test_a_call_without_a_cookie_is_a_401_at_no_cost(
    browser: Browser, stub: Stub, path: str
) -> None:
    answer = browser.call("GET", path)
    assert (answer.status_code, answer["Content-Type"]) == (401, "application/problem+json")
    assert stub.calls == []


@pytest.mark.parametrize("path", CALLS)
@pytest.mark.parametrize("ending", ENDINGS.values(), ids=ENDINGS.keys())
def test_a_call_with_a_session_that_is_none_is_a_401(
    browser: Browser, stub: Stub, path: str, ending: Canned
) -> None:
    answer_sessions(stub, ending)
    answer = browser.sign_in(MADE_UP).call("GET", path)
    assert (answer.status_code, answer["Content-Type"]) == (401, "application/problem+json")
    assert answer.json()["type"] == "urn:gatehouse:problem:session-ended"
    assert len(stub.calls) == 1
    # The answer to a poll may come after a sign-in in another tab: it must not expire the new cookie.
    told = [EXPIRE_SESSION] if ending is SESSION_ENDED and path != "/api/reports/unread" else []
    assert [line for line in set_cookie_lines(answer) if "__Host-session" in line] == told


@pytest.mark.parametrize("path", [*PAGES, *CALLS, *OTHERS])
def test_in_an_outage_no_view_runs_and_nobody_is_signed_out(
    browser: Browser, stub: Stub, path: str
) -> None:
    answer_sessions(stub, STORE_DOWN)
    answer = open_path(browser.sign_in(), path)
    assert (answer.status_code, answer["Retry-After"]) in RETRY_SOON
    assert set_cookie_lines(answer) == []
    assert len(stub.calls) == 1
    kind = "application/problem+json" if path in CALLS else "text/html; charset=utf-8"
    assert answer["Content-Type"] == kind


def test_without_auth_api_it_is_the_same(browser: Browser, auth_api_down: None) -> None:
    for path in [*PAGES, *CALLS, *OTHERS]:
        answer = open_path(browser.sign_in(), path)
        assert (answer.status_code, answer["Retry-After"]) in RETRY_SOON
        assert set_cookie_lines(answer) == []


@pytest.mark.parametrize("path", [*PAGES, *CALLS, *OTHERS])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_valid_session_runs_the_view_for_one_call(
    browser: Browser, stub: Stub, path: str, method: str
) -> None:
    browser.sign_in()
    answer = browser.call(method, path) if path in CALLS else browser.send(method, path)
    assert answer.status_code == 200
    assert stub.calls == [PEEK if path == "/api/reports/unread" else USE]


@pytest.mark.parametrize("path", [*PAGES, *CALLS, "/old-style"])
def test_an_answer_of_theirs_is_kept_by_nobody(browser: Browser, path: str) -> None:
    answer = open_path(browser.sign_in(), path)
    assert answer["Cache-Control"] == "no-store"
    assert "Cookie" in answer["Vary"]


def test_a_view_may_say_how_long_its_answer_is_kept(browser: Browser) -> None:
    answer = browser.sign_in().get("/kept")
    assert answer["Cache-Control"] == "private, max-age=60"
    assert "Cookie" in answer["Vary"]


def test_views_and_templates_know_who_it_is(browser: Browser) -> None:
    browser.sign_in()
    assert b"<h1>Reports of Ada Lovelace</h1>" in browser.get("/reports").content
    assert browser.call("GET", "/api/reports/summary").json()["of"] == USER["email"]
    assert browser.call("GET", "/api/reports/plain").json()["of"] == USER["email"]
    assert browser.get("/old-style").content == f"for {USER['email']}".encode()


def test_a_form_of_theirs_is_done_for_who_is_signed_in(browser: Browser, stub: Stub) -> None:
    browser.sign_in()
    for path, title in (("/reports/new", "June"), ("/reports/notes", "note")):
        stub.seen.clear()
        answer = browser.post(path, {"title": title})
        assert (answer.status_code, answer["Location"]) == (302, "/reports")
        assert views.saved.pop() == (USER["id"], title)
        assert stub.calls == [USE]


@pytest.mark.parametrize("ending", [*ENDINGS.values(), STORE_DOWN])
def test_a_form_of_theirs_does_nothing_without_a_session(
    browser: Browser, stub: Stub, ending: Canned
) -> None:
    answer_sessions(stub, ending)
    answer = browser.sign_in(MADE_UP).post("/reports/new", {"title": "June"})
    assert answer.status_code in (302, 503)
    assert views.saved == []


def test_a_password_given_again_is_proof_enough(browser: Browser, stub: Stub) -> None:
    answer = browser.sign_in().post(
        "/reports/new", {"title": "June", "reauthentication_password": "x"}
    )
    assert answer["Location"] == "/reports"
    assert stub.calls == ["POST /v1/reauthenticate"]


def test_another_site_can_neither_load_nor_reload_a_call_that_says_nothing(
    browser: Browser, stub: Stub
) -> None:
    away = {"Sec_Fetch_Site": "cross-site", "Sec_Fetch_Mode": "navigate"}
    for kind in ("document", "script", "image"):
        answer = browser.send("GET", "/api/reports/plain", Sec_Fetch_Dest=kind, **away)
        assert answer.status_code == 403
    assert stub.calls == []


# --- request.user on public pages


def test_a_public_page_that_asks_nobody_costs_no_call(browser: Browser, stub: Stub) -> None:
    assert browser.sign_in().get("/opening-hours").content == b"nine to five"
    assert stub.calls == []


def test_a_visitor_without_a_cookie_is_nobody_at_no_cost(browser: Browser, stub: Stub) -> None:
    assert browser.get("/prices").status_code == 200
    assert stub.calls == []


def test_a_public_page_that_asks_costs_one_call(browser: Browser, stub: Stub) -> None:
    page = browser.sign_in().get("/prices")
    assert b"Reports of Ada Lovelace" in page.content
    assert stub.calls == [USE]


@pytest.mark.parametrize("ending", ENDINGS.values(), ids=ENDINGS.keys())
def test_on_a_public_page_a_session_that_is_none_is_nobody(
    browser: Browser, stub: Stub, ending: Canned
) -> None:
    answer_sessions(stub, ending)
    page = browser.sign_in(MADE_UP).get("/prices")
    assert page.status_code == 200
    assert b"Reports of" not in page.content
    assert stub.calls == [USE]


def test_a_public_page_that_cannot_tell_who_it_is_answers_503(browser: Browser, stub: Stub) -> None:
    answer_sessions(stub, STORE_DOWN)
    answer = browser.sign_in().get("/prices")
    assert (answer.status_code, answer["Retry-After"]) in RETRY_SOON
    assert set_cookie_lines(answer) == []
    assert browser.get("/opening-hours").status_code == 200


def test_who_asks_again_in_an_outage_is_told_at_once(browser: Browser, stub: Stub) -> None:
    answer_sessions(stub, STORE_DOWN)
    assert browser.sign_in().get("/asks-twice").status_code == 503
    assert stub.calls == [USE]


# --- views with a call of their own


def test_the_user_comes_with_a_call_of_its_own_if_that_tells(browser: Browser, stub: Stub) -> None:
    page = browser.sign_in().get("/own")
    assert b"Reports of Ada Lovelace" in page.content
    assert stub.calls == ["GET /v1/sessions"]


def test_otherwise_the_user_is_asked_for_by_one_more_look(browser: Browser, stub: Stub) -> None:
    stub.answers["GET /v1/sessions"] = Canned(200, {"items": []})
    page = browser.sign_in().get("/own")
    assert b"Reports of Ada Lovelace" in page.content
    assert stub.calls == ["GET /v1/sessions", PEEK]


def test_the_profile_costs_no_second_call(browser: Browser, stub: Stub) -> None:
    page = browser.sign_in().get("/profile")
    assert page.content == b"for Ada Lovelace, Ada Lovelace"
    assert stub.calls == [USE]


@pytest.mark.parametrize("path", ["", "/redirect", "/stream", "/answer", "/call"])
def test_a_view_that_forgets_its_call_shows_nothing(
    browser: Browser, stub: Stub, path: str
) -> None:
    answer_sessions(stub, SESSION_ENDED)
    with capture_logs() as logs:
        answer = browser.sign_in(MADE_UP).get(f"/forgets{path}")
    assert answer.status_code == 500
    assert b"private data" not in answer.content
    assert "Location" not in answer
    [line] = [line for line in logs if line["event"] == "session.not_validated"]
    assert line["view"].startswith("tests.adopter.views.forgets")


def test_a_call_that_forgets_its_call_shows_nothing(browser: Browser) -> None:
    answer = browser.sign_in().call("GET", "/api/forgets")
    assert (answer.status_code, answer["Content-Type"]) == (500, "application/problem+json")
    assert b"data" not in answer.content


def test_a_stream_that_is_withheld_is_closed(browser: Browser) -> None:
    browser.sign_in().get("/forgets/stream")
    assert views.closed == ["stream"]


# --- request.user where it is asked for early, and where the session changes


@pytest.fixture
def early(settings: Any) -> None:
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, "tests.adopter.middleware.NameInHeader"]


@pytest.mark.parametrize(
    ("path", "calls"),
    [
        ("/reports", [USE]),
        ("/api/reports/summary", [USE]),
        ("/api/reports/unread", [PEEK]),
        ("/own", [PEEK, "GET /v1/sessions"]),
        ("/opening-hours", [USE]),
        ("/nothing-here", [PEEK]),
    ],
)
def test_a_middleware_may_ask_first_and_a_use_is_still_a_use(
    browser: Browser, stub: Stub, early: None, path: str, calls: list[str]
) -> None:
    answer = open_path(browser.sign_in(), path)
    assert answer["X-Email"] == f"{USER['email']}, {USER['email']}"
    assert stub.calls == calls


def test_an_outage_that_a_middleware_runs_into_is_a_503_too(
    browser: Browser, stub: Stub, early: None
) -> None:
    answer_sessions(stub, STORE_DOWN)
    answer = browser.sign_in().get("/reports")
    assert (answer.status_code, answer["Retry-After"]) in RETRY_SOON
    assert stub.calls == [USE]


def test_the_user_follows_a_sign_in_and_a_sign_out(
    browser: Browser, stub: Stub, early: None
) -> None:
    form = {"email": USER["email"], "password": "x"}
    assert browser.post("/login", form)["X-Email"] == f", {USER['email']}"
    assert stub.calls == ["POST /v1/login"]
    assert browser.post("/logout")["X-Email"] == f"{USER['email']}, "


def test_who_signed_out_in_the_same_request_is_nobody_on_its_error_page(browser: Browser) -> None:
    answer = browser.sign_in().get("/leaves")
    assert answer.status_code == 403
    assert b"Known here: ." in answer.content


# --- errors


def test_a_script_that_has_to_sign_in_is_told_by_a_problem(browser: Browser) -> None:
    answer = browser.call("GET", "/api/needs-sign-in")
    assert (answer.status_code, answer["Content-Type"]) == (401, "application/problem+json")


@pytest.mark.parametrize("ending", [None, SESSION_ENDED], ids=["no cookie", "ended"])
def test_an_endpoint_outside_of_api_never_redirects(
    browser: Browser, stub: Stub, ending: Canned | None
) -> None:
    if ending:
        answer_sessions(stub, ending)
        browser.sign_in()
    assert browser.call("GET", "/reports.json").status_code == 401


def test_who_may_not_is_refused_and_stays_signed_in(browser: Browser, stub: Stub) -> None:
    refused = browser.sign_in().get("/staff")
    assert refused.status_code == 403
    assert f"Known here: {USER['email']}.".encode() in refused.content
    assert stub.calls == [USE]
    stub.answers[USE] = Canned(200, current_session(is_staff=True))
    assert browser.get("/staff").content == b"staff only"


def test_an_error_page_that_names_the_user_does_not_ask_for_it(
    browser: Browser, stub: Stub
) -> None:
    assert b"Known here: ." in browser.sign_in().get("/nothing-here").content
    assert stub.calls == []


def test_an_outage_that_a_page_of_a_gate_runs_into_is_a_503_too(
    browser: Browser, stub: Stub
) -> None:
    browser.sign_in()
    refused = browser.post("/reports/new", {"csrfmiddlewaretoken": "x"})
    assert (refused.status_code, USER["email"] in refused.content.decode()) == (403, True)
    answer_sessions(stub, STORE_DOWN)
    answer = browser.post("/reports/new", {"csrfmiddlewaretoken": "x"})
    assert (answer.status_code, answer["Retry-After"]) in RETRY_SOON
    assert views.saved == []


def test_a_view_that_crashes_is_a_500(browser: Browser) -> None:
    answer = browser.sign_in().get("/crash")
    assert answer.status_code == 500
    assert b"secret detail" not in answer.content
