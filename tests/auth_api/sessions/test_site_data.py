"""What the site keeps in a user's session (auth_api/sessions/site_data.py), on a real Valkey."""

import threading
from collections.abc import Callable
from typing import Any

import pytest

from auth_api.sessions import services
from auth_api.sessions.codec import session_codec
from auth_api.sessions.redis.backend import backend
from auth_api.sessions.redis.keys import record_key
from auth_api.sessions.site_data import SiteChange, site_data_of
from auth_api.sessions.store import SessionStore
from gatehouse.site_data import DEPTH, LIMIT, SiteDataTooLarge
from tests.auth_api.sessions.conftest import is_alive, request_with
from tests.clock import age_sessions

SignIn = Callable[..., SessionStore]


def change(token: str, changed: Any = None, deleted: Any = ()) -> None:
    services.change_site_data(request_with(token), SiteChange(changed or {}, list(deleted)))


def data(token: str) -> dict[str, Any]:
    return services.current_session(request_with(token)).site_data


def stored(token: str) -> bytes:
    """The record as it is in the store."""
    opened = SessionStore(token).token
    assert opened is not None
    [value] = backend.records(opened.ref, [opened.id_hash])
    assert value is not None
    return value


def in_flight(token: str) -> SessionStore:
    """The store of a request that has found the session valid, and goes on."""
    store = SessionStore(token)
    store.current()
    return store


def test_different_keys_of_two_requests_both_stay(sign_in: SignIn) -> None:
    token = sign_in().session_key
    one, two = in_flight(token), in_flight(token)
    one.change_site_data(SiteChange({"basket": [1]}, []))
    two.change_site_data(SiteChange({"theme": "dark"}, []))
    assert data(token) == {"basket": [1], "theme": "dark"}


def test_the_last_writer_of_one_key_wins_and_what_is_deleted_stays_deleted(sign_in: SignIn) -> None:
    token = sign_in().session_key
    change(token, {"basket": [1], "theme": "dark"})
    one, two = in_flight(token), in_flight(token)
    one.change_site_data(SiteChange({"theme": "light"}, ["basket"]))
    two.change_site_data(SiteChange({"theme": "blue"}, []))
    assert data(token) == {"theme": "blue"}


def test_many_at_once_lose_nothing(sign_in: SignIn) -> None:
    token = sign_in().session_key
    stores = [in_flight(token) for _ in range(8)]

    def write(number: int) -> None:
        stores[number].change_site_data(SiteChange({f"key{number}": number}, []))

    threads = [threading.Thread(target=write, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert data(token) == {f"key{number}": number for number in range(8)}


def test_a_session_without_data_takes_no_byte_more(sign_in: SignIn) -> None:
    token = sign_in().session_key
    before = len(stored(token))
    change(token, {"basket": [1]})
    assert len(stored(token)) > before
    change(token, deleted=["basket", "never there"])
    assert len(stored(token)) == before


def test_it_is_sealed_as_the_rest_of_the_session_is(sign_in: SignIn) -> None:
    token, other = sign_in().session_key, sign_in().session_key
    change(token, {"secret-key": "secret-value"})
    value = stored(token)
    assert b"secret" not in value
    assert data(other) == {}  # another session of the same user
    opened = SessionStore(token).token
    assert opened is not None
    # What lists are made of, which needs no cookie, has none of it.
    header = in_flight(token).valid.record  # type: ignore[union-attr]
    about = session_codec().open_sign_in(opened.ref, opened.id_hash, header.header, header.body)
    assert "secret" not in repr(about)
    assert "secret" not in repr(services.current_session(request_with(token)))


@pytest.mark.parametrize("renewal", ["cycle_key", "reauthentication", "password"])
def test_it_moves_along_with_the_session(sign_in: SignIn, user: Any, renewal: str) -> None:
    token = sign_in().session_key
    change(token, {"basket": [1]})
    request = request_with(token)
    before = services.current_session(request)
    change(token, {"late": 2})  # by another request, after this one has read the session
    if renewal == "cycle_key":
        request.session.cycle_key()
    elif renewal == "reauthentication":
        services.renew_session(request, methods=("pwd",))
    else:
        user.set_password("another quiet harbour at dawn")
        user.save()
        services.start_session(request, user, remember=False, methods=("pwd",), before=before)
    assert not is_alive(token)
    assert data(request.session.session_key) == {"basket": [1], "late": 2}


def test_a_sign_in_starts_without_data(sign_in: SignIn, user: Any) -> None:
    token = sign_in().session_key
    change(token, {"basket": [1]})
    request = request_with(token)
    services.current_session(request)
    services.start_session(request, user, remember=False, methods=("pwd",))
    assert data(request.session.session_key) == {}


def test_a_change_does_not_count_as_use(sign_in: SignIn, redis_client: Any) -> None:
    """A poll may keep something, too, and must not keep the session alive."""
    token = sign_in().session_key
    age_sessions(redis_client, 1800)
    request = request_with(token)
    seen = services.current_session(request, slide=False).session
    opened = request.session.token
    key = record_key(opened.ref, opened.id_hash)
    left = redis_client.pttl(key)
    change(token, {"late": 1})
    assert redis_client.pttl(key) <= left
    now = services.current_session(request_with(token), slide=False).session
    assert (now.last_seen_at, now.idle_expires_at) == (seen.last_seen_at, seen.idle_expires_at)
    age_sessions(redis_client, 1801)
    assert not is_alive(token)


def test_what_two_requests_store_together_stays_within_the_limit(sign_in: SignIn) -> None:
    """Each alone would fit; the second is refused, and nothing of it is stored."""
    token = sign_in().session_key
    one, two = in_flight(token), in_flight(token)
    half = "ä" * (LIMIT // 4)
    one.change_site_data(SiteChange({"a": half}, []))
    with pytest.raises(SiteDataTooLarge):
        two.change_site_data(SiteChange({"b": half, "c": 1}, []))
    assert data(token) == {"a": half}
    change(token, {"b": half[:-20]})
    assert is_alive(token)


def test_what_is_too_deep_to_be_read_again_is_not_stored(sign_in: SignIn) -> None:
    token = sign_in().session_key
    value: Any = 1
    for _ in range(DEPTH):
        value = [value]
    change(token, {"deep": value})
    with pytest.raises(TypeError):
        change(token, {"deeper": [value]})
    assert data(token) == {"deep": value}


def test_data_of_other_code_in_the_session_stays(sign_in: SignIn) -> None:
    token = sign_in().session_key
    store = SessionStore(token)
    store["ours"] = 1
    store.save()
    change(token, {"theirs": 2})
    assert SessionStore(token)["ours"] == 1
    assert "theirs" not in SessionStore(token)
    store = SessionStore(token)
    store["ours"] = 3
    store.save()
    assert data(token) == {"theirs": 2}
    assert site_data_of(store.valid.payload) == {"theirs": 2}  # type: ignore[union-attr]
