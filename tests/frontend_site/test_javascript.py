"""gatehouse.js in a real Chromium: docs/reference/javascript.md says what it promises."""

import re
from pathlib import Path
from typing import Any

import pytest
from selenium.webdriver.support.wait import WebDriverWait

from tests.frontend_site.person import Person
from tests.frontend_site.stub import (
    HANDLE,
    NO_SESSION,
    SESSION_ENDED,
    SET_SESSION,
    STORE_DOWN,
    USER,
    Canned,
    Stub,
    current_session,
    moment,
    problem,
)

STATIC = Path(__file__).resolve().parents[2] / "frontend_site" / "static" / "frontend_site"
PEEK = "GET /v1/session?slide=false"
LOGIN = '{email: "ada@example.com", password: "correct horse battery staple"}'

_RUN = """
const done = arguments[arguments.length - 1];
(async () => {
  const gh = await import("/static/frontend_site/gatehouse.js");
  window.raised ??= (() => {
    const raised = [];
    for (const type of ["signed-out", "expiring", "reauthentication-required", "unavailable"])
      gh.events.addEventListener(type, (event) => raised.push([type, event.detail]));
    return raised;
  })();
  %s
})().then(
  (value) => done({ value: value ?? null }),
  (error) => done({ failed: error.constructor.name, kind: error.kind, status: error.status }),
);
"""


class Script:
    """A script of the site, on its home page."""

    def __init__(self, person: Person) -> None:
        self.person = person
        # The driver's own scripts have no nonce. Pages' scripts are tested under the policy.
        person.driver.execute_cdp_cmd("Page.enable", {})
        person.driver.execute_cdp_cmd("Page.setBypassCSP", {"enabled": True})
        person.open("/")

    def run(self, body: str) -> Any:
        """Run `body` with the module as `gh`: its value, or how it failed."""
        outcome = self.person.driver.execute_async_script(_RUN % body)
        return outcome.get("value", outcome)

    @property
    def raised(self) -> list[Any]:
        return list(self.person.driver.execute_script("return window.raised"))

    def wait_for_event(self, type_: str) -> Any:
        def found(_: Any) -> Any:
            return next((event for event in self.raised if event[0] == type_), None)

        return WebDriverWait(self.person.driver, 15).until(found, f"no {type_}")[1]


@pytest.fixture
def script(person: Person) -> Script:
    return Script(person)


@pytest.fixture
def signed_in(person: Person, stub: Stub) -> Script:
    person.sign_in()
    script = Script(person)
    stub.seen.clear()
    return script


def test_it_is_small_and_stands_alone() -> None:
    source = (STATIC / "gatehouse.js").read_text()
    stream = (STATIC / "session-stream.js").read_text()
    assert len(source) + len(stream) < 11_000
    assert re.findall(r"\bimport [^;]*;", source + stream) == [
        'import { join, stateIn } from "./session-stream.js";'
    ]


def test_session_tells_who_is_signed_in(signed_in: Script, stub: Stub) -> None:
    current = signed_in.run("return await gh.session()")
    assert (current["user"]["email"], current["session"]["handle"]) == (USER["email"], HANDLE)
    assert stub.calls == ["GET /v1/session"]
    signed_in.run("await gh.session({ slide: false })")
    assert stub.calls[-1] == PEEK


def test_session_is_null_for_a_stranger_and_raises_nothing(script: Script) -> None:
    assert script.run("return await gh.session()") is None
    assert script.raised == []


def test_a_session_that_ended_is_null_and_said_once(signed_in: Script, stub: Stub) -> None:
    signed_in.run("await gh.session()")
    stub.answers["GET /v1/session"] = SESSION_ENDED
    assert signed_in.run("return await gh.session()") is None
    assert signed_in.run("return await gh.session()") is None
    assert signed_in.raised == [["signed-out", None]]


def test_unknown_is_not_signed_out(signed_in: Script, stub: Stub) -> None:
    signed_in.run("await gh.session()")
    stub.answers["GET /v1/session"] = STORE_DOWN
    failed = signed_in.run("return await gh.session()")
    assert failed == {"failed": "Problem", "kind": "session-store-unavailable", "status": 503}
    assert signed_in.raised == [["unavailable", {"retryAfter": 2}]]


