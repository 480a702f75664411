"""The strict rule for our cookies, and Set-Cookie lines that pass untouched."""

import pytest
from django.http import HttpResponse
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from frontend_site.cookies import (
    CSRF_COOKIE,
    SESSION_COOKIE,
    DuplicateCookie,
    SessionToken,
    add_set_cookie,
    cookies_for_app,
    read_cookie,
)
from tests.frontend_site.browser import set_cookie_lines
from tests.frontend_site.stub import NEW_TOKEN, TOKEN

OURS = f"{SESSION_COOKIE}={TOKEN}"

LOOK_ALIKES = {
    "the same name": f"{SESSION_COOKIE}=evil",
    "an en quad in front": f"\xe2\x80\x80{SESSION_COOKIE}=evil",
    "a no-break space in front": f"\xc2\xa0{SESSION_COOKIE}=evil",
    "a bare Latin-1 no-break space": f"\xa0{SESSION_COOKIE}=evil",
    "a next-line character": f"\x85{SESSION_COOKIE}=evil",
    "a file separator": f"\x1c{SESSION_COOKIE}=evil",
    "an ideographic space behind": f"{SESSION_COOKIE}\xe3\x80\x80=evil",
    "a zero-width space inside": "__Host-\xe2\x80\x8bsession=evil",
    "another case": "__host-SESSION=evil",
    "a long s": "__Host-\xc5\xbfession=evil",
    "full-width letters": "__Host-\xef\xbd\x93ession=evil",
    "a blank before the equals sign": f"{SESSION_COOKIE} =evil",
    "quotes around the name": f'"{SESSION_COOKIE}"=evil',
    "no equals sign": SESSION_COOKIE,
}


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
    assert SessionToken.parse(read_cookie(header, SESSION_COOKIE)) is None


@pytest.mark.parametrize(
    "value",
    [
        "",
        "x",
        TOKEN + "x",
        TOKEN[:-1],
        f'"{TOKEN}"',
        TOKEN.replace(".", ":"),
        TOKEN.replace("s", "\xe9", 1),
        TOKEN + "\n",
        "A" * 60,
        "." * 60,
        "A" * 100_000,
    ],
)
def test_a_garbled_value_counts_as_absent(value: str) -> None:
    assert SessionToken.parse(value) is None


def test_the_token_hides_itself_in_logs() -> None:
    assert TOKEN not in f"{SessionToken(TOKEN)} {SessionToken(TOKEN)!r}"


@pytest.mark.parametrize("alike", LOOK_ALIKES.values(), ids=LOOK_ALIKES.keys())
@pytest.mark.parametrize("name", ["session", "csrf", "admin-session", "admin-csrf"])
def test_an_app_gets_no_look_alike_of_our_cookies(alike: str, name: str) -> None:
    piece = alike.replace("session", name).replace("SESSION", name.upper())
    assert cookies_for_app(f"a=1;{piece}; {OURS};b=2") == "a=1; b=2"
    assert cookies_for_app(f"{piece},{OURS}") == ""
    assert cookies_for_app(f"a=1,{piece}; b=2") == "b=2"


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # the machine may be busy
@given(st.lists(st.sampled_from([OURS, SESSION_COOKIE, *'=;, \t"ab\xa0'])).map("".join))
def test_whatever_comes_an_app_reads_no_session_and_a_well_formed_header(header: str) -> None:
    kept = cookies_for_app(header)
    assert read_cookie(kept, SESSION_COOKIE) is None
    assert all("=" in piece and not piece.startswith("=") for piece in kept.split("; ") if kept)
    assert cookies_for_app(kept) == kept
    assert cookies_for_app(f"{kept}; {OURS}") == kept


def test_the_csrf_cookie_follows_the_same_rule() -> None:
    with pytest.raises(DuplicateCookie):
        read_cookie(f"{CSRF_COOKIE}=a; {CSRF_COOKIE}=a", CSRF_COOKIE)


def test_set_cookie_lines_pass_byte_for_byte_even_two_of_one_name() -> None:
    lines = [
        f"{SESSION_COOKIE}={TOKEN}; HttpOnly; Path=/; SameSite=Strict; Secure",
        f"{SESSION_COOKIE}=; max-age=0;path=/;  SECURE; future-attribute=1",
        'other="a b\\054c"; Expires=Thu, 01 Jan 1970 00:00:00 GMT',
    ]
    response = HttpResponse()
    for line in lines:
        add_set_cookie(response, line)
    assert set_cookie_lines(response) == lines
