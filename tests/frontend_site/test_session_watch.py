"""The warning before a session ends, and what tabs tell each other, in a real Chromium."""

from typing import Any

import pytest
from selenium.webdriver.common.by import By

from tests.chromium import wait
from tests.frontend_site.person import Person
from tests.frontend_site.stub import (
    HANDLE,
    SESSION_ENDED,
    STORE_DOWN,
    USER,
    Canned,
    Stub,
    current_session,
    moment,
    problem,
)

USE, LOOK = "GET /v1/session", "GET /v1/session?slide=false"


def session(idle: float, absolute: float = 43000, **user: Any) -> Canned:
    """A session that ends in `idle` seconds when it is not used."""
    body = current_session(**user)
    times = {"idle_expires_at": moment(idle), "absolute_expires_at": moment(absolute)}
    return Canned(200, {**body, "session": {**body["session"], **times}})


def ends_in(stub: Stub, idle: float, absolute: float = 43000) -> None:
    found = session(idle, absolute)
    stub.answers[USE] = stub.answers[LOOK] = found
    stub.answers["GET /v1/sessions"] = Canned(200, {"items": [], **found.body})


def is_warned(person: Person) -> bool:
    script = "return document.getElementById('session-warning')?.open ?? false"
    return bool(person.driver.execute_script(script))


def wait_until_warned(person: Person, warned: bool = True) -> None:
    wait(person.driver).until(lambda _: is_warned(person) is warned)


def wait_until_quiet(person: Person, stub: Stub) -> None:
    """Until the stream is open: its opening looks, and nothing else does."""
    counts: list[int] = []

    def quiet(_: object) -> bool:
        counts.append(len(stub.calls))
        return len(counts) > 6 and len(set(counts[-6:])) == 1 and LOOK in stub.calls

    wait(person.driver).until(quiet)


def wait_for_login(person: Person) -> None:
    wait(person.driver).until(lambda _: person.path.startswith("/login"))


def stay(person: Person) -> None:
    person.driver.find_element(By.CSS_SELECTOR, "#session-warning button").click()


def test_the_warning_comes_before_the_end_and_looking_is_no_use(person: Person, stub: Stub) -> None:
    person.sign_in()
    ends_in(stub, 135)  # two minutes before the end, fifteen seconds from now
    person.open("/account")
    wait_until_quiet(person, stub)
    assert not is_warned(person)
    stub.seen.clear()
    wait_until_warned(person)
    assert stub.calls == [LOOK]
    dialog = person.driver.find_element(By.ID, "session-warning")
    assert "You will be signed out in" in dialog.text
    assert person.driver.title.startswith("Signed out soon")
    assert person.driver.switch_to.active_element.text == "Stay signed in"


def test_staying_is_one_use_of_the_session_and_ends_the_warning(person: Person, stub: Stub) -> None:
    person.sign_in()
    ends_in(stub, 60)
    person.open("/account")
    wait_until_warned(person)
    wait_until_quiet(person, stub)
    ends_in(stub, 3600)
    stub.seen.clear()
    stay(person)
    wait_until_warned(person, False)
    assert stub.calls == [USE]
    assert person.driver.title.startswith("Your account")


def test_staying_in_one_tab_is_enough(person: Person, stub: Stub) -> None:
    person.sign_in()
    ends_in(stub, 60)
    person.open("/account")
    wait_until_warned(person)
    first = person.driver.current_window_handle
    person.driver.switch_to.new_window("tab")
    person.open("/account/sessions")
    wait_until_warned(person)
    ends_in(stub, 3600)
    stay(person)
    wait_until_warned(person, False)
    person.driver.switch_to.window(first)
    wait_until_warned(person, False)


def test_the_end_leaves_the_page_in_every_tab(person: Person, stub: Stub) -> None:
    person.sign_in()
    first = person.driver.current_window_handle
    person.driver.switch_to.new_window("tab")
    ends_in(stub, 4)
    person.open("/account")
    wait_until_warned(person)
    stub.answers[USE] = stub.answers[LOOK] = SESSION_ENDED
    wait_for_login(person)
    person.wait_for("Your session has ended")
    person.driver.switch_to.window(first)
    wait_for_login(person)


