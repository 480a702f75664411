"""A page view as Chromium makes it, with and without script, beside the monolith's.

Usage: .venv/bin/python -m bench.page_view [--views 40] [--stay 0.5] [--write]    (needs chromium)

One browser opens /account again and again and stays `--stay` seconds. Counted are the CPU of all our
processes, less what they use in the same time without a view, and the validations in Redis. Static files
come from the browser's cache. --write puts the table into docs/reference/benchmarks.md.
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.chromium import chromium

from .page import write_block
from .systems import System, gatehouse, monolith

_WITHOUT_WORKERS = "delete window.SharedWorker"
_STREAM_OPENS = 5.0  # seconds: more than session-stream.js waits


@dataclass(frozen=True)
class View:
    """What one view cost: milliseconds of CPU, and validations."""

    title: str
    cpu: float
    validations: float | None = None


@dataclass(frozen=True)
class Visit:
    """How one browser visits: how often, for how many seconds each, and what it can do."""

    views: int
    stay: float
    javascript: bool = True
    workers: bool = True


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--views", type=int, default=40)
    parser.add_argument("--stay", type=float, default=0.5)
    parser.add_argument("--write", action="store_true")
    arguments = parser.parse_args()
    views, stay = arguments.views, arguments.stay
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="gh-bench-")))
        ours, running = stack.enter_context(gatehouse())
        store = running.valkey.client()
        stack.callback(store.close)

        def validations() -> int:
            return int(store.info("commandstats")["cmdstat_evalsha"]["calls"])

        theirs = stack.enter_context(monolith("cache", folder))
        table = [
            _view("Django, cache", theirs, Visit(views, stay, javascript=False)),
            _view("without script", ours, Visit(views, stay, javascript=False), validations),
            _view("with script", ours, Visit(views, stay), validations),
            _view(
                f"with script, no SharedWorker, {_STREAM_OPENS:.0f} s a page",
                ours,
                Visit(max(1, views // 5), _STREAM_OPENS, workers=False),
                validations,
            ),
        ]
    report = _render(table, views, stay)
    print(report)
    if arguments.write:
        write_block("bench.page_view", report)


def _view(
    title: str, system: System, visit: Visit, validations: Callable[[], int] | None = None
) -> View:
    with (
        tempfile.TemporaryDirectory(prefix="gh-browser-") as folder,
        chromium(Path(folder), javascript=visit.javascript) as browser,
    ):
        address = _sign_in(browser, system, visit)
        _go_through(browser, address, visit, 3)  # fills the browser's cache
        if visit.javascript:
            time.sleep(_STREAM_OPENS)
        before = validations() if validations else 0
        started = time.monotonic()
        used = _cpu(system, lambda: _go_through(browser, address, visit, visit.views))
        took = time.monotonic() - started
        counted = (validations() - before) / visit.views if validations else None
        idle = _cpu(system, lambda: time.sleep(took))
    return View(title, (used - idle) / visit.views * 1000, counted)


def _sign_in(browser: Any, system: System, visit: Visit) -> str:
    """Give the browser the system's cookie; return the address of the page."""
    name, _, value = system.cookie.partition("=")
    cookie = {"name": name, "value": value, "url": "https://localhost/", "path": "/"}
    cookie |= {"secure": True, "httpOnly": True, "sameSite": "Strict"}
    browser.execute_cdp_cmd("Network.enable", {})
    if not browser.execute_cdp_cmd("Network.setCookie", cookie)["success"]:
        raise RuntimeError("the browser refused the cookie")
    if system.name != "Gatehouse":  # its static files have no server
        browser.execute_cdp_cmd("Network.setBlockedURLs", {"urls": ["*/static/*"]})
    if not visit.workers:
        source = {"source": _WITHOUT_WORKERS}
        browser.execute_cdp_cmd("Page.enable", {})
        browser.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", source)
    return system.address.replace("127.0.0.1", "localhost") + "/account"


def _go_through(browser: Any, address: str, visit: Visit, views: int) -> None:
    for _ in range(views):
        browser.get(address)
        if "Ada Lovelace" not in browser.page_source:
            raise RuntimeError(f"not the account's page: {browser.current_url}")
        time.sleep(visit.stay)


def _cpu(system: System, act: Callable[[], None]) -> float:
    """Seconds of CPU that the system's processes use during `act`."""
    before = sum(system.cpu().values())
    act()
    return sum(system.cpu().values()) - before


def _render(table: list[View], views: int, stay: float) -> str:
    plain = table[1].cpu
    lines = [
        f"{views} views of `/account` by one Chromium, {stay:g} s each.",
        "",
        "| one view | CPU-ms | times the view without script | validations |",
        "| --- | --- | --- | --- |",
    ]
    for view in table:
        counted = "" if view.validations is None else f"{view.validations:.2f}"
        lines.append(f"| {view.title} | {view.cpu:.1f} | {view.cpu / plain:.2f} | {counted} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
