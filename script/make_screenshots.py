"""Writes docs/images/*.png: the pages as a user sees them. Started by script/screenshots."""

import sys
import tempfile
from pathlib import Path
from typing import Any
from urllib.parse import quote

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from selenium.webdriver.common.by import By  # noqa: E402 - needs the path above

from tests.chromium import chromium  # noqa: E402
from tests.e2e.conftest import EMAIL  # noqa: E402
from tests.e2e.test_browser import press, sign_in, sign_out, wait_for_text  # noqa: E402
from tests.processes import JsonClient, Stack  # noqa: E402

FOLDER = ROOT / "docs" / "images"
PUBLIC = {
    "home": "/", "login": "/login", "register": "/register", "not-found": "/nowhere",
    "forgot-password": "/password/forgot", "resend-verification": "/email/resend",
    "verify-email": "/email/verify?token=x", "reset-password": "/password/reset?token=x",
    "confirm-address": "/email/confirm?token=x", "restore-address": "/email/restore?token=x", "disown": "/sessions/disown?token=x",
}  # fmt: skip
PRIVATE = {
    "account": "/account", "security": "/account/security", "sessions": "/account/sessions", "security-log": "/account/activity",
    "change-password": "/account/password", "change-address": "/account/email",
    "export": "/account/data", "delete-account": "/account/delete", "logout": "/logout",
}  # fmt: skip
FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:160.0) Gecko/20100101 Firefox/160.0"
# As another tab would tell it: the session ends in a minute and a half.
NEARLY_OVER = """
const done = arguments[0];
fetch("/api/auth/session?slide=false").then((answer) => answer.json()).then(({ user }) => {
  const at = Date.now();
  const state = { kind: "session", user: user.id, at, ends: at + 95_000, final: false };
  new BroadcastChannel("gatehouse").postMessage(state);
  done();
});
"""


def main() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    with (
        Stack(GATEHOUSE_APPS="examples.notes") as stack,
        tempfile.TemporaryDirectory() as profile,
        chromium(Path(profile)) as browser,
    ):
        stack.manage("site", "migrate", "-v0")
        password = stack.make_user(EMAIL, "--name", "Ada Lovelace", "--superuser")
        for name, path in PUBLIC.items():
            browser.get(stack.address + path)
            shoot(browser, name)
        sign_in(browser, stack, password)
        live_a_little(stack, password)
        for name, path in PRIVATE.items():
            browser.get(stack.address + path)
            shoot(browser, name)
        shoot_notes(browser, stack)
        shoot_what_comes_in_between(browser, stack)
        mail = stack.mailbox.wait_for(EMAIL, "New sign-in")
        browser.get(f"data:text/html;charset=utf-8,{quote(mail.html)}")
        shoot(browser, "mail-new-device")
        shoot_admin(browser, stack, password)
    print("docs/images/ is written")


def shoot(browser: Any, name: str) -> None:
    browser.save_screenshot(str(FOLDER / f"{name}.png"))


def live_a_little(stack: Stack, password: str) -> None:
    """Another device, and somebody who guesses: for the lists to show."""
    for _ in range(4):
        JsonClient(stack.address).login(EMAIL, "not the password at all")
    other = JsonClient(stack.address)
    form = {"email": EMAIL, "password": password, "remember": True}
    other.post("/api/auth/login", form, **{"User-Agent": FIREFOX})


def shoot_notes(browser: Any, stack: Stack) -> None:
    """The app of the tutorial: its form, and its list."""
    for text in ("Ask Charles for the plans of the mill", "Return the book on Bernoulli numbers"):
        browser.get(f"{stack.address}/notes/new")
        shoot(browser, "notes-form")
        browser.find_element(By.NAME, "text").send_keys(text)
        press(browser, "main form")
        wait_for_text(browser, text)
    shoot(browser, "notes")


def shoot_what_comes_in_between(browser: Any, stack: Stack) -> None:
    browser.get(f"{stack.address}/account")
    browser.execute_async_script(NEARLY_OVER)
    wait_for_text(browser, "Signed out soon")
    shoot(browser, "session-warning")
    browser.get(f"{stack.address}/account/sessions")
    stack.age_sessions(700)
    press(browser, "form:has([value=others])")
    wait_for_text(browser, "Confirm that it is you")
    shoot(browser, "reauthenticate")
    stack.stop("auth")
    browser.get(f"{stack.address}/account")
    shoot(browser, "unavailable")
    stack.start("auth")
    browser.get(f"{stack.address}/account")
    sign_out(browser)


def shoot_admin(browser: Any, stack: Stack, password: str) -> None:
    admin = f"http://localhost:{stack.auth_port}/admin"
    browser.get(f"{admin}/")
    browser.find_element(By.NAME, "username").send_keys(EMAIL)
    browser.find_element(By.NAME, "password").send_keys(password)
    browser.find_element(By.CSS_SELECTOR, "[type=submit]").click()
    browser.get(f"{admin}/users/user/")
    shoot(browser, "admin")
    browser.get(f"{admin}/security_log/securityevent/")
    shoot(browser, "admin-security-log")


if __name__ == "__main__":
    main()
