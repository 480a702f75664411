"""The strict rule for our cookies, in the one place that both services use."""

import pytest

from gatehouse.cookies import (
    CSRF_COOKIE,
    SESSION_COOKIE,
    SESSION_TOKEN,
    DuplicateCookie,
    is_look_alike,
    read_cookie,
)  # fmt: skip
from tests.look_alikes import LOOK_ALIKES

TOKEN, NEW_TOKEN = f"{'A' * 16}.{'s' * 43}", f"{'B' * 16}.{'t' * 43}"
OURS = f"{SESSION_COOKIE}={TOKEN}"


def test_the_session_cookie_is_read_among_others() -> None:
    assert read_cookie(f"a=b; {OURS}; c=d", SESSION_COOKIE) == TOKEN


@pytest.mark.parametrize("value", [TOKEN, f" {TOKEN}", f"{TOKEN} ", f"{TOKEN}\t", "", "a=b", '"x"'])
@pytest.mark.parametrize("name", [SESSION_COOKIE, f" {SESSION_COOKIE}", f"{SESSION_COOKIE} "])
def test_alone_it_is_read_as_it_is_among_others(name: str, value: str) -> None:
    alone = f"{name}={value}"
    assert read_cookie(alone, SESSION_COOKIE) == read_cookie(f"{alone}; c=d", SESSION_COOKIE)


@pytest.mark.parametrize("alike", LOOK_ALIKES.values(), ids=LOOK_ALIKES.keys())
@pytest.mark.parametrize("order", [1, -1], ids=["behind", "in front"])
def test_a_look_alike_beside_our_cookie_is_tampering(alike: str, order: int) -> None:
    header = "; ".join([OURS, alike][::order])
    with pytest.raises(DuplicateCookie):
        read_cookie(header, SESSION_COOKIE)


@pytest.mark.parametrize("alike", LOOK_ALIKES.values(), ids=LOOK_ALIKES.keys())
def test_a_look_alike_alone_is_no_session(alike: str) -> None:
    value = read_cookie(alike.replace("evil", TOKEN), SESSION_COOKIE)
    exact = alike.startswith(SESSION_COOKIE + "=")
    assert value == (TOKEN if exact else None)


def test_two_cookie_lines_joined_by_a_comma_are_tampering() -> None:
    with pytest.raises(DuplicateCookie):
        read_cookie(f"{OURS},{SESSION_COOKIE}={NEW_TOKEN}", SESSION_COOKIE)


@pytest.mark.parametrize("header", [f"a=b,{OURS}", f"{OURS},a=b", f"{OURS},", f",{OURS}"])
def test_a_session_that_touches_a_comma_is_none(header: str) -> None:
    assert not SESSION_TOKEN.fullmatch(read_cookie(header, SESSION_COOKIE) or "")


def test_the_csrf_cookie_follows_the_same_rule() -> None:
    with pytest.raises(DuplicateCookie):
        read_cookie(f"{CSRF_COOKIE}=a; {CSRF_COOKIE}=a", CSRF_COOKIE)


def test_a_quoted_value_keeps_its_quotes_so_that_it_is_no_token() -> None:
    assert read_cookie(f'{SESSION_COOKIE}="{TOKEN}"', SESSION_COOKIE) == f'"{TOKEN}"'


@pytest.mark.parametrize("alike", LOOK_ALIKES.values(), ids=LOOK_ALIKES.keys())
def test_every_look_alike_is_known_as_one(alike: str) -> None:
    assert is_look_alike(alike.partition("=")[0])
    assert not is_look_alike("theme")


@pytest.mark.parametrize("stem", ["session", "known-browser", "admin-session"])
def test_the_secrets_of_other_instances_on_this_host_are_known_too(stem: str) -> None:
    assert is_look_alike(f"__Host-{stem}-b")
    assert is_look_alike(f"__HOST-{stem}-b2 ")
    assert not is_look_alike(f"__Host-{stem}-not-one")
    assert not is_look_alike(f"__Host-{stem}s")


def test_the_csrf_token_of_an_app_is_its_own() -> None:
    assert not is_look_alike("__Host-csrf-token")
