"""What a login costs beyond its Argon2id, and a logout."""

import statistics
import time
from collections import Counter

from argon2 import PasswordHasher, Type
from requests import Response

from tests.processes import JsonClient, Stack

from .systems import EMAIL, System

_TOGETHER = 40  # sessions at once: a login over the limit of them would have to end others


def login_table(system: System, stack: Stack, *, count: int) -> str:
    """Return a table of CPU per login and logout; the bare hash in between, in the same run."""
    bare: list[float] = []
    login: Counter[str] = Counter()
    logout: Counter[str] = Counter()
    rounds = max(1, count // _TOGETHER)
    for _ in range(rounds):
        bare += _bare_hashes(_TOGETHER // 2)
        before = system.cpu()
        clients = [_sign_in(stack, system.password) for _ in range(_TOGETHER)]
        between = system.cpu()
        for client in clients:
            _sign_out(client)
        after = system.cpu()
        login.update({name: between[name] - before[name] for name in before})
        logout.update({name: after[name] - between[name] for name in before})
    hashing = statistics.median(bare)
    each = 1000 / (rounds * _TOGETHER)
    rows = [
        ("the bare Argon2id run (19 MiB, t=2, p=1)", hashing),
        ("login: auth_api", login["auth_api"] * each),
        ("login: everything, with the CSRF token fetched before", login.total() * each),
        ("logout: everything, with the CSRF token fetched before", logout.total() * each),
    ]
    lines = ["| CPU-ms | | ratio |", "| --- | --- | --- |"]
    return "\n".join(
        [*lines, *(f"| {name} | {ms:.2f} | {ms / hashing:.2f} |" for name, ms in rows)]
    )


def _bare_hashes(count: int) -> list[float]:
    """CPU-ms of verifications by argon2-cffi itself, with the parameters of auth_api."""
    hasher = PasswordHasher(time_cost=2, memory_cost=19456, parallelism=1, type=Type.ID)
    stored = hasher.hash("a quiet harbour at dusk")
    costs = []
    for _ in range(count):
        start = time.process_time()
        hasher.verify(stored, "a quiet harbour at dusk")
        costs.append((time.process_time() - start) * 1000)
    return costs


def _sign_in(stack: Stack, password: str) -> JsonClient:
    client = JsonClient(stack.address)
    _must(client.login(EMAIL, password), 200)
    return client


def _sign_out(client: JsonClient) -> None:
    _must(client.post("/api/auth/logout"), 204)


def _must(answer: Response, status: int) -> None:
    if answer.status_code != status:
        raise RuntimeError(f"{answer.status_code}: {answer.text}")
