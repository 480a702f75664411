"""Sessions, the password asked for again, the security log and new devices, in a real Chromium."""

from typing import Any

import pytest
from selenium.webdriver.common.by import By

from tests.chromium import chromium, wait
from tests.e2e.test_accounts import NEW, open_mail, sign_in, signed_in_client
from tests.e2e.test_browser import fill, press, wait_for_path, wait_for_text
from tests.processes import JsonClient, Stack

_people = iter(range(1000))
LONG_AGO = 700  # seconds: more than what counts as a recent authentication, less than idle


@pytest.fixture
def person(stack: Stack) -> tuple[str, str]:
    """A verified account of one's own: address and password."""
    email = f"guarded{next(_people)}@example.com"
    return email, stack.make_user(email, "--name", "Ada")


def is_alive(client: JsonClient) -> bool:
    return bool(client.get("/api/auth/session").status_code == 200)


def end_of(browser: Any, words: str) -> Any:
    """The form that ends the session of the device with `words` in its name."""
    item = browser.find_element(By.XPATH, f"//li[contains(., '{words}')]")
    return item.find_element(By.TAG_NAME, "form")


def end_a_session_after_a_while(browser: Any, stack: Stack, person: tuple[str, str]) -> None:
    email, password = person
    elsewhere = signed_in_client(stack, email, password)
    sign_in(browser, stack, email, password)
    wait_for_path(browser, "/account")
    browser.find_element(By.LINK_TEXT, "Sessions").click()
    wait_for_text(browser, "this device")
    first = browser.find_element(By.CSS_SELECTOR, "ul.list li")
    assert "this device" in first.text
    assert "127.0.0.1" in first.text
    assert "just now" in first.text
    stack.age_sessions(LONG_AGO)
    end_of(browser, "Requests").submit()
    wait_for_text(browser, "Confirm that it is you")
    fill(browser, reauthentication_password="not the password")
    press(browser, "main form")
    wait_for_text(browser, "Incorrect password")
    assert is_alive(elsewhere)
    before = browser.get_cookie("__Host-session")["value"]
    fill(browser, reauthentication_password=password)
    press(browser, "main form")
    wait_for_text(browser, "That session has ended")
    assert not is_alive(elsewhere)
    assert browser.get_cookie("__Host-session")["value"] != before
    wait_for_path(browser, "/account/sessions")
    assert "Requests" not in browser.find_element(By.TAG_NAME, "main").text


def test_a_session_is_ended_once_the_password_was_given_again(
    browser: Any, stack: Stack, person: tuple[str, str]
) -> None:
    end_a_session_after_a_while(browser, stack, person)


def test_it_needs_no_javascript(
    browser_without_javascript: Any, stack: Stack, person: tuple[str, str]
) -> None:
    end_a_session_after_a_while(browser_without_javascript, stack, person)


def test_all_other_sessions(browser: Any, stack: Stack, person: tuple[str, str]) -> None:
    email, password = person
    others = [signed_in_client(stack, email, password) for _ in range(3)]
    sign_in(browser, stack, email, password)
    wait_for_path(browser, "/account")
    browser.get(f"{stack.address}/account/sessions")
    press(browser, "form:has([value=others])")
    wait_for_text(browser, "All your other sessions have ended")
    assert not any(is_alive(other) for other in others)
    browser.refresh()
    wait_for_text(browser, "this device")


def test_another_address_after_a_while_asks_for_the_password(
    browser: Any, stack: Stack, person: tuple[str, str]
) -> None:
    """The body of the form goes through the page that asks."""
    email, password = person
    sign_in(browser, stack, email, password)
    wait_for_path(browser, "/account")
    browser.get(f"{stack.address}/account/email")
    stack.age_sessions(LONG_AGO)
    fill(browser, email=f"next-{email}")
    press(browser, "main form")
    wait_for_text(browser, "Confirm that it is you")
    fill(browser, reauthentication_password=password)
    press(browser, "main form")
    wait_for_text(browser, "Check your e-mail")
    stack.mailbox.wait_for(f"next-{email}", "new address")


