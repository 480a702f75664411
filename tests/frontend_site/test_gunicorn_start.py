"""What cannot work stops frontend_site in one line, before a worker starts."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.frontend_site.test_settings import PRODUCTION
from tests.one_line import ROOT, start
from tests.ports import free_port

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"FRONTEND_SECRET_KEY": ""}, "FRONTEND_SECRET_KEY is not set. Set it"),
        ({"ALLOWED_HOSTS": "other.example"}, "frontend_site.E010: ALLOWED_HOSTS must contain"),
        ({"GATEHOUSE_CERTFILE": "README.md"}, "GATEHOUSE_CERTFILE is not usable (SSLError). Set"),
        ({"GATEHOUSE_KEYFILE": "README.md"}, "GATEHOUSE_KEYFILE is set without GATEHOUSE_CERT"),
        ({"GATEHOUSE_APPS": "nope"}, "GATEHOUSE_APPS: 'nope' is not found. Put its folder"),
        (
            {
                "GATEHOUSE_APPS": "tests.apps.shelf,tests.apps.twin.shelf",
                "SITE_DATABASE_URL": "sqlite://:memory:",
            },
            "GATEHOUSE_APPS: tests.apps.shelf and tests.apps.twin.shelf have the same label",
        ),
        (
            {"GATEHOUSE_APPS": "tests.apps.pointing", "SITE_DATABASE_URL": "sqlite://:memory:"},
            "frontend_site.E012: Post.author refers to auth.User, which has no table",
        ),
        ({"GATEHOUSE_UPSTREAM_COOKIES": "x:y"}, "GATEHOUSE_UPSTREAM_COOKIES is no longer"),
    ],
)
def test_what_cannot_work_is_one_line(tmp_path: Path, changes: dict[str, str], line: str) -> None:
    [printed] = start("frontend_site", tmp_path, **{**PRODUCTION, **changes})
    assert printed.startswith(f"gatehouse: {line}")


@pytest.mark.parametrize(("theirs", "ours"), [("127.0.0.1", "0.0.0.0"), ("::1", "[::]")])  # noqa: S104
def test_a_taken_port_is_one_line(tmp_path: Path, theirs: str, ours: str) -> None:
    port = free_port()
    family = socket.AF_INET6 if ":" in theirs else socket.AF_INET
    with socket.create_server((theirs, port), family=family, reuse_port=True):
        [printed] = start("frontend_site", tmp_path, "--bind", f"{ours}:{port}", **PRODUCTION)
    assert printed == (
        f"gatehouse: cannot listen on {ours}:{port}: address already in use. "
        "Stop the process that uses it, or set FRONTEND_PORT."
    )


@pytest.mark.parametrize("module", ["django.conf", "prometheus_client", "frontend_site.metrics"])
def test_the_master_imports_nothing_that_has_locks(module: str) -> None:
    """gevent patches a worker after the fork, and a lock that exists by then stays unpatched."""
    script = f"import sys, gatehouse.metrics_folder, frontend_site.gunicorn; print({module!r} in sys.modules)"
    environment = {"PATH": os.environ["PATH"], "GATEHOUSE_ENV": "test"}
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, env=environment, capture_output=True, text=True
    )
    assert done.stdout.strip() == "False", done.stderr
