"""An account, a stranger in it, and a superuser at the admin."""

import pytest

from auth_api.users.models import User
from tests.auth_api.http import call
from tests.auth_api.sessions.conftest import PASSWORD, make_user
from tests.auth_api.users.admin_browser import AdminBrowser, superuser_browser
from tests.auth_api.users.stranger import (
    OWN,
    Stranger,
)


@pytest.fixture
def owner() -> User:
    user: User = make_user(OWN)
    call("POST", "/v1/login", {"email": OWN, "password": PASSWORD})
    return user


@pytest.fixture
def stranger(owner: User) -> Stranger:
    """A stranger who has signed in; the owner was notified."""
    return Stranger().sign_in()


@pytest.fixture
def root() -> AdminBrowser:
    """The browser of a superuser, signed in to the admin."""
    return superuser_browser()
