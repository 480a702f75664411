"""Measures whether response times reveal which addresses have accounts.

Usage: python -m bench.timing [--pairs N] [--seed N] [--database sqlite|postgresql] [--only WORD]

Calls auth_api, configured as in production, in pairs: with and without an account, in random order.
Prints how well the time of one answer tells the two apart: the area under the ROC curve is 0.5 if it
reveals nothing, and 1 if it always does. Each request comes from its own network and each pair has
its own accounts, so that no throttle applies.
"""

import argparse
import http.client
import json
import random
import socket
import statistics
import time
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass

from gatehouse.keys import Key
from gatehouse.service_token import mint_service_token
from tests.postgresql import running_postgresql
from tests.processes import JsonClient, Stack

from .systems import EMAIL, gatehouse

_WARM_UP = 50  # pairs that do not count
_TOKEN_USE = 30  # seconds; a service token is valid for 60
_PASSWORD = "the same wrong password"  # noqa: S105
_CHROME = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36"
_MAKE_ACCOUNTS = """
from django.contrib.auth.hashers import make_password
from auth_api.users.models import User
stored = make_password("a quiet harbour at dusk")
User.objects.bulk_create(
    User(email=f"{{kind}}-{{n}}@example.com", **{{"password": stored, "email_verified": True, **fields}})
    for kind, fields in {kinds!r}.items()
    for n in range({count})
)
"""


@dataclass(frozen=True)
class Flow:
    """A call, and how its account's row differs from that of a verified account."""

    name: str
    path: str
    body: Callable[[str], dict[str, str]]
    row: dict[str, object]
    in_a_row: int = 1  # only the last is measured: work left by earlier ones may slow it down
    signed_in: bool = False


def _login(email: str) -> dict[str, str]:
    return {"email": email, "password": _PASSWORD}


def _register(email: str) -> dict[str, str]:
    return {"email": email, "password": "seven maps of a small island", "name": "Ada"}


def _address(email: str) -> dict[str, str]:
    return {"email": email}


_UNVERIFIED: dict[str, object] = {"email_verified": False}
FLOWS = (
    Flow("login, wrong password", "login", _login, {}),
    Flow("the same, the third in a row", "login", _login, {}, in_a_row=3),
    Flow("login, unverified", "login", _login, _UNVERIFIED),
    Flow("login, deactivated", "login", _login, {"is_active": False}),
    Flow("login, no password", "login", _login, {"password": "!"}),
    Flow("forgot", "password/forgot", _address, {}),
    Flow("forgot, the third in a row", "password/forgot", _address, {}, in_a_row=3),
    Flow("resend, unverified", "email/resend", _address, _UNVERIFIED),
    Flow("resend, verified", "email/resend", _address, {}),
    Flow("register, verified", "register", _register, {}),
    Flow("register, unverified", "register", _register, _UNVERIFIED),
    Flow("change of address", "email/change", _address, {}, signed_in=True),
)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--pairs", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--only", default="", help="flows with this word in their name")
    options = parser.parse_args()
    flows = [flow for flow in FLOWS if options.only in flow.name]
    with _database(options.database) as variables, gatehouse(**variables) as (system, stack):
        _make_accounts(stack, flows, options.pairs + _WARM_UP)
        caller = _Caller(stack, system.password)
        print(f"{options.pairs} pairs each, {options.database}\n")
        print("| | account, median ms | nobody, median ms | AUC | 95 % interval | has 0.5 |")
        print("| --- | --- | --- | --- | --- | --- |")
        for number, flow in enumerate(flows):
            samples = _samples(caller, flow, number, options.pairs, random.Random(options.seed))
            print(_row(flow, *samples), flush=True)


@contextmanager
def _database(kind: str) -> Iterator[dict[str, str]]:
    with running_postgresql() if kind == "postgresql" else nullcontext() as url:
        yield {"DATABASE_URL": url} if url else {}


