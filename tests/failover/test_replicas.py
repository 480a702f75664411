"""Writes that replicas do not acknowledge fail; calls that need no acknowledgement do not wait."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest
from django_redis.pool import SentinelConnectionFactory

from auth_api.sessions import services
from auth_api.sessions.exceptions import SessionStoreUnavailable
from auth_api.sessions.redis import connections, held
from auth_api.sessions.store import SessionStore
from auth_api.settings.redis import caches
from tests.auth_api.sessions.conftest import is_alive, request_with
from tests.topologies import SERVICE, Sentinels, wait_for


@contextmanager
def a_frozen_replica(sentinels: Sentinels) -> Iterator[None]:
    """The primary accepts writes and replicates none, as before a failover that loses them."""
    primary, replica = sentinels.roles()
    replica.pause()
    try:
        yield
    finally:
        replica.resume()
        wait_for(lambda: primary.client().wait(1, 1000) == 1, "the replica to have it all")


def sign_out(token: str, user: Any) -> None:
    services.end_session(request_with(token))


def end_one_by_its_handle(token: str, user: Any) -> None:
    request = request_with(token)
    services.end_session_by_handle(request, request.session.token.handle)


def end_the_others(token: str, user: Any) -> None:
    services.end_other_sessions(request_with(token))


def end_all(token: str, user: Any) -> None:
    services.end_all_sessions(user)


def sign_in_again(token: str, user: Any) -> None:
    services.start_session(request_with(token), user, remember=False, methods=("pwd",))


def renew(token: str, user: Any) -> None:
    services.renew_session(request_with(token), methods=("pwd",))


def write_data(token: str, user: Any) -> None:
    store = SessionStore(token)
    store["written"] = "by a view"
    store.save()


ENDINGS = [sign_out, end_one_by_its_handle, end_the_others]
OTHERS = [end_all, sign_in_again, renew, write_data]


@pytest.mark.parametrize("act", [*ENDINGS, *OTHERS])
def test_what_no_replica_has_is_not_answered(
    sentinels: Sentinels, sign_in: Any, user: Any, act: Callable[[str, Any], None]
) -> None:
    token = sign_in().session_key
    sign_in()
    with a_frozen_replica(sentinels), pytest.raises(SessionStoreUnavailable):
        act(token, user)


@pytest.mark.parametrize("act", OTHERS)
def test_an_outage_of_the_replicas_signs_nobody_out(
    sentinels: Sentinels, sign_in: Any, user: Any, act: Callable[[str, Any], None]
) -> None:
    """These calls keep the session or replace it; the browser would not get the new one."""
    token = sign_in().session_key
    with a_frozen_replica(sentinels):
        with pytest.raises(SessionStoreUnavailable):
            act(token, user)
        assert is_alive(token)
    assert is_alive(token)
    act(token, user)


def test_an_ending_that_is_tried_again_still_needs_a_replica(
    sentinels: Sentinels, sign_in: Any
) -> None:
    """The second try, on a new connection, has nothing to end, and so no write of its own to wait for."""
    token = sign_in().session_key
    with a_frozen_replica(sentinels):
        for _ in range(3):
            with pytest.raises(SessionStoreUnavailable):
                SessionStore(token).delete()
    SessionStore(token).delete()
    assert not is_alive(token)


def test_sessions_end_and_are_acknowledged_without_memory_to_spare(
    sentinels: Sentinels, sign_in: Any
) -> None:
    """The second try has nothing to end: what is acknowledged then is the mark."""
    token = sign_in().session_key
    client = sentinels.roles()[0].client()
    client.config_set("maxmemory", 1)
    try:
        for _ in range(2):
            SessionStore(token).delete()
    finally:
        client.config_set("maxmemory", 0)
    assert not is_alive(token)


def test_validations_wait_for_nobody(sentinels: Sentinels, sign_in: Any) -> None:
    token = sign_in().session_key
    primary, _ = sentinels.roles()
    primary.client().config_resetstat()
    with a_frozen_replica(sentinels):
        assert is_alive(token)
        asked = primary.client().info("commandstats")
    assert "cmdstat_wait" not in asked
    assert asked["cmdstat_evalsha"]["calls"] == 1


def test_a_sign_in_is_acknowledged_once(sentinels: Sentinels, sign_in: Any) -> None:
    sign_in()
    primary, _ = sentinels.roles()
    primary.client().config_resetstat()
    sign_in()
    asked = primary.client().info("commandstats")
    # First the time to be sealed is read, then the session is written.
    assert (asked["cmdstat_evalsha"]["calls"], asked["cmdstat_wait"]["calls"]) == (2, 1)


def test_a_script_that_the_server_does_not_know_is_acknowledged_too(
    sentinels: Sentinels, sign_in: Any
) -> None:
    primary, _ = sentinels.roles()
    primary.client().script_flush()
    token = sign_in().session_key
    primary.client().script_flush()
    with a_frozen_replica(sentinels), pytest.raises(SessionStoreUnavailable):
        SessionStore(token).delete()


def test_connections_to_a_server_without_its_replicas_are_asked_for_anew(
    sentinels: Sentinels, sign_in: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "_JUST_MADE", 0.0)
    token = sign_in().session_key
    primary, _ = sentinels.roles()

    def ours() -> set[str]:
        found = primary.client().client_list(_type="normal")
        return {c["id"] for c in found if c["name"] == "" and c["addr"].startswith("127.")}

    held = ours()
    assert held
    with a_frozen_replica(sentinels), pytest.raises(SessionStoreUnavailable):
        SessionStore(token).delete()
    assert not held & ours()


def test_sessions_go_on_while_no_sentinel_answers(
    sentinels: Sentinels, sign_in: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing confirms the primary, but no failover can happen either."""
    token = sign_in().session_key
    monkeypatch.setattr(held, "LONGEST_HELD", 0.0)
    monkeypatch.setattr(held, "RENEWAL_PAUSE", 0.0)
    for sentinel in sentinels.sentinels:
        sentinel.stop()
    try:
        assert is_alive(token)
        SessionStore(token).delete()
        assert not is_alive(token)
    finally:
        for sentinel in sentinels.sentinels:
            sentinel.start()
        wait_for(lambda: all(s.sees_everybody() for s in sentinels.sentinels), "them to meet again")


def test_a_sentinel_that_is_away_is_asked_once(sentinels: Sentinels) -> None:
    """By default, redis-py asks it four times, seconds apart, before it asks the next one."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        asked: list[int] = []

        def hang_up() -> None:
            with suppress(OSError):
                while True:
                    listener.accept()[0].close()
                    asked.append(1)

        threading.Thread(target=hang_up, daemon=True).start()
        addresses = [listener.getsockname()[1], *(s.port for s in sentinels.sentinels)]
        listed = ",".join(f"127.0.0.1:{port}" for port in addresses)
        cache = caches(f"redis+sentinel://{listed}/{SERVICE}/1")[
            "sessions"
        ]  # pools are kept by URL
        factory = SentinelConnectionFactory(cache["OPTIONS"])
        assert factory.connect(cache["LOCATION"] + "?is_master=1").ping()
        listener.shutdown(socket.SHUT_RDWR)
    assert len(asked) == 1
