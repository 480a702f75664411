"""The systems under load, as real processes: Gatehouse in production settings, and its peers."""

import os
import secrets
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import requests

from tests.ports import free_port
from tests.processes import ROOT, JsonClient, Stack, wait_for
from tests.valkey import ValkeyServer

EMAIL = "ada@example.com"
WORKERS = 2


@dataclass
class System:
    """One system: where it answers, its cookie, and its processes by name."""

    name: str
    address: str
    cookie: str
    processes: dict[str, psutil.Process]
    password: str = field(default="", repr=False)

    def cpu(self) -> dict[str, float]:
        """CPU seconds that each of its processes has used, with all its children."""
        return {name: _cpu(process) for name, process in self.processes.items()}

    def memory(self) -> dict[str, float]:
        """MiB of each of its processes, with all its children."""
        return {name: _memory(process) for name, process in self.processes.items()}


def _family(process: psutil.Process) -> list[psutil.Process]:
    return [process, *process.children(recursive=True)]


def _cpu(process: psutil.Process) -> float:
    times = [p.cpu_times() for p in _family(process)]
    return sum(t.user + t.system for t in times)


def _memory(process: psutil.Process) -> float:
    return sum(p.memory_info().rss for p in _family(process)) / 2**20


@contextmanager
def gatehouse(*, workers: int = WORKERS, **variables: str) -> Iterator[tuple[System, Stack]]:
    """The whole of it, with somebody signed in."""
    settings = {
        "GATEHOUSE_ENV": "production",
        "GATEHOUSE_PUBLIC_ORIGIN": "https://localhost",
        "FRONTEND_WORKERS": str(workers),
        "AUTH_API_WORKERS": str(workers),
        "GATEHOUSE_LOG_LEVEL": "INFO",
        **variables,
    }
    with Stack(**settings) as stack:
        password = stack.make_user(EMAIL, "--name", "Ada Lovelace")
        client = JsonClient(stack.address)
        client.login(EMAIL, password).raise_for_status()
        names = {"frontend_site": "web", "auth_api": "auth"}
        processes = {n: psutil.Process(stack.processes[p].pid) for n, p in names.items()}
        processes["valkey"] = psutil.Process(stack.valkey.pid)
        cookie = f"__Host-session={client.cookies['__Host-session']}"
        address = stack.address.replace("localhost", "127.0.0.1")
        yield System("Gatehouse", address, cookie, processes, password), stack


@contextmanager
def monolith(engine: str, folder: Path, *, workers: int = WORKERS) -> Iterator[System]:
    """Django with contrib.sessions by `engine`, in one gunicorn of threads."""
    valkey = ValkeyServer()
    valkey.start()
    port, password = free_port(), secrets.token_urlsafe(18)
    environment = {
        **os.environ,
        "REDIS_URL": valkey.url,
        "GATEHOUSE_BENCH_ENGINE": engine,
        "GATEHOUSE_BENCH_DATABASE": str(folder / f"{engine}.sqlite3"),
        "GATEHOUSE_BENCH_PASSWORD": password,
    }
    try:
        prepare = [sys.executable, "-m", "bench.peers.monolith"]
        key = subprocess.check_output(prepare, cwd=ROOT, env=environment, text=True).strip()
        command = [sys.executable, "-m", "gunicorn", "bench.peers.monolith:application"]
        command += ["--workers", str(workers), "--worker-class", "gthread", "--threads", "8"]
        command += ["--keep-alive", "15", "--reuse-port", "--bind", f"127.0.0.1:{port}"]
        server = subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.DEVNULL)
        try:
            address = f"http://127.0.0.1:{port}"
            wait_for(lambda: _answers(address), f"the monolith ({engine}) to answer")
            processes = {"gunicorn": psutil.Process(server.pid)}
            processes["valkey"] = psutil.Process(valkey.pid)
            yield System(f"Django, {engine}", address, f"sessionid={key}", processes, password)
        finally:
            server.terminate()
            server.wait(15)
    finally:
        valkey.stop()


def _answers(address: str) -> bool:
    try:
        return requests.get(address, headers={"Host": "localhost"}, timeout=5).ok
    except requests.RequestException:
        return False


def random_users(count: int) -> list[tuple[str, str]]:
    """Addresses and passwords for logins."""
    return [(f"user{n}@example.com", secrets.token_urlsafe(18)) for n in range(count)]
