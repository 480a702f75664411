"""An app behind forward auth never gets a cookie of ours, nor a look-alike of one."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from frontend_site.forward_auth.app_cookies import cookies_for_app
from gatehouse.cookies import SESSION_COOKIE, read_cookie
from tests.frontend_site.stub import TOKEN
from tests.look_alikes import LOOK_ALIKES

OURS = f"{SESSION_COOKIE}={TOKEN}"


@pytest.mark.parametrize("alike", LOOK_ALIKES.values(), ids=LOOK_ALIKES.keys())
@pytest.mark.parametrize(
    "name", ["session", "csrf", "known-browser", "admin-session", "admin-csrf"]
)
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
