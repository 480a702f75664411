"""Busy clients of the site, and an honest count of what became of their requests."""

import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPException
from itertools import cycle
from urllib.parse import urlsplit

RIGHT = "right"
PATIENCE = 60  # seconds for one answer, on a machine that is busy with other work


class Tally:
    """Outcomes and how often each came. Safe for threads."""

    def __init__(self) -> None:
        self.outcomes: Counter[str] = Counter()
        self.repeated = 0
        self.slowest = 0.0  # seconds
        self._lock = threading.Lock()

    @property
    def asked(self) -> int:
        return sum(self.outcomes.values())

    @property
    def wrong(self) -> dict[str, int]:
        """What was not answered as it should be."""
        return {outcome: n for outcome, n in self.outcomes.items() if outcome != RIGHT}

    def add(self, outcome: str, seconds: float) -> None:
        with self._lock:
            self.outcomes[outcome] += 1
            self.slowest = max(self.slowest, seconds)

    def add_repeated(self) -> None:
        with self._lock:
            self.repeated += 1

    def __str__(self) -> str:
        return f"{self.asked} asked, wrong: {self.wrong}, repeated {self.repeated}, slowest {self.slowest:.2f} s"


class BusyClient:
    """One browser: pages and calls, by turns over a kept connection and a new one.

    As a browser does, it repeats a safe request whose kept connection had been closed before a byte
    of the answer came; `tally` counts that as `repeated`. Nothing else is sent twice.
    """

    def __init__(self, address: str, session: str, csrf: dict[str, str], tally: Tally) -> None:
        url = urlsplit(address)
        self._where = (url.hostname or "", url.port)
        self._tally = tally
        signed_in = {"Cookie": f"__Host-session={session}"}
        json = {"Content-Type": "application/json", **csrf}
        self._turns: list[tuple[str, str, dict[str, str], int, bool]] = [
            ("GET", "/account", signed_in, 200, True),
            ("GET", "/api/auth/session", signed_in, 200, True),
            ("POST", "/api/auth/logout", json, 204, False),  # of nobody: it ends nothing
            ("GET", "/api/auth/session", signed_in, 200, False),
            ("GET", "/login", {}, 200, True),
            ("GET", "/healthz", {}, 200, False),
        ]
        self._kept: HTTPConnection | None = None

    def run(self, over: threading.Event) -> None:
        """Ask until it is `over`."""
        for method, path, headers, right, keeps in cycle(self._turns):
            if over.is_set():
                break
            begun = time.monotonic()
            outcome = self._outcome(method, path, headers, right, keeps)
            self._tally.add(outcome, time.monotonic() - begun)
        self._close()

    def _outcome(
        self, method: str, path: str, headers: dict[str, str], right: int, keeps: bool
    ) -> str:
        if keeps and self._kept is not None:
            try:
                return self._ask(self._kept, method, path, headers, right)
            except (ConnectionError, HTTPException):
                self._close()
                self._tally.add_repeated()
        connection = HTTPConnection(*self._where, timeout=PATIENCE)
        try:
            return self._ask(connection, method, path, headers, right)
        except (OSError, HTTPException) as error:
            return f"{type(error).__name__} {method} {path}"
        finally:
            if keeps and connection.sock is not None:
                self._kept = connection
            else:
                connection.close()

    def _ask(
        self,
        connection: HTTPConnection,
        method: str,
        path: str,
        headers: dict[str, str],
        right: int,
    ) -> str:
        body = b"{}" if method == "POST" else None
        connection.request(method, path, body, {"Host": "localhost", **headers})
        answer = connection.getresponse()
        answer.read()
        if answer.will_close:
            self._close()
        return RIGHT if answer.status == right else f"{answer.status} {method} {path}"

    def _close(self) -> None:
        if self._kept is not None:
            self._kept.close()
            self._kept = None


@contextmanager
def busy_clients(number: int, address: str, session: str, csrf: dict[str, str]) -> Iterator[Tally]:
    """Let `number` clients ask for as long as the block runs; the count is complete at its end."""
    tally, over = Tally(), threading.Event()
    clients = [BusyClient(address, session, csrf, tally) for _ in range(number)]
    threads = [threading.Thread(target=client.run, args=(over,)) for client in clients]
    for thread in threads:
        thread.start()
    try:
        yield tally
    finally:
        over.set()
        for thread in threads:
            thread.join()
