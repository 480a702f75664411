"""One character that arrives in several ways is one (NFC); hashes from before stay usable."""

from typing import Any

import pytest
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError

from auth_api.errors import Overloaded
from auth_api.tries import FREE_TRIES
from auth_api.users.models import User
from auth_api.users.passwords import hashing, normalization
from tests.auth_api.argon2_runs import argon2_runs
from tests.auth_api.http import call, session_token
from tests.auth_api.sessions.conftest import make_user

pytestmark = pytest.mark.django_db(transaction=True)

EMAIL = "ada@example.com"
COMPOSED = "d\u00e9j\u00e0 vu au caf\u00e9 de l'\u00eele"
DECOMPOSED = "de\u0301ja\u0300 vu au cafe\u0301 de l'i\u0302le"


def login(password: str, email: str = EMAIL) -> int:
    status: int = call("POST", "/v1/login", {"email": email, "password": password}).status_code
    return status


def with_hash_of_what_was_typed(password: str) -> User:
    """Return an account of an earlier release, which hashed passwords as they came."""
    user: User = make_user(EMAIL)
    hasher = super(hashing.Argon2idHasher, hashing.Argon2idHasher())
    User.objects.filter(pk=user.pk).update(password=hasher.encode(password, "s" * 22))
    user.refresh_from_db()
    return user


@pytest.mark.parametrize("chosen", [COMPOSED, DECOMPOSED])
@pytest.mark.parametrize("typed", [COMPOSED, DECOMPOSED])
def test_a_password_opens_its_account_from_every_keyboard(chosen: str, typed: str) -> None:
    user = make_user(EMAIL)
    user.set_password(chosen)
    user.save()
    assert login(typed) == 200


def test_a_hash_of_what_was_typed_opens_too_and_is_stored_in_nfc() -> None:
    user = with_hash_of_what_was_typed(DECOMPOSED)
    assert login(COMPOSED) == 401  # as before: this keyboard never opened it
    assert login(DECOMPOSED) == 200
    assert User.objects.get(pk=user.pk).session_epoch == user.session_epoch  # no session ends
    assert login(COMPOSED) == 200


def test_a_hash_from_elsewhere_is_stored_in_nfc_too() -> None:
    user = make_user(EMAIL)
    stored = PBKDF2PasswordHasher().encode(DECOMPOSED, "salt", iterations=10)
    User.objects.filter(pk=user.pk).update(password=stored)
    assert login(DECOMPOSED) == 200
    assert login(COMPOSED) == 200
    assert User.objects.get(pk=user.pk).password.startswith("argon2$")


@pytest.mark.parametrize("email", [EMAIL, "nobody@example.com", "no address"])
@pytest.mark.parametrize(
    ("typed", "runs"), [("plain ascii and wrong", 1), (COMPOSED, 1), (DECOMPOSED, 2)]
)
def test_the_cost_depends_on_what_was_typed_and_not_on_the_account(
    email: str, typed: str, runs: int
) -> None:
    make_user(EMAIL)
    login("first, so that nothing is made for the first time", email)
    with argon2_runs() as counts:
        assert login(typed, email) == 401
    assert counts == {"libsodium": runs, "argon2-cffi": 0}


def test_a_try_that_was_compared_in_one_form_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Otherwise an overload would give away free guesses."""
    make_user(EMAIL)
    check = normalization.check_password

    def full_at_the_second(password: str, *rest: Any, **more: Any) -> bool:
        if password == DECOMPOSED:
            raise Overloaded
        return check(password, *rest, **more)

    monkeypatch.setattr(normalization, "check_password", full_at_the_second)
    assert [login(DECOMPOSED) for _ in range(FREE_TRIES + 1)] == [503] * FREE_TRIES + [429]


def test_accents_do_not_bring_a_password_to_length() -> None:
    with pytest.raises(ValidationError, match="at least 15"):
        validate_password("e\u0301" * 10)


def test_the_present_password_in_another_form_is_not_a_new_one() -> None:
    user = make_user(EMAIL)
    user.set_password(COMPOSED)
    user.save()
    token = session_token(call("POST", "/v1/login", {"email": EMAIL, "password": COMPOSED}))
    form = {"current_password": COMPOSED, "new_password": DECOMPOSED}
    answer = call("POST", "/v1/password/change", form, token=token)
    assert answer.status_code == 400
    assert "new_password" in answer.json()["errors"]
