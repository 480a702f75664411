"""Commands tell programs and people what they did, and refuse what was not meant."""

import io
import json
import stat
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from auth_api.mail.models import OutboxMail
from auth_api.security_log.kinds import Kind
from auth_api.security_log.models import SecurityEvent
from auth_api.security_log.writer import writer
from auth_api.throttling import LoginThrottle, Purpose, count_new_password, mail_wait
from auth_api.tries import FREE_TRIES
from auth_api.users.models import User
from auth_api.users.unlocking import unlock_users
from gatehouse.keys import parse_keys, weakness_of
from gatehouse.variables import DEVELOPMENT_SECRETS
from tests.auth_api.http import call, session_token
from tests.auth_api.sessions.conftest import PASSWORD, is_alive, make_user
from tests.store_contents import stored_keys

pytestmark = pytest.mark.django_db(transaction=True)
ADA = "ada@example.com"


def run(*arguments: str) -> dict[str, Any]:
    """Run a command with --json; return what it printed."""
    out = io.StringIO()
    call_command(*arguments, "--json", stdout=out)
    answer: dict[str, Any] = json.loads(out.getvalue())
    assert answer.pop("ok")
    return answer


def refusal(*arguments: str, code: int = 1) -> str:
    """Run a command that fails with `code`; return its message, which JSON has too."""
    out = io.StringIO()
    with pytest.raises(CommandError) as failed:
        call_command(*arguments, "--json", stdout=out)
    assert failed.value.returncode == code
    answer = json.loads(out.getvalue())
    assert answer["ok"] is False
    assert answer["error"] == str(failed.value)
    assert "\n" not in answer["error"]
    return str(failed.value)


def login(password: str = PASSWORD) -> Any:
    return call("POST", "/v1/login", {"email": ADA, "password": password})


def an_old_event(days: int) -> None:
    user = User.objects.first() or make_user(ADA)
    at = timezone.now() - timedelta(days=days)
    SecurityEvent.objects.create(user=user, kind="name.changed", at=at, first_at=at)


def a_registration(days: int, **changes: Any) -> User:
    values: dict[str, Any] = {"password": "argon2$a", **changes}
    joined = timezone.now() - timedelta(days=days)
    return User.objects.create(email=f"{User.objects.count()}@example.com", date_joined=joined, **values)  # fmt: skip


@pytest.mark.parametrize("days", ["-1", "3651"])
@pytest.mark.parametrize(
    "command", [("prune_security_log", "--days"), ("prune", "--log-days"), ("prune", "--unconfirmed-days"), ("prune", "--mail-days")]
)  # fmt: skip
def test_an_age_outside_its_range_deletes_nothing(command: tuple[str, str], days: str) -> None:
    an_old_event(400)
    assert "must be a whole number from 0 to 3650" in refusal(
        command[0], f"{command[1]}={days}", "--yes", code=2
    )
    assert SecurityEvent.objects.count() == 1


def test_an_age_below_the_configured_one_is_asked_about(monkeypatch: pytest.MonkeyPatch) -> None:
    an_old_event(30)
    assert "Add --yes" in refusal("prune_security_log", "--days", "20")
    monkeypatch.setattr("sys.stdin", _Terminal("no\nyes\n"))
    refusal("prune_security_log", "--days", "20")
    assert SecurityEvent.objects.count() == 1
    call_command("prune_security_log", "--days", "20", stdout=io.StringIO())
    assert SecurityEvent.objects.count() == 0


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_dry_run_counts_and_deletes_nothing() -> None:
    an_old_event(400)
    a_registration(31)
    told = run("prune", "--dry-run", "--log-days", "0")
    assert (told["events"], told["unconfirmed_accounts"], told["dry_run"]) == (1, 1, True)
    assert (SecurityEvent.objects.count(), User.objects.count()) == (1, 2)


def test_prune_deletes_registrations_that_nobody_confirmed_and_no_other_account() -> None:
    kept = {
        a_registration(29).pk,
        a_registration(400, email_verified=True).pk,
        a_registration(400, is_staff=True).pk,
        a_registration(400, is_active=False).pk,
        a_registration(400, password="!made by staff").pk,
    }
    a_registration(31)
    assert run("prune")["unconfirmed_accounts"] == 1
    assert set(User.objects.values_list("pk", flat=True)) == kept


def test_prune_deletes_mails_that_were_given_up() -> None:
    for days, due_at in ((31, None), (29, None), (31, timezone.now())):
        at = timezone.now() - timedelta(days=days)
        OutboxMail.objects.create(to=ADA, template="reset", created_at=at, due_at=due_at)
    assert run("prune")["failed_mails"] == 1
    assert OutboxMail.objects.count() == 2


