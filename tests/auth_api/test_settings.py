"""Variables: production demands them, development makes secrets once, tests have their own."""

import os
import re
import secrets
import subprocess
import sys
import traceback
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from auth_api.settings import base
from auth_api.settings.database import database_settings
from auth_api.settings.email import email_settings
from gatehouse.env import Env

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
NEEDED = {
    "SECRET_KEY": secrets.token_urlsafe(40),
    "GATEHOUSE_SERVICE_KEYS": "k1:" + secrets.token_urlsafe(40),
    "GATEHOUSE_SESSION_KEYS": "k1:" + secrets.token_urlsafe(40),
    "GATEHOUSE_IDENTITY_KEYS": "k1:" + secrets.token_urlsafe(40),
    "GATEHOUSE_FACTOR_KEYS": "k1:" + secrets.token_urlsafe(40),
    "GATEHOUSE_PUBLIC_ORIGIN": "https://gatehouse.example",
    "REDIS_URL": "redis://127.0.0.1:6379",
    "EMAIL_URL": "console://",
}


def start_production(folder: Path, **changes: str) -> "subprocess.CompletedProcess[str]":
    """Import wsgi.py as gunicorn does."""
    environment = {
        "PATH": os.environ["PATH"], "GATEHOUSE_VAR": str(folder), **NEEDED, **changes,
        "PYTHONPATH": str(ROOT),
    }  # fmt: skip
    return subprocess.run(
        [sys.executable, "-c", "import auth_api.wsgi"],
        env=environment, capture_output=True, text=True, timeout=60,
    )  # fmt: skip


def test_production_starts_with_what_it_needs(tmp_path: Path) -> None:
    started = start_production(tmp_path)
    assert started.returncode == 0, started.stderr


def test_production_refuses_to_start_and_makes_no_secrets(tmp_path: Path) -> None:
    started = start_production(tmp_path, SECRET_KEY="")
    assert started.returncode != 0
    assert "SECRET_KEY is not set" in started.stderr.strip().splitlines()[-1]
    assert not (tmp_path / "secrets.env").exists()


def refusal_of_production(monkeypatch: pytest.MonkeyPatch, **changes: str) -> ImproperlyConfigured:
    """Read production's settings in this process: a process for each value takes a second."""
    environment = {**NEEDED, "GATEHOUSE_ENV": "production", **changes}
    monkeypatch.setattr(base, "ENV", Env(environment))
    with pytest.raises(ImproperlyConfigured) as refused:
        base.apply({}, email_default="", log_json=True)
    return refused.value


