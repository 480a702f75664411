"""A session that ends anywhere locks the pages that are open: two real browsers, the real services."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import requests
from selenium.webdriver.common.by import By
from selenium.webdriver.support.wait import WebDriverWait

from tests.e2e.conftest import EMAIL
from tests.e2e.test_browser import fill, press, sign_in, wait_for_path, wait_for_text
from tests.processes import JsonClient, Stack, wait_for


@pytest.fixture
def page(browser: Any, stack: Stack, password: str) -> Any:
    """A browser with an account page open, and its stream."""
    with opening_stream(stack):
        sign_in(browser, stack, password)
    return browser


@contextmanager
def opening_stream(stack: Stack, number: int = 1) -> Iterator[None]:
    """Go on when so many more streams are open than before."""
    expected = opened_streams(stack) + number
    yield
    wait_for(lambda: opened_streams(stack) >= expected, "the stream to open")


def opened_streams(stack: Stack) -> int:
    return len(re.findall(r"/api/auth/events\b.*\b200\b", stack.log("web").read_text()))


def is_locked(browser: Any) -> None:
    wait_for_path(browser, "/login")
    wait_for_text(browser, "Your session has ended")
    assert "next=%2Faccount" in browser.current_url
    assert EMAIL not in browser.page_source


def another_device(stack: Stack, password: str) -> JsonClient:
    client = JsonClient(stack.address)
    assert client.login(EMAIL, password).status_code == 200
    return client


def test_the_other_browser_ends_this_ones_session(
    page: Any, other_browser: Any, stack: Stack, password: str
) -> None:
    sign_in(other_browser, stack, password)
    other_browser.get(f"{stack.address}/account/sessions")
    press(other_browser, "form:has(input[value=others])")
    wait_for_text(other_browser, "All your other sessions have ended")
    is_locked(page)
    other_browser.get(f"{stack.address}/account")
    wait_for_text(other_browser, EMAIL)  # the one that stays is not locked


def test_one_session_ended_from_the_list(page: Any, stack: Stack, password: str) -> None:
    device = another_device(stack, password)
    items = device.get("/api/auth/sessions").json()["items"]
    script = "fetch('/api/auth/session').then((r) => r.json()).then((c) => arguments[0](c.session.handle))"
    handle = page.execute_async_script(script)
    assert handle in [item["handle"] for item in items]
    headers = {"X-CSRF-Token": device.csrf()}
    assert device._send("DELETE", f"/api/auth/sessions/{handle}", headers).status_code == 204
    is_locked(page)


def test_a_form_that_ends_its_own_session_leads_where_its_answer_says(
    page: Any, stack: Stack, password: str
) -> None:
    page.execute_script("document.querySelector('main form').dataset.sent = 'yes'")
    device = another_device(stack, password)
    token = {"X-CSRF-Token": device.csrf()}
    device._send("POST", "/api/auth/sessions/revoke-others", token, {})
    wait_for(lambda: page.execute_script("return document.body.hidden"), "the page to be locked")
    page.execute_async_script("setTimeout(arguments[0], 100)")  # leaving would have begun
    assert page.current_url == f"{stack.address}/account"


def validations(stack: Stack) -> int:
    """How often a session was checked in Redis, so far."""
    client = stack.valkey.client()
    try:
        return int(client.info("commandstats")["cmdstat_evalsha"]["calls"])
    finally:
        client.close()


@pytest.mark.parametrize("path", ["/account", "/account/sessions", "/account/activity"])
def test_while_a_stream_is_open_a_view_is_one_validation(
    page: Any, stack: Stack, path: str
) -> None:
    page.get(stack.address + path)
    before, streams = validations(stack), opened_streams(stack)
    lists = 1 if path.endswith("sessions") else 0  # asks Redis for the list, too
    for _ in range(4):
        page.get(stack.address + path)
    page.switch_to.new_window("tab")
    page.get(stack.address + path)
    page.execute_async_script("setTimeout(arguments[0], 4000)")  # a stream would have opened
    assert validations(stack) - before == 5 * (1 + lists)
    assert opened_streams(stack) == streams


def test_the_first_view_is_two_validations(browser: Any, stack: Stack, password: str) -> None:
    with opening_stream(stack):
        sign_in(browser, stack, password)
    browser.get(f"{stack.address}/healthz")  # a page of ours without a script
    targets = "Target.getTargets"
    for target in browser.execute_cdp_cmd(targets, {"filter": [{}]})["targetInfos"]:
        if target["type"] == "shared_worker":
            browser.execute_cdp_cmd("Target.closeTarget", {"targetId": target["targetId"]})
    before = validations(stack)
    with opening_stream(stack):
        browser.get(f"{stack.address}/account")
    assert validations(stack) - before == 2


def test_the_admin_ends_all_sessions(
    page: Any, other_browser: Any, stack: Stack, password: str
) -> None:
    staff = stack.make_user("warden@example.com", "--superuser")
    other_browser.get(f"http://localhost:{stack.auth_port}/admin/users/user/?q={EMAIL}")
    fill(other_browser, username="warden@example.com", password=staff)
    press(other_browser, "form")
    wait_for_text(other_browser, "Select user to change")
    other_browser.find_element(By.CSS_SELECTOR, "input.action-select").click()
    run_action(other_browser, "end_all_sessions")
    is_locked(page)


@pytest.mark.exhaustive
def test_the_admin_goes_on_batch_by_batch(other_browser: Any, stack: Stack) -> None:
    """More than a thousand accounts: the page posts itself until none is left."""
    staff = stack.make_user("marshal@example.com", "--superuser")
    crowd = "[User(email=f'crowd{n}@example.net', password='!') for n in range(2001)]"
    model = "from auth_api.users.models import User"
    stack.manage("shell", "-c", f"{model}; User.objects.bulk_create({crowd})")
    other_browser.get(f"http://localhost:{stack.auth_port}/admin/users/user/?q=crowd")
    fill(other_browser, username="marshal@example.com", password=staff)
    press(other_browser, "form")
    wait_for_text(other_browser, "Select user to change")
    other_browser.find_element(By.ID, "action-toggle").click()
    other_browser.find_element(By.CSS_SELECTOR, ".actions .question a").click()
    run_action(other_browser, "deactivate")
    WebDriverWait(other_browser, 60).until(
        lambda b: "2,001 accounts deactivated." in b.page_source, "the run does not end"
    )


def run_action(browser: Any, name: str) -> None:
    """Choose an action for what is ticked, and give a reason."""
    choice = f"select[name=action] option[value={name}]"
    browser.find_element(By.CSS_SELECTOR, choice).click()
    browser.find_element(By.CSS_SELECTOR, "button[name=index]").click()
    wait_for_text(browser, "Stored in the security log")
    fill(browser, reason="asked by phone")
    press(browser, "#content-main form")


def test_a_command_ends_all_sessions(page: Any, stack: Stack) -> None:
    stack.manage("end_sessions", "--email", EMAIL)
    is_locked(page)


def test_signing_out_on_the_login_tab_of_the_same_browser(page: Any, stack: Stack) -> None:
    first = page.current_window_handle
    page.switch_to.new_window("tab")
    page.get(f"{stack.address}/logout")
    press(page, "main form")
    wait_for_text(page, "You have been signed out")
    page.switch_to.window(first)
    wait_for_path(page, "/login")


def test_a_changed_password_locks_the_others_and_not_this_one(
    page: Any, other_browser: Any, stack: Stack
) -> None:
    email, password = "changer@example.com", stack.make_user("changer@example.com")
    client = JsonClient(stack.address)
    client.login(email, password)
    for browser in (page, other_browser):
        with opening_stream(stack):
            browser.get(f"{stack.address}/login")
            browser.delete_all_cookies()
            browser.get(f"{stack.address}/login?next=/account")
            fill(browser, email=email, password=password)
            press(browser, "main form")
            wait_for_text(browser, email)
    first = page.current_window_handle
    page.switch_to.new_window("tab")  # where it is changed
    page.get(f"{stack.address}/account")
    changed = page.execute_async_script(
        "const done = arguments[2]; (async () => {"
        "const { csrfToken } = await (await fetch('/api/auth/csrf')).json();"
        "const headers = { 'Content-Type': 'application/json', 'X-CSRF-Token': csrfToken };"
        "const body = JSON.stringify({ current_password: arguments[0], new_password: arguments[1] });"
        "return (await fetch('/api/auth/password/change', { method: 'POST', headers, body })).status;"
        "})().then(done, (e) => done(String(e)))".replace("arguments[0]", repr(password)).replace(
            "arguments[1]", "'another quiet harbour at dawn'"
        ),
        password,
        "",
    )
    assert changed == 200
    wait_for_path(other_browser, "/login")
    page.switch_to.window(first)
    assert email in page.page_source
    page.refresh()
    wait_for_text(page, email)


def test_a_stream_survives_an_outage_of_auth_api_without_a_lock(page: Any, stack: Stack) -> None:
    stack.stop("auth")
    try:
        wait_for(lambda: "events.link_lost" in stack.log("web").read_text(), "the link to be lost")
        assert EMAIL in page.page_source
    finally:
        stack.start("auth")
    wait_for(lambda: requests.get(f"{stack.address}/readyz", timeout=5).ok, "auth_api to be back")
    stack.manage("end_sessions", "--email", EMAIL)
    is_locked(page)


def test_no_event_and_no_ref_is_logged(page: Any, stack: Stack) -> None:
    token = next(
        cookie["value"]
        for cookie in page.execute_cdp_cmd("Network.getAllCookies", {})["cookies"]
        if cookie["name"] == "__Host-session"
    )
    stack.manage("end_sessions", "--email", EMAIL)
    is_locked(page)
    assert token.partition(".")[2] not in stack.logs()
