"""Reloads and restarts under load: every request is answered as it should be, and none is refused."""

import os
import signal
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing
from http.client import HTTPConnection

import psutil
import pytest
import requests

from tests.e2e.conftest import EMAIL
from tests.faults.activation import listener, start_on
from tests.faults.busy_clients import Tally, busy_clients
from tests.processes import JsonClient, Stack, wait_for

CLIENTS = 12
BOTH = ("auth", "web")
PRODUCTION = {
    "GATEHOUSE_ENV": "production",
    "GATEHOUSE_PUBLIC_ORIGIN": "https://localhost",
    "FRONTEND_WORKERS": "2",
    "AUTH_API_WORKERS": "2",
    "GATEHOUSE_GRACE": "10",  # for machines that are busy with other work
}


class Load:
    """Busy clients of the site of `stack`, one user of which is signed in."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        client, anonymous = JsonClient(stack.address), JsonClient(stack.address)
        client.login(EMAIL, stack.make_user(EMAIL)).raise_for_status()
        self._session = client.cookies["__Host-session"]
        self._csrf = {"X-CSRF-Token": anonymous.csrf()}
        self._csrf["Cookie"] = "; ".join(f"{k}={v}" for k, v in anonymous.cookies.items())

    def on(self) -> AbstractContextManager[Tally]:
        address = f"http://127.0.0.1:{self.stack.web_port}"
        return busy_clients(CLIENTS, address, self._session, self._csrf)


@pytest.fixture(scope="module")
def load() -> Iterator[Load]:
    with Stack(**PRODUCTION) as running:
        yield Load(running)


def workers(stack: Stack, name: str) -> set[int]:
    return {child.pid for child in psutil.Process(stack.processes[name].pid).children()}


def reload(stack: Stack, *names: str) -> None:
    """Send SIGHUP, and wait until every old worker has left."""
    old = {name: workers(stack, name) for name in names}
    for name in names:
        os.kill(stack.processes[name].pid, signal.SIGHUP)
    wait_for(
        lambda: not any(old[name] & workers(stack, name) for name in names), "old workers to leave"
    )


def restart_with(stack: Stack, name: str, **settings: str) -> None:
    """Restart one service with other settings, which its next start does not have."""
    before = stack.settings
    stack.settings = {**before, **settings}
    try:
        stack.stop(name)
        stack.start(name)
    finally:
        stack.settings = before


def wait_for_more(tally: Tally, requests: int) -> None:
    wanted = tally.asked + requests
    wait_for(lambda: tally.asked >= wanted, f"{requests} more answers")


def accepts(stack: Stack, name: str, port: int) -> bool:
    """Whether each worker of `name` has a connection of a client."""
    return all(
        any(
            c.laddr.port == port and c.status == psutil.CONN_ESTABLISHED
            for c in w.net_connections()
        )
        for w in psutil.Process(stack.processes[name].pid).children()
    )


@pytest.mark.parametrize(
    "names",
    [
        BOTH,
        pytest.param(("auth",), marks=pytest.mark.exhaustive),
        pytest.param(("web",), marks=pytest.mark.exhaustive),
    ],
    ids="+".join,
)
def test_a_reload_under_load_loses_no_request(load: Load, names: tuple[str, ...]) -> None:
    with load.on() as tally:
        wait_for_more(tally, 50)
        for _ in range(2):
            reload(load.stack, *names)
            wait_for_more(tally, 50)
    assert not tally.wrong, str(tally)


@pytest.mark.exhaustive
@pytest.mark.timeout(7200)
def test_reloads_lose_none_of_20_000_requests(load: Load) -> None:
    with load.on() as tally:
        while tally.asked < 20_000:
            for names in (("auth",), ("web",), ("auth", "web")):
                reload(load.stack, *names)
    assert not tally.wrong, str(tally)


@pytest.mark.exhaustive
def test_a_reload_before_the_last_one_is_over_loses_no_request(load: Load) -> None:
    with load.on() as tally:
        wait_for_more(tally, 50)
        old = workers(load.stack, "auth")
        for _ in range(3):
            os.kill(load.stack.processes["auth"].pid, signal.SIGHUP)
            wait_for(lambda: len(workers(load.stack, "auth")) > 2, "new workers to start")
        wait_for(lambda: not old & workers(load.stack, "auth"), "the old workers to leave")
        wait_for_more(tally, 50)
    assert not tally.wrong, str(tally)


@pytest.mark.parametrize("name", ["auth", pytest.param("web", marks=pytest.mark.exhaustive)])
def test_old_workers_serve_until_the_new_ones_are_ready(load: Load, name: str) -> None:
    old = workers(load.stack, name)
    os.kill(load.stack.processes[name].pid, signal.SIGHUP)
    wait_for(lambda: len(workers(load.stack, name)) == 4, "new workers to start")
    new = [psutil.Process(pid) for pid in workers(load.stack, name) - old]
    for worker in new:
        worker.suspend()  # as if they took long to load the application
    with load.on() as tally:
        wait_for_more(tally, 50)
        for worker in new:
            worker.resume()
        wait_for(lambda: not old & workers(load.stack, name), "the old workers to leave")
    assert not tally.wrong, str(tally)


def test_an_idle_connection_does_not_hold_up_a_reload(load: Load) -> None:
    """gunicorn would wait until GATEHOUSE_GRACE is over, then end the requests of others as well, and answer 500 here."""
    stack = load.stack
    # Less than an idle connection may last (10 s), and all connections are of one worker.
    restart_with(stack, "web", FRONTEND_WORKERS="1", GATEHOUSE_GRACE="7")
    old = workers(stack, "web")
    where = "127.0.0.1", stack.web_port
    with closing(HTTPConnection(*where)) as one, closing(HTTPConnection(*where)) as other:
        os.kill(stack.processes["web"].pid, signal.SIGHUP)
        idle = wait_for(
            lambda: (not ask(one) and other) or (not ask(other) and one), "the old worker to stop"
        )
        wait_for(lambda: not old & workers(stack, "web"), "the old worker to leave")
        assert idle.sock.recv(1) == b""
    assert "graceful timeout" not in stack.log("web").read_text()
    stack.stop("web")
    stack.start("web")


def ask(connection: HTTPConnection) -> bool:
    """Whether the connection goes on after the answer."""
    connection.request("GET", "/healthz", headers={"Host": "localhost"})
    answer = connection.getresponse()
    answer.read()
    return not answer.will_close


@pytest.mark.exhaustive
@pytest.mark.parametrize("name", ["auth", "web"])
def test_a_new_instance_on_the_same_socket_takes_over(load: Load, name: str) -> None:
    """Socket activation: two units with one socket. The old instance stops when the new one answers."""
    stack = load.stack
    port = {"auth": stack.auth_port, "web": stack.web_port}[name]
    stack.stop(name)
    with listener(port) as opened:
        stack.processes[name] = old = start_on(opened, stack, name)
        wait_for(lambda: requests.get(f"{stack.address}/readyz", timeout=30).ok, "readiness")
        with load.on() as tally:
            wait_for_more(tally, 50)
            stack.processes[name] = start_on(opened, stack, name)
            wait_for(lambda: len(workers(stack, name)) == 2, "workers of the new instance")
            wait_for(lambda: accepts(stack, name, port), "the new instance to answer")
            old.terminate()
            assert wait_for(lambda: old.poll() is not None, "the old instance to end")
            wait_for_more(tally, 50)
        assert not tally.wrong, str(tally)
        assert old.returncode == 0


def test_a_restart_on_a_socket_that_stays_open_refuses_nobody(load: Load) -> None:
    """Socket activation: requests wait until the site is back."""
    stack = load.stack
    stack.stop("web")
    with listener(stack.web_port) as opened:
        stack.processes["web"] = start_on(opened, stack, "web")
        wait_for(lambda: requests.get(f"{stack.address}/readyz", timeout=30).ok, "readiness")
        with load.on() as tally:
            wait_for_more(tally, 50)
            stack.stop("web")
            stack.processes["web"] = start_on(opened, stack, "web")
            wait_for_more(tally, 50)
        assert not tally.wrong, str(tally)


@pytest.mark.parametrize("name", ["auth", "web"])
def test_a_stop_is_announced_before_it_begins(load: Load, name: str) -> None:
    stack = load.stack
    port = {"auth": stack.auth_port, "web": stack.web_port}[name]
    restart_with(stack, name, GATEHOUSE_LAME_DUCK="1h")
    process = stack.processes[name]

    def probe(path: str) -> requests.Response:
        return requests.get(f"http://localhost:{port}{path}", timeout=30)

    wait_for(lambda: probe("/readyz").ok, "readiness")
    process.terminate()
    wait_for(lambda: probe("/readyz").status_code == 503, "the announcement")
    answers = [probe("/readyz") for _ in range(20)]  # of both workers
    assert {answer.status_code for answer in answers} == {503}
    assert answers[0].json() == {"status": "stopping"}
    assert probe("/healthz").ok
    client = JsonClient(stack.address)
    assert client.post("/api/auth/logout").status_code == 204  # both services go on
    assert process.poll() is None
    process.terminate()  # for those who do not want to wait
    wait_for(lambda: process.poll() is not None, "the end")
    assert process.returncode == 0
    stack.start(name)
