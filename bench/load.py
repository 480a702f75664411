"""Load by wrk (Debian's package), and what it cost."""

import re
import shutil
import subprocess
from dataclasses import dataclass

from .systems import System

CONNECTIONS = 16


@dataclass(frozen=True)
class Round:
    """One measurement: requests a second, milliseconds, and CPU of each process per request."""

    rate: float
    p50: float
    p99: float
    cpu: dict[str, float]  # milliseconds of CPU per request (seconds per 1,000 requests)

    @property
    def total_cpu(self) -> float:
        return sum(self.cpu.values())


def require_wrk() -> None:
    if not shutil.which("wrk"):
        raise SystemExit("wrk is not installed. On Debian and Ubuntu: apt-get install wrk")


def drive(
    system: System, path: str, *, seconds: float, cookie: bool, expect: int = 200,
    connections: int = CONNECTIONS,
) -> Round:  # fmt: skip
    """Ask for `path` as fast as possible. Raises RuntimeError when answers are not `expect`."""
    headers = ["-H", "Host: localhost", "-H", "Sec-Fetch-Site: same-origin"]
    if cookie:
        headers += ["-H", f"Cookie: {system.cookie}"]
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", *headers]
    before = system.cpu()
    text = subprocess.check_output([*command, system.address + path], text=True)
    after = system.cpu()
    requests = number_in(r"(\d+) requests in", text)
    failures = re.search(r"Non-2xx or 3xx responses: (\d+)", text)
    errors = re.search(r"Socket errors: connect \d+, read (\d+), write (\d+), timeout (\d+)", text)
    if (failures and expect < 400) or (errors and any(int(n) for n in errors.groups())):
        raise RuntimeError(f"{system.name} {path}: {text}")
    cpu = {name: (after[name] - before[name]) / requests * 1000 for name in before}
    return Round(
        rate=number_in(r"Requests/sec:\s+([\d.]+)", text),
        p50=latency_in(text, "50%"),
        p99=latency_in(text, "99%"),
        cpu=cpu,
    )


def number_in(pattern: str, text: str) -> float:
    """Return the number that `pattern` finds in the report of wrk. Raises RuntimeError."""
    found = re.search(pattern, text)
    if found is None:
        raise RuntimeError(text)
    return float(found[1])


def latency_in(text: str, percentile: str) -> float:
    """Return a percentile ("99%") of the report of wrk, in ms. Raises RuntimeError."""
    found = re.search(rf"{percentile}\s+([\d.]+)(us|ms|s)\b", text)
    if found is None:
        raise RuntimeError(text)
    return float(found[1]) * {"us": 0.001, "ms": 1, "s": 1000}[found[2]]
