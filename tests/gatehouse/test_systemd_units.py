"""The sample units of docs/how-to/deploy: systemd accepts them, for the site and as they say to change them for auth_api."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.processes import ROOT

_DEPLOY = ROOT / "docs" / "how-to" / "deploy"


@pytest.mark.skipif(
    not shutil.which("systemd-analyze"), reason="NO systemd-analyze: it is not installed"
)
@pytest.mark.parametrize(
    ("name", "project"), [("gatehouse-web", "frontend_site"), ("gatehouse-auth", "auth_api")]
)
def test_systemd_accepts_the_units(tmp_path: Path, name: str, project: str) -> None:
    for kind in ("service", "socket"):
        text = (_DEPLOY / f"gatehouse-web.{kind}").read_text()
        text = text.replace("frontend_site", project).replace("gatehouse-web", name)
        # What is not installed where the tests run: systemd looks for the program, too.
        text = text.replace("/srv/gatehouse/.venv/bin/gunicorn", "/bin/true")
        (tmp_path / f"{name}.{kind}").write_text(text)
    units = [str(tmp_path / f"{name}.{kind}") for kind in ("service", "socket")]
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *units], capture_output=True, text=True
    )
    # It tells unknown keys on stderr, and ends with 0. Other lines are about units of this machine.
    assert [line for line in done.stderr.splitlines() if name in line] == []


def test_the_units_start_modules_of_the_project() -> None:
    """`gunicorn --config python:X Y`: a renamed module would fail at the start only."""
    service = (_DEPLOY / "gatehouse-web.service").read_text()
    command = next(line for line in service.splitlines() if line.startswith("ExecStart="))
    config, application = command.partition("python:")[2].split()
    for project in ("frontend_site", "auth_api"):
        for module in (config, application):
            path = module.replace("frontend_site", project).replace(".", "/")
            assert (ROOT / f"{path}.py").exists()
