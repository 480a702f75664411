"""/metrics has the numbers of all workers, whichever answers."""

import os
import signal
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests

from tests.faults.conftest import METRICS_TOKEN, Pairs
from tests.faults.outages import restarted_with
from tests.processes import wait_for

AGREED = 8  # answers in a row: each of two workers gave some of them
MANY = 100
ROUTES = {
    "web": 'gatehouse_request_seconds_count{route="frontend_site.pages.views.home",status="200"}',
    "auth": 'gatehouse_request_seconds_count{route="auth_api.operations.healthz",status="200"}',
}


def address(pairs: Pairs, service: str) -> str:
    ports = {"web": pairs.stack.web_port, "auth": pairs.stack.auth_port}
    return f"http://127.0.0.1:{ports[service]}"


def is_alive(pairs: Pairs, service: str) -> bool:
    try:
        return requests.get(f"{address(pairs, service)}/healthz", timeout=60).ok
    except requests.RequestException:
        return False


def read(pairs: Pairs, service: str) -> dict[str, float]:
    """Return every sample by its name with labels."""
    headers = {"Authorization": f"Bearer {METRICS_TOKEN}"} if service == "web" else {}
    answer = requests.get(f"{address(pairs, service)}/metrics", headers=headers, timeout=60)
    assert answer.status_code == 200
    lines = (line for line in answer.text.splitlines() if not line.startswith("#"))
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}


def workers(pairs: Pairs, service: str) -> list[int]:
    pid = pairs.stack.processes[service].pid
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def kill_workers(pairs: Pairs, service: str) -> None:
    """Kill all workers of a service, and wait for others."""
    before = workers(pairs, service)
    for pid in before:
        os.kill(pid, signal.SIGKILL)
    wait_for(lambda: len({*workers(pairs, service)} - {*before}) == 2, "two new workers")
    wait_for(lambda: is_alive(pairs, service), "an answer")


@pytest.mark.parametrize("service", ["web", "auth"])
def test_every_worker_tells_the_requests_of_all(pairs: Pairs, service: str) -> None:
    path = {"web": "/", "auth": "/healthz"}[service]
    host = {"web": "localhost", "auth": "127.0.0.1"}[service]
    before = read(pairs, service).get(ROUTES[service], 0)

    def ask(_: int) -> None:
        requests.get(address(pairs, service) + path, headers={"Host": host}, timeout=60)

    with ThreadPoolExecutor(8) as clients:  # each request over a connection of its own
        list(clients.map(ask, range(MANY)))
    counts = [read(pairs, service)[ROUTES[service]] - before for _ in range(AGREED)]
    assert counts == [MANY] * AGREED


def test_a_killed_worker_leaves_its_counts_and_takes_its_streams_along(pairs: Pairs) -> None:
    client = pairs.signed_in()
    cookie = "; ".join(f"{name}={value}" for name, value in client.cookies.items())
    streams = [
        requests.get(
            f"{pairs.stack.address}/api/auth/events",
            headers={"Cookie": cookie, "Sec-Fetch-Site": "same-origin"},
            stream=True,
            timeout=60,
        )
        for _ in range(3)
    ]
    assert [stream.status_code for stream in streams] == [200] * 3
    requests.get(f"{pairs.stack.address}/", timeout=60)
    before = read(pairs, "web")
    assert before["gatehouse_streams"] == 3
    kill_workers(pairs, "web")
    after = read(pairs, "web")
    assert after["gatehouse_streams"] == 0
    assert after[ROUTES["web"]] >= before[ROUTES["web"]] > 0


def test_auth_api_tells_its_event_streams_and_its_hashes(pairs: Pairs) -> None:
    pairs.signed_in()
    found = read(pairs, "auth")
    assert found["gatehouse_event_streams"] >= 0
    assert found["gatehouse_hashes_in_progress"] == 0
    assert found['gatehouse_logins_total{outcome="accepted"}'] >= 1
    assert found["gatehouse_outbox_oldest_seconds"] >= 0


def test_numbers_are_kept_in_a_private_folder_until_the_service_stops(
    pairs: Pairs, tmp_path: Path
) -> None:
    with restarted_with(pairs.stack, "web", TMPDIR=str(tmp_path)):
        [folder] = tmp_path.glob("gatehouse-metrics-*")
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        wait_for(lambda: list(folder.iterdir()), "numbers")
    assert list(tmp_path.glob("gatehouse-metrics-*")) == []
