"""How soon an open page locks after its session ended somewhere else, in real Chromium.

Usage: .venv/bin/python -m bench.open_pages [--rounds 30]    (needs requirements-bench.txt and chromium)
From the moment at which the end was asked for to the moment at which the page has left for the login page.
"""

import argparse
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from tests.chromium import chromium
from tests.e2e.conftest import EMAIL
from tests.e2e.test_browser import sign_in
from tests.e2e.test_events import opening_stream
from tests.processes import JsonClient, Stack

# The page is gone when its address changes; the browser's clock is this machine's.
_LEFT = "return [location.pathname, performance.timeOrigin]"
TABS = 3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=30)
    rounds = parser.parse_args().rounds
    with Stack() as stack, tempfile.TemporaryDirectory() as folder:
        password = stack.make_user(EMAIL)
        with chromium(Path(folder)) as browser:
            taken = [_lock(browser, stack, password) for _ in range(rounds)]
    for title, times in (
        ("the first tab", [one[0] for one in taken]),
        (f"the last of {TABS} tabs", [max(one) for one in taken]),
    ):
        print(
            f"{title}: median {statistics.median(times):.0f} ms, "
            f"longest of {rounds} {max(times):.0f} ms"
        )


def _lock(browser: Any, stack: Stack, password: str) -> list[float]:
    """Milliseconds until each tab had begun to load the login page."""
    tabs = _open(browser, stack, password)
    device = JsonClient(stack.address)
    device.login(EMAIL, password).raise_for_status()
    asked = time.time()
    device.post("/api/auth/sessions/revoke-others").raise_for_status()
    return [_began(browser, tab) - asked * 1000 for tab in tabs]


def _open(browser: Any, stack: Stack, password: str) -> list[str]:
    first, *others = browser.window_handles
    for tab in others:
        browser.switch_to.window(tab)
        browser.close()
    browser.switch_to.window(first)
    with opening_stream(stack):
        sign_in(browser, stack, password)
    tabs = [first]
    for _ in range(TABS - 1):
        browser.switch_to.new_window("tab")
        browser.get(f"{stack.address}/account")
        tabs.append(browser.current_window_handle)
    return tabs


def _began(browser: Any, tab: str) -> float:
    """The browser's time in milliseconds at which `tab` began to load the login page."""
    browser.switch_to.window(tab)
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        path, origin = browser.execute_script(_LEFT)
        if path == "/login":
            return float(origin)
        time.sleep(0.01)
    raise TimeoutError("a page stayed open")


if __name__ == "__main__":
    main()
