"""`manage.py doctor` on a good set-up and on broken ones, as operators run it: production behind a real nginx."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from tests.e2e.front_door import FrontDoor
from tests.e2e.proxies import App, start_proxy
from tests.faults.outages import auth_api_hangs, restarted_with
from tests.mailbox import Mailbox
from tests.ports import free_port
from tests.processes import ROOT, Stack

pytestmark = pytest.mark.skipif(not shutil.which("nginx"), reason="NO nginx: it is not installed")
PASSWORD = "pa55word-of-the-servers"


@dataclass(frozen=True)
class SetUp:
    """A Gatehouse and its front door."""

    door: FrontDoor
    stack: Stack

    def doctor(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run the command with other `variables` than auth_api has."""
        authority = str(self.door.certificates.authority)
        return subprocess.run(
            [sys.executable, "manage.py", "doctor", "--ca", authority, *arguments],
            cwd=ROOT, env={**self.stack.environment, **variables}, text=True, capture_output=True,
        )  # fmt: skip

    def faults(self, *arguments: str, **variables: str) -> dict[str, str]:
        """Return what is no "ok", by the check: the outcome, what was found and what to do."""
        done = self.doctor("--json", *arguments, **variables)
        document = json.loads(done.stdout)
        assert "Traceback" not in done.stderr
        assert not any(secret.partition(":")[2] in done.stdout for secret in self._secrets)
        failed = document["counts"]["fail"] > 0
        assert (document["ok"], done.returncode) == ((False, 1) if failed else (True, 0))
        return {
            each["check"]: f"{each['outcome']}: {each['found']} -> {each['mend']}"
            for each in document["checks"]
            if each["outcome"] in ("warn", "fail")
        }

    @property
    def _secrets(self) -> list[str]:
        return [secret for name, secret in self.stack.secrets.items() if name.endswith("_KEYS")]


@pytest.fixture(scope="module")
def set_up() -> Iterator[SetUp]:
    # Not pytest's folder: nginx's worker, another user, keeps long bodies there.
    with TemporaryDirectory(prefix="gh-nginx-") as folder:
        door = FrontDoor(Path(folder))
        with door.stack() as stack:
            yield SetUp(door, stack)
    door.app.shutdown()


@pytest.fixture
def behind_nginx(set_up: SetUp) -> Iterator[SetUp]:
    """The set-up with the sample as it is."""
    with set_up.door.open(set_up.stack):
        yield set_up


def test_a_good_set_up(behind_nginx: SetUp) -> None:
    done = behind_nginx.doctor("--send-to", "ada@example.com")
    assert done.returncode == 0, done.stdout
    lines = done.stdout.splitlines()
    *checks, summary = lines
    assert {line.split()[0] for line in checks} == {"ok", "skipped"}
    assert [line.split()[1] for line in checks if line.startswith("skipped")] == ["redirect"]
    assert " 0 warn, 0 fail, 1 skipped." in summary
    assert len(checks) >= 36
    mail = behind_nginx.stack.mailbox.wait_for("ada@example.com")
    assert behind_nginx.door.origin in mail.text


def test_a_careless_proxy(set_up: SetUp) -> None:
    """It passes on what clients claim, changes what Gatehouse answers, and serves an app to everybody."""
    changes = {
        "X-Forwarded-For $remote_addr": "X-Forwarded-For $http_x_forwarded_for",
        "X-Forwarded-Proto $scheme": "X-Forwarded-Proto $http_x_forwarded_proto",
        "X-Request-Id $request_id": "X-Request-Id $http_x_request_id",
        "client_max_body_size 64k;": "client_max_body_size 1k; proxy_cookie_flags ~ nosecure; proxy_hide_header X-Frame-Options;",
        "large_client_header_buffers 4 16k;": "",
        "location = /auth/verify {": "location = /hidden {",
        "auth_request /_gatehouse;": "auth_request off;",
    }
    with set_up.door.open(set_up.stack, changes):
        found = set_up.faults()
    expected = {
        "client-address": ("fail: a client can choose its own address", "X-Forwarded-For"),
        "scheme": ("fail: https requests count as http", "X-Forwarded-Proto"),
        "hsts": ("fail: Strict-Transport-Security does not arrive", "X-Forwarded-Proto"),
        "request-id": ("warn: a client can choose the request ID", "X-Request-Id"),
        "headers": ("fail: a proxy removes, changes or doubles X-Frame-Options ->", "pass these headers"),
        "csrf-cookie": ("fail: __Host-csrf arrives with path=/; samesite=strict instead", "unchanged"),
        "session-cookie": ("fail: __Host-session arrives with httponly;", "unchanged"),
        "body-limit": ("fail: a body of 60 KiB gets 413", "client_max_body_size"),
        "cookie-limit": ("warn: too many cookies get 400", "large_client_header_buffers"),
        "forward-auth": ("fail: /app/ is served to anybody", "/auth/verify"),
    }  # fmt: skip
    assert found.keys() == expected.keys()
    for check, (what, mend) in expected.items():
        assert found[check].startswith(what)
        assert mend in found[check].partition("->")[2]


