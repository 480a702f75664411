"""What `/auth/verify` costs an app behind nginx.

Usage: .venv/bin/python -m bench.forward_auth [--rounds 5] [--seconds 5] [--write]

An app that costs next to nothing (nginx itself answers 200) through the nginx of docs/how-to/deploy/: with auth_request by a signed-in
user, and beside it without. The two in turns: p50 with one connection, rate and CPU with 16. --write puts the table into
docs/reference/benchmarks.md.
"""

import argparse
import shutil
import statistics
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import psutil

from tests.e2e.proxies import DEPLOY, App, nginx
from tests.ports import free_port

from .load import Round, drive, require_wrk
from .page import write_block
from .systems import System, gatehouse

PATHS = {"nginx direct": "/direct/page", "with auth_request": "/measured/page"}
_LOCATIONS = """
    location /direct/ {{
        proxy_http_version 1.1;
        proxy_set_header Connection "";
        proxy_pass http://app;
    }}
    location /measured/ {{
        set $gatehouse_audience app;
        include gatehouse/app.conf;
        proxy_pass http://app;
    }}
    location /app/ {{"""
_APP = """
upstream app {{ server 127.0.0.1:{port}; keepalive 16; }}
server {{ listen 127.0.0.1:{port}; location / {{ return 200 "the app"; }} }}
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    require_wrk()
    with _proxied() as system:
        alone = _measure(system, options.rounds, options.seconds, connections=1)
        loaded = _measure(system, options.rounds, options.seconds, connections=16)
    report = _render(alone, loaded)
    print(report)
    if options.write:
        write_block("bench.forward_auth", report)


@contextmanager
def _proxied() -> Iterator[System]:
    """Gatehouse in production settings behind nginx, with somebody signed in."""
    rules = "/app/=signed-in,/measured/=signed-in"
    with (
        tempfile.TemporaryDirectory(prefix="gh-bench-") as name,
        gatehouse(GATEHOUSE_PROXY_HOPS="1", GATEHOUSE_ACCESS_RULES=rules) as (system, stack),
    ):
        folder = Path(name)
        folder.chmod(0o755)
        with nginx(stack.web_port, App(), folder, _samples(folder / "samples")) as address:
            process = psutil.Process(int((folder / "nginx.pid").read_text()))
            processes = {"nginx": process, **system.processes}
            address = address.replace("localhost", "127.0.0.1")
            yield replace(system, name="nginx", address=address, processes=processes)


def _samples(folder: Path) -> Path:
    """Copy the samples, with https in front of nginx, an app, and the two ways to it."""
    shutil.copytree(DEPLOY, folder)
    for file in (folder / "nginx").iterdir():
        text = file.read_text().replace("$scheme", "https")
        if file.name == "site.conf":
            text = text.replace("\n    location /app/ {", _LOCATIONS.format())
            text += _APP.format(port=free_port())
        file.write_text(text)
    return folder


def _measure(
    system: System, rounds: int, seconds: int, *, connections: int
) -> dict[str, list[Round]]:
    found: dict[str, list[Round]] = {title: [] for title in PATHS}
    for _ in range(rounds):
        for title, path in PATHS.items():
            found[title].append(
                drive(system, path, seconds=seconds, cookie=True, connections=connections)
            )
    return found


def _render(alone: dict[str, list[Round]], loaded: dict[str, list[Round]]) -> str:
    processes = list(loaded["nginx direct"][0].cpu)
    lines = [
        "Medians; 2 workers of each service, one of nginx, and all of it on one machine with wrk. p50 with one connection, the rest with 16.",
        "",
        "| | p50 ms | requests/s | p99 ms | CPU-ms a request: " + " | ".join(processes) + " |",
        "| --- |" + " --- |" * (3 + len(processes)),
    ]
    for title in PATHS:
        cells = [
            f"{statistics.median(one.p50 for one in alone[title]):.2f}",
            f"{statistics.median(one.rate for one in loaded[title]):.0f}",
            f"{statistics.median(one.p99 for one in loaded[title]):.1f}",
            *(
                f"{statistics.median(one.cpu[name] for one in loaded[title]):.2f}"
                for name in processes
            ),
        ]
        lines.append(f"| {title} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
