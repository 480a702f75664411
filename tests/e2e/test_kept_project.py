"""A Django project kept as a service (docs/how-to/django-project.md), behind a real nginx and Gatehouse."""

import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.e2e.conftest import EMAIL
from tests.e2e.proxies import DEPLOY, start_proxy
from tests.ports import free_port
from tests.processes import ROOT, JsonClient, Stack, wait_for

PAGE = ROOT / "docs" / "how-to" / "django-project.md"
KEPT = ROOT / "tests" / "e2e" / "kept"
LOCATION = re.compile(r"```nginx\n(.*?)```", re.DOTALL)


def test_the_page_shows_this_project() -> None:
    shown = re.findall(r"```python\n# project/(\S+\.py)\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert [name for name, _ in shown] == ["models.py", "gatehouse.py", "settings.py"]
    for name, block in shown:
        code = (KEPT / name).read_text().replace("tests.e2e.kept", "project")
        assert set(block.splitlines()) - {"    ..."} <= set(code.splitlines()), name


def listens(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


@pytest.fixture
def proxied(
    site: Stack, site_password: str, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """The address of nginx, with the location of the page."""
    there = JsonClient(f"http://localhost:{site.web_port}")
    assert there.login(EMAIL, site_password).status_code == 200
    ada = there.get("/api/auth/session").json()["user"]["id"]
    port = free_port()
    variables = {
        "DJANGO_SETTINGS_MODULE": "tests.e2e.kept.settings",
        "KEPT_DATABASE": str(tmp_path / "db.sqlite3"),
    }
    command = [sys.executable, "-m", "tests.e2e.kept.serve", str(port), f"ada={ada}"]
    process = subprocess.Popen(command, cwd=ROOT, env={**os.environ, **variables})
    samples = tmp_path / "samples"
    shutil.copytree(DEPLOY, samples)
    sample = samples / "nginx" / "site.conf"
    [location] = LOCATION.findall(PAGE.read_text())
    text, count = re.subn(
        r"    location /app/ \{.*?\n    \}\n",
        lambda _: location,
        sample.read_text(),
        flags=re.DOTALL,
    )
    assert count == 1
    sample.write_text(text)
    app: Any = SimpleNamespace(server_port=port)
    try:
        wait_for(lambda: listens(port), "the project")
        with start_proxy("nginx", site.web_port, app, tmp_path_factory, samples) as address:
            yield address
    finally:
        process.terminate()
        process.wait(30)


@pytest.mark.exhaustive
def test_existing_users_keep_their_rows_and_sessions(
    proxied: str, site: Stack, site_password: str
) -> None:
    client = JsonClient(proxied)
    assert client.login(EMAIL, site_password).status_code == 200
    first = client.get("/app/count")
    assert first.text.split()[:2] == ["ada", "0"]
    for number in ("1", "2"):
        answer = client.post("/app/count", **{"X-CSRFToken": first.text.split()[2]})
        assert answer.text.split()[:2] == ["ada", number]
    stranger = JsonClient(proxied)
    assert stranger.login("new@example.com", site.make_user("new@example.com")).status_code == 200
    answer = stranger.get("/app/count")
    assert (answer.status_code, answer.headers["Location"]) == (
        302,
        "/app/no-account?next=/app/count",
    )
    # The same browser, with the project's cookies of the user before.
    stranger.cookies.update(
        {name: value for name, value in client.cookies.items() if name == "sessionid"}
    )
    assert stranger.get("/app/count").status_code == 302
    assert JsonClient(proxied).get("/app/count").status_code == 401
