"""What a login costs beyond its Argon2id, and a logout."""

import statistics
import time
from concurrent.futures import ThreadPoolExecutor

from argon2 import PasswordHasher, Type
from requests import Response

from tests.processes import JsonClient, Stack

from .systems import EMAIL, System

AT_ONCE = 1  # several at once would measure how they share the memory


def login_table(system: System, stack: Stack, *, count: int) -> str:
    """Return a table of CPU per login and logout; the bare hash in the same run."""
    bare = _bare_hash(max(20, count // 5))
    before = system.cpu()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        clients = list(pool.map(lambda _: _sign_in(stack, system.password), range(count)))
    between = system.cpu()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(_sign_out, clients))
    after = system.cpu()
    login = sum(between.values()) - sum(before.values())
    hashing = between["auth_api"] - before["auth_api"]
    logout = sum(after.values()) - sum(between.values())
    rows = [
        ("the bare Argon2id run (19 MiB, t=2, p=1)", bare, 1.0),
        ("login: auth_api", hashing / count * 1000, hashing / count * 1000 / bare),
        ("login: everything, with the CSRF token fetched before", login / count * 1000, login / count * 1000 / bare),
        ("logout: everything, with the CSRF token fetched before", logout / count * 1000, logout / count * 1000 / bare),
    ]  # fmt: skip
    lines = ["| CPU-ms | | ratio |", "| --- | --- | --- |"]
    return "\n".join(
        [*lines, *(f"| {name} | {ms:.2f} | {ratio:.2f} |" for name, ms, ratio in rows)]
    )


def _bare_hash(count: int) -> float:
    """CPU-ms of one verification by argon2-cffi itself, with the parameters of auth_api."""
    hasher = PasswordHasher(time_cost=2, memory_cost=19456, parallelism=1, type=Type.ID)
    stored = hasher.hash("a quiet harbour at dusk")
    costs = []
    for _ in range(count):
        start = time.process_time()
        hasher.verify(stored, "a quiet harbour at dusk")
        costs.append(time.process_time() - start)
    return statistics.median(costs) * 1000


def _sign_in(stack: Stack, password: str) -> JsonClient:
    client = JsonClient(stack.address)
    _must(client.login(EMAIL, password), 200)
    return client


def _sign_out(client: JsonClient) -> None:
    _must(client.post("/api/auth/logout"), 204)


def _must(answer: Response, status: int) -> None:
    if answer.status_code != status:
        raise RuntimeError(f"{answer.status_code}: {answer.text}")
