"""Which passwords are refused (ASVS 6.2)."""

import gzip
from math import prod
from pathlib import Path
from unittest import mock

import django.contrib.auth
import pytest
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError

from auth_api.users.models import User
from auth_api.users.passwords import hashing, policy
from tests.auth_api.sessions.conftest import PASSWORD


def listed() -> list[str]:
    """Django's list of common passwords, most common first."""
    path = Path(django.contrib.auth.__file__).parent / "common-passwords.txt.gz"
    return gzip.decompress(path.read_bytes()).decode().split()


def is_refused(password: str) -> bool:
    try:
        validate_password(password, User(email="ada@example.com", name="Ada Lovelace"))
    except ValidationError:
        return True
    return False


def test_3000_common_passwords_that_fit_the_length_are_refused() -> None:
    """ASVS 6.2.4: few listed ones have 15 characters, so common ones are made to fit."""
    long_enough = [word for word in listed() if len(word) >= policy.MIN_LENGTH]
    doubled = [word * 2 for word in listed() if 8 <= len(word) <= 20][:1500]
    padded = [word + "1" * (15 - len(word)) for word in listed() if 6 <= len(word) < 15][:1500]
    fitting = [*long_enough, *doubled, *padded]
    assert len(fitting) >= 3000
    assert [password for password in fitting if not is_refused(password)] == []


@pytest.mark.parametrize("length", [64, 128])
def test_long_ones_of_any_characters_are_taken(length: int) -> None:
    password = (PASSWORD + " 🪁🧭🦔 und dann übers Meer nach Helgoland, 7 Tage Sturm. ") * 3
    assert not is_refused(password[:length])


SLOW_TO_JUDGE = (  # half a second each for plain zxcvbn, mostly with the GIL held
    "@s{![o(4962<2@%e21a|5o4!7++6t4|$",
    "4@8({[<3690!1|7$5+%2" * 6,
    "4@8({[</369&#!1/|0$5+7%2/" * 5,
)


READINGS = {
    "a": "4@",
    "b": "8",
    "c": "({[<",
    "e": "3",
    "g": "69",
    "i": "1!|",
    "l": "1|7",
    "o": "0",
    "s": "$5",
    "t": "+7",
    "x": "%",
    "z": "2",
}  # fmt: skip - zxcvbn tries every combination of these


def combinations(text: str) -> int:
    """Return how many readings of `text` zxcvbn looks up in its lists."""
    found = (sum(character in text for character in READINGS[letter]) for letter in READINGS)
    return prod(max(1, number) for number in found)


@pytest.mark.parametrize("password", [*SLOW_TO_JUDGE, "ab" * 64])
def test_the_estimator_sees_few_characters_and_few_readings(password: str) -> None:
    with mock.patch.object(policy, "zxcvbn", wraps=policy.zxcvbn) as scored:
        is_refused(password)
    (call,) = scored.call_args_list
    assert len(call.args[0]) == policy.LONGEST_SCORED
    assert combinations(call.args[0]) <= 64 < combinations(SLOW_TO_JUDGE[0])


@pytest.mark.parametrize("password", SLOW_TO_JUDGE)
def test_what_was_slow_to_judge_is_still_a_good_password(password: str) -> None:
    assert not is_refused(password)


@pytest.mark.parametrize(
    "word", ["p@ssw0rd", "{orre{t", "<0mputer", "|iverpool", "[harl|e", "$unsh!ne"]
)
def test_a_word_in_disguise_is_still_that_word(word: str) -> None:
    """Also with characters that are replaced before the estimator sees them."""
    assert is_refused(word * 2)


@pytest.mark.parametrize(
    "text",
    ["\u0130" * 20, "\u1e9e\ufb01\u01f0" * 8, "\u0663\u0664/\u0661\u0662/" * 4, "\x0b\u2028" * 9],
)
def test_letters_that_change_their_length_break_nothing(text: str) -> None:
    """The estimator counts characters in Rust."""
    assert is_refused(text)


@pytest.mark.parametrize("password", ["x" * 129, "x" * 10_000, "a\0" * 10, "\ud800" * 20])
def test_nothing_is_hashed_that_no_account_can_have(password: str) -> None:
    with mock.patch.object(hashing.Argon2idHasher, "verify") as verified:
        assert not hashing.acceptable_input(password)
        assert verified.call_count == 0
    assert is_refused(password)
