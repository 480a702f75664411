"""What a person does, in a real Chromium."""

from typing import Any

from selenium.webdriver.common.by import By

from tests.chromium import wait
from tests.e2e.conftest import EMAIL
from tests.processes import Stack


def fill(browser: Any, **values: str) -> None:
    for name, value in values.items():
        field = browser.find_element(By.NAME, name)
        field.clear()
        field.send_keys(value)


def press(browser: Any, form: str) -> None:
    browser.find_element(By.CSS_SELECTOR, f"{form} [type=submit]").click()


def sign_in(browser: Any, stack: Stack, password: str) -> None:
    browser.get(f"{stack.address}/account")
    wait_for_path(browser, "/login")
    fill(browser, email=EMAIL, password=password)
    press(browser, "main form")
    wait_for_path(browser, "/account")


def wait_for_path(browser: Any, path: str) -> None:
    wait(browser).until(
        lambda b: b.current_url.split("?")[0].endswith(path),
        f"not at {path}: {browser.current_url}",
    )


def wait_for_text(browser: Any, text: str) -> None:
    wait(browser).until(lambda b: text in b.page_source, f"no {text!r}")


def sign_out(browser: Any) -> None:
    press(browser, "form[action='/logout']")
    wait(browser).until(lambda b: EMAIL not in b.page_source)


def test_sign_in_protected_page_sign_out_and_back(
    browser: Any, stack: Stack, password: str
) -> None:
    sign_in(browser, stack, password)
    wait_for_text(browser, EMAIL)
    sign_out(browser)
    browser.back()
    wait(browser).until(lambda b: EMAIL not in b.page_source)
    browser.get(f"{stack.address}/account")
    wait_for_path(browser, "/login")


def test_everything_works_without_javascript(
    browser_without_javascript: Any, stack: Stack, password: str
) -> None:
    browser = browser_without_javascript
    sign_in(browser, stack, password)
    wait_for_text(browser, EMAIL)
    sign_out(browser)
    browser.get(f"{stack.address}/account")
    wait_for_path(browser, "/login")


def test_registration_by_the_mailed_link(browser: Any, stack: Stack) -> None:
    browser.get(f"{stack.address}/register")
    fill(browser, name="Grace", email="grace@example.com", password="seven maps of a small island")
    press(browser, "main form")
    browser.get(stack.mailed_link("grace@example.com"))
    fill(browser, password="seven maps of a small island")
    press(browser, "main form")
    wait_for_text(browser, "Address confirmed")
    browser.get(f"{stack.address}/login")
    fill(browser, email="grace@example.com", password="seven maps of a small island")
    press(browser, "main form")
    wait_for_path(browser, "/account")


def test_the_browser_reports_strict_cookies(browser: Any, stack: Stack, password: str) -> None:
    sign_in(browser, stack, password)
    cookies = browser.execute_cdp_cmd("Network.getAllCookies", {})["cookies"]
    found = {cookie["name"]: cookie for cookie in cookies}
    assert set(found) == {"__Host-session", "__Host-csrf", "__Host-known-browser"}
    for cookie in found.values():
        assert cookie["secure"]
        assert cookie["sameSite"] == "Strict"
        assert (cookie["path"], cookie["domain"]) == ("/", "localhost")
    assert found["__Host-session"]["httpOnly"]
    assert found["__Host-session"]["session"]
    assert found["__Host-known-browser"]["httpOnly"]
    assert not found["__Host-csrf"]["httpOnly"]


def test_two_tabs(browser: Any, stack: Stack, password: str) -> None:
    sign_in(browser, stack, password)
    first = browser.current_window_handle
    browser.switch_to.new_window("tab")
    browser.get(f"{stack.address}/account")
    wait_for_text(browser, EMAIL)
    sign_out(browser)
    browser.switch_to.window(first)
    browser.refresh()
    wait_for_path(browser, "/login")


def test_the_admin_in_a_browser(browser: Any, stack: Stack) -> None:
    password = stack.make_user("root@example.com", "--superuser")
    browser.get(f"http://localhost:{stack.auth_port}/admin/users/user/")
    fill(browser, username="root@example.com", password=password)
    press(browser, "form")
    wait_for_text(browser, "Select user to change")
    cookies = browser.execute_cdp_cmd("Network.getAllCookies", {})["cookies"]
    names = {cookie["name"] for cookie in cookies}
    assert names == {"__Host-admin-session", "__Host-admin-csrf"}
