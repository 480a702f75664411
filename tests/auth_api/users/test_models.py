"""A user row keeps the engine's promise, whoever writes it and however old their copy is."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import DatabaseError, IntegrityError
from django_redis import get_redis_connection

from auth_api.sessions import services
from auth_api.sessions.exceptions import SessionStoreUnavailable
from auth_api.sessions.store import SessionStore
from auth_api.users.models import User
from tests.auth_api.sessions.conftest import PASSWORD, is_alive, make_user, request_with

pytestmark = pytest.mark.django_db(transaction=True)
NEW_PASSWORD = "another quiet harbour at dawn"


@pytest.fixture
def ada() -> User:
    found: User = make_user("ada@example.com")
    return found


def sign_in(user: User) -> str:
    request = request_with(None)
    services.start_session(request, user, remember=False, methods=("pwd",))
    token: str = request.session.session_key
    return token


def stored() -> User:
    return User.objects.get(email="ada@example.com")


def change_password(user: User) -> None:
    user.set_password(NEW_PASSWORD)
    user.save()


def deactivate(user: User) -> None:
    user.is_active = False
    user.save()


def deactivate_in_bulk(user: User) -> None:
    User.objects.filter(pk=user.pk).update(is_active=False)


def change_by_bulk_update(user: User) -> None:
    user.set_password(NEW_PASSWORD)
    User.objects.bulk_update([user], ["password"])


@pytest.mark.parametrize(
    "change", [change_password, deactivate, deactivate_in_bulk, change_by_bulk_update]
)
def test_a_change_that_must_end_sessions_raises_the_epoch_by_one(
    ada: User, change: Callable[[User], None]
) -> None:
    before = ada.session_epoch
    change(ada)
    assert stored().session_epoch == before + 1


def test_other_changes_leave_the_epoch_and_reach_the_snapshot(ada: User) -> None:
    token = sign_in(ada)
    ada.name = "Augusta"
    ada.save()
    assert stored().session_epoch == 1
    snapshot = SessionStore(token).validate().snapshot
    assert snapshot is not None
    assert '"name":"Augusta"' in snapshot.profile_json


def test_an_old_copy_does_not_bring_ended_sessions_back(ada: User) -> None:
    token, old_copy = sign_in(ada), stored()
    services.end_all_sessions(ada)
    old_copy.name = "Augusta"
    old_copy.save()
    assert stored().session_epoch == 2
    get_redis_connection("sessions").delete(f"gh:{{{ada.session_ref}}}:card")  # as time does
    assert not is_alive(token)


def test_an_old_copy_does_not_undo_what_others_did(ada: User) -> None:
    old_copy = stored()
    change_password(ada)
    deactivate(ada)
    old_copy.name = "Augusta"
    old_copy.save()
    now = stored()
    assert now.name == "Augusta"
    assert now.check_password(NEW_PASSWORD)
    assert not now.is_active


def test_an_old_copy_does_not_bring_a_deleted_user_back(ada: User) -> None:
    old_copy = stored()
    ada.delete()
    old_copy.name = "Augusta"
    with pytest.raises(DatabaseError):
        old_copy.save()
    assert not User.objects.exists()


def test_a_refreshed_copy_changes_only_what_it_changes(ada: User) -> None:
    change_password(stored())
    ada.refresh_from_db()
    ada.name = "Augusta"
    ada.save()
    assert stored().session_epoch == 2


def test_a_field_that_was_not_loaded_is_written_when_it_is_set(ada: User) -> None:
    part = User.objects.only("email").get()
    part.is_active = False
    part.save()
    assert not stored().is_active
    assert stored().session_epoch == 2


def test_what_update_fields_leaves_out_is_still_to_be_saved(ada: User) -> None:
    ada.name, ada.is_active = "Augusta", False
    ada.save(update_fields=["name"])
    assert stored().is_active
    ada.save()
    assert not stored().is_active


def test_a_rehash_ends_no_session_and_overwrites_no_newer_password(ada: User) -> None:
    verified = stored()
    verified.rehash_password(PASSWORD)
    assert stored().session_epoch == 1
    late = stored()
    change_password(stored())
    late.rehash_password(PASSWORD)  # its verification ran while the password was changed
    assert stored().check_password(NEW_PASSWORD)


def test_a_snapshot_that_cannot_be_fenced_stops_the_change(
    ada: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(*_: Any, **__: Any) -> None:
        raise SessionStoreUnavailable("ConnectionError")

    monkeypatch.setattr("auth_api.sessions.snapshots.backend.fence_snapshot", gone)
    for change in (change_password, deactivate, deactivate_in_bulk, User.delete):
        with pytest.raises(SessionStoreUnavailable):
            change(stored())
    assert stored().check_password(PASSWORD)
    assert stored().is_active


@pytest.mark.parametrize(
    "spelling", ["ADA@Example.com", "ada@ｅxample.com", " ada@EXAMPLE.com", "ada@exam\xadple.com"]
)
def test_one_address_is_one_account_also_by_the_bare_orm(ada: User, spelling: str) -> None:
    assert User.objects.get(email=spelling) == ada
    with pytest.raises(IntegrityError):
        User.objects.create(email=spelling)


def test_the_object_shows_what_is_stored() -> None:
    user = User.objects.create(email="Ada@BÜCHER.example")
    assert user.email == "Ada@xn--bcher-kva.example"


def test_a_new_database_has_no_account(transactional_db: None) -> None:
    """No default account, with or without a default password (ASVS 6.3.2)."""
    assert not User.objects.exists()
