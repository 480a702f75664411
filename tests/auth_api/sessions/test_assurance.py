"""Levels of assurance: what a second factor is worth after some time, and after some time without use."""

from typing import Any

import pytest

from auth_api.sessions import services
from auth_api.sessions.assurance import AAL1, AAL2, Assurance, assurance_of
from auth_api.sessions.records import Flag, Header, SessionRecord, Shown, SignIn
from auth_api.sessions.saving import update_session
from auth_api.sessions.store import SessionStore
from tests.auth_api.sessions.conftest import request_with
from tests.clock import age_sessions

HOUR, DAY = 3600, 86400
NOW = 1_790_000_000


def record(*, seen: int = 0, idle_before: bool = False) -> SessionRecord:
    """A record that was last used `seen` seconds ago."""
    header = Header(2, Flag.BOUND, 14 * DAY, 30 * DAY, 1, NOW - DAY, NOW - 7)
    return SessionRecord(header, NOW - seen, 5 + (idle_before << 31), b"")


def level(*shown: tuple[str, int], seen: int = 0, idle_before: bool = False) -> Assurance:
    """The level of a session that showed each method so many seconds ago."""
    sign_in = SignIn(shown=tuple(Shown(method, NOW - ago) for method, ago in shown))
    return assurance_of(record(seen=seen, idle_before=idle_before), sign_in, NOW)


def test_a_password_is_the_first_level() -> None:
    assert level(("pwd", 7)) == (AAL1, ("pwd",), NOW - 7, None)


@pytest.mark.parametrize("method", ["otp", "recovery"])
def test_a_second_factor_is_the_second_level(method: str) -> None:
    """A recovery code is a one-time password by RFC 8176."""
    expected = (AAL2, ("pwd", "otp", "mfa"), NOW - 7, NOW + HOUR)
    assert level(("pwd", 50), (method, 50)) == expected


def test_the_second_level_ends_a_day_after_the_factor_whatever_the_use() -> None:
    assert level(("pwd", DAY), ("otp", DAY)) == (AAL2, ("pwd", "otp", "mfa"), NOW - 7, NOW)
    assert level(("pwd", DAY + 1), ("otp", DAY + 1)) == (AAL1, ("pwd",), NOW - 7, None)


def test_the_second_level_ends_after_an_hour_without_use() -> None:
    assert level(("pwd", 2 * HOUR), ("otp", 2 * HOUR), seen=HOUR).acr == AAL2
    assert level(("pwd", 2 * HOUR), ("otp", 2 * HOUR), seen=HOUR + 1).acr == AAL1
    assert level(("pwd", 2 * HOUR), ("otp", 2 * HOUR), idle_before=True).acr == AAL1


def test_a_password_does_not_make_the_second_factor_younger() -> None:
    assert level(("otp", DAY + 1), ("pwd", 7)).acr == AAL1


def test_a_factor_without_a_time_proves_nothing() -> None:
    """A record of format 1 says which methods, and not when."""
    sign_in = SignIn(shown=(Shown("pwd", 0), Shown("otp", 0)))
    assert assurance_of(record(), sign_in, NOW).acr == AAL1


@pytest.fixture
def token(user: Any) -> str:
    """A session that is kept signed in, and has shown a second factor."""
    request = request_with(None)
    services.start_session(request, user, remember=True, methods=("pwd", "otp"))
    return str(request.session.session_key)


def acr_of(token: str, *, slide: bool = True) -> str:
    return services.current_session(request_with(token), slide=slide).session.assurance.acr


def test_use_keeps_the_level_for_a_day_and_no_longer(token: str, redis_client: Any) -> None:
    for _ in range(28):  # 23 h 20 min
        age_sessions(redis_client, 3000)
        assert acr_of(token) == AAL2
    age_sessions(redis_client, 3000)
    assert acr_of(token) == AAL1


def test_an_hour_without_use_is_not_forgotten_by_use(token: str, redis_client: Any) -> None:
    age_sessions(redis_client, HOUR + 60)
    assert acr_of(token, slide=False) == AAL1  # a look
    assert acr_of(token) == AAL1  # the first use after it, which moves the idle clock
    assert acr_of(token) == AAL1
    assert acr_of(token, slide=False) == AAL1
    [listed] = services.list_sessions(request_with(token))
    assert (listed.assurance.acr, listed.methods) == (AAL1, ("pwd", "otp"))


@pytest.mark.parametrize("write", ["data", "password", "new token"])
def test_an_hour_without_use_is_not_forgotten_by_a_write(
    token: str, redis_client: Any, write: str
) -> None:
    age_sessions(redis_client, HOUR + 60)
    request = request_with(token)
    services.current_session(request)
    assert acr_of(written(request, write)) == AAL1


@pytest.mark.parametrize(
    ("shown", "is_use"), [((), True), (("pwd",), True), ((), False)], ids=["", "shown", "no use"]
)
def test_a_write_over_a_record_that_was_only_looked_at_forgets_nothing(
    token: str, redis_client: Any, shown: tuple[str, ...], is_use: bool
) -> None:
    """It would move the idle clock, and nothing else has noted the hour."""
    age_sessions(redis_client, HOUR + 60)
    looked = SessionStore(token).validate(slide=False)
    assert not looked.record.was_idle
    update_session(looked, dict, new_token=looked.token, shown=shown, is_use=is_use)
    assert acr_of(token) == AAL1


def test_a_write_that_read_before_the_hour_forgets_nothing(token: str, redis_client: Any) -> None:
    """The other request marks the record while this one is on its way."""
    request = request_with(token)
    services.current_session(request)
    age_sessions(redis_client, HOUR + 60)
    assert acr_of(token) == AAL1
    assert acr_of(written(request, "data")) == AAL1


def written(request: Any, what: str) -> str:
    """Write to the request's session; return its token after that."""
    store: SessionStore = request.session
    match what:
        case "data":
            store["basket"] = 1
            store.save()
        case "password":
            services.renew_session(request, methods=("pwd",))
        case _:
            store.cycle_key()
    return str(store.session_key)


def test_the_code_again_restores_the_level(token: str, redis_client: Any) -> None:
    age_sessions(redis_client, HOUR + 60)
    request = request_with(token)
    services.current_session(request)
    services.renew_session(request, methods=("otp",))
    level = services.current_session(request_with(request.session.session_key)).session.assurance
    assert (level.acr, level.amr) == (AAL2, ("pwd", "otp", "mfa"))


def test_a_session_that_continues_another_has_no_higher_level(
    token: str, user: Any, redis_client: Any
) -> None:
    """A changed password starts a new session with what the one before has shown."""
    age_sessions(redis_client, HOUR + 60)
    request = request_with(token)
    before = services.current_session(request)
    after = services.start_session(request, user, remember=True, methods=("pwd",), before=before)
    assert after.session.assurance.acr == AAL1


def test_a_session_of_before_counts_if_it_was_used(token: str, user: Any) -> None:
    request = request_with(token)
    before = services.current_session(request)
    after = services.start_session(request, user, remember=True, methods=("pwd",), before=before)
    assert after.session.assurance.acr == AAL2
