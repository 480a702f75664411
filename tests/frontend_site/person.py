"""Somebody at a real Chromium, in front of the real server and the stub."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.support.wait import WebDriverWait

from tests.frontend_site.stub import Canned, Stub

FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
]


class Person:
    """Somebody at a Chromium."""

    def __init__(self, driver: Any, site: str) -> None:
        self.driver = driver
        self.site = site

    def open(self, path: str) -> None:
        self.driver.get(self.site + path)

    def sign_in(self) -> None:
        self.open("/login")
        self.type(email="ada@example.com", password="correct horse battery staple")
        self.press("main form")
        self.wait_for("Ada Lovelace")

    def type(self, **fields: str) -> None:
        for name, value in fields.items():
            self.driver.find_element(By.NAME, name).send_keys(value)

    def press(self, form: str) -> None:
        self.driver.find_element(By.CSS_SELECTOR, f"{form} [type=submit]").click()

    def wait_for(self, text: str) -> None:
        WebDriverWait(self.driver, 10).until(lambda d: text in d.page_source, f"no {text!r}")

    def follow_foreign_link(self, stub: Stub, path: str) -> None:
        """Click a link on another site (127.0.0.1 is not localhost)."""
        page = f'<a id="link" href="{self.site}{path}">go</a>'.encode()
        stub.answers["GET /mail"] = Canned(200, page, content_type="text/html")
        self.driver.get(f"{stub.url}/mail")
        self.driver.find_element(By.ID, "link").click()

    @property
    def path(self) -> str:
        return str(self.driver.current_url).removeprefix(self.site)

    @property
    def complaints(self) -> list[str]:
        return [entry["message"] for entry in self.driver.get_log("browser")]


def chromium(
    folder: Path, site: str, *, javascript: bool = True, cookies: bool = True
) -> Iterator[Person]:
    binary, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if not binary or not driver:
        pytest.skip("NO BROWSER: chromium and chromedriver are not installed")
    options = webdriver.ChromeOptions()
    options.binary_location = binary
    for flag in (*FLAGS, f"--user-data-dir={folder}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    blocked = {"javascript": not javascript, "cookies": not cookies}
    settings: dict[str, Any] = {
        f"profile.managed_default_content_settings.{what}": 2 for what, no in blocked.items() if no
    }
    settings["download.default_directory"] = str(folder / "downloads")
    options.add_experimental_option("prefs", settings)
    running = webdriver.Chrome(options=options, service=Service(driver))
    try:
        yield Person(running, site)
    finally:
        running.quit()
