"""One event stream for all pages of a browser, and what a view requests: in a real Chromium, under the real policy."""

import pytest

from tests.chromium import wait
from tests.frontend_site.person import Person
from tests.frontend_site.stub import (
    HANDLE,
    SESSION_ENDED,
    SET_SESSION,
    STORE_DOWN,
    Canned,
    Stub,
    current_session,
)

PEEK = "GET /v1/session?slide=false"


def at_login(person: Person) -> None:
    wait(person.driver).until(lambda _: person.path.startswith("/login"), "not locked")


def watching(person: Person, stub: Stub, path: str = "/account") -> None:
    """Open a page and wait until its stream is open."""
    stub.seen.clear()
    person.open(path)
    wait(person.driver).until(lambda _: PEEK in stub.calls)
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
    wait(person.driver).until(lambda _: PEEK in stub.calls)
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
    wait(person.driver).until(lambda _: stub.calls[-1] == PEEK)
    for route in ("GET /v1/session", PEEK):
        stub.answers[route] = SESSION_ENDED
    stub.events.tell(ref="AbCdEfGhIjKlMnOp", handle=other)
    at_login(person)


@pytest.mark.parametrize("path", ["/account", "/account/sessions", "/account/activity"])
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
    wait(person.driver).until(lambda d: "Ada Lovelace" not in d.page_source)


def test_an_event_without_an_end_changes_nothing(person: Person, stub: Stub) -> None:
    person.sign_in()
    watching(person, stub)
    stub.events.tell(ref="AbCdEfGhIjKlMnOp")
    # It looks, and opens its stream again.
    wait(person.driver).until(lambda _: stub.calls.count(PEEK) >= 2)
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
    wait(person.driver).until(lambda _: stub.calls.count(PEEK) >= 2)
    assert person.path == "/account"
    for route in ("GET /v1/session", PEEK):
        stub.answers[route] = SESSION_ENDED
    at_login(person)


def test_a_garbled_answer_does_not_stop_the_stream(person: Person, stub: Stub) -> None:
    person.sign_in()
    watching(person, stub)
    stub.answers[PEEK] = Canned(200, {**current_session(), "session": None})
    stub.events.tell(ref="AbCdEfGhIjKlMnOp")
    wait(person.driver).until(lambda _: PEEK in stub.calls)
    stub.events.wait_for_listeners()
    end_session(stub)
    at_login(person)


def test_public_pages_open_no_stream(person: Person, stub: Stub) -> None:
    person.sign_in()
    person.open("/")
    script = "return performance.getEntriesByType('resource').map((e) => new URL(e.name).pathname)"
    assert not [p for p in person.driver.execute_script(script) if p.startswith("/api/")]