def test_a_session_at_its_whole_length_cannot_stay(person: Person, stub: Stub) -> None:
    person.sign_in()
    ends_in(stub, 60, 60)
    person.open("/account")
    wait_until_warned(person)
    dialog = person.driver.find_element(By.ID, "session-warning")
    assert "reached its maximum length" in dialog.text
    assert not dialog.find_element(By.TAG_NAME, "button").is_displayed()


def test_an_outage_signs_nobody_out(person: Person, stub: Stub) -> None:
    person.sign_in()
    ends_in(stub, 60)
    person.open("/account")
    wait_until_warned(person)
    stub.answers[USE] = STORE_DOWN
    stay(person)
    dialog = person.driver.find_element(By.ID, "session-warning")
    wait(person.driver).until(lambda _: "We cannot check your session right now" in dialog.text)
    assert person.path == "/account"
    ends_in(stub, 3600)
    stay(person)
    wait_until_warned(person, False)


def test_another_account_that_signs_in_takes_the_pages_of_the_first_away(
    person: Person, stub: Stub
) -> None:
    person.sign_in()
    first = person.driver.current_window_handle
    wait(person.driver).until(lambda _: LOOK in stub.calls)
    bob = {"id": USER["id"][::-1], "name": "Bob", "email": "bob@example.com"}
    stub.answers[USE] = stub.answers[LOOK] = session(3600, **bob)
    person.driver.switch_to.new_window("tab")
    person.open("/account")
    person.wait_for("bob@example.com")
    person.driver.switch_to.window(first)
    person.wait_for("bob@example.com")
    assert "ada@example.com" not in person.driver.page_source


def test_a_page_that_a_form_made_is_left_by_a_get(person: Person, stub: Stub) -> None:
    person.sign_in()
    item = {
        **current_session()["session"], "handle": HANDLE, "current": False, "ip": "::1",
        "user_agent": "Firefox 160 on Windows",
    }  # fmt: skip
    stub.answers["GET /v1/sessions"] = Canned(200, {"items": [item]})
    stub.answers[f"DELETE /v1/sessions/{HANDLE}"] = problem("reauthentication-required", 403)
    person.open("/account/sessions")
    person.press("main form")
    person.wait_for("Confirm that it is you")
    ends_in(stub, 3)
    stub.answers["GET /v1/sessions"] = SESSION_ENDED
    first = person.driver.current_window_handle
    person.driver.switch_to.new_window("tab")
    person.open("/account")  # tells the first when the end is
    wait_until_warned(person)
    stub.answers[USE] = stub.answers[LOOK] = SESSION_ENDED
    person.driver.switch_to.window(first)
    wait_for_login(person)
    assert "sessions" in person.path  # and after the sign-in, back there


@pytest.mark.parametrize("path", ["/account", "/account/sessions", "/account/activity"])
def test_without_a_script_there_is_no_warning(
    person_without_javascript: Person, stub: Stub, path: str
) -> None:
    person = person_without_javascript
    person.sign_in()
    ends_in(stub, 60)
    stub.seen.clear()
    person.open(path)
    assert not person.driver.find_element(By.ID, "session-warning").is_displayed()
    assert LOOK not in stub.calls


def test_a_clock_that_is_off_makes_no_page_look_without_pause(person: Person, stub: Stub) -> None:
    """A session that should be over and still answers."""
    person.sign_in()
    ends_in(stub, -30)
    person.open("/account")
    wait_until_warned(person)
    stub.seen.clear()
    person.driver.execute_async_script("setTimeout(arguments[0], 3000)")
    assert len(stub.calls) < 30  # each second one look of the watch, one of the stream and its own


def test_public_pages_do_not_look(person: Person, stub: Stub) -> None:
    person.sign_in()
    wait_until_quiet(person, stub)
    stub.seen.clear()
    for path in ("/", "/logout", "/register"):
        person.open(path)
    assert LOOK not in stub.calls
