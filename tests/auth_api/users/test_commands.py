"""The commands of operators."""

import io
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.core.management import CommandError, call_command

from auth_api.users.models import User
from tests.auth_api.http import call, session_token
from tests.auth_api.sessions.conftest import PASSWORD, is_alive, make_user

pytestmark = pytest.mark.django_db(transaction=True)


def run(*arguments: str, monkeypatch: Any = None, stdin: str = "") -> str:
    out = io.StringIO()
    if monkeypatch:
        monkeypatch.setattr("sys.stdin", io.StringIO(stdin))
    call_command(*arguments, stdout=out)
    return out.getvalue()


def test_createuser_makes_an_account_that_can_sign_in(monkeypatch: pytest.MonkeyPatch) -> None:
    command = ("createuser", "--email", "Ada@Example.com", "--password-stdin")
    run(*command, monkeypatch=monkeypatch, stdin=PASSWORD + "\n")
    body = {"email": "ada@example.com", "password": PASSWORD}
    assert call("POST", "/v1/login", body).status_code == 200
    with pytest.raises(CommandError, match="has an account"):
        run(*command, monkeypatch=monkeypatch, stdin=PASSWORD + "\n")


def test_createuser_puts_the_account_into_groups_that_exist(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert "Created: dev, ops." in run("creategroup", "dev", "ops")
    assert "Created: qa." in run("creategroup", "ops", "qa")
    assert "All of these groups exist already." in run("creategroup", "ops", "qa")
    with pytest.raises(CommandError, match="at most 150 characters"):
        run("creategroup", "new", "x" * 151)
    assert set(Group.objects.values_list("name", flat=True)) == {"dev", "ops", "qa"}
    command = ("createuser", "--email", "ada@example.com", "--password-stdin", "--group", "ops")
    with pytest.raises(CommandError, match="There is no group 'lab'"):
        run(*command, "--group", "lab", monkeypatch=monkeypatch, stdin=PASSWORD)
    assert not User.objects.exists()
    run(*command, "--group", "dev", monkeypatch=monkeypatch, stdin=PASSWORD)
    assert User.objects.get().group_names() == ["dev", "ops"]


@pytest.mark.parametrize(
    ("email", "password"), [("ada@example.com", "short"), ("no address", PASSWORD), ("a@b.c", "")]
)
def test_createuser_keeps_the_rules(
    monkeypatch: pytest.MonkeyPatch, email: str, password: str
) -> None:
    with pytest.raises(CommandError):
        run(
            "createuser",
            "--email",
            email,
            "--password-stdin",
            monkeypatch=monkeypatch,
            stdin=password,
        )
    assert not User.objects.exists()


def test_createsuperuser_works(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", PASSWORD)
    run("createsuperuser", "--no-input", "--email", "root@example.com")
    root = User.objects.get(email="root@example.com")
    assert root.is_superuser
    assert root.email_verified


def test_end_sessions_by_user_by_handle_and_for_all() -> None:
    tokens, handles = [], []
    for email in ("ada@example.com", "bob@example.com"):
        make_user(email)
        for _ in range(2):
            answer = call("POST", "/v1/login", {"email": email, "password": PASSWORD})
            tokens.append(session_token(answer))
            handles.append(answer.json()["session"]["handle"])
    for none in ("", handles[0][:1], handles[0][:-1], handles[0] + "A"):
        with pytest.raises(CommandError, match="no session with this handle") as refused:
            run("end_sessions", "--email", "ada@example.com", f"--handle={none}")
        assert refused.value.returncode == 1
    assert all(is_alive(token) for token in tokens)
    ended = run("end_sessions", "--email", "ada@example.com", f"--handle={handles[0]}")
    assert ended == "1 sessions ended.\n"
    assert [is_alive(token) for token in tokens] == [False, True, True, True]
    run("end_sessions", "--email", "ada@example.com")
    assert [is_alive(token) for token in tokens] == [False, False, True, True]
    assert run("end_sessions", "--all") == "2 sessions ended.\n"
    assert not any(is_alive(token) for token in tokens)
    with pytest.raises(CommandError, match="no such user"):
        run("end_sessions", "--email", "nobody@example.com")


def test_service_token_prints_a_good_one() -> None:
    header = "Bearer " + run("service_token").strip()
    answer = call("GET", "/v1/session", HTTP_AUTHORIZATION=header)
    assert answer.json()["type"] == "urn:gatehouse:problem:no-session"
