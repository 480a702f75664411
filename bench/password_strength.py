"""Searches for the password that the policy takes longest to evaluate.

Usage: python -m bench.password_strength [--seconds N] [--seed N]

A new password is evaluated before it is hashed, in one call that holds the GIL. This searches for
the slowest password by hill climbing for N seconds, by CPU time, and then compares the verdicts with
those of the Python zxcvbn, of which the estimator is a port.
"""

import argparse
import os
import random
import string
import time
from collections.abc import Callable

os.environ.setdefault("GATEHOUSE_ENV", "test")
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "auth_api.settings")

import django

django.setup()  # the imports below need it

from django.core.exceptions import ValidationError  # noqa: E402
from zxcvbn import zxcvbn as python_zxcvbn  # noqa: E402
from zxcvbn.frequency_lists import FREQUENCY_LISTS  # noqa: E402

from auth_api.users.models import User  # noqa: E402
from auth_api.users.passwords import policy  # noqa: E402

_READINGS = "4@8({[<3690!1|7$5+%2"  # what zxcvbn reads as letters
_CHARACTERS = _READINGS * 2 + "aabcdeeilost" + string.ascii_uppercase + "-./ é🧭"
_KNOWN = (  # slow for the estimator in Python, or of full length
    "@s{![o(4962<2@%e21a|5o4!7++6t4|$",
    "4@8({[<3690!1|7$5+%2" * 6,
    "4@8({[</369&#!1/|0$5+7%2/" * 5,
    "ab" * 64,
    "a" * 128,
)
_ADA = User(email="ada@example.com", name="Ada Lovelace")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    dice = random.Random(options.seed)
    _judge("a first one loads the lists", _ADA)
    print("| CPU-ms for one judgement | |\n| --- | --- |")
    for name in ("correct horse battery staple", *_KNOWN):
        print(f"| `{name[:40]}` ({len(name)} characters) | {_cost(name, _ADA):.1f} |")
    (password, user), worst, tries = _climb(dice, options.seconds)
    print(f"| the worst of {tries} in {options.seconds:g} s of hill climbing | {worst:.1f} |")
    print(f"\nThe worst: {password!r}, of {user.email!r}, {user.name!r}\n")
    print("| judged anew | passwords | taken, refused before | refused, taken before |")
    print("| --- | --- | --- | --- |")
    for name, samples in _samples(dice).items():
        print(f"| {name} | {len(samples)} | {' | '.join(map(str, _differences(samples)))} |")


def _climb(dice: random.Random, seconds: float) -> tuple[tuple[str, User], float, int]:
    """Change a few characters at a time and keep what is not faster; restart when stuck."""
    deadline = time.monotonic() + seconds
    best, worst, tries, stuck = ("", _ADA), 0.0, 0, 0
    here, height = best, 0.0
    while time.monotonic() < deadline:
        if stuck > 300 or not here[0]:
            here, height, stuck = (_random_password(dice), _random_user(dice)), 0.0, 0
        there = _changed(dice, *here)
        cost, tries = _cost(*there), tries + 1
        stuck = 0 if cost > height * 1.02 else stuck + 1
        if cost >= height:
            here, height = there, cost
        if height > worst:
            best, worst = here, height
    return best, worst, tries


def _changed(dice: random.Random, password: str, user: User) -> tuple[str, User]:
    if dice.random() < 0.05:
        return password, _random_user(dice)
    characters = list(password)
    for _ in range(dice.randint(1, 3)):
        characters[dice.randrange(len(characters))] = dice.choice(_CHARACTERS)
    return "".join(characters), user


def _random_password(dice: random.Random) -> str:
    length = dice.randint(policy.MIN_LENGTH, policy.LONGEST_SCORED + 8)
    return "".join(dice.choice(_CHARACTERS) for _ in range(length))


def _random_user(dice: random.Random) -> User:
    """Return a user whose name and address, which an attacker chooses, are also on the word lists."""
    name = " ".join("".join(dice.choices(_CHARACTERS, k=3)) for _ in range(dice.randint(1, 37)))
    return User(email=f"{'a' * dice.randint(1, 60)}@example.com", name=name)


def _cost(password: str, user: User) -> float:
    """Return the CPU time of one evaluation in ms: the fastest of three, to reduce noise."""
    return min(_cost_once(password, user) for _ in range(3))


def _cost_once(password: str, user: User) -> float:
    start = time.thread_time()
    _judge(password, user)
    return (time.thread_time() - start) * 1000


def _judge(password: str, user: User) -> bool:
    """Whether the policy accepts the password."""
    try:
        policy.PasswordPolicy().validate(password, user)
    except ValidationError:
        return False
    return True


def _samples(dice: random.Random) -> dict[str, list[str]]:
    """Return padded common passwords, passphrases, disguised words and random strings."""
    listed = sorted(policy._common().passwords)
    words = FREQUENCY_LISTS["english_wikipedia"][:8000]
    leet = str.maketrans("aeiost", "4310$7")

    def make(count: int, one: Callable[[], str]) -> list[str]:
        return [text for text in (one() for _ in range(count)) if len(text) >= policy.MIN_LENGTH]

    noise = string.ascii_letters + string.digits + string.punctuation
    parts = ("19840612", "12.03.1999", "abcdef", "qwerty", "987654", "1q2w3e", "zxcvbn", "2024")
    return {
        "listed, as they are": [word for word in listed if len(word) >= policy.MIN_LENGTH],
        "listed, doubled": [word * 2 for word in listed if 8 <= len(word) <= 20][::4],
        "listed, padded": [word.ljust(15, "1") for word in listed if 6 <= len(word) < 15][::8],
        "two listed ones": make(2000, lambda: dice.choice(listed) + dice.choice(listed)),
        "passphrases of 2 to 5 words": make(
            1000, lambda: " ".join(dice.choices(words, k=dice.randint(2, 5)))
        ),
        "two words in disguise": make(
            1000, lambda: "".join(dice.choices(words[:3000], k=2)).translate(leet) + "!"
        ),
        "dates, walks and sequences": make(500, lambda: "".join(dice.choices(parts, k=3))),
        "random characters": make(
            500, lambda: "".join(dice.choices(noise, k=dice.randint(15, 32)))
        ),
    }


def _differences(samples: list[str]) -> tuple[int, int]:
    """Return how many the Python zxcvbn rates differently: accepted only here, refused only here."""
    pairs = [(_taken_by_python(sample), _taken_now(sample)) for sample in samples]
    return pairs.count((False, True)), pairs.count((True, False))


def _taken_by_python(password: str) -> bool:
    found = python_zxcvbn(password[: policy.LONGEST_SCORED], policy._words_of(_ADA))
    return bool(found["score"] >= policy.MIN_SCORE)


def _taken_now(password: str) -> bool:
    found = policy._estimate(password, policy._words_of(_ADA))
    return int(found.score) >= policy.MIN_SCORE


if __name__ == "__main__":
    main()
