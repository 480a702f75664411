"""What a flood of wrong passwords takes from everybody else.

Usage: .venv/bin/python -m bench.flood [--seconds N] [--write]    (needs wrk)

64 clients, each from an address of its own, send wrong passwords to the site as fast as they are answered. Meanwhile wrk
asks auth_api who is signed in, and the owner of an account signs in 9 times, from a browser that has signed in
before. Then 13 people sign in at once. --write puts the table into docs/reference/benchmarks.md.
"""

import argparse
import json
import multiprocessing
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection, HTTPException

from bench.load import latency_in, number_in, require_wrk
from bench.systems import EMAIL, System, gatehouse
from gatehouse.keys import Key
from gatehouse.service_token import mint_service_token
from tests.processes import JsonClient, Stack

CLIENTS = 64
TRIES = 9
BURST = 13
_SOON = 3.0  # seconds
_OF_ONE_ADDRESS = 50  # tries: then the client changes its address, or the throttle would answer
Figures = dict[str, float]


def main() -> None:
    arguments = _arguments()
    require_wrk()
    table = _table(_measure(arguments.seconds))
    print(table)
    if arguments.write:
        from bench.page import write_block

        write_block("bench.flood", table)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=20)
    parser.add_argument("--write", action="store_true")
    return parser.parse_args()


def _measure(seconds: int) -> Figures:
    with gatehouse(GATEHOUSE_PROXY_HOPS="1", GATEHOUSE_LOG_LEVEL="WARNING") as (system, stack):
        owner = _Owner(stack, system.password)
        owner.sign_in()
        _validate(system, stack, 2)
        rate, p99 = _validate(system, stack, max(2, seconds // 2))
        with ThreadPoolExecutor(1) as pool, _Flood(stack) as flood:
            time.sleep(1)
            validation = pool.submit(_validate, system, stack, seconds)
            taken = [owner.sign_in_after(seconds / TRIES) for _ in range(TRIES)]
            rate_in_flood, p99_in_flood = validation.result()
            memory = system.memory()["auth_api"]
        time.sleep(8)  # what the flood left in the queues is judged or refused by now
        burst = _burst(stack, system.password)
    return {
        "validations/s without the flood": rate,
        "validations/s in the flood": rate_in_flood,
        "rate, ratio": rate_in_flood / rate,
        "p99 ms without the flood": p99,
        "p99 ms in the flood": p99_in_flood,
        "p99, ratio": p99_in_flood / p99,
        f"the owner signed in, of {TRIES}": len([t for t in taken if t is not None]),
        f"within {_SOON:.0f} s": len([t for t in taken if t is not None and t <= _SOON]),
        "the longest of these, s": max((t for t in taken if t is not None), default=0),
        "wrong passwords judged/s": flood.counts[401] / flood.seconds,
        "of these clients refused with 503/s": flood.counts[503] / flood.seconds,
        "auth_api in the flood, MiB": memory,
        f"{BURST} honest sign-ins at once: signed in": burst,
    }


def _validate(system: System, stack: Stack, seconds: int) -> tuple[float, float]:
    """Return requests a second, and the 99th percentile in ms, of auth_api's own answers."""
    name, _, secret = stack.secrets["GATEHOUSE_SERVICE_KEYS"].partition(":")
    token = mint_service_token(Key(name, secret.encode()))
    command = ["wrk", "-t1", "-c8", f"-d{seconds}s", "--latency", "--timeout", "10s"]
    for header in (f"Authorization: Bearer {token}", f"Cookie: {system.cookie}"):
        command += ["-H", header]
    url = f"http://127.0.0.1:{stack.auth_port}/v1/session"
    text = subprocess.check_output([*command, url], text=True)
    if "Non-2xx" in text:
        raise RuntimeError(text)
    return number_in(r"Requests/sec:\s+([\d.]+)", text), latency_in(text, "99%")


class _Owner:
    """Signs in and out of one account by one browser."""

    def __init__(self, stack: Stack, password: str) -> None:
        self._client = JsonClient(stack.address)
        self._form = {"email": EMAIL, "password": password}

    def sign_in(self) -> float | None:
        """Return how many seconds it took; None for a failure."""
        self._client.cookies.pop("__Host-session", None)
        token = {"X-CSRF-Token": self._client.csrf(), "X-Forwarded-For": "203.0.113.7"}
        start = time.monotonic()
        answer = self._client.post("/api/auth/login", self._form, **token)
        return time.monotonic() - start if answer.status_code == 200 else None

    def sign_in_after(self, pause: float) -> float | None:
        start = time.monotonic()
        taken = self.sign_in()
        time.sleep(max(0.0, pause - (time.monotonic() - start)))
        return taken


def _burst(stack: Stack, password: str) -> int:
    clients = [_Owner(stack, password) for _ in range(BURST)]
    together = threading.Barrier(BURST)

    def sign_in(client: _Owner) -> float | None:
        together.wait()
        return client.sign_in()

    with ThreadPoolExecutor(BURST) as pool:
        return len([taken for taken in pool.map(sign_in, clients) if taken is not None])


class _Flood:
    """The clients, in a process of their own. `counts` has their answers by status, at the end."""

    def __init__(self, stack: Stack) -> None:
        self.counts: dict[int, int] = {}
        self.seconds = 0.0
        ours, theirs = multiprocessing.Pipe()
        self._pipe = ours
        self._process = multiprocessing.Process(target=_flood, args=(stack.web_port, theirs))

    def __enter__(self) -> "_Flood":
        self._start = time.monotonic()
        self._process.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._pipe.send("stop")
        self.counts = self._pipe.recv()
        self.seconds = time.monotonic() - self._start
        self._process.join()


def _flood(port: int, pipe: "multiprocessing.connection.Connection") -> None:
    counts: dict[int, int] = {401: 0, 503: 0}
    stop = threading.Event()
    clients = [
        threading.Thread(target=_try_passwords, args=(port, number, counts, stop), daemon=True)
        for number in range(CLIENTS)
    ]
    for client in clients:
        client.start()
    pipe.recv()
    stop.set()
    pipe.send(counts)


def _try_passwords(port: int, number: int, counts: dict[int, int], stop: threading.Event) -> None:
    """One client: a new account with each try, and a new address before the throttle answers."""
    tries, cookie, token = 0, "", ""
    connection = HTTPConnection("127.0.0.1", port, timeout=30)
    while not stop.is_set():
        address = f"10.{number}.{tries // _OF_ONE_ADDRESS >> 8}.{tries // _OF_ONE_ADDRESS & 255}"
        headers = {"Host": "localhost", "X-Forwarded-For": address, "Cookie": cookie}
        try:
            if not token:
                connection.request("GET", "/api/auth/csrf", headers={"Host": "localhost"})
                answer = connection.getresponse()
                token = json.loads(answer.read())["csrfToken"]
                cookie = (answer.getheader("Set-Cookie") or "").partition(";")[0]
                continue
            form = {"email": f"{number}-{tries}@example.com", "password": "a wrong password " * 2}
            headers |= {"X-CSRF-Token": token, "Content-Type": "application/json"}
            connection.request("POST", "/api/auth/login", json.dumps(form), headers)
            answer = connection.getresponse()
            answer.read()
            counts[answer.status] = counts.get(answer.status, 0) + 1
        except (OSError, HTTPException):
            connection.close()
        tries += 1


def _table(figures: Figures) -> str:
    lines = ["| | |", "| --- | --- |"]
    for name, figure in figures.items():
        digits = 2 if "ratio" in name or "longest" in name else 0
        lines.append(f"| {name} | {figure:.{digits}f} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