def _make_accounts(stack: Stack, flows: Sequence[Flow], count: int) -> None:
    kinds = {f"known-{number}": flow.row for number, flow in enumerate(flows)}
    stack.manage("shell", "-c", _MAKE_ACCOUNTS.format(kinds=kinds, count=count))


def _samples(
    caller: "_Caller", flow: Flow, number: int, pairs: int, dice: random.Random
) -> tuple[list[float], list[float]]:
    """Return the times in ms with an account, and without one."""
    samples: dict[str, list[float]] = {"known": [], "never": []}
    for pair in range(-_WARM_UP, pairs):
        for kind in dice.sample(("known", "never"), 2):
            body = flow.body(f"{kind}-{number}-{pair + _WARM_UP}@example.com")
            for _ in range(flow.in_a_row):
                taken = caller.milliseconds(flow.path, body, flow.signed_in)
            if pair >= 0:
                samples[kind].append(taken)
    return samples["known"], samples["never"]


class _Caller:
    """A kept-alive connection to auth_api, like the BFF's."""

    def __init__(self, stack: Stack, password: str) -> None:
        name, _, secret = stack.secrets["GATEHOUSE_SERVICE_KEYS"].partition(":")
        self._key = Key(name, secret.encode())
        self._stack, self._password = stack, password
        self._connection = http.client.HTTPConnection("127.0.0.1", stack.auth_port, timeout=30)
        self._connection.connect()
        self._connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._token, self._cookie, self._minted, self._asked = "", "", 0.0, 0

    def milliseconds(self, path: str, body: dict[str, str], signed_in: bool) -> float:
        """Return the time until the last byte of the answer. Raises RuntimeError for a 429 or a 5xx."""
        headers, content = self._headers(signed_in), json.dumps(body)
        start = time.perf_counter_ns()
        self._connection.request("POST", f"/v1/{path}", content, headers)
        answer = self._connection.getresponse()
        answer.read()
        taken = time.perf_counter_ns() - start
        if answer.status not in (202, 401):
            raise RuntimeError(f"{path}: {answer.status}")
        return taken / 1e6

    def _headers(self, signed_in: bool) -> dict[str, str]:
        if time.monotonic() - self._minted > _TOKEN_USE:
            self._token, self._minted = mint_service_token(self._key), time.monotonic()
            client = JsonClient(self._stack.address)
            client.login(EMAIL, self._password).raise_for_status()
            self._cookie = f"__Host-session={client.cookies['__Host-session']}"
        self._asked += 1
        return {
            "Authorization": f"Bearer {self._token}",
            "Content-Type": "application/json",
            "Gatehouse-Client-Address": f"10.{self._asked >> 16}.{self._asked >> 8 & 255}.{self._asked & 255}",
            "Gatehouse-Client-User-Agent": _CHROME,
            **({"Cookie": self._cookie} if signed_in else {}),
        }


def _row(flow: Flow, known: Sequence[float], nobody: Sequence[float]) -> str:
    area, low, high = area_under_curve(known, nobody)
    medians = f"{statistics.median(known):.2f} | {statistics.median(nobody):.2f}"
    told = "yes" if low <= 0.5 <= high else "NO"
    return f"| {flow.name} | {medians} | {area:.3f} | {low:.3f} to {high:.3f} | {told} |"


def area_under_curve(ones: Sequence[float], others: Sequence[float]) -> tuple[float, float, float]:
    """Return the probability that one exceeds another, and its 95 % interval (DeLong 1988)."""
    above = _placements(ones, sorted(others))
    below = _placements(others, sorted(ones))
    area = statistics.fmean(above)
    error = (
        statistics.variance(above) / len(ones) + statistics.variance(below) / len(others)
    ) ** 0.5
    return area, area - 1.96 * error, area + 1.96 * error


def _placements(values: Sequence[float], ordered: Sequence[float]) -> list[float]:
    """For each value, the share of `ordered` below it; ties count half."""
    return [
        (bisect_left(ordered, value) + bisect_right(ordered, value)) / (2 * len(ordered))
        for value in values
    ]


if __name__ == "__main__":
    main()
