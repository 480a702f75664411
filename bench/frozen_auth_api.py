"""How long people wait while auth_api is frozen.

Usage: .venv/bin/python -m bench.frozen_auth_api [--clients 100] [--seconds 10] [--write]

Clients ask for a signed-in user's page, again half a second after each answer, each on a connection of its own. Then every process of auth_api is
stopped for some seconds (SIGSTOP). Counted are the calls that begin when each worker of the site has had time to notice.
--write puts the table into docs/reference/benchmarks.md.
"""

import argparse
import http.client
import threading
import time

from .page import write_block
from .systems import System, gatehouse

_NOTICED = 6.0  # seconds after the freeze: the site waits 5 s for an answer
_PAUSE = 0.5  # seconds
_PATIENCE = 60  # seconds


class Asker(threading.Thread):
    """One browser. `calls` holds when each call began, and how many seconds it took."""

    def __init__(self, system: System, stopping: threading.Event) -> None:
        super().__init__(daemon=True)
        self.system, self.stopping = system, stopping
        self.calls: list[tuple[float, float]] = []

    def run(self) -> None:
        port = int(self.system.address.rpartition(":")[2])
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_PATIENCE)
        headers = {"Host": "localhost", "Cookie": self.system.cookie, "X-Forwarded-Proto": "https"}
        while not self.stopping.is_set():
            begin = time.monotonic()
            try:
                connection.request("GET", "/account", headers=headers)
                connection.getresponse().read()
            except (OSError, http.client.HTTPException):
                connection.close()
            self.calls.append((begin, time.monotonic() - begin))
            self.stopping.wait(_PAUSE)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clients", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--write", action="store_true")
    arguments = parser.parse_args()
    table = _table(_measure(arguments.clients, arguments.seconds), arguments)
    print(table)
    if arguments.write:
        write_block("bench.frozen_auth_api", table)


def _measure(clients: int, seconds: float) -> dict[str, list[float]]:
    """Return how long calls took, in seconds: before, when it was known, and after."""
    with gatehouse(GATEHOUSE_LOG_LEVEL="WARNING") as (system, stack):
        stopping = threading.Event()
        askers = [Asker(system, stopping) for _ in range(clients)]
        for asker in askers:
            asker.start()
        time.sleep(5)
        frozen = time.monotonic()
        stack.pause("auth")
        time.sleep(seconds)
        stack.resume("auth")
        thawed = time.monotonic()
        time.sleep(5)
        stopping.set()
        for asker in askers:
            asker.join(_PATIENCE)
    calls = [call for asker in askers for call in asker.calls]
    periods = {
        "before": (0.0, frozen - 1),
        "while it is frozen, from the start": (frozen, frozen + _NOTICED),
        "while it is frozen, after 6 s": (frozen + _NOTICED, thawed),
        "from 1 s after": (thawed + 1, thawed + 5),
    }
    return {
        name: [took for begin, took in calls if start <= begin < end]
        for name, (start, end) in periods.items()
    }


def _table(found: dict[str, list[float]], arguments: argparse.Namespace) -> str:
    lines = [
        f"{arguments.clients} clients; auth_api was frozen for {arguments.seconds:g} s.",
        "",
        "| calls that began | calls | longest, s | over 1 s |",
        "| --- | --- | --- | --- |",
    ]
    for name, times in found.items():
        slow = sum(t > 1 for t in times)
        lines.append(f"| {name} | {len(times):,} | {max(times, default=0):.2f} | {slow} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
