"""examples/upstream.py behind the whole of Gatehouse."""

import subprocess
import sys
from collections.abc import Iterator

import pytest
import requests

from tests.e2e.conftest import EMAIL
from tests.ports import free_port
from tests.processes import ROOT, JsonClient, Stack, wait_for


@pytest.fixture(scope="module")
def ports() -> tuple[int, int]:
    return free_port(), free_port()


@pytest.fixture(scope="module")
def site(ports: tuple[int, int]) -> Iterator[Stack]:
    """The example twice: as `reports`, which it is, and as `files`, which it is not."""
    names = ",".join(f"{name}=http://127.0.0.1:{ports[0]}" for name in ("reports", "files"))
    with Stack(GATEHOUSE_UPSTREAMS=names, GATEHOUSE_ACCESS_RULES="/api/=signed-in") as stack:
        environment = {**stack.environment, "GATEHOUSE_ORIGIN": stack.address}
        command = [sys.executable, "-m", "gunicorn", "--chdir", "examples", "upstream"]
        command += ["--bind", f"127.0.0.1:{ports[0]}"]
        example = subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.DEVNULL)
        try:
            wait_for(lambda: _answers(ports[0]), "the example to answer")
            yield stack
        finally:
            example.terminate()
            example.wait(15)


def _answers(port: int) -> bool:
    try:
        return requests.get(f"http://127.0.0.1:{port}/hello", timeout=5).status_code == 401
    except requests.RequestException:
        return False


def test_it_knows_who_is_calling(site: Stack) -> None:
    client = JsonClient(site.address)
    client.login(EMAIL, site.make_user(EMAIL))
    session = client.get("/api/auth/session").json()
    answer = client.get("/api/reports/hello")
    assert answer.json() == {
        "hello": session["user"]["id"],
        "session": session["session"]["handle"],
        "proved_by": ["pwd"],
    }
    assert client.get("/api/files/hello").status_code == 401  # a token for somebody else
    client.post("/api/auth/logout")
    assert client.get("/api/reports/hello").status_code == 401


def test_nobody_comes_in_by_the_back_door(site: Stack, ports: tuple[int, int]) -> None:
    for token in ("", "Bearer x", "Bearer a.b.c"):
        answer = requests.get(
            f"http://127.0.0.1:{ports[0]}/hello", headers={"Authorization": token}, timeout=5
        )
        assert answer.status_code == 401
