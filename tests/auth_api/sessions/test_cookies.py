"""Our cookies, read by one strict rule (the door's tests: users/test_admin_doors.py)."""

import pytest

from auth_api.sessions.cookies import read_session_cookie
from gatehouse.cookies import DuplicateCookie

NAME = "__Host-session"
TOKEN = "AbCdEfGhIjKlMnOp." + "s" * 43


def value_in(header: str) -> str | None:
    token = read_session_cookie(header, NAME)
    return token.value if token else None


@pytest.mark.parametrize("value", [TOKEN, f" {TOKEN}", f"{TOKEN} ", f"{TOKEN}\t", "", "a=b", '"x"'])
@pytest.mark.parametrize("name", [NAME, f" {NAME}", f"{NAME} "])
def test_alone_it_is_read_as_it_is_among_others(name: str, value: str) -> None:
    """The BFF sends it alone, which has a short way of its own."""
    alone = f"{name}={value}"
    assert value_in(alone) == value_in(f"{alone}; c=d") == value_in(f"c=d; {alone}")


@pytest.mark.parametrize("between", ["; ", ";", ",", ", "])
def test_twice_is_tampering(between: str) -> None:
    with pytest.raises(DuplicateCookie):
        read_session_cookie(f"{NAME}={TOKEN}{between}{NAME}={TOKEN}", NAME)
