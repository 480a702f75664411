"""What a login costs beside its Argon2id, here and in a Django monolith; and a logout.

Counted is the one POST: the form and its CSRF token were fetched before.
"""

import statistics
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import requests
from argon2 import PasswordHasher, Type
from nacl.bindings import crypto_pwhash_str_verify

from tests.processes import JsonClient, Stack

from .systems import EMAIL, System

_TOGETHER = 40  # sessions at once: a login over the limit of them would have to end others
_CROWD = 12
_PASSWORD = b"a quiet harbour at dusk"


def login_table(ours: System, stack: Stack, theirs: System, *, count: int) -> str:
    """Return a table of CPU per login and logout; the bare hashes in between, in the same run."""
    hasher = PasswordHasher(time_cost=2, memory_cost=19456, parallelism=1, type=Type.ID)
    stored = hasher.hash(_PASSWORD).encode()
    bare: dict[str, list[float]] = {"argon2-cffi": [], "libsodium": []}
    login, logout, monolith = Counter[str](), Counter[str](), Counter[str]()
    rounds = max(1, count // _TOGETHER)
    for _ in range(rounds):
        bare["argon2-cffi"] += _cpu_of(lambda: hasher.verify(stored, _PASSWORD))
        bare["libsodium"] += _cpu_of(lambda: crypto_pwhash_str_verify(stored, _PASSWORD))
        clients = [JsonClient(stack.address) for _ in range(_TOGETHER)]
        login += spent(ours, [_sign_in(client, ours.password) for client in clients])
        logout += spent(ours, [_sign_out(client) for client in clients])
        monolith += spent(theirs, [_sign_in_to_django(theirs) for _ in range(_TOGETHER)])
    each = 1000 / (rounds * _TOGETHER)
    cffi, sodium = (statistics.median(costs) for costs in bare.values())
    rows = [
        ("the bare Argon2id run (19 MiB, t=2, p=1) by argon2-cffi", cffi),
        ("the same run by libsodium, as auth_api does it", sodium),
        ("login: auth_api", login["auth_api"] * each),
        ("login: everything", login.total() * each),
        (f"{theirs.name}: login, the same parameters", monolith.total() * each),
        ("logout: everything", logout.total() * each),
    ]
    lines = [
        "| CPU-ms | | times argon2-cffi's run | times libsodium's run |",
        "| --- | --- | --- | --- |",
    ]
    lines += [f"| {name} | {ms:.2f} | {ms / cffi:.2f} | {ms / sodium:.2f} |" for name, ms in rows]
    return "\n".join(lines)


def crowd_table(ours: System, stack: Stack) -> str:
    """Return the memory of auth_api before and after many logins at once: each hash takes 19 MiB."""
    before = ours.memory()["auth_api"]
    with ThreadPoolExecutor(_CROWD) as pool:
        answers = list(
            pool.map(
                lambda _: JsonClient(stack.address).login(EMAIL, ours.password), range(5 * _CROWD)
            )
        )
    done = sum(answer.status_code == 200 for answer in answers)
    title = f"{len(answers)} logins, {_CROWD} at once"
    return "\n".join(
        [
            f"| {title} | |",
            "| --- | --- |",
            f"| signed in; the others were asked to come back | {done} |",
            f"| auth_api before, MiB | {before:.0f} |",
            f"| auth_api after, MiB | {ours.memory()['auth_api']:.0f} |",
        ]
    )


def _cpu_of(hash_it: Callable[[], object]) -> list[float]:
    """CPU-ms of each of some runs."""
    costs = []
    for _ in range(_TOGETHER // 2):
        start = time.process_time()
        hash_it()
        costs.append((time.process_time() - start) * 1000)
    return costs


def spent(system: System, acts: list[Callable[[], None]]) -> Counter[str]:
    """CPU seconds that each process of `system` spends on all of `acts`."""
    before = system.cpu()
    for act in acts:
        act()
    after = system.cpu()
    return Counter({name: after[name] - before[name] for name in before})


def _sign_in(client: JsonClient, password: str) -> Callable[[], None]:
    token = {"X-CSRF-Token": client.csrf()}
    form = {"email": EMAIL, "password": password}
    return lambda: must(client.post("/api/auth/login", form, **token), 200)


def _sign_out(client: JsonClient) -> Callable[[], None]:
    token = {"X-CSRF-Token": client.csrf()}
    return lambda: must(client.post("/api/auth/logout", **token), 204)


def _sign_in_to_django(system: System) -> Callable[[], None]:
    address, host = f"{system.address}/login", {"Host": "localhost"}
    cookies = requests.get(address, headers=host, timeout=20).cookies.get_dict()
    form = {"username": EMAIL, "password": system.password}
    form["csrfmiddlewaretoken"] = cookies["csrftoken"]
    return lambda: must(
        requests.post(
            address, form, headers=host, cookies=cookies, timeout=20, allow_redirects=False
        ),
        302,
    )


def must(answer: requests.Response, status: int) -> None:
    if answer.status_code != status:
        raise RuntimeError(f"{answer.status_code}: {answer.text}")