def test_this_was_not_me(browser: Any, stack: Stack, person: tuple[str, str]) -> None:
    email, password = person
    sign_in(browser, stack, email, password)
    wait_for_path(browser, "/account")
    stranger = signed_in_client(stack, email, password)
    mail = stack.mailbox.wait_for(email, "New sign-in")
    assert "Requests" in mail.text
    assert "127.0.0.1" in mail.text
    browser.delete_all_cookies()  # the link works signed out
    open_mail(browser, stack, mail.link)
    wait_for_text(browser, "It was not me")
    wait(browser).until(lambda b: "token" not in b.current_url)
    assert is_alive(stranger)  # looking changes nothing
    press(browser, "main form")
    wait_for_text(browser, "All devices are signed out")
    assert not is_alive(stranger)
    assert stranger.login(email, password).status_code == 401
    browser.get(stack.mailbox.wait_for(email, "Set a new password").link)
    fill(browser, password=NEW)
    press(browser, "main form")
    wait_for_text(browser, "Your password has been set")
    sign_in(browser, stack, email, NEW)
    wait_for_path(browser, "/account")
    open_mail(browser, stack, mail.link)
    wait_for_text(browser, "It was not me")
    press(browser, "main form")
    wait_for_text(browser, "has already been used, has expired")
    browser.get(f"{stack.address}/account")
    wait_for_text(browser, email)


def test_the_security_log(browser: Any, stack: Stack, person: tuple[str, str]) -> None:
    email, password = person
    for _ in range(3):
        JsonClient(stack.address).login(email, "not the password at all")
    sign_in(browser, stack, email, password)
    wait_for_path(browser, "/account")
    browser.get(f"{stack.address}/account/activity")

    def shows_all(_: Any) -> bool:  # failures are written a moment later
        browser.refresh()
        text = browser.find_element(By.TAG_NAME, "main").text
        return all(words in text for words in ("Signed in", "Failed sign-in", "3 times"))

    wait(browser).until(shows_all)


@pytest.mark.parametrize("remember", [True, False])
def test_only_a_remembered_session_outlives_the_browser(
    stack: Stack, person: tuple[str, str], tmp_path: Any, remember: bool
) -> None:
    email, password = person
    with chromium(tmp_path) as browser:
        browser.get(f"{stack.address}/login")
        fill(browser, email=email, password=password)
        if remember:
            browser.find_element(By.NAME, "remember").click()
        press(browser, "main form")
        wait_for_path(browser, "/account")
        assert ("kept signed in" in browser.page_source) is remember
    with chromium(tmp_path) as browser:
        browser.get(f"{stack.address}/account")
        wait_for_path(browser, "/account" if remember else "/login")


def seconds_left(browser: Any) -> int:
    """What the warning says."""
    text = browser.find_element(By.CSS_SELECTOR, "#session-warning [data-left]").text
    minutes, _, seconds = text.partition(":")
    return int(minutes) * 60 + int(seconds) if seconds else -1


def test_the_idle_warning_stay_signed_in_and_the_end(browser: Any) -> None:
    short = {"GATEHOUSE_SESSION_IDLE": "12", "GATEHOUSE_SLIDE_INTERVAL": "1"}
    with Stack(**short) as stack:
        password = stack.make_user("idle@example.com")
        sign_in(browser, stack, "idle@example.com", password)
        wait_for_path(browser, "/account")
        wait(browser).until(lambda b: 0 < seconds_left(b) <= 5)
        browser.find_element(By.CSS_SELECTOR, "#session-warning button").click()
        wait(browser).until(lambda b: seconds_left(b) > 5)
        wait_for_text(browser, "Your session has ended")
        wait_for_path(browser, "/login")
        browser.back()
        wait(browser).until(lambda b: "idle@example.com" not in b.page_source)
        fill(browser, email="idle@example.com", password=password)
        press(browser, "main form")
        wait_for_path(browser, "/account")


def test_signing_out_in_one_tab_signs_out_the_others(
    browser: Any, stack: Stack, person: tuple[str, str]
) -> None:
    email, password = person
    sign_in(browser, stack, email, password)
    wait_for_path(browser, "/account")
    first = browser.current_window_handle
    browser.switch_to.new_window("tab")
    browser.get(f"{stack.address}/account/activity")
    press(browser, "header form")
    wait_for_text(browser, "You have been signed out")
    browser.switch_to.window(first)
    wait_for_path(browser, "/login")  # nobody touched this tab
    assert email not in browser.page_source
