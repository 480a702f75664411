"""`end_sessions --all`: batches, each of them final; a run that stops says how to go on."""

import io
import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError

from auth_api.commands.terminal import Progress
from auth_api.security_log.kinds import Kind
from auth_api.security_log.models import SecurityEvent
from auth_api.sessions.exceptions import SessionStoreUnavailable
from auth_api.sessions.records import NewSession
from auth_api.sessions.redis.backend import backend
from auth_api.sessions.store import SessionStore
from auth_api.users import ending
from auth_api.users.models import User
from tests.auth_api.sessions.conftest import is_alive

pytestmark = pytest.mark.django_db(transaction=True)
USERS = 2_500
HASH = "argon2$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$aGFzaGhhc2hoYXNoaGFzaGhhc2g"


def make_users(count: int) -> list[User]:
    people = [
        User(email=f"p{n}@example.com", password=HASH, email_verified=True) for n in range(count)
    ]
    User.objects.bulk_create(people, batch_size=500)
    return list(User.objects.order_by("pk"))


def sign_in(user: User) -> str:
    store = SessionStore()
    store.sign_in(user, NewSession(methods=("pwd",)))
    return str(store.session_key)


def end_all(*options: str, code: int = 0) -> dict[str, Any]:
    out = io.StringIO()
    command = ("end_sessions", "--all", "--json", *options)
    if code:
        with pytest.raises(CommandError) as failed:
            call_command(*command, stdout=out, stderr=io.StringIO())
        assert failed.value.returncode == code
    else:
        call_command(*command, stdout=out, stderr=io.StringIO())
    answer: dict[str, Any] = json.loads(out.getvalue())
    assert answer.pop("ok") is not bool(code)
    return answer


@pytest.fixture
def failing_after_one(monkeypatch: pytest.MonkeyPatch) -> Callable[[Exception], None]:
    """Return a function that makes fences fail with an error, from the second batch on."""
    monkeypatch.setattr(ending, "_PAUSE", 0)
    fences = backend.fence_snapshots

    def fail(error: BaseException) -> None:
        calls: list[int] = []

        def fence(*arguments: Any, **options: Any) -> list[bytes]:
            calls.append(1)
            if len(calls) > 1:
                raise error
            return fences(*arguments, **options)

        monkeypatch.setattr(backend, "fence_snapshots", fence)

    return fail


def test_every_session_of_2500_users_ends_in_three_batches() -> None:
    people = make_users(USERS)
    tokens = [sign_in(people[place]) for place in (0, 999, 1000, 2499)]
    progress, out = io.StringIO(), io.StringIO()
    call_command("end_sessions", "--all", stdout=out, stderr=progress)
    assert not any(is_alive(token) for token in tokens)
    assert set(User.objects.values_list("session_epoch", flat=True)) == {2}
    assert out.getvalue() == "4 sessions ended.\n"
    assert re.findall(r"[\d,]+ of", progress.getvalue()) == ["1,000 of", "2,000 of", "2,500 of"]
    events = SecurityEvent.objects.filter(kind=Kind.ALL_ENDED, by="system")
    assert (events.count(), events.values("user").distinct().count()) == (USERS, USERS)
    assert is_alive(sign_in(User.objects.get(pk=people[0].pk)))


def test_a_batch_takes_few_commands_to_redis_and_leaves_no_fence(
    redis_client: Any, django_assert_max_num_queries: Any
) -> None:
    people = make_users(300)
    with django_assert_max_num_queries(14):
        end_all()
    values = [redis_client.get(f"gh:{{{user.session_ref}}}:card") for user in people]
    assert {value[:1] for value in values} == {b"\1"}  # snapshots, of the new epoch
    assert {value[2:6] for value in values} == {(2).to_bytes(4, "big")}


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (SessionStoreUnavailable("ConnectionError"), 3),
        (OperationalError("database is locked"), 3),
        (KeyboardInterrupt(), 130),
    ],
)
def test_a_run_that_stops_says_how_many_are_left_and_goes_on_there(
    monkeypatch: pytest.MonkeyPatch,
    failing_after_one: Callable[[BaseException], None],
    error: BaseException,
    code: int,
) -> None:
    monkeypatch.setattr(ending, "BATCH", 20)
    people = make_users(50)
    tokens = [sign_in(people[place]) for place in (19, 20, 49)]
    with monkeypatch.context():
        failing_after_one(error)
        told = end_all(code=code)
    assert (told["users"], told["left"]) == (20, 30)
    assert (
        f"30 users are left. Continue with `end_sessions --all --after={people[19].pk}`."
        in (told["error"])
    )
    assert [is_alive(token) for token in tokens] == [False, True, True]
    monkeypatch.undo()
    assert end_all(f"--after={told['after']}") == {"users": 30, "sessions": 2, "left": 0}
    assert not any(is_alive(token) for token in tokens)
    assert set(User.objects.values_list("session_epoch", flat=True)) == {2}


def test_a_failure_that_passes_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ending, "_PAUSE", 0)
    make_users(3)
    fences, failures = backend.fence_snapshots, [SessionStoreUnavailable("TimeoutError")]

    def fence(*arguments: Any, **options: Any) -> list[bytes]:
        if failures:
            raise failures.pop()
        return fences(*arguments, **options)

    monkeypatch.setattr(backend, "fence_snapshots", fence)
    assert end_all()["users"] == 3


@pytest.mark.parametrize(
    "act",
    [
        lambda users: users.update(is_active=False),
        lambda users: users.update(session_epoch=7),
        lambda users: users.delete(),
    ],
)
def test_bulk_changes_of_the_orm_end_sessions_too(act: Callable[[Any], Any]) -> None:
    people = make_users(3)
    tokens = [sign_in(user) for user in people]
    act(User.objects.filter(pk__in=[people[0].pk, people[1].pk]))
    assert [is_alive(token) for token in tokens] == [False, False, True]


def test_a_server_that_has_lost_its_scripts_gets_them_again(redis_client: Any) -> None:
    people = make_users(3)
    tokens = [sign_in(user) for user in people]
    redis_client.script_flush()
    end_all()
    assert not any(is_alive(token) for token in tokens)


def test_a_damaged_value_of_one_user_stops_nobody(redis_client: Any) -> None:
    people = make_users(3)
    tokens = [sign_in(user) for user in people]
    key = f"gh:{{{people[1].session_ref}}}:index"
    redis_client.delete(key)
    redis_client.set(key, "not a sorted set")
    end_all()
    assert not any(is_alive(token) for token in tokens)


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True

    def write(self, text: str, style_func: Any = None, ending: str = "") -> int:
        return super().write(text + ending)


def test_a_terminal_shows_a_bar() -> None:
    terminal = _Terminal()
    progress = Progress(terminal, 2_000, "users")
    for done in (1_000, 2_000):
        progress.show(done)
    half, full = "#" * 15 + "." * 15, "#" * 30
    assert terminal.getvalue() == (
        f"\r[{half}] 1,000 of 2,000 users\r[{full}] 2,000 of 2,000 users\n"
    )
