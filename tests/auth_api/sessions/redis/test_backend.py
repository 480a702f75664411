"""Each answer of the scripts is a type of its own, and says why."""

from dataclasses import replace
from typing import Any

import pytest

from auth_api.options import options
from auth_api.sessions.codec import session_codec
from auth_api.sessions.exceptions import EndReason, SessionStoreUnavailable
from auth_api.sessions.records import Header, SignIn, ValidSession
from auth_api.sessions.redis.answers import (
    Absent,
    ClockDiffers,
    Conflict,
    Creation,
    Ended,
    LimitReached,
    NeedsSnapshot,
    Save,
    Stored,
    Valid,
    Validation,
)
from auth_api.sessions.redis.backend import backend
from auth_api.sessions.redis.keys import index_key, record_key, snapshot_key
from auth_api.sessions.snapshots import make_snapshot
from auth_api.sessions.store import SessionStore
from auth_api.sessions.tokens import SessionToken
from tests.auth_api.sessions.conftest import is_alive, run_of
from tests.auth_api.sessions.test_finality import header_of_now


@pytest.fixture
def session(sign_in: Any) -> ValidSession:
    valid = sign_in().valid
    assert isinstance(valid, ValidSession)
    return valid


def validate(token: SessionToken, *, admin: bool = False) -> Validation:
    return backend.validate(token.ref, token.id_hash, slide_interval=0, admin=admin)


def save(session: ValidSession, *, revision: int | None = None, ahead: int = 0) -> Save:
    token, header = session.token, session.record.header
    header = header._replace(authenticated_at=header.authenticated_at + ahead)
    revision = session.record.revision if revision is None else revision
    body = session_codec().seal_record(token, header, session.sign_in, session.payload)
    return backend.save(
        token.ref, token.id_hash, revision, header.pack(), body, new_id_hash=token.id_hash
    )


def create(user: Any, header: Header) -> Creation:
    token = SessionToken.new(user.session_ref)
    return backend.create(
        token.ref, token.id_hash, header.pack(),
        session_codec().seal_record(token, header, SignIn(), b"\0"),
        limit=options().session_limit, policy=options().session_limit_policy,
        snapshot=session_codec().seal_snapshot(token.ref, make_snapshot(user)),
        snapshot_lifetime=300, run=run_of(token.ref),
    )  # fmt: skip


def test_a_valid_session_comes_with_its_record_and_snapshot(
    session: ValidSession, redis_client: Any
) -> None:
    ref, id_hash = session.token.ref, session.token.id_hash
    assert is_alive(session.token.value)  # caches a snapshot if the sign-in did not
    stored = [redis_client.get(key) for key in (record_key(ref, id_hash), snapshot_key(ref))]
    run = run_of(ref)
    found = validate(session.token)
    assert isinstance(found, Valid)
    assert found == Valid(stored[0], stored[1].removesuffix(run), found.now)
    assert abs(found.now - backend.now(ref)) < 2
    assert stored[1].endswith(run)
    redis_client.delete(snapshot_key(ref))
    unsure = validate(session.token)
    assert isinstance(unsure, NeedsSnapshot)
    assert unsure == NeedsSnapshot(stored[0], run, unsure.now)
    assert unsure.now >= found.now


def test_a_session_of_nobody_has_no_snapshot(redis_client: Any) -> None:
    store = SessionStore()
    store["basket"] = 1
    store.save()
    assert store.token
    found = validate(store.token)
    assert isinstance(found, Valid)
    assert found.snapshot is None


def test_what_redis_does_not_know_is_absent(session: ValidSession) -> None:
    unknown = SessionToken.new(session.token.ref)
    assert validate(unknown) == Absent()
    assert validate(session.token, admin=True) == Absent()  # no session of that door
    backend.end(session.token.ref, session.token.id_hash)
    assert validate(session.token) == Absent()
    assert save(session) == Absent()


def test_what_is_over_says_why(session: ValidSession, redis_client: Any) -> None:
    """The other reasons are tried in test_finality.py."""
    redis_client.zrem(index_key(session.token.ref), session.token.id_hash)
    assert save(session) == Ended(EndReason.ENDED)
    assert validate(session.token) == Ended(EndReason.ENDED)


def test_a_write_on_another_revision_gets_the_present_record(
    session: ValidSession, redis_client: Any
) -> None:
    now = redis_client.get(record_key(session.token.ref, session.token.id_hash))
    assert save(session, revision=session.record.revision + 1) == Conflict(now)
    assert isinstance(save(session), Stored)


def test_a_time_that_is_not_redis_own_is_refused(session: ValidSession, user: Any) -> None:
    assert save(session, ahead=60) == ClockDiffers()
    header = header_of_now(user.session_ref, user.session_epoch)
    assert create(user, header._replace(authenticated_at=header.created_at + 60)) == ClockDiffers()


def test_the_limit_is_an_answer(session: ValidSession, user: Any, settings: Any) -> None:
    settings.GATEHOUSE = replace(options(), session_limit=1, session_limit_policy="refuse")
    assert create(user, header_of_now(user.session_ref, user.session_epoch)) == LimitReached()


def test_a_record_of_a_newer_release_is_no_answer(session: ValidSession, redis_client: Any) -> None:
    key = record_key(session.token.ref, session.token.id_hash)
    redis_client.set(key, b"\3" + redis_client.get(key)[1:], keepttl=True)
    for ask in (lambda: validate(session.token), lambda: save(session)):
        with pytest.raises(SessionStoreUnavailable):
            ask()