def test_login_signs_in(script: Script, stub: Stub) -> None:
    current = script.run(f"return await gh.login({LOGIN})")
    assert current["user"]["id"] == USER["id"]
    assert stub.seen[-1].json == {
        "email": "ada@example.com", "password": "correct horse battery staple", "remember": False,
    }  # fmt: skip
    assert script.run("return (await gh.session()).user.name") == "Ada Lovelace"


def test_a_refused_login_is_a_problem(script: Script, stub: Stub) -> None:
    stub.answers["POST /v1/login"] = problem("invalid-credentials", 401)
    failed = script.run(f"return await gh.login({LOGIN})")
    assert failed == {"failed": "Problem", "kind": "invalid-credentials", "status": 401}
    assert script.raised == []


def test_logout_ends_the_session_and_says_so(signed_in: Script, stub: Stub) -> None:
    signed_in.run("await gh.session(); await gh.logout()")
    assert stub.calls[-1] == "POST /v1/logout"
    assert signed_in.raised == [["signed-out", None]]


def test_signing_in_again_in_one_page_works(signed_in: Script) -> None:
    body = f"await gh.session(); await gh.logout(); return (await gh.login({LOGIN})).user.name"
    assert signed_in.run(body) == "Ada Lovelace"
    assert signed_in.run("await gh.logout(); return await gh.session()") is None
    assert signed_in.raised == [["signed-out", None]] * 2


def test_an_unsafe_call_carries_the_token_whatever_form_it_has(signed_in: Script) -> None:
    path = f'"/api/auth/sessions/{HANDLE}"'
    for call in (
        f'gh.fetch({path}, {{ method: "DELETE" }})',
        f'gh.fetch(new Request({path}, {{ method: "delete" }}))',
        f'gh.fetch(new URL({path}, location), {{ method: "DELETE" }})',
    ):
        assert signed_in.run(f"return (await {call}).status") == 204


def test_without_the_cookie_a_token_is_fetched_first(signed_in: Script) -> None:
    signed_in.person.driver.delete_cookie("__Host-csrf")
    body = 'return (await gh.fetch("/api/auth/logout", { method: "POST" })).status'
    assert signed_in.run(body) == 204


def test_no_token_goes_elsewhere_or_with_safe_calls(signed_in: Script, stub: Stub) -> None:
    stub.answers["POST /elsewhere"] = Canned(204, b"")
    signed_in.run(
        f'await gh.fetch("{stub.url}/elsewhere", {{ method: "POST", mode: "no-cors" }}); '
        "const sent = window.fetch; let header; "
        'window.fetch = (r) => { header = r.headers.get("X-CSRF-Token"); return sent(r); }; '
        'try { await gh.fetch("/api/auth/session"); } finally { window.fetch = sent; } '
        "if (header !== null) throw new Error(header)"
    )
    [elsewhere] = [seen for seen in stub.seen if seen.path == "/elsewhere"]
    assert elsewhere.header("X-CSRF-Token") is None


def test_an_old_token_is_replaced_once_and_the_body_sent_again(person: Person, stub: Stub) -> None:
    person.open("/login")
    old = person.driver.execute_script("return document.cookie")
    person.sign_in()
    script = Script(person)
    stub.seen.clear()
    status = script.run(
        f'document.cookie = "{old}; path=/; secure; samesite=strict"; '
        'return (await gh.fetch("/api/auth/reauthenticate", { method: "POST", '
        'headers: { "Content-Type": "application/json" }, body: \'{"password": "x"}\' })).status'
    )
    assert status == 200
    assert [seen.json for seen in stub.seen] == [{"password": "x"}]


def test_a_token_of_a_dropped_key_is_replaced_too(signed_in: Script) -> None:
    """An open tab has it after CSRF keys were changed at once: no csrf-expired, nobody knows it."""
    status = signed_in.run(
        "const old = document.cookie.match(/__Host-csrf=([^;]+)/)[1]; "
        "const other = old.replace(/[^.]+$/, 'A'.repeat(43)); "
        "document.cookie = `__Host-csrf=${other}; path=/; secure; samesite=strict`; "
        'return (await gh.fetch("/api/auth/logout", { method: "POST" })).status'
    )
    assert status == 204


