"""Rows read with SQL of our own are what the ORM reads."""

import uuid
from typing import Any

import pytest
from django.core.exceptions import ValidationError

from auth_api.one_row import read_row
from auth_api.users.models import User
from tests.auth_api.sessions.conftest import make_user

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("name", ["id", "email", "session_ref"])
def test_a_row_is_the_one_that_the_orm_reads(name: str) -> None:
    user = make_user("ada@example.com")
    make_user("grace@example.com")
    unique = {name: getattr(user, name)}
    ours, theirs = read_row(User, **unique), User.objects.get(**unique)
    assert ours is not None
    assert ours._values() == theirs._values() == ours._stored
    assert (ours._state.db, ours._state.adding) == (theirs._state.db, False)
    ours.name = "Ada Lovelace"
    ours.save()
    assert User.objects.get(**unique).name == "Ada Lovelace"


@pytest.mark.parametrize(
    ("name", "value"),
    [("id", uuid.uuid4()), ("id", str(uuid.uuid4())), ("email", "nobody@example.com"), ("email", "' OR 1=1 --"), ("email", "%s")],
)  # fmt: skip
def test_no_row(name: str, value: Any) -> None:
    make_user("ada@example.com")
    assert read_row(User, **{name: value}) is None


def test_a_value_that_the_field_cannot_have() -> None:
    with pytest.raises(ValidationError):
        read_row(User, id="0")
