"""`import_users`: accounts from elsewhere, with their hashes and their ids."""

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.hashers import make_password
from django.core.management import CommandError, call_command

from auth_api.security_log.models import SecurityEvent
from auth_api.users.models import User
from tests.auth_api.http import call
from tests.auth_api.sessions.conftest import PASSWORD, make_user

pytestmark = pytest.mark.django_db(transaction=True)
OLD_HASH = make_password(PASSWORD, hasher="pbkdf2_sha256")


def import_file(path: Path, *options: str) -> dict[str, Any]:
    out = io.StringIO()
    call_command("import_users", str(path), "--json", *options, stdout=out)
    values: dict[str, Any] = json.loads(out.getvalue())
    return values


def faults_of(path: Path) -> list[str]:
    out = io.StringIO()
    with pytest.raises(CommandError):
        call_command("import_users", str(path), "--json", stdout=out)
    document = json.loads(out.getvalue())
    assert not document["ok"]
    assert PASSWORD not in out.getvalue()
    found: list[str] = document["faults"]
    return found


@pytest.fixture
def lines(tmp_path: Path) -> Path:
    """Two users as JSON lines."""
    users = [
        {
            "old_id": 7, "email": "Ada@Example.com", "name": "Ada Lovelace", "password": OLD_HASH,
            "email_verified": True, "is_active": True, "date_joined": "2019-05-31T12:00:00+02:00",
        },
        {"old_id": 8, "email": "bob@example.com", "password": "!x", "email_verified": True, "is_active": False},
    ]  # fmt: skip
    path = tmp_path / "users.jsonl"
    path.write_text("".join(json.dumps(user) + "\n" for user in users))
    return path


def test_an_imported_user_signs_in_with_the_old_password(lines: Path, tmp_path: Path) -> None:
    ids = tmp_path / "ids.csv"
    assert import_file(lines, "--ids", str(ids)) == {
        "ok": True, "dry_run": False, "created": 2, "there": 0
    }  # fmt: skip
    answer = call("POST", "/v1/login", {"email": "ada@example.com", "password": PASSWORD})
    assert answer.status_code == 200
    user = answer.json()["user"]
    assert (user["name"], user["date_joined"]) == ("Ada Lovelace", "2019-05-31T10:00:00Z")
    ada, bob = User.objects.order_by("email")
    assert ada.password.startswith("argon2$")
    assert (bob.is_active, bob.has_usable_password()) == (False, False)
    assert list(csv.DictReader(ids.open())) == [
        {"old_id": "7", "id": str(ada.pk), "email": "Ada@example.com"},
        {"old_id": "8", "id": str(bob.pk), "email": "bob@example.com"},
    ]
    for owner in (ada, bob):
        event = SecurityEvent.objects.get(user=owner, kind="account.created")
        assert event.by == "system"


def test_a_second_run_changes_nothing_and_has_the_same_ids(lines: Path, tmp_path: Path) -> None:
    there = make_user("ada@example.COM")
    first, second = tmp_path / "first.csv", tmp_path / "second.csv"
    assert import_file(lines, "--dry-run", "--ids", str(first))["created"] == 1
    assert (User.objects.count(), first.exists()) == (1, False)
    assert import_file(lines, "--ids", str(first))["created"] == 1
    kept = User.objects.get(pk=there.pk)
    assert (kept.name, kept.password) == (there.name, there.password)
    assert import_file(lines, "--ids", str(second))["created"] == 0
    assert second.read_text() == first.read_text()
    assert f"7,{there.pk}," in first.read_text()


def test_every_wrong_line_is_named_and_nobody_is_imported(tmp_path: Path) -> None:
    User.objects.create_user("squatter@example.com", PASSWORD)
    rows = [
        "old_id,email,password,email_verified,date_joined",
        f"1,ada@example.com,{OLD_HASH},yes,2020-01-01T00:00:00Z",
        "2,,,,",
        f"3,{'bob'},,,",
        f"4,ADA@example.com,{OLD_HASH},no,",
        "1,cleo@example.com,,,",
        f"5,dan@example.com,{PASSWORD},,",
        "6,eve@example.com,bcrypt$$2b$12$abcdefghijklmnopqrstuuu,,",
        "7,fay@example.com,,perhaps,",
        "8,gus@example.com,,true,yesterday",
        "9,squatter@example.com,,true,",
    ]
    path = tmp_path / "users.csv"
    path.write_text("\ufeff" + "\n".join(rows) + "\n")
    faults = faults_of(path)
    expected = [
        (3, "email is empty."),
        (4, "email: Enter a valid email address."),
        (5, "the address ADA@example.com is already in line 2."),
        (6, "the old_id 1 is already in line 2."),
        (7, "the password is not a hash"),
        (8, "the password is not a hash"),
        (9, "email_verified must be true or false, not 'perhaps'."),
        (10, "date_joined must be a time"),
        (11, "somebody has registered squatter@example.com and not confirmed it."),
    ]
    assert len(faults) == len(expected)
    for fault, (line, words) in zip(faults, expected, strict=True):
        assert fault.startswith(f"line {line}: {words}")
    assert User.objects.count() == 1


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("users.jsonl", '{"email": "ada@example.com", "is_staff": true}\n', "no column 'is_staff'"),
        ("users.jsonl", "email\nada@example.com\n", "line 1: expected one JSON object"),
        ("users.csv", "email\nada@example.com,x\n", "line 2: there are more values than columns"),
        ("users.csv", b"email\n\xe4da@example.com\n", "not in UTF-8"),
    ],
)
def test_a_file_of_another_form_is_refused(
    tmp_path: Path, name: str, text: str | bytes, words: str
) -> None:
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(CommandError, match=words):
        call_command("import_users", str(path))
    assert not User.objects.exists()


def test_an_address_that_was_not_confirmed_is_a_registration(tmp_path: Path) -> None:
    """Also an old one: it has its days to be confirmed."""
    path = tmp_path / "users.csv"
    path.write_text(
        f"email,password,date_joined\nada@example.com,{OLD_HASH},2001-01-01T00:00:00Z\n"
    )
    import_file(path)
    call_command("prune", stdout=io.StringIO())
    assert User.objects.get().is_registration
    answer = call("POST", "/v1/login", {"email": "ada@example.com", "password": PASSWORD})
    assert answer.status_code == 401
