"""Rule 7 of design.md section 5: what a copy of Redis shows, and what a changed one opens."""

from collections.abc import Callable
from hashlib import sha256
from typing import Any

import pytest

from auth_api.sessions import services
from auth_api.sessions.codec import SNAPSHOT_DICTIONARY
from auth_api.sessions.store import SessionStore
from tests.auth_api.sessions.conftest import is_alive, make_user, request_with
from tests.store_contents import stored_keys

SignIn = Callable[..., SessionStore]


def test_the_store_holds_no_token_no_payload_and_no_address(
    sign_in: SignIn, redis_client: Any
) -> None:
    store = SessionStore(sign_in().session_key)
    store["note"] = "a secret remark"
    store.save()
    ref, _, secret = store.session_key.partition(".")
    dump = b"".join(key + (redis_client.dump(key) or b"") for key in stored_keys(redis_client))
    assert ref.encode() in dump  # the ref is no secret
    for hidden in (secret, "a secret remark", "_auth_user_id", "ada@example.com", "203.0.113.7"):
        assert hidden.encode() not in dump


def test_two_records_cannot_be_swapped(sign_in: SignIn, redis_client: Any) -> None:
    mine, other = sign_in(), sign_in(make_user("bob@example.com"))
    keys = [key for key in stored_keys(redis_client) if b":s:" in key]
    one, two = (redis_client.get(key) for key in keys)
    redis_client.set(keys[0], two, keepttl=True)
    redis_client.set(keys[1], one, keepttl=True)
    assert not is_alive(mine.session_key)
    assert not is_alive(other.session_key)


@pytest.mark.parametrize("position", [1, 3, 8, 12, 14, 17, 18, 21, 31, 45, 60, -1])
def test_a_changed_byte_opens_nothing(sign_in: SignIn, redis_client: Any, position: int) -> None:
    token = sign_in().session_key
    (key,) = (key for key in stored_keys(redis_client) if b":s:" in key)
    value = bytearray(redis_client.get(key))
    value[position] ^= 1
    redis_client.set(key, bytes(value), keepttl=True)
    assert not is_alive(token)


def test_a_forged_snapshot_is_not_believed(sign_in: SignIn, user: Any, redis_client: Any) -> None:
    other = make_user("bob@example.com")
    token = sign_in().session_key
    assert is_alive(sign_in(other).session_key)  # caches a snapshot if the sign-in did not
    stolen = redis_client.get(f"gh:{{{other.session_ref}}}:card")
    redis_client.set(f"gh:{{{user.session_ref}}}:card", stolen)
    assert services.current_session(request_with(token)).user["email"] == "ada@example.com"


def test_the_dictionary_of_snapshots_never_changes() -> None:
    """Cached snapshots need every byte of it, and deflate would not notice a change (decisions/0005)."""
    assert sha256(SNAPSHOT_DICTIONARY).hexdigest() == (
        "9dfc778ca358a8ed28c6af9cd4beedef1b835e44fd93025bb5987af1a0834cab"
    )
