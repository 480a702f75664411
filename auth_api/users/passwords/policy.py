"""Rejects weak passwords."""

from collections.abc import Iterator
from functools import cache
from typing import Any
from urllib.parse import urlsplit

from django.contrib.auth.password_validation import CommonPasswordValidator
from django.core.exceptions import ValidationError
from zxcvbn_rs_py import Entropy, zxcvbn

from auth_api.options import options

from .hashing import MAX_LENGTH, acceptable_input
from .normalization import normalized

MIN_LENGTH = 15  # SP 800-63B-4, 3.1.1.2: while a password is the only factor
MIN_SCORE = 3  # of zxcvbn's 0 to 4: more than 10^8 guesses
# zxcvbn holds the GIL, and tries every combination of letters for characters such as `4@8({[`
# (bench/password_strength.py searches for the slowest). So it gets only this many characters,
LONGEST_SCORED = 32
# with look-alikes replaced by one of them: it reads every bracket as "c", and "|" as "i" or "l", like "1".
_READ_ALIKE = str.maketrans("{[<|", "(((1")
_PADDING = "0123456789!?.,;:*#$%&+-_=@ "


class PasswordPolicy:
    """Length, Django's list of common passwords, and zxcvbn with the user's own data.

    No composition rules (ASVS 6.2.5). Django's list has few entries of this length, so what is on it
    is also refused when it is repeated or padded to length (ASVS 6.2.4); zxcvbn finds sequences,
    keyboard walks and the user's own words.
    """

    def validate(self, password: str, user: Any = None) -> None:
        """Raise ValidationError with the reason. Everything but the longest length is of the form NFC."""
        if len(password) > MAX_LENGTH:
            raise ValidationError(f"Use at most {MAX_LENGTH} characters.", code="too-long")
        password = normalized(password)
        if len(password) < MIN_LENGTH:
            raise ValidationError(f"Use at least {MIN_LENGTH} characters.", code="too-short")
        if not acceptable_input(password):
            raise ValidationError("Remove characters that cannot be typed.", code="unusable")
        if any(form in _common().passwords for form in _plain_forms(password.lower())):
            raise ValidationError("This password is too common. Choose another one.", code="common")
        words = _words_of(user)
        found = _estimate(password, words)
        if int(found.score) < MIN_SCORE or _is_repeated(password, words):
            warning = found.feedback.warning if found.feedback else None
            hint = str(warning or "This password is easy to guess.")
            raise ValidationError(f"{hint} Use several unrelated words.", code="guessable")

    def get_help_text(self) -> str:
        return f"Use at least {MIN_LENGTH} characters, for example several unrelated words."


def _estimate(password: str, words: list[str]) -> Entropy:
    return zxcvbn(password[:LONGEST_SCORED].translate(_READ_ALIKE), words)


@cache
def _common() -> CommonPasswordValidator:
    return CommonPasswordValidator()


def _plain_forms(text: str) -> Iterator[str]:
    """What a password is without the padding and the repeats that brought it to length."""
    head, last = text.rstrip(text[-1]), text[-1]
    for form in (text, text.rstrip(_PADDING), text.strip(_PADDING), head, head + last):
        yield form
        again = (form + form).find(form, 1) if form else 0
        yield form[:again]  # its smallest repeated part


def _words_of(user: Any) -> list[str]:
    email, name = getattr(user, "email", ""), getattr(user, "name", "")
    local, _, domain = email.partition("@")
    host = urlsplit(options().public_origin).hostname or ""
    words = [email, local, domain, domain.partition(".")[0], name, *name.split(), host]
    return [word.lower() for word in ["gatehouse", *words] if len(word) > 2]


def _is_repeated(password: str, words: list[str]) -> bool:
    """One of the user's own words over and over, with anything short between."""
    text = password.lower()
    return any(len(text.replace(word, "")) < 6 for word in words)