def test_a_redis_that_forgets(behind_nginx: SetUp) -> None:
    redis = behind_nginx.stack.valkey.client()
    redis.config_set("maxmemory-policy", "allkeys-lru")
    redis.config_set("appendonly", "no")
    try:
        found = behind_nginx.faults()
    finally:
        redis.config_set("maxmemory-policy", "noeviction")
        redis.config_set("appendonly", "yes")
    assert found.keys() == {"redis-eviction", "redis-persistence"}
    assert "maxmemory-policy noeviction" in found["redis-eviction"]
    assert "appendonly yes" in found["redis-persistence"]


def test_a_neglected_auth_api(behind_nginx: SetUp, tmp_path: Path) -> None:
    """A guessable key, a cheap hash, a mail server without TLS, a database that was not migrated, and a fast clock.

    By that clock, frontend_site would refuse the question of the command itself.
    """
    shift = "import time; real = time.time; time.time = lambda: real() + 3600"
    (tmp_path / "sitecustomize.py").write_text(shift)
    with Mailbox() as clear:
        found = behind_nginx.faults(
            GATEHOUSE_SESSION_KEYS=f"weak:{'a' * 40}",
            GATEHOUSE_ARGON2_TIME="1",
            EMAIL_URL=clear.url.replace("smtp:", "smtp+tls:"),
            DATABASE_URL=f"sqlite:///{tmp_path / 'empty.sqlite3'}",
            PYTHONPATH=str(tmp_path),
        )
    clocks = {"redis-clock", "site-clock"}
    assert found.keys() == {"secrets", "password-hash", "mail", "migrations", *clocks}
    assert "GATEHOUSE_SESSION_KEYS (weak) is not random -> " in found["secrets"]
    assert "19456 and 2" in found["password-hash"]
    assert "STARTTLS" in found["mail"]
    assert "manage.py migrate" in found["migrations"]
    for check in clocks:
        assert re.search("^fail: .* (3599|3600|3601) seconds behind .*NTP", found[check])


def test_an_auth_api_that_hangs(behind_nginx: SetUp) -> None:
    with auth_api_hangs(behind_nginx.stack):
        found = behind_nginx.faults()
    assert found.keys() == {"site-to-auth_api"}
    assert "AUTH_API_URL" in found["site-to-auth_api"]


def test_nothing_answers(set_up: SetUp) -> None:
    """Each part has its line, without a traceback and without the passwords in the URLs."""
    where = f"user:{PASSWORD}@127.0.0.1:{free_port()}"
    done = set_up.doctor(
        REDIS_URL=f"redis://{where}/0",
        DATABASE_URL=f"postgres://{where}/gatehouse",
        EMAIL_URL=f"smtp+tls://{where}",
    )
    failed = [line.split()[1] for line in done.stdout.splitlines() if line.startswith("fail")]
    assert failed == ["database", "redis", "mail", "front-door"]
    assert done.stdout.count("to do:") == 4
    assert done.stderr.count("\n") == 1
    assert PASSWORD not in done.stdout + done.stderr
    assert done.returncode == 1


@pytest.mark.exhaustive
@pytest.mark.parametrize("name", ["caddy", "haproxy"])
def test_the_samples_of_other_proxies(
    name: str, site: Stack, app: App, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """In development, over http."""
    with start_proxy(name, site.web_port, app, tmp_path_factory) as address:
        done = subprocess.run(
            [sys.executable, "manage.py", "doctor", "--url", address],
            cwd=ROOT, env=site.environment, text=True, capture_output=True,
        )  # fmt: skip
    found = [line for line in done.stdout.splitlines() if line.startswith(("warn", "fail"))]
    assert [line.split()[1] for line in found] == ["environment"]
    assert done.returncode == 0


@pytest.mark.exhaustive
def test_other_keys_and_hops_of_the_site(behind_nginx: SetUp) -> None:
    weak = f"weak:{'a' * 40}"
    assert behind_nginx.faults(GATEHOUSE_SERVICE_KEYS=weak).keys() == {"secrets", "front-door"}
    settings: dict[str, Any] = {"GATEHOUSE_PROXY_HOPS": "2", "GATEHOUSE_HSTS": "host"}
    with restarted_with(behind_nginx.stack, "web", **settings):
        found = behind_nginx.faults()
    assert found.keys() == {"client-address"}
    assert "GATEHOUSE_PROXY_HOPS=1" in found["client-address"]
