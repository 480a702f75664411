"""Edge cases of the scripts: each test fails if one condition is removed."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from auth_api.options import options
from auth_api.sessions import services, snapshots
from auth_api.sessions.codec import session_codec
from auth_api.sessions.exceptions import SessionEnded
from auth_api.sessions.login import login_data
from auth_api.sessions.records import SignIn as StartedBy
from auth_api.sessions.redis.answers import NeedsSnapshot, Stored, TokenTaken
from auth_api.sessions.redis.backend import backend
from auth_api.sessions.redis.keys import index_key, record_key, snapshot_key
from auth_api.sessions.store import SessionStore
from auth_api.sessions.tokens import SessionToken
from tests.auth_api.sessions.conftest import is_alive, request_with, run_of
from tests.auth_api.sessions.test_finality import header_of_now
from tests.clock import age_sessions
from tests.store_contents import command_counts, reset_command_counts, stored_keys

SignIn = Callable[..., SessionStore]
FENCE = b"f" * 16


def token_of(store: SessionStore) -> SessionToken:
    token = SessionToken.parse(store.session_key)
    assert token
    return token


def last_seen(token: str, *, slide: bool) -> int:
    return services.current_session(request_with(token), slide=slide).session.last_seen_at


# -- the index -------------------------------------------------------------------------------


@pytest.mark.parametrize("slide", [True, False])
def test_a_session_that_left_the_index_is_over_though_its_record_stayed(
    sign_in: SignIn, redis_client: Any, slide: bool
) -> None:
    """For example, Redis failed between the end of the session and the deletion of its record."""
    token = token_of(sign_in())
    redis_client.zrem(index_key(token.ref), token.id_hash)
    with pytest.raises(SessionEnded):
        services.current_session(request_with(token.value), slide=slide)
    assert not is_alive(token.value)


def test_an_ended_session_ends_no_others_and_does_not_come_back(sign_in: SignIn, user: Any) -> None:
    """It was valid when its request began; then all sessions were ended, and a new one started."""
    ended = request_with(sign_in().session_key)
    services.current_session(ended)
    services.end_all_sessions(user)
    user.refresh_from_db()
    other = sign_in().session_key
    with pytest.raises(SessionEnded):
        services.end_other_sessions(ended)
    assert is_alive(other)
    assert not is_alive(ended.session.session_key)
    assert backend.count(user.session_ref) == 1


def test_what_the_limit_ended_has_left_the_index(
    sign_in: SignIn, user: Any, settings: Any, redis_client: Any
) -> None:
    settings.GATEHOUSE = replace(options(), session_limit=2)
    tokens = [token_of(sign_in()) for _ in range(4)]
    assert set(backend.live_id_hashes(user.session_ref)) == {t.id_hash for t in tokens[2:]}
    assert services.end_all_sessions(user) == 2


def test_record_and_index_end_with_the_absolute_clock(
    sign_in: SignIn, user: Any, redis_client: Any
) -> None:
    """Redis keeps neither any longer, however late the session was used."""
    idle, life = options().session_idle, options().session_absolute
    token = sign_in().session_key
    steps, rest = divmod(life - 60, idle - 60)
    for step in [idle - 60] * steps + [rest]:
        age_sessions(redis_client, step)
        assert is_alive(token)
    age_sessions(redis_client, 61)
    assert backend.count(user.session_ref) == 0
    assert [key for key in stored_keys(redis_client) if not key.endswith(b":card")] == []


def test_the_index_lives_as_long_as_its_longest_session(sign_in: SignIn, redis_client: Any) -> None:
    remembered = token_of(sign_in(remember=True))
    sign_in()
    expires = redis_client.pexpiretime(record_key(remembered.ref, remembered.id_hash))
    assert redis_client.pexpiretime(index_key(remembered.ref)) == expires


# -- sliding, without a snapshot -----------------------------------------------------------------


@pytest.fixture
def fenced(sign_in: SignIn, user: Any) -> SessionToken:
    """A session of a user whose row is about to change: every validation asks the database."""
    token = token_of(sign_in())
    backend.fence_snapshot(user.session_ref, FENCE, lifetime=300)
    return token


def test_without_a_snapshot_a_peek_does_not_slide(fenced: SessionToken, redis_client: Any) -> None:
    age_sessions(redis_client, 1800)
    seen = last_seen(fenced.value, slide=False)
    assert last_seen(fenced.value, slide=False) == seen
    assert last_seen(fenced.value, slide=True) > seen


def test_without_a_snapshot_a_session_slides_once_an_interval(
    fenced: SessionToken, redis_client: Any
) -> None:
    half = options().slide_interval // 2
    for age, slides in ((0, 0), (half, 0), (half, 1), (0, 0), (half, 0)):
        age_sessions(redis_client, age)
        reset_command_counts(redis_client)
        assert is_alive(fenced.value)
        assert command_counts(redis_client).get("set", 0) == slides


@pytest.mark.parametrize(
    "use",
    [
        services.list_sessions,
        services.end_other_sessions,
        services.current_session,
        lambda request: request.session.load(),
    ],
)
def test_whatever_a_session_is_used_for_slides_it(
    sign_in: SignIn, redis_client: Any, use: Callable[[Any], Any]
) -> None:
    """Only an explicit peek does not."""
    token = sign_in().session_key
    age_sessions(redis_client, 1800)
    seen = last_seen(token, slide=False)
    use(request_with(token))
    assert last_seen(token, slide=False) > seen


# -- snapshots -----------------------------------------------------------------------------------


def test_a_snapshot_older_than_the_session_is_not_believed(
    sign_in: SignIn, user: Any, redis_client: Any
) -> None:
    """For example, after a failover that lost the newer snapshot: the database has the right address."""
    old = session_codec().seal_snapshot(user.session_ref, snapshots.make_snapshot(user))
    user.email = "countess@example.com"
    user.save()
    token = sign_in().session_key
    redis_client.set(snapshot_key(user.session_ref), old + run_of(user.session_ref))
    found = services.current_session(request_with(token))
    assert found.user["email"] == "countess@example.com"


def test_a_reader_replaces_no_snapshot_of_the_same_epoch(sign_in: SignIn, user: Any) -> None:
    """It may have read the row before the name was changed."""
    before = session_codec().seal_snapshot(user.session_ref, snapshots.make_snapshot(user))
    user.name = "Countess"
    user.save()
    assert not backend.put_snapshot(
        user.session_ref, before, lifetime=300, run=run_of(user.session_ref)
    )
    current = services.current_session(request_with(sign_in().session_key))
    assert current.user["name"] == "Countess"


def test_a_reader_replaces_a_snapshot_of_an_older_epoch(
    user: Any, sign_in: SignIn, redis_client: Any
) -> None:
    old = session_codec().seal_snapshot(user.session_ref, snapshots.make_snapshot(user))
    services.end_all_sessions(user)
    new = session_codec().seal_snapshot(user.session_ref, snapshots.make_snapshot(user))
    run = run_of(user.session_ref)
    redis_client.set(snapshot_key(user.session_ref), old + run)
    assert backend.put_snapshot(user.session_ref, new, lifetime=300, run=run)
    assert redis_client.get(snapshot_key(user.session_ref)) == new + run


def test_a_late_writer_replaces_no_snapshot_of_a_newer_epoch(
    sign_in: SignIn, user: Any, redis_client: Any
) -> None:
    """Its fence expired while it waited, and another change has written its snapshot since."""
    late = session_codec().seal_snapshot(user.session_ref, snapshots.make_snapshot(user))
    services.end_all_sessions(user)
    standing = redis_client.get(snapshot_key(user.session_ref))
    run = run_of(user.session_ref)
    assert not backend.put_snapshot(user.session_ref, late, lifetime=300, run=run, nonce=FENCE)
    assert redis_client.get(snapshot_key(user.session_ref)) == standing


def test_a_later_writer_of_the_same_epoch_replaces_the_snapshot(user: Any) -> None:
    """Its fence expired, too; it read the newest values after its commit."""
    for name in ("Countess", "Ada Lovelace"):
        snapshot = snapshots.make_snapshot(user)._replace(profile_json=f'{{"name":"{name}"}}')
        sealed = session_codec().seal_snapshot(user.session_ref, snapshot)
        run = run_of(user.session_ref)
        assert backend.put_snapshot(user.session_ref, sealed, lifetime=300, run=run, nonce=FENCE)


# -- fences ----------------------------------------------------------------------------------

# A nonce is random: it may look like the bytes of a snapshot at the same offset.
NONCES = [bytes([first]) + b"\0" * 15 for first in (0, 1, 2)] + [b"\1" * 16]


@pytest.mark.parametrize("nonce", NONCES)
def test_a_fence_is_never_read_as_a_snapshot(
    sign_in: SignIn, user: Any, redis_client: Any, nonce: bytes
) -> None:
    token = token_of(sign_in())
    run = backend.fence_snapshot(user.session_ref, nonce, lifetime=300)
    fence = redis_client.get(snapshot_key(user.session_ref))
    for interval in (0, 60):
        answer = backend.validate(token.ref, token.id_hash, slide_interval=interval, admin=False)
        assert isinstance(answer, NeedsSnapshot)
    assert is_alive(sign_in().session_key)
    assert services.end_other_sessions(request_with(token.value)) == 1
    sealed = session_codec().seal_snapshot(user.session_ref, snapshots.make_snapshot(user))
    put = partial(backend.put_snapshot, user.session_ref, sealed, lifetime=300, run=run)
    assert not put()
    assert not put(nonce=b"x" * 16)
    assert redis_client.get(snapshot_key(user.session_ref)) == fence
    assert put(nonce=nonce)


# -- sent again, after a lost answer ---------------------------------------------------------


def test_a_sign_in_that_is_sent_twice_is_done_once(user: Any) -> None:
    token = SessionToken.new(user.session_ref)
    header = header_of_now(token.ref, user.session_epoch)
    snapshot = session_codec().seal_snapshot(user.session_ref, snapshots.make_snapshot(user))
    bodies = [session_codec().seal_record(token, header, StartedBy(), b"\0{}") for _ in range(2)]
    first, again, other = (
        backend.create(
            token.ref, token.id_hash, header.pack(), body, limit=0, policy="end-oldest", snapshot=snapshot,
            snapshot_lifetime=300, run=b"",
        )
        for body in (bodies[0], bodies[0], bodies[1])
    )  # fmt: skip
    assert isinstance(first, Stored)
    assert again == first
    assert other == TokenTaken()
    assert backend.live_id_hashes(user.session_ref) == [token.id_hash]


def test_a_write_that_is_sent_twice_is_done_once(sign_in: SignIn) -> None:
    store = sign_in()
    token = token_of(store)
    assert store.valid
    record = store.valid.record
    body = session_codec().seal_record(token, record.header, store.valid.sign_in, b"\0{}")
    first, again = (
        backend.save(
            token.ref, token.id_hash, record.revision, record.header.pack(), body,
            new_id_hash=token.id_hash,
        )
        for _ in range(2)
    )  # fmt: skip
    assert isinstance(first, Stored)
    assert again == first


# -- a sign-in from an anonymous session -----------------------------------------------------


@pytest.mark.parametrize("write", [SessionStore.save, SessionStore.cycle_key])
def test_the_session_before_a_sign_in_is_dead_after_it(
    user: Any, redis_client: Any, write: Callable[[SessionStore], None]
) -> None:
    store = SessionStore()
    store["basket"] = 1
    store.save()
    before = store.session_key
    store.update(login_data(user))
    write(store)
    assert store.session_key != before
    assert SessionStore(before).load() == {}
    assert is_alive(store.session_key)
    assert SessionStore(store.session_key)["basket"] == 1
    assert sum(b":s:" in key for key in stored_keys(redis_client)) == 1
