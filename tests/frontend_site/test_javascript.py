"""gatehouse.js in a real Chromium: docs/reference/javascript.md says what it promises."""

import re
from pathlib import Path
from typing import Any

import pytest

from tests.chromium import wait
from tests.frontend_site.person import Person
from tests.frontend_site.stub import (
    HANDLE,
    NO_SESSION,
    SESSION_ENDED,
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
    for (const type of ["signed-out", "expiring", "reauthentication-required", "step-up-required", "unavailable"])
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

        return wait(self.person.driver).until(found, f"no {type_}")[1]


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
    assert len(source) + len(stream) < 12_000
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
    [[name, detail]] = signed_in.raised
    assert name == "unavailable"
    assert detail["retryAfter"] >= 2  # each answer asks for another time


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
    told = ["reauthentication-required", {"url": url}]
    assert signed_in.raised == [told]
    methods = ["totp", "recovery"]
    stub.answers["POST /v1/sessions/revoke-others"] = problem(
        "step-up-required", 403, methods=methods
    )
    signed_in.run(body)
    assert signed_in.raised[-1] == ["step-up-required", {"url": url, "methods": methods}]


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
    wait(signed_in.person.driver).until(lambda _: PEEK in stub.calls)
    assert signed_in.raised == []
