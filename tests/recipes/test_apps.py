"""A registry that fails skips an app's tests; pins that cannot be installed fail them."""

import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from tests.ports import free_port
from tests.recipes.apps import install

PIP = [sys.executable, "-m", "pip", "install", "--retries", "0"]


class _Overloaded(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_error(503)

    def log_message(self, *_: Any) -> None:
        """Quiet."""


@pytest.fixture
def overloaded() -> Iterator[int]:
    """The port of a registry that answers 503."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Overloaded)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield server.server_port
    server.shutdown()
    server.server_close()


def test_a_registry_that_cannot_be_reached_skips_with_the_reason() -> None:
    with pytest.raises(pytest.skip.Exception, match=r"NOT TESTED: an app: .*NewConnectionError"):
        install("an app", from_registry(free_port()))


def test_a_registry_that_is_overloaded_skips_with_the_reason(overloaded: int) -> None:
    with pytest.raises(
        pytest.skip.Exception, match=r"NOT TESTED: an app: .*(too many 503|503 Server)"
    ):
        install("an app", from_registry(overloaded))


def test_a_wrong_pin_fails() -> None:
    with pytest.raises(RuntimeError, match="No matching distribution"):
        install("an app", [*PIP, "--no-index", "no-such-package-of-ours==1"])


def from_registry(port: int) -> list[str]:
    return [*PIP, "--index-url", f"http://127.0.0.1:{port}/simple", "no-such-package-of-ours"]