def test_sessions_are_listed_shown_counted_and_ended() -> None:
    make_user(ADA)
    make_user("bob@example.com")
    tokens = [session_token(login()) for _ in range(2)]
    listed = run("sessions", "list", "--email", ADA)["sessions"]
    assert len(listed) == 2
    handle = listed[0]["handle"]
    shown = run("sessions", "show", "--email", ADA, f"--handle={handle}")["session"]
    assert shown == listed[0]
    assert run("sessions", "stats") == {"users": 2, "signed_in": 1, "sessions": 2}
    run("sessions", "end", "--email", ADA, f"--handle={handle}")
    assert sorted(is_alive(token) for token in tokens) == [False, True]
    run("sessions", "end", "--email", ADA)
    assert not any(is_alive(token) for token in tokens)


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (("sessions", "show", "--email", ADA, "--handle=zzz"), 1),
        (("sessions", "end", "--email", ADA, "--handle=zzz"), 1),
        (("end_sessions", "--email", ADA, "--handle=zzz"), 1),
        (("end_sessions", "--all", "--handle=zzz"), 2),
        (("sessions", "list"), 2),
        (("sessions", "stats", "--email", ADA), 2),
        (("sessions", "list", "--email", "nobody@example.com"), 1),
        (("unlock",), 2),
        (("unlock", "--address", "example"), 2),
        (("unlock", "--email", "nobody@example.com"), 1),
        (("resend", "--email", ADA), 1),
        (("invite", "--email", "nobody@example.com", "--revoke"), 1),
        (("make_keys", "--id", "K 1"), 2),
        (("calibrate_argon2", "--memory", "8"), 2),
        (("doctor", "--url", "https://localhost/login"), 2),
        (("doctor", "--ca", "no/such/file"), 2),
        (("doctor", "--send-to", "nobody"), 2),
    ],
)
def test_what_cannot_be_done_has_an_exit_code(command: tuple[str, ...], code: int) -> None:
    make_user(ADA)
    refusal(*command, code=code)


def test_unlock_lets_a_throttled_user_sign_in() -> None:
    make_user(ADA)
    for _ in range(FREE_TRIES + 1):
        login("wrong")
    assert login().status_code == 429
    assert writer.drain(30)  # the failures name the network
    assert run("unlock", "--email", ADA)["counters"] > 0
    assert login().status_code == 200
    assert writer.drain(30)
    assert SecurityEvent.objects.filter(kind=Kind.UNLOCKED).count() == 1


def test_unlock_finds_networks_that_the_log_has_forgotten(redis_client: Any) -> None:
    user, other = make_user(ADA), make_user("bob@example.com")
    for account, address in (
        (ADA, "198.51.100.4"),
        (ADA, "2001:db8::1"),
        (other.email, "192.0.2.1"),
    ):
        for verification in (False, True):
            LoginThrottle(account, address, verification=verification).hit()
    of_bob = {*LoginThrottle(other.email, "192.0.2.1").keys}
    of_bob |= {*LoginThrottle(other.email, "192.0.2.1", verification=True).keys}
    assert not SecurityEvent.objects.exists()
    assert unlock_users([user]) == 2  # as the admin does: of no network, only of all together
    assert run("unlock", "--email", ADA)["counters"] == 8  # an address, and a /64, /56 and /48
    assert {key.decode() for key in stored_keys(redis_client)} == of_bob


def test_unlock_lets_a_throttled_address_try_again(redis_client: Any) -> None:
    for purpose in (Purpose.RESET, Purpose.RESEND):
        mail_wait("198.51.100.4", purpose)
    count_new_password("198.51.100.4")
    assert run("unlock", "--address", "198.51.100.4") == {"counters": 3}
    assert not stored_keys(redis_client)


def test_resend_mails_the_link_again() -> None:
    user = a_registration(1)
    run("resend", "--email", user.email)
    assert OutboxMail.objects.get().template == "verify"


def test_make_keys_makes_secrets_that_the_settings_take(tmp_path: Path) -> None:
    made = run("make_keys", "--id", "k1")["variables"]
    assert made.keys() == DEVELOPMENT_SECRETS.keys()
    for name, value in made.items():
        secret = parse_keys(value)[0].secret if DEVELOPMENT_SECRETS[name] else value.encode()
        assert not weakness_of(secret)
    path = tmp_path / "secrets.env"
    run("make_keys", "--output", str(path))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    before = path.read_text()
    assert "exists" in refusal("make_keys", "--output", str(path))
    assert path.read_text() == before
    missing = str(tmp_path / "none" / "secrets.env")
    assert "No such file" in refusal("make_keys", "--output", missing, code=3)


def test_calibrate_argon2_never_suggests_less_than_the_least() -> None:
    told = run("calibrate_argon2", "--target", "1")
    assert (told["time"], told["memory_kib"]) == (2, 19_456)


@pytest.mark.parametrize("options", [("--password-stdin",), ()])
def test_no_password_is_one_line(monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...]) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    refusal("createuser", "--email", ADA, *options)
    assert not User.objects.exists()
