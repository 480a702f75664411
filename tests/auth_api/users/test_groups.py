"""Groups: every change is seen at the next request, and is in the security log."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission
from django.db import transaction

from auth_api.security_log.models import SecurityEvent
from auth_api.sessions.exceptions import SessionStoreUnavailable
from auth_api.users.models import User
from tests.auth_api.http import call, session_token
from tests.auth_api.sessions.conftest import PASSWORD, make_user
from tests.store_contents import command_counts, reset_command_counts

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def ada() -> User:
    user: User = make_user("ada@example.com")
    return user


@pytest.fixture
def token(ada: User) -> str:
    return session_token(call("POST", "/v1/login", {"email": ada.email, "password": PASSWORD}))


@pytest.fixture
def ops() -> Group:
    return Group.objects.create(name="ops")


def groups(token: str) -> list[str]:
    found: list[str] = call("GET", "/v1/session", token=token).json()["user"]["groups"]
    return found


def test_the_session_says_the_groups_sorted(ada: User, token: str, ops: Group) -> None:
    assert groups(token) == []
    others = [Group.objects.create(name=name) for name in ("\u00fcber", "Zoo", "dev")]
    ada.groups.set([ops, *others])
    assert groups(token) == ["Zoo", "dev", "ops", "\u00fcber"]


def test_without_a_change_they_cost_no_sql(
    ada: User, token: str, ops: Group, redis_client: Any, django_assert_num_queries: Any
) -> None:
    ada.groups.add(ops)
    reset_command_counts(redis_client)
    with django_assert_num_queries(0):
        assert groups(token) == ["ops"]
    assert command_counts(redis_client)["evalsha"] == 1


LEAVING: list[Callable[[User, Group], Any]] = [
    lambda user, group: user.groups.remove(group),
    lambda user, group: user.groups.set([]),
    lambda user, group: user.groups.clear(),
    lambda user, group: group.user_set.remove(user),  # type: ignore[attr-defined]
    lambda user, group: group.user_set.set([]),  # type: ignore[attr-defined]
    lambda user, group: group.user_set.clear(),  # type: ignore[attr-defined]
    lambda user, group: group.delete(),
    lambda user, group: Group.objects.all().delete(),
]


@pytest.mark.parametrize("leave", LEAVING)
def test_whoever_leaves_a_group_is_out_at_the_next_request(
    ada: User, token: str, ops: Group, leave: Callable[[User, Group], Any]
) -> None:
    ada.groups.add(ops)
    assert groups(token) == ["ops"]
    leave(ada, ops)
    assert groups(token) == []
    reasons = [
        event.reason for event in SecurityEvent.objects.filter(kind="account.rights_changed")
    ]
    assert sorted(reasons) == ["added to group ops", "removed from group ops"]


JOINING: list[Callable[[User, Group], Any]] = [
    lambda user, group: user.groups.add(group),
    lambda user, group: user.groups.set([group]),
    lambda user, group: group.user_set.add(user),  # type: ignore[attr-defined]
]


@pytest.mark.parametrize("join", JOINING)
def test_whoever_joins_a_group_is_in_at_the_next_request(
    ada: User, token: str, ops: Group, join: Callable[[User, Group], Any]
) -> None:
    assert groups(token) == []
    join(ada, ops)
    assert groups(token) == ["ops"]


def test_another_name_of_a_group_counts_at_the_next_request(
    ada: User, token: str, ops: Group
) -> None:
    ada.groups.add(ops)
    ops.name = "former-ops"
    with transaction.atomic():
        ops.save()
    assert groups(token) == ["former-ops"]
    newest = SecurityEvent.objects.filter(user=ada, kind="account.rights_changed").first()
    assert newest
    assert newest.reason == "group ops renamed to former-ops"


def test_a_group_is_not_renamed_outside_a_transaction(ada: User, token: str, ops: Group) -> None:
    """Members could keep the old name for a moment, or for long if the process dies there."""
    ada.groups.add(ops)
    ops.name = "former-ops"
    with pytest.raises(transaction.TransactionManagementError):
        ops.save()
    assert groups(token) == ["ops"]


def test_what_changes_nothing_is_not_recorded(ada: User, ops: Group) -> None:
    ada.groups.add(ops)
    ada.groups.add(ops)
    ada.groups.set([ops])
    ops.save()
    ada.groups.remove(Group.objects.create(name="other"))
    may, may_not = Permission.objects.filter(codename__in=["view_user", "view_group"])
    ada.user_permissions.add(may)
    ada.user_permissions.add(may)
    ada.user_permissions.remove(may_not)
    may_not.user_set.remove(ada)
    assert SecurityEvent.objects.filter(kind="account.rights_changed").count() == 2


def test_a_change_that_cannot_be_fenced_is_not_made(
    ada: User, token: str, ops: Group, monkeypatch: pytest.MonkeyPatch
) -> None:
    from auth_api.sessions.snapshots import backend

    def unavailable(*_: object, **__: object) -> None:
        raise SessionStoreUnavailable("down")

    ada.groups.add(ops)
    monkeypatch.setattr(backend, "fence_snapshot", unavailable)
    for change in (lambda: ada.groups.clear(), lambda: ops.delete()):
        with pytest.raises(SessionStoreUnavailable):
            change()
    assert ada.groups.get() == ops


def test_while_a_change_is_under_way_the_database_is_asked(
    ada: User, token: str, ops: Group
) -> None:
    """From the fence on, no cached snapshot says the old groups."""
    ada.groups.add(ops)
    with transaction.atomic():
        ada.groups.remove(ops)
        assert groups(token) == []  # this connection sees its own change
    assert groups(token) == []


def test_tokens_tell_the_groups_to_who_asks(ada: User, token: str, ops: Group) -> None:
    import jwt

    ada.groups.add(ops)

    def claims(query: str) -> dict[str, Any]:
        text = call("GET", f"/v1/identity?audience=reports{query}", token=token).json()["token"]
        decoded: dict[str, Any] = jwt.decode(text, options={"verify_signature": False})
        return decoded

    assert not {"email", "name", "groups"} & claims("").keys()
    told = claims("&claims=email,groups,name")
    assert (told["email"], told["name"], told["groups"]) == (ada.email, "Ada", ["ops"])
    assert "email" not in claims("&claims=groups")
    ada.groups.clear()
    assert claims("&claims=groups")["groups"] == []
    for wrong in ("password", "groups,groups", "is_staff"):
        answer = call("GET", f"/v1/identity?audience=reports&claims={wrong}", token=token)
        assert (answer.status_code, list(answer.json()["errors"])) == (400, ["claims"])
