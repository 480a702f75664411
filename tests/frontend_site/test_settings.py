"""The environment: what production demands, what development makes."""

import os
import subprocess
import sys
import traceback
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from frontend_site.settings import base
from gatehouse.env import Env

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
PRODUCTION = {
    "GATEHOUSE_ENV": "production",
    "FRONTEND_SECRET_KEY": "0123456789" * 5 + "abcdefghij",
    "GATEHOUSE_SERVICE_KEYS": "a1:0123456789abcdefghijklmnopqrstuvwxyz",
    "GATEHOUSE_CSRF_KEYS": "a1:zyxwvutsrqponmlkjihgfedcba9876543210",
    "GATEHOUSE_PUBLIC_ORIGIN": "https://gatehouse.example",
    "AUTH_API_URL": "http://127.0.0.1:8001",
    "ALLOWED_HOSTS": "gatehouse.example",
}


def start(
    environment: dict[str, str], script: str = "import frontend_site.wsgi"
) -> subprocess.CompletedProcess[str]:
    """Import wsgi.py as gunicorn does."""
    path = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [sys.executable, "-W", "ignore", "-c", script],
        env={**path, **environment},
        capture_output=True,
        text=True,
        cwd=ROOT,
    )


def test_production_starts_when_everything_is_set(tmp_path: Path) -> None:
    result = start({**PRODUCTION, "GATEHOUSE_VAR": str(tmp_path)})
    assert (result.returncode, result.stderr) == (0, "")


def refusal_of_production(monkeypatch: pytest.MonkeyPatch, **changes: str) -> ImproperlyConfigured:
    """Read production's settings in this process: a process for each value takes half a second."""
    monkeypatch.setattr(base, "ENV", Env({**PRODUCTION, **changes}))
    with pytest.raises(ImproperlyConfigured) as refused:
        base.apply({}, hosts="", log_json=True)
    return refused.value


def test_files_of_an_app_are_stored_privately_and_its_static_files_are_for_everyone(
    tmp_path: Path,
) -> None:
    apps = {"GATEHOUSE_APPS": "examples.notes", "SITE_DATABASE_URL": "postgres://x@127.0.0.1/x"}
    environment = {**PRODUCTION, **apps, "GATEHOUSE_VAR": str(tmp_path)}
    result = start(
        {**environment, "DJANGO_SETTINGS_MODULE": "frontend_site.settings"},
        "from django.core.files.base import ContentFile\n"
        "from django.core.files.storage import FileSystemStorage, default_storage\n"
        "from django.conf import settings\n"
        "own = FileSystemStorage(location=settings.MEDIA_ROOT / 'own')\n"
        "[storage.save('notes/a.txt', ContentFile(b'text')) for storage in (default_storage, own)]",
    )
    assert result.stderr == ""
    collect = [sys.executable, "manage.py", "site", "collectstatic", "--no-input", "-v0"]
    subprocess.run(collect, cwd=ROOT, env={"PATH": os.environ["PATH"], **environment}, check=True)
    modes = {path: path.stat().st_mode & 0o777 for path in tmp_path.rglob("*")}
    media = {mode for path, mode in modes.items() if path.is_relative_to(tmp_path / "media")}
    assert media == {0o700, 0o600}
    static = {mode for path, mode in modes.items() if path.is_relative_to(tmp_path / "static")}
    assert static == {0o755, 0o644}