@pytest.mark.parametrize("text", ["null", "[]", "7", "{", ""])
def test_a_refusal_that_is_no_document_is_an_answer_all_the_same(
    signed_in: Script, text: str
) -> None:
    """A proxy in front, or a service behind, may say anything."""
    body = f"""
      const real = window.fetch;
      const headers = {{ "Content-Type": "application/json" }};
      window.fetch = async () => new Response({text!r}, {{ status: 403, headers }});
      const answer = await gh.fetch("/api/reports/x").finally(() => (window.fetch = real));
      return [answer.status, await answer.text()];
    """
    assert signed_in.run(body) == [403, text]
    assert signed_in.raised == []


def test_a_token_that_stays_old_is_not_tried_for_ever(signed_in: Script) -> None:
    body = """
      const sent = [];
      const real = window.fetch;
      window.fetch = async (request) => {
        sent.push(new URL(request.url).pathname);
        if (request.method === "GET") return real(request);
        const headers = { "Content-Type": "application/problem+json" };
        return new Response('{"type": "urn:gatehouse:problem:csrf-expired"}', { status: 403, headers });
      };
      const answer = await gh.fetch("/api/auth/logout", { method: "POST" }).finally(() => (window.fetch = real));
      return [answer.status, sent];
    """
    assert signed_in.run(body) == [
        403, ["/api/auth/logout", "/api/auth/csrf", "/api/auth/logout"],
    ]  # fmt: skip


def test_what_wants_the_password_again_is_said(signed_in: Script, stub: Stub) -> None:
    stub.answers["POST /v1/sessions/revoke-others"] = problem("reauthentication-required", 403)
    path = "/api/auth/sessions/revoke-others"
    body = f'const answer = await gh.fetch("{path}", {{ method: "POST" }}); return answer.json()'
    assert signed_in.run(body)["status"] == 403  # the answer can still be read
    url = signed_in.person.site + path
    assert signed_in.raised == [["reauthentication-required", {"url": url}]]


def test_any_call_that_finds_no_session_says_so(signed_in: Script, stub: Stub) -> None:
    stub.answers["GET /v1/sessions"] = NO_SESSION
    assert signed_in.run('return (await gh.fetch("/api/auth/sessions")).status') == 401
    assert signed_in.raised == [["signed-out", None]]


def test_a_dead_network_is_unavailable_and_an_abort_is_not(signed_in: Script) -> None:
    signed_in.run("")
    signed_in.person.driver.execute_cdp_cmd("Network.enable", {})
    conditions = {"offline": True, "latency": 0, "downloadThroughput": 0, "uploadThroughput": 0}
    signed_in.person.driver.execute_cdp_cmd("Network.emulateNetworkConditions", conditions)
    abort = "const signal = AbortSignal.abort(); await gh.fetch('/api/auth/csrf', { signal })"
    assert signed_in.run(abort)["failed"] == "DOMException"
    assert signed_in.raised == []
    assert signed_in.run("await gh.fetch('/api/auth/csrf')")["failed"] == "TypeError"
    assert signed_in.raised == [["unavailable", {"retryAfter": 0}]]


@pytest.mark.parametrize("name", ["idle_expires_at", "absolute_expires_at"])
def test_a_session_that_nears_its_end_is_said(signed_in: Script, stub: Stub, name: str) -> None:
    session = current_session()
    session["session"][name] = moment(30)
    stub.answers["GET /v1/session"] = Canned(200, session)
    at = signed_in.run(
        'const next = new Promise((d) => gh.events.addEventListener("expiring", d)); '
        "await gh.session(); return (await next).detail.at.toISOString()"
    )
    assert at == session["session"][name].replace("Z", ".000Z")


def test_before_it_is_said_the_session_is_looked_at_again(signed_in: Script, stub: Stub) -> None:
    """Another tab may have used it meanwhile."""
    session = current_session()
    session["session"]["idle_expires_at"] = moment(125)
    stub.answers["GET /v1/session"] = Canned(200, session)
    signed_in.run("await gh.session()")
    WebDriverWait(signed_in.person.driver, 15).until(lambda _: PEEK in stub.calls)
    assert signed_in.raised == []


