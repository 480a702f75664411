"""Tells support whose sign-ins are delayed now, and where. Changes no counter."""

import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from auth_api.code_throttling import CODE_TRIES, CodeThrottle
from auth_api.throttling import LoginThrottle
from auth_api.tries import asked_each


class Account(NamedTuple):
    """An account as throttles know it: its id, the key of its address, and where sign-ins failed lately."""

    user_id: str
    key: str
    addresses: Collection[str]


@dataclass(frozen=True)
class Delays:
    """Until when tries at one account wait, in Unix seconds; 0 or absent if they do not.

    `everywhere`: of all clients that never signed in to it. `codes`: of second factors. `addresses`: of
    single clients. `codes_shut`: only a recovery code signs in.
    """

    everywhere: int
    codes: int
    codes_shut: bool
    addresses: Mapping[str, int]

    def __bool__(self) -> bool:
        return bool(self.everywhere or self.codes or self.codes_shut or self.addresses)


def delays_of(accounts: Sequence[Account]) -> list[Delays]:
    """Return the delays of each account; one round trip to each node. Raises SessionStoreUnavailable.

    Compares Redis' times with this machine's clock: good enough to be shown.
    """
    asked = [[*_commands(account)] for account in accounts]
    answers = iter(asked_each([command for commands in asked for command in commands]))
    return [_read(account, answers) for account in accounts]


def _commands(account: Account) -> Iterator[tuple[str, ...]]:
    """Yield what `_read` reads, in its order."""
    tries, failures = CodeThrottle(account.user_id).keys
    yield "HGET", tries, "until"
    yield "GET", failures
    yield "HGET", LoginThrottle(account.key, "").keys[-1], "until"
    for address in account.addresses:
        for key in LoginThrottle(account.key, address).keys[:-1]:
            yield "HGET", key, "until"


def _read(account: Account, answers: Iterator[bytes | None]) -> Delays:
    codes, failures, everywhere = _until(next(answers)), int(next(answers) or 0), next(answers)
    addresses = {}
    for address in account.addresses:
        keys = LoginThrottle(account.key, address).keys[:-1]
        if until := max(_until(next(answers)) for _ in keys):
            addresses[address] = until
    return Delays(_until(everywhere), codes, failures >= CODE_TRIES, addresses)


def _until(stored: bytes | None) -> int:
    until = int(stored or 0)
    return until if until > time.time() else 0
