"""A walk: enrol, sign in, lose the device, use a recovery code, enrol anew, lose everything. In Chromium, without scripts, at 320 px."""

import re
from typing import Any

from selenium.webdriver.common.by import By

from tests.authenticator import App
from tests.chromium import wait
from tests.e2e.test_accounts import sign_in
from tests.e2e.test_browser import fill, press, wait_for_path, wait_for_text
from tests.processes import Stack

EMAIL = "factors@example.com"
ADD, CODES = "form[action='/account/factors/app']", "form[action='/account/factors/codes']"


def main_text(browser: Any) -> str:
    return str(browser.find_element(By.TAG_NAME, "main").text)


def fits(browser: Any) -> bool:
    """Whether nothing is wider than the window."""
    metrics = browser.execute_cdp_cmd("Page.getLayoutMetrics", {})
    return bool(metrics["cssContentSize"]["width"] <= 320)


def enrol(browser: Any, name: str, form: str = ADD) -> App:
    press(browser, form)
    wait_for_text(browser, "Scan this QR code")
    assert fits(browser)
    assert browser.find_element(By.CSS_SELECTOR, ".qr svg").size["width"] > 150
    app = App(
        "".join(re.findall(r"\b[A-Z2-7]{4}\b", browser.find_element(By.CLASS_NAME, "key").text))
    )
    fill(browser, name=name, code=app.code())
    press(browser, form)
    wait_for_text(browser, "has been added")
    return app


def enter_code(browser: Any, *codes: str) -> None:
    """Enter one code after the other, until one is right."""
    for code in codes:
        wait_for_path(browser, "/login/code")
        assert fits(browser)
        page = browser.find_element(By.TAG_NAME, "html")
        fill(browser, code=code)
        press(browser, "main form")
        wait(browser).until(lambda b, old=page: old != b.find_element(By.TAG_NAME, "html"))
        if not browser.current_url.split("?")[0].endswith("/login/code"):
            return
        wait_for_text(browser, "Incorrect or already used code")


def test_enrol_lose_the_device_and_enrol_anew(
    browser_without_javascript: Any, stack: Stack
) -> None:
    password = stack.make_user(EMAIL, "--name", "Ada")
    browser = browser_without_javascript
    metrics = {"width": 320, "height": 700, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    sign_in(browser, stack, EMAIL, password)
    wait_for_path(browser, "/account")
    browser.find_element(By.LINK_TEXT, "Security").click()
    wait_for_path(browser, "/account/security")
    browser.find_element(By.LINK_TEXT, "Set up two-step sign-in").click()
    app = enrol(browser, "Telephone")
    assert "You have none" in main_text(browser)
    press(browser, CODES)
    wait_for_text(browser, "Your recovery codes")
    assert fits(browser)
    codes = [item.text for item in browser.find_elements(By.CSS_SELECTOR, "ol.codes code")]
    assert len(set(codes)) == 10
    fill(browser, code=codes[0])
    press(browser, CODES)
    wait_for_text(browser, "10 left")
    assert fits(browser)

    press(browser, "form[action='/logout']")
    sign_in(browser, stack, EMAIL, password)
    wait_for_path(browser, "/login/code")
    assert browser.get_cookie("__Host-session") is None
    browser.get(f"{stack.address}/account")  # the half sign-in opens nothing
    wait_for_path(browser, "/login")
    browser.get(f"{stack.address}/login/code")
    enter_code(browser, app.code(), app.code(1), app.code(), app.code(1))  # the first was used
    wait_for_path(browser, "/account")
    assert "password and one-time code" in main_text(browser)
    assert browser.get_cookie("__Host-signin") is None

    press(browser, "form[action='/logout']")
    sign_in(browser, stack, EMAIL, password)
    enter_code(browser, codes[4].lower())
    wait_for_path(browser, "/account")
    browser.get(f"{stack.address}/account/factors")
    wait_for_text(browser, "9 left")
    enrol(browser, "New telephone")
    browser.find_element(By.TAG_NAME, "summary").click()
    browser.find_element(By.CSS_SELECTOR, "button[name=remove]").click()
    wait_for_text(browser, "in the last 24 hours")

    stack.manage("require_enrolment", "--email", EMAIL, "--reason", "lost everything")
    sign_in(browser, stack, EMAIL, password)
    wait_for_path(browser, "/login/enrol")
    assert fits(browser)
    browser.get(f"{stack.address}/account")  # it may only enrol
    wait_for_path(browser, "/login")
    browser.get(f"{stack.address}/login/enrol")
    enrol(browser, "Third telephone", "form[action='/login/enrol']")
    wait_for_path(browser, "/account/factors")
    assert "Create recovery codes now" in main_text(browser)
    assert fits(browser)
    assert browser.get_cookie("__Host-signin") is None