# -- pages, under their real policy ----------------------------------------------------------------


def at_login(person: Person) -> None:
    WebDriverWait(person.driver, 15).until(lambda _: person.path.startswith("/login"), "not locked")


def watching(person: Person, stub: Stub, path: str = "/account") -> None:
    """Open a page and wait until its stream is open."""
    stub.seen.clear()
    person.open(path)
    WebDriverWait(person.driver, 15).until(lambda _: PEEK in stub.calls)
    stub.events.wait_for_listeners()
    # One more answer over the same way: that before it has reached the browser.
    person.driver.execute_async_script("fetch('/api/auth/session?slide=false').then(arguments[0])")
    stub.seen.clear()


def open_tabs(person: Person, number: int) -> list[str]:
    """Open the account in more tabs, beside the one that is open."""
    for _ in range(number):
        person.driver.switch_to.new_window("tab")
        person.open("/account")
    return list(person.driver.window_handles)


def end_session(stub: Stub) -> None:
    for route in ("GET /v1/session", PEEK):
        stub.answers[route] = SESSION_ENDED
    stub.events.tell(ref="AbCdEfGhIjKlMnOp", handle=HANDLE)


def test_a_session_that_is_ended_elsewhere_locks_the_page(person: Person, stub: Stub) -> None:
    person.sign_in()
    watching(person, stub, "/account?tab=1")
    end_session(stub)
    at_login(person)
    assert person.path == "/login?next=%2Faccount%3Ftab%3D1&notice=session-ended"
    person.wait_for("Your session has ended")
    assert "Ada Lovelace" not in person.driver.page_source


def test_one_stream_serves_every_tab_and_all_are_locked(person: Person, stub: Stub) -> None:
    person.sign_in()
    watching(person, stub)
    tabs = open_tabs(person, 3)
    assert PEEK not in stub.calls
    end_session(stub)
    for tab in tabs:
        person.driver.switch_to.window(tab)
        at_login(person)
        person.wait_for("Your session has ended")


def test_the_stream_outlives_the_tab_that_opened_it(person: Person, stub: Stub) -> None:
    person.sign_in()
    watching(person, stub)
    first, second = open_tabs(person, 1)
    person.driver.switch_to.window(first)
    person.driver.close()
    person.driver.switch_to.window(second)
    end_session(stub)
    at_login(person)


@pytest.mark.parametrize("missing", ["SharedWorker", "trustedTypes", "SharedWorker,LockManager"])
def test_browsers_that_lack_something_lock_their_pages_too(
    person: Person, stub: Stub, missing: str
) -> None:
    """Without a SharedWorker the page itself holds the stream; without locks each page does."""
    source = "".join(f"delete globalThis.{name};" for name in missing.split(","))
    if "LockManager" in missing:
        source += "delete Navigator.prototype.locks;"
    person.driver.execute_cdp_cmd("Page.enable", {})
    person.driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": source})
    person.sign_in()
    watching(person, stub)
    end_session(stub)
    at_login(person)


def test_without_workers_the_next_tab_takes_the_stream_over(person: Person, stub: Stub) -> None:
    source = {"source": "delete globalThis.SharedWorker;"}
    person.driver.execute_cdp_cmd("Page.enable", {})
    person.driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", source)
    person.sign_in()
    watching(person, stub)
    first, second = open_tabs(person, 1)
    person.driver.switch_to.window(first)
    person.driver.close()
    person.driver.switch_to.window(second)
    WebDriverWait(person.driver, 15).until(lambda _: PEEK in stub.calls)
    end_session(stub)
    at_login(person)


def test_an_end_before_the_stream_opens_is_found_when_it_does(person: Person, stub: Stub) -> None:
    person.sign_in()
    for route in ("GET /v1/session", PEEK):
        stub.answers[route] = SESSION_ENDED
    at_login(person)
    person.wait_for("Your session has ended")


