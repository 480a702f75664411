"""A request in flight against the end of its session, in every order that matters.

The barrier is in the open: the request loads its session (it is "in flight"), the session is
ended, and only then the request writes. Whatever it writes, the session must stay dead.
"""

from collections.abc import Callable
from typing import Any

import pytest
from django.conf import settings
from django.contrib.sessions.backends.base import UpdateError

from auth_api.sessions import services
from auth_api.sessions.exceptions import NoSession, SessionEnded
from auth_api.sessions.site_data import SiteChange
from auth_api.sessions.store import SessionStore
from tests.auth_api.sessions.conftest import is_alive, request_with
from tests.clock import age_sessions
from tests.store_contents import stored_keys

End = Callable[[str, str, Any, Any], None]


def logout(token: str, other: str, user: Any, client: Any) -> None:
    services.end_session(request_with(token))


def revoke_one(token: str, other: str, user: Any, client: Any) -> None:
    handle = services.current_session(request_with(token)).session.handle
    services.end_session_by_handle(request_with(other), handle)


def revoke_others(token: str, other: str, user: Any, client: Any) -> None:
    services.end_other_sessions(request_with(other))


def raise_epoch(token: str, other: str, user: Any, client: Any) -> None:
    services.end_all_sessions(user)


def rotation(token: str, other: str, user: Any, client: Any) -> None:
    store = SessionStore(token)
    store.load()
    SessionStore.cycle_key(store)


def expiry(token: str, other: str, user: Any, client: Any) -> None:
    age_sessions(client, settings.GATEHOUSE.session_absolute + 1)


def login_in_the_same_browser(token: str, other: str, user: Any, client: Any) -> None:
    services.start_session(request_with(token), user, remember=False, methods=("pwd",))


def deactivation(token: str, other: str, user: Any, client: Any) -> None:
    user.is_active = False
    user.save()


def password_change(token: str, other: str, user: Any, client: Any) -> None:
    user.set_password("another quiet harbour at dawn")
    user.save()


ENDS: list[End] = [
    logout,
    revoke_one,
    revoke_others,
    raise_epoch,
    rotation,
    expiry,
    login_in_the_same_browser,
    deactivation,
    password_change,
]


def write_a_key(store: SessionStore) -> None:
    store["written"] = "late"
    store.save()


def change_data_of_the_site(store: SessionStore) -> None:
    store.change_site_data(SiteChange({"written": "late"}, []))


def delete_a_key(store: SessionStore) -> None:
    store.pop("_auth_user_hash")
    store.save()


def renew(store: SessionStore) -> None:
    store.cycle_key()


def reauthenticate(store: SessionStore) -> None:
    store.renew(shown=("pwd",))


def slide(store: SessionStore) -> None:
    store.validate()


def nothing(store: SessionStore) -> None:
    """The request only read."""


WRITES = [write_a_key, change_data_of_the_site, delete_a_key, renew, reauthenticate, slide, nothing]


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("write", WRITES)
def test_an_ended_session_stays_dead(
    end: End, write: Callable[[SessionStore], None], sign_in: Any, user: Any, redis_client: Any
) -> None:
    token, other = sign_in().session_key, sign_in().session_key
    in_flight = SessionStore(token)
    assert in_flight["_auth_user_id"]
    end(token, other, user, redis_client)
    if write is not nothing:
        with pytest.raises((UpdateError, NoSession)):
            write(in_flight)
    assert not is_alive(token)
    assert in_flight.session_key is None or not is_alive(in_flight.session_key)


@pytest.mark.parametrize("end", [e for e in ENDS if e is not rotation])
@pytest.mark.parametrize("write", [write_a_key, change_data_of_the_site, renew, reauthenticate])
def test_a_write_just_before_the_end_saves_nothing(
    end: End, write: Callable[[SessionStore], None], sign_in: Any, user: Any, redis_client: Any
) -> None:
    """The other order: the request writes first, then its session is ended."""
    token, other = sign_in().session_key, sign_in().session_key
    in_flight = SessionStore(token)
    assert in_flight["_auth_user_id"]
    write(in_flight)
    end(in_flight.session_key, other, user, redis_client)
    assert not is_alive(token)
    assert not is_alive(in_flight.session_key)


def test_a_slide_in_flight_does_not_revive(sign_in: Any, redis_client: Any) -> None:
    token = sign_in().session_key
    age_sessions(redis_client, 120)  # the next validation would slide
    SessionStore(token).delete()
    with pytest.raises((NoSession, SessionEnded)):
        SessionStore(token).validate()
    assert not [key for key in stored_keys(redis_client) if b":s:" in key]
