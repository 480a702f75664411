"""Accounts and the policy that tests of several doors begin with."""

from dataclasses import replace
from typing import Any

import pytest

from auth_api.users.models import User
from tests.auth_api.factors import EMAIL, App, Policy, enrol, login, signin_token
from tests.auth_api.http import session_token
from tests.auth_api.sessions.conftest import make_user


@pytest.fixture
def user() -> Any:
    return make_user(EMAIL)


@pytest.fixture
def before(user: User) -> str:
    """The token of a session that was there before the factor."""
    return session_token(login())


@pytest.fixture
def enrolled(before: str) -> tuple[App, str]:
    """The app of the account, and the token of the session that has added it."""
    return enrol(session_token(login()))


@pytest.fixture
def policy(settings: Any) -> Policy:
    """Sets the policy: `asked`, groups, seconds of grace."""

    def set_policy(asked: str = "all", *groups: str, grace: int = 0) -> None:
        settings.GATEHOUSE = replace(
            settings.GATEHOUSE,
            second_factor=asked,
            second_factor_groups=frozenset(groups),
            second_factor_grace=grace,
        )

    return set_policy


@pytest.fixture
def pending(user: User, policy: Policy) -> str:
    """A sign-in that waits for its enrolment."""
    policy("all")
    return signin_token(login())