def test_after_the_next_sign_in_there_is_a_stream_again(person: Person, stub: Stub) -> None:
    """The worker of before may still be there, and its stream was for another session."""
    person.sign_in()
    watching(person, stub)
    end_session(stub)
    at_login(person)
    other = "i" * 16
    session = current_session()
    session["session"]["handle"] = other
    for route in ("GET /v1/session", PEEK):
        stub.answers[route] = Canned(200, session)
    stub.answers["POST /v1/login"] = Canned(200, session, (("Set-Cookie", SET_SESSION),))
    person.driver.delete_all_cookies()
    person.sign_in()
    WebDriverWait(person.driver, 15).until(lambda _: stub.calls[-1] == PEEK)
    for route in ("GET /v1/session", PEEK):
        stub.answers[route] = SESSION_ENDED
    stub.events.tell(ref="AbCdEfGhIjKlMnOp", handle=other)
    at_login(person)


@pytest.mark.parametrize("path", ["/account", "/account/sessions", "/account/security"])
def test_a_view_looks_once_and_no_more_while_a_stream_is_open(
    person: Person, stub: Stub, path: str
) -> None:
    person.sign_in()
    watching(person, stub)
    for _ in range(5):
        person.open(path)
    open_tabs(person, 2)
    watching_still(person, stub)
    route = {"/account": "session", "/account/sessions": "sessions"}.get(path, "security-events")
    assert stub.calls == [f"GET /v1/{route}"] * 5 + ["GET /v1/session"] * 2


def watching_still(person: Person, stub: Stub) -> None:
    """Longer than a stream waits before it opens; whoever was to look has looked then."""
    person.driver.execute_async_script("setTimeout(arguments[0], 4000)")


def test_a_view_costs_two_looks_at_most_where_no_stream_is_open(person: Person, stub: Stub) -> None:
    source = {"source": "delete globalThis.SharedWorker;"}
    person.driver.execute_cdp_cmd("Page.enable", {})
    person.driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", source)
    person.sign_in()
    stub.seen.clear()
    for _ in range(4):  # left soon
        person.open("/account")
    assert stub.calls == ["GET /v1/session"] * 4
    watching_still(person, stub)
    assert stub.calls == ["GET /v1/session"] * 4 + [PEEK]


def test_somebody_else_signing_in_takes_the_first_users_page_away(
    person: Person, stub: Stub
) -> None:
    """To the page of who is signed in now."""
    person.sign_in()
    watching(person, stub)
    other = current_session(id="1c8d8f1e-6f0a-4c38-9d0b-0f6f3a2f1a22", name="Grace Hopper")
    stub.answers[PEEK] = stub.answers["GET /v1/session"] = Canned(200, other)
    stub.events.tell(ref="AbCdEfGhIjKlMnOp", handle=HANDLE)
    WebDriverWait(person.driver, 15).until(lambda d: "Ada Lovelace" not in d.page_source)


def test_an_event_without_an_end_changes_nothing(person: Person, stub: Stub) -> None:
    person.sign_in()
    watching(person, stub)
    stub.events.tell(ref="AbCdEfGhIjKlMnOp")
    # It looks, and opens its stream again.
    WebDriverWait(person.driver, 15).until(lambda _: stub.calls.count(PEEK) >= 2)
    assert person.path == "/account"
    assert "Ada Lovelace" in person.driver.page_source
    end_session(stub)
    at_login(person)


def test_an_outage_locks_nothing_and_what_it_hid_is_found_after_it(
    person: Person, stub: Stub
) -> None:
    person.sign_in()
    watching(person, stub)
    stub.answers[PEEK] = STORE_DOWN
    stub.events.tell(ref="AbCdEfGhIjKlMnOp")
    # A look, then the stream opened again: both are answered "unknown".
    WebDriverWait(person.driver, 15).until(lambda _: stub.calls.count(PEEK) >= 2)
    assert person.path == "/account"
    for route in ("GET /v1/session", PEEK):
        stub.answers[route] = SESSION_ENDED
    at_login(person)


def test_public_pages_open_no_stream(person: Person, stub: Stub) -> None:
    person.sign_in()
    person.open("/")
    script = "return performance.getEntriesByType('resource').map((e) => new URL(e.name).pathname)"
    assert not [p for p in person.driver.execute_script(script) if p.startswith("/api/")]
