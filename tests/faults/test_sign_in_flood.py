"""Sign-ins at once and floods of wrong passwords, on real gunicorns."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from itertools import count
from threading import Semaphore

import pytest
import requests

from tests.processes import JsonClient, Stack

EMAIL = "ada@example.com"
_addresses = count(1)


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    """Cheaper hashes than in production, so that a busy machine does not decide; and few slots."""
    settings = {
        "GATEHOUSE_PROXY_HOPS": "1",
        "GATEHOUSE_HASHING_SLOTS": "2",
        "GATEHOUSE_ARGON2_MEMORY_KIB": "2048",
    }
    with Stack(FRONTEND_WORKERS="2", AUTH_API_WORKERS="2", **settings) as running:
        yield running


@pytest.fixture(scope="module")
def password(stack: Stack) -> str:
    return stack.make_user(EMAIL)


def sign_in(client: JsonClient, password: str, email: str = EMAIL) -> requests.Response:
    """From an address of its own, so that no throttle answers."""
    number = next(_addresses)
    address = {"X-Forwarded-For": f"10.0.{number >> 8}.{number & 255}"}
    return client.post("/api/auth/login", {"email": email, "password": password}, **address)


def test_13_honest_sign_ins_at_once_are_all_let_in(stack: Stack, password: str) -> None:
    together = threading.Barrier(13)

    def one(_: int) -> str:
        client = JsonClient(stack.address)
        client.csrf()
        together.wait(60)
        answer = sign_in(client, password)
        return "" if answer.status_code == 200 else answer.text

    with ThreadPoolExecutor(13) as pool:
        assert list(pool.map(one, range(13))) == [""] * 13


@contextmanager
def flood(stack: Stack) -> Iterator[None]:
    """64 clients with wrong passwords, one try after the other."""
    stop, tried = threading.Event(), Semaphore(0)

    def client(number: int) -> None:
        browser = JsonClient(stack.address)
        while not stop.is_set():
            with suppress(requests.RequestException, KeyError):
                sign_in(browser, "x" * 20, f"nobody-{number}@example.com")
            tried.release()

    threads = [threading.Thread(target=client, args=(n,), daemon=True) for n in range(64)]
    for thread in threads:
        thread.start()
    for _ in range(64):
        assert tried.acquire(timeout=120)
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join(120)


def test_in_a_flood_a_known_browser_signs_in_and_sessions_stay_valid(
    stack: Stack, password: str
) -> None:
    owner = JsonClient(stack.address)
    assert sign_in(owner, password).status_code == 200
    assert owner.post("/api/auth/logout").status_code == 204
    assert "__Host-known-browser" in owner.cookies
    with flood(stack):
        for _ in range(5):
            assert sign_in(owner, password).status_code == 200
            assert owner.get("/api/auth/session").status_code == 200