@pytest.mark.parametrize("name", sorted(NEEDED))
def test_production_demands(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    message = str(refusal_of_production(monkeypatch, **{name: ""}))
    assert f"{name} is not set" in message
    assert "GATEHOUSE_ENV=development" in message


def test_production_refuses_weak_keys_and_plain_http(tmp_path: Path) -> None:
    weak = start_production(tmp_path, SECRET_KEY="x" * 50)
    assert "auth_api.E004" in weak.stderr
    plain = start_production(tmp_path, GATEHOUSE_PUBLIC_ORIGIN="http://gatehouse.example")
    assert "auth_api.E006" in plain.stderr


@pytest.mark.parametrize(
    ("url", "name", "value"),
    [
        ("console://", "EMAIL_BACKEND", "django.core.mail.backends.console.EmailBackend"),
        ("memory://", "EMAIL_BACKEND", "django.core.mail.backends.locmem.EmailBackend"),
        ("file:///var/mails", "EMAIL_FILE_PATH", "/var/mails"),
        ("smtp://u:p%40ss@mail.example:587?tls=1", "EMAIL_HOST_PASSWORD", "p@ss"),
        ("smtp://u:p%40ss@mail.example:587?tls=1", "EMAIL_USE_TLS", True),
        ("smtp+tls://mail.example:587", "EMAIL_USE_TLS", True),
        ("smtps://mail.example", "EMAIL_PORT", 465),
        ("smtps://mail.example", "EMAIL_USE_SSL", True),
        ("smtp://mail.example?ssl=1", "EMAIL_PORT", 465),
        ("smtp://mail.example?tls=0", "EMAIL_USE_TLS", False),
        ("smtp+tls://mail.example?tls=1&starttls=on", "EMAIL_USE_TLS", True),
        ("smtp://u%40x:p%2B%23%3A%2F%25@mail.example?tls=1", "EMAIL_HOST_USER", "u@x"),
        ("smtp://u%40x:p%2B%23%3A%2F%25@mail.example?tls=1", "EMAIL_HOST_PASSWORD", "p+#:/%"),
        ("smtp://u:p+w@mail.example?tls=1", "EMAIL_HOST_PASSWORD", "p+w"),
        ("smtp://u:p@localhost:2525", "EMAIL_HOST_PASSWORD", "p"),
        ("smtp://u:p@[::1]:2525", "EMAIL_HOST", "::1"),
        ("smtp://mail.example", "EMAIL_USE_TLS", False),  # no password to protect
    ],
)
def test_mails_go_where_the_url_says(url: str, name: str, value: object) -> None:
    assert email_settings(url)[name] == value


@pytest.mark.parametrize("url", ["", "mail.example", "http://mail.example"])
def test_an_unknown_mail_url_is_refused_without_being_shown(url: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="EMAIL_URL"):
        email_settings(url)


@pytest.mark.parametrize("true", ["1", "true", "TRUE", "yes", "on"])
@pytest.mark.parametrize("name", ["tls", "TLS", "starttls", "StartTLS"])
def test_every_usual_spelling_of_true_starts_tls(name: str, true: str) -> None:
    found = email_settings(f"smtp://u:p@mail.example?{name}={true}")
    assert (found["EMAIL_USE_TLS"], found["EMAIL_USE_SSL"]) == (True, False)


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("smtp://u:s3cret@mail.example", "would send the password in clear"),
        ("smtp://u:s3cret@mail.example?tls=0", "would send the password in clear"),
        ("smtp://u:s3cret@127.0.0.1.example", "would send the password in clear"),
        ("smtp://u:s3cret@mail.example?ttls=1", "the options are tls, starttls and ssl"),
        ("smtp://u:s3cret@mail.example?tls=2", "true, yes, on"),
        ("smtp://u:s3cret@mail.example?tls=", "true, yes, on"),
        ("smtp://u:s3cret@mail.example?tls", "true, yes, on"),
        ("smtp://u:s3cret@mail.example?tls=1&tls=0", "both on and off"),
        ("smtp+tls://u:s3cret@mail.example?tls=no", "both on and off"),
        ("smtps://u:s3cret@mail.example?ssl=off", "both on and off"),
        ("smtps://u:s3cret@mail.example?starttls=1", "either"),
        ("smtp://u@mail.example?tls=1", "both a user and a password"),
        ("smtp://:s3cret@mail.example?tls=1", "both a user and a password"),
        ("smtp://u:s3#cret@mail.example?tls=1", "percent-encode"),
        ("smtp://u:1/s3cret@mail.example?tls=1", "percent-encode"),
        ("smtp://u:s3cret%ff@mail.example?tls=1", "percent-encode"),
        ("smtp://u:s3cret@mail.example:many?tls=1", "percent-encode"),
        ("console://?tls=1", "only smtp has"),
        ("file://folder/mails", "only smtp has"),
        ("file://", "must be console"),
    ],
)
def test_a_mail_url_with_an_unknown_part_stops_the_start(url: str, says: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="EMAIL_URL: ") as refused:
        email_settings(url)
    message = str(refused.value)
    assert says in message
    assert "\n" not in message
    assert "s3" not in message


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("EMAIL_URL", "smtp://u:s3cret@mail.example?tls=maybe"),
        ("DATABASE_URL", "sqlite:////tmp/x.sqlite3?timeout=3"),
        ("DATABASE_URL", "postgres://u:s3cret@db.example/n?sslmode=on"),
        ("DATABASE_URL", "postgres://u:s3cret@db.example/n?ssl=true"),
        ("DATABASE_URL", "mysql://u:s3cret@db.example/n"),
        ("DATABASE_URL", "u:s3cret@db.example/n"),
        ("REDIS_URL", "redis://:s3cret@redis.example?ssl=true"),
        ("REDIS_URL", "redis://:s3cret@redis.example/one"),
        ("REDIS_URL", "rediss://:s3cret@redis.example?ssl_cert_reqs=maybe"),
        ("REDIS_URL", "redis+sentinel://:s3cret@10.0.0.1/gatehouse/0"),
        ("REDIS_URL", "redis+cluster://10.0.0.1:6379?ssl=true&password=s3cret"),
        ("GATEHOUSE_PWNED_PASSWORDS_URL", "passwords.example"),
    ],
)
def test_what_would_be_ignored_in_a_url_stops_the_start_in_one_line(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused = refusal_of_production(monkeypatch, **{name: value})
    assert str(refused).startswith(name)
    assert "\n" not in str(refused)
    assert "s3cret" not in "".join(traceback.format_exception(refused))


def test_an_sqlite_file_is_for_its_owner_only_whatever_the_umask(tmp_path: Path) -> None:
    var = tmp_path / "var"
    write = (
        "from django.core.management import execute_from_command_line as run;"
        "run(['manage.py', 'migrate', '--verbosity', '0']);"
        "from auth_api.users.models import User; User.objects.create(email='ada@example.com');"
        "import os, stat; var = os.environ['GATEHOUSE_VAR'];"
        "print({f: oct(os.stat(f'{var}/{f}').st_mode & 0o777) for f in ('', *os.listdir(var))})"
    )
    environment = {
        "PATH": os.environ["PATH"], "GATEHOUSE_VAR": str(var), "PYTHONPATH": str(ROOT), **NEEDED,
        "GATEHOUSE_ENV": "production", "DJANGO_SETTINGS_MODULE": "auth_api.settings",
    }  # fmt: skip
    var.mkdir()
    for name in ("gatehouse.sqlite3", "gatehouse.sqlite3-wal", "gatehouse.sqlite3-shm"):
        (var / name).touch()
        (var / name).chmod(0o666)
    var.chmod(0o777)
    said = subprocess.check_output(
        [sys.executable, "-c", write], env=environment, text=True, umask=0
    )
    assert "gatehouse.sqlite3-wal" in said
    assert set(re.findall("0o[0-7]+", said)) == {"0o700", "0o600"}


@pytest.mark.parametrize(("query", "timeout"), [("", "3"), ("?connect_timeout=10", "10")])
def test_postgresql_is_not_waited_for_without_end(query: str, timeout: str) -> None:
    """A worker that waits for a dead host, or for a migration's lock, answers nobody."""
    options = database_settings(f"postgres://u:p@127.0.0.1/name{query}", pooled=False)["OPTIONS"]
    assert str(options["connect_timeout"]) == timeout
    assert options["tcp_user_timeout"]


@pytest.mark.parametrize("pooled", [True, False])
def test_behind_a_pooler_no_cursor_outlasts_its_transaction(pooled: bool) -> None:
    entry = database_settings("postgres://u:p@127.0.0.1/name", pooled=pooled)
    assert entry["DISABLE_SERVER_SIDE_CURSORS"] is pooled
    assert "options" not in entry["OPTIONS"]  # PgBouncer refuses such start-up parameters
