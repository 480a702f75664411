"""Writes docs/images/*.png: the pages as a user sees them. Started by script/screenshots."""

import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from selenium.webdriver.common.by import By  # noqa: E402 - needs the path above

from tests.e2e.conftest import EMAIL, chromium  # noqa: E402
from tests.e2e.test_browser import sign_in, sign_out  # noqa: E402
from tests.processes import Stack  # noqa: E402

PUBLIC = {"home": "/", "login": "/login", "register": "/register", "not-found": "/nowhere"}


def main() -> None:
    folder = ROOT / "docs" / "images"
    folder.mkdir(parents=True, exist_ok=True)
    with Stack() as stack, tempfile.TemporaryDirectory() as profile:
        password = stack.make_user(EMAIL, "--name", "Ada Lovelace", "--superuser")
        browser = next(session := chromium(profile))
        for name, path in PUBLIC.items():
            browser.get(stack.address + path)
            browser.save_screenshot(str(folder / f"{name}.png"))
        sign_in(browser, stack, password)
        browser.save_screenshot(str(folder / "account.png"))
        stack.stop("auth")
        browser.get(f"{stack.address}/account")
        browser.save_screenshot(str(folder / "unavailable.png"))
        stack.start("auth")
        browser.get(f"{stack.address}/account")
        sign_out(browser)
        browser.get(f"http://localhost:{stack.auth_port}/admin/")
        browser.find_element(By.NAME, "username").send_keys(EMAIL)
        browser.find_element(By.NAME, "password").send_keys(password)
        browser.find_element(By.CSS_SELECTOR, "[type=submit]").click()
        browser.get(f"http://localhost:{stack.auth_port}/admin/users/user/")
        browser.save_screenshot(str(folder / "admin.png"))
        session.close()
    print("docs/images/ is written")


if __name__ == "__main__":
    main()
