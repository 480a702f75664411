"""The life of an account in a real Chromium, with the mails that a real SMTP server got."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from selenium.webdriver.common.by import By

from tests.chromium import wait
from tests.e2e.test_browser import fill, press, wait_for_path, wait_for_text
from tests.processes import JsonClient, Stack

NEW = "nine green bottles on a wall"
_people = iter(range(1000))


@pytest.fixture
def person(stack: Stack) -> tuple[str, str]:
    """A verified account of one's own: address and password."""
    email = f"person{next(_people)}@example.com"
    return email, stack.make_user(email, "--name", "Ada")


def sign_in(browser: Any, stack: Stack, email: str, password: str) -> None:
    browser.get(f"{stack.address}/login")
    fill(browser, email=email, password=password)
    press(browser, "main form")


def signed_in_client(stack: Stack, email: str, password: str) -> JsonClient:
    client = JsonClient(stack.address)
    assert client.login(email, password).status_code == 200
    return client


def open_mail(browser: Any, stack: Stack, link: str) -> None:
    """Follow a link from another site, as from a webmail."""
    browser.get("data:text/html,<title>webmail</title>")
    browser.get("about:blank")
    page = f"<a id=link href='{link}'>read</a>"
    browser.execute_script("document.body.innerHTML = arguments[0]", page)
    browser.find_element(By.ID, "link").click()


def test_a_forgotten_password(browser: Any, stack: Stack, person: tuple[str, str]) -> None:
    email, old = person
    elsewhere = signed_in_client(stack, email, old)
    browser.get(f"{stack.address}/login")
    browser.find_element(By.LINK_TEXT, "Forgot your password?").click()
    fill(browser, email=email)
    press(browser, "main form")
    wait_for_text(browser, "Check your e-mail")
    link = stack.mailbox.wait_for(email, "Set a new password").link
    open_mail(browser, stack, link)
    wait_for_text(browser, "Choose a new password")
    wait(browser).until(lambda b: "token" not in b.current_url)
    fill(browser, password=NEW)
    press(browser, "main form")
    wait_for_text(browser, "Your password has been set")
    assert elsewhere.get("/api/auth/session").status_code == 401
    stack.mailbox.wait_for(email, "password was changed")
    sign_in(browser, stack, email, NEW)
    wait_for_path(browser, "/account")
    browser.get(link)
    fill(browser, password="another fine day at the sea")
    press(browser, "main form")
    wait_for_text(browser, "has already been used, has expired")


def test_a_mailed_link_works_signed_in_and_without_javascript(
    browser_without_javascript: Any, stack: Stack, person: tuple[str, str]
) -> None:
    browser, (email, old) = browser_without_javascript, person
    sign_in(browser, stack, email, old)
    wait_for_path(browser, "/account")
    JsonClient(stack.address).post("/api/auth/password/forgot", {"email": email})
    browser.get(stack.mailbox.wait_for(email, "Set a new password").link)
    fill(browser, password=NEW)
    press(browser, "main form")
    wait_for_text(browser, "Your password has been set")
    browser.get(f"{stack.address}/account")
    wait_for_path(browser, "/login")


def test_a_changed_password(browser: Any, stack: Stack, person: tuple[str, str]) -> None:
    email, old = person
    elsewhere = signed_in_client(stack, email, old)
    sign_in(browser, stack, email, old)
    wait_for_path(browser, "/account")
    browser.get(f"{stack.address}/account/password")
    fill(browser, current_password=old, new_password="too short")
    press(browser, "main form")
    wait_for_text(browser, "Use at least 15 characters.")
    fill(browser, current_password=old, new_password=NEW)
    press(browser, "main form")
    wait_for_text(browser, "Your password has been changed")
    assert elsewhere.get("/api/auth/session").status_code == 401
    stack.mailbox.wait_for(email, "password was changed")
    browser.get(f"{stack.address}/account")
    wait_for_text(browser, email)


def test_another_address(browser: Any, stack: Stack, person: tuple[str, str]) -> None:
    (email, password), new = person, "moved-" + person[0]
    sign_in(browser, stack, email, password)
    wait_for_path(browser, "/account")
    browser.get(f"{stack.address}/account/email")
    fill(browser, email=new)
    press(browser, "main form")
    wait_for_text(browser, "Check your e-mail")
    assert new in stack.mailbox.wait_for(email, "asked to change").text
    open_mail(browser, stack, stack.mailbox.wait_for(new, "new address").link)
    wait_for_text(browser, "Confirm my new address")
    press(browser, "main form")
    wait_for_text(browser, "Your address has been changed")
    stack.mailbox.wait_for(email, "was changed")
    sign_in(browser, stack, new, password)
    wait_for_path(browser, "/account")
    wait_for_text(browser, new)


def test_the_data_and_the_end_of_an_account(
    browser: Any, stack: Stack, person: tuple[str, str], tmp_path: Path
) -> None:
    email, password = person
    folder = str(tmp_path / "downloads")
    browser.execute_cdp_cmd(
        "Browser.setDownloadBehavior", {"behavior": "allow", "downloadPath": folder}
    )
    sign_in(browser, stack, email, password)
    wait_for_path(browser, "/account")
    browser.get(f"{stack.address}/account/data")
    press(browser, "main form")
    file = Path(folder, "my-account.json")
    wait_until(browser, file.exists)
    assert json.loads(file.read_text())["user"]["email"] == email
    browser.get(f"{stack.address}/account/delete")
    fill(browser, email=email)
    press(browser, "main form")
    wait_for_text(browser, "Your account will be deleted")
    sign_in(browser, stack, email, password)
    wait_for_text(browser, "Keep your account?")
    browser.get(stack.mailbox.wait_for(email, "will be deleted").link)
    press(browser, "main form")
    wait_for_text(browser, "The deletion has been cancelled")
    sign_in(browser, stack, email, password)
    wait_for_path(browser, "/account")


def test_the_link_again(browser: Any, stack: Stack) -> None:
    email = f"late{next(_people)}@example.com"
    form = {"email": email, "password": NEW}
    JsonClient(stack.address).post("/api/auth/register", form)
    stack.mailbox.wait_for(email, "Confirm your address")
    before = len(stack.mailbox.mails)
    browser.get(f"{stack.address}/email/resend")
    fill(browser, email=email)
    press(browser, "main form")
    wait_for_text(browser, "Check your e-mail")
    browser.get(stack.mailbox.wait_for(email, after=before).link)
    fill(browser, password=NEW)
    press(browser, "main form")
    wait_for_text(browser, "Address confirmed")


def wait_until(browser: Any, condition: Callable[[], bool]) -> None:
    wait(browser).until(lambda _: condition())