@pytest.mark.parametrize("name", [name for name in PRODUCTION if name != "GATEHOUSE_ENV"])
def test_production_names_what_is_missing_and_both_ways_out(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    message = str(refusal_of_production(monkeypatch, **{name: ""}))
    assert name in message
    assert "GATEHOUSE_ENV=development" in message


@pytest.mark.parametrize(
    ("changes", "value"),
    [
        ({}, "max-age=63072000; includeSubDomains"),
        ({"GATEHOUSE_HSTS": "host", "GATEHOUSE_HSTS_AGE": "5m"}, "max-age=300"),
    ],
)
def test_production_promises_https(tmp_path: Path, changes: dict[str, str], value: str) -> None:
    script = "import frontend_site.wsgi, frontend_site.options as o; print(o.options().hsts)"
    result = start({**PRODUCTION, "GATEHOUSE_VAR": str(tmp_path), **changes}, script)
    assert result.stdout.strip() == value


def test_wsgi_means_production_unless_told_otherwise() -> None:
    assert "ImproperlyConfigured" in start({}).stderr


def test_wsgi_runs_the_checks() -> None:
    result = start({**PRODUCTION, "ALLOWED_HOSTS": "*"})
    assert "frontend_site.E002" in result.stderr


def test_the_public_site_has_no_database_no_redis_and_no_users(settings: object) -> None:
    from django.apps import apps
    from django.db import connections

    assert connections.settings["default"]["ENGINE"] == "django.db.backends.dummy"
    names = {app.name for app in apps.get_app_configs()}
    assert names == {"django.contrib.staticfiles", "frontend_site"}


@pytest.mark.parametrize(
    "url", ["127.0.0.1:8001", "http://u:s3cret@10.0.0.7:8001", "http://10.0.0.7?x=1", "ftp://h"]
)
def test_an_address_of_auth_api_that_would_be_read_in_part_stops_the_start(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused = refusal_of_production(monkeypatch, AUTH_API_URL=url)
    assert str(refused).startswith("AUTH_API_URL must be ")
    assert "s3cret" not in "".join(traceback.format_exception(refused))


@pytest.mark.parametrize(("hops", "keepalive"), [("0", "10"), ("1", "75")])
def test_the_server_has_room_for_what_stays_open(tmp_path: Path, hops: str, keepalive: str) -> None:
    """Behind a load balancer, connections are kept longer than it keeps them."""
    settings = {"GATEHOUSE_VAR": str(tmp_path), "GATEHOUSE_PROXY_HOPS": hops}
    open_ones = {"GATEHOUSE_STREAMS": "300", "GATEHOUSE_WEBSOCKETS": "70"}
    script = "from frontend_site import gunicorn as g; print(g.worker_connections, g.keepalive)"
    result = start({**PRODUCTION, **settings, **open_ones}, script)
    assert result.stdout.split() == ["1370", keepalive], result.stderr


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"GATEHOUSE_PROXY_HOPS": "9"}, "GATEHOUSE_PROXY_HOPS must be a whole number from 0 to 5."),
        ({"GATEHOUSE_PUBLIC_ORIGIN": "https://a b"}, "GATEHOUSE_PUBLIC_ORIGIN must be an origin"),
        (
            {"ALLOWED_HOSTS": "gatehouse.example:443"},
            "ALLOWED_HOSTS must be a comma-separated list of host names",
        ),
        ({"AUTH_API_URL": "10.0.0.7:8001"}, "AUTH_API_URL must be an http:// or https:// URL"),
        ({"GATEHOUSE_CERTFILE": "/no/such.crt"}, "GATEHOUSE_CERTFILE must be a file"),
        ({"GATEHOUSE_UPSTREAMS": "auth=http://10.0.0.7"}, "GATEHOUSE_UPSTREAMS: "),
        ({"GATEHOUSE_UPSTREAMS": "x=http://a"}, "GATEHOUSE_ACCESS_RULES: '/api/x/' has no rule"),
        ({"GATEHOUSE_ACCESS_RULES": "/app/=all"}, "GATEHOUSE_ACCESS_RULES: '/app/=all' must give"),
        ({"GATEHOUSE_FORWARD_AUTH_PATHS": "/app/"}, "GATEHOUSE_FORWARD_AUTH_PATHS is no longer"),
        (
            {"GATEHOUSE_UPSTREAMS": "x=http://a+claims=sub"},
            "GATEHOUSE_UPSTREAMS: 'x' must set claims",
        ),
    ],
)
def test_production_refuses_in_one_line(
    changes: dict[str, str], line: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """test_gunicorn_start.py shows that gunicorn prints such a line, and nothing else."""
    message = str(refusal_of_production(monkeypatch, **changes))
    assert message.startswith(line)
    assert "\n" not in message
