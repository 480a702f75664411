"""Tokens of sessions, and the other secrets that only chance protects."""

import math
from collections.abc import Callable

import pytest

from auth_api.sessions.tokens import SessionToken
from auth_api.users.factors.recovery_codes import new_code
from auth_api.users.factors.totp import new_secret

MAKERS: list[tuple[Callable[[], str], int]] = [
    (lambda: SessionToken.new(None).value.rpartition(".")[2], 256),
    (new_code, 120),
    (lambda: new_secret().hex(), 160),
]


@pytest.mark.parametrize(("make", "bits"), MAKERS, ids=["session", "recovery code", "seed"])
def test_secrets_are_long_and_no_two_are_alike(make: Callable[[], str], bits: int) -> None:
    """ASVS 7.2.3 and 6.5.3. Every character of the alphabet is found at every place."""
    made = [make() for _ in range(4000)]
    assert len(set(made)) == len(made)
    alphabet = {character for each in made for character in each}
    length = min(map(len, made))
    assert length * math.log2(len(alphabet)) >= bits
    for place in range(length - 1):  # the last may encode fewer bits
        assert {each[place] for each in made} == alphabet
