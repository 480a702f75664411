"""Real Chromiums, which tests use one after the other: starting one costs more than most tests do."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from selenium import webdriver
from selenium.common.exceptions import WebDriverException
from selenium.webdriver import Chrome
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.support.wait import WebDriverWait

PATIENCE = 30  # seconds, on a machine that is busy with other work
FLAGS = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--screen-info={1100x900}",
    "--window-size=1100,900",  # chromium-headless-shell takes its size from this flag
    "--hide-scrollbars",
    "--start-fullscreen",  # without a toolbar, which takes longer to draw than our pages
    # Processes that no test needs: for the list below the address bar, and one in reserve.
    "--disable-features=WebUIOmniboxPopup,WebUIOmniboxAimPopup,SpareRendererForSitePerProcess",
]
WORKERS = ("shared_worker", "service_worker")
# Debian's chromium-headless-shell: the same engine without the desktop around it, at about 60 % of the
# processor time. It cannot block scripts or cookies as a user does.
SHELL = Path("/usr/lib/chromium/chromium-headless-shell")


def wait(driver: Chrome) -> "WebDriverWait[Chrome]":
    """Return what waits for a condition: wait(driver).until(...)."""
    return WebDriverWait(driver, PATIENCE, poll_frequency=0.05)


@contextmanager
def chromium(profile: Path, *, javascript: bool = True, cookies: bool = True) -> Iterator[Chrome]:
    """Start a headless Chromium with its profile in that folder; end it afterwards."""
    binary, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if not binary or not driver:
        pytest.skip("NO BROWSER: chromium and chromedriver are not installed")
    options = webdriver.ChromeOptions()
    blocked = [name for name, on in (("javascript", javascript), ("cookies", cookies)) if not on]
    options.binary_location = str(_shell(profile)) if SHELL.exists() and not blocked else binary
    for flag in (*FLAGS, f"--user-data-dir={profile}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    settings = {f"profile.managed_default_content_settings.{name}": 2 for name in blocked}
    options.add_experimental_option("prefs", settings)
    running = Chrome(options=options, service=Service(driver))
    try:
        yield running
    finally:
        running.quit()


def _shell(profile: Path) -> Path:
    """Return a program that starts the shell with a page open, without which chromedriver gives up."""
    program = profile / "headless-shell"
    program.write_text(f'#!/bin/sh\nexec {SHELL} "$@" about:blank\n')
    program.chmod(0o700)
    return program


def forget(driver: Chrome) -> None:
    """Leave one new tab, and nothing of the sites that were open: cookies, stores, caches, workers."""
    tabs = driver.window_handles
    driver.switch_to.window(tabs[0])
    driver.switch_to.new_window("tab")
    fresh = driver.current_window_handle
    origins = {origin for tab in tabs for origin in _close(driver, tab)}
    driver.switch_to.window(fresh)
    for target in driver.execute_cdp_cmd("Target.getTargets", {"filter": [{}]})["targetInfos"]:
        if target["type"] in WORKERS:
            driver.execute_cdp_cmd("Target.closeTarget", {"targetId": target["targetId"]})
    for origin in origins:
        everything = {"origin": origin, "storageTypes": "all"}
        driver.execute_cdp_cmd("Storage.clearDataForOrigin", everything)
    driver.execute_cdp_cmd("Network.clearBrowserCookies", {})
    driver.execute_cdp_cmd("Network.clearBrowserCache", {})
    driver.get_log("browser")  # what it says is taken once


def _close(driver: Chrome, tab: str) -> set[str]:
    """Close a tab; return the origins in its history."""
    driver.switch_to.window(tab)
    entries = driver.execute_cdp_cmd("Page.getNavigationHistory", {})["entries"]
    driver.close()
    addresses = [urlsplit(entry["url"]) for entry in entries]
    return {f"{each.scheme}://{each.netloc}" for each in addresses if each.scheme == "http"}


class Chromiums:
    """Running Chromiums, each started when it is first asked for. A context manager."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._running: dict[tuple[str, bool, bool], Chrome] = {}
        self._stack = ExitStack()

    @contextmanager
    def lent(
        self, name: str = "", *, javascript: bool = True, cookies: bool = True
    ) -> Iterator[Chrome]:
        """Lend a Chromium that is as if just started; with another `name`, another one beside it."""
        kind = (name, javascript, cookies)
        if kind not in self._running:
            profile = Path(tempfile.mkdtemp(dir=self._folder))
            starting = chromium(profile, javascript=javascript, cookies=cookies)
            self._running[kind] = self._stack.enter_context(starting)
        try:
            yield self._running[kind]
        finally:
            try:
                forget(self._running[kind])
            except WebDriverException:  # the test broke it: the next starts another
                del self._running[kind]

    def __enter__(self) -> "Chromiums":
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()
