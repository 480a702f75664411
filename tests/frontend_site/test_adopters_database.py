"""An app in the site may use a database as in any Django project."""

import os
from pathlib import Path

import pytest

from tests.frontend_site.server import Server, running_site
from tests.frontend_site.stub import Stub

pytestmark = pytest.mark.slow


def open_handles(site: Server, file: Path) -> int:
    """How often the worker of `site` has `file` open."""
    [worker] = (
        Path(f"/proc/{site.process.pid}/task/{site.process.pid}/children").read_text().split()
    )
    handles = []
    for entry in Path(f"/proc/{worker}/fd").iterdir():
        handles.append(os.path.realpath(entry))
    return handles.count(str(file.resolve()))


def test_a_request_leaves_no_connection_of_the_database_open(stub: Stub, tmp_path: Path) -> None:
    file = tmp_path / "app.sqlite3"
    settings = {
        "DJANGO_SETTINGS_MODULE": "tests.adopter.settings_with_database",
        "ADOPTER_DATABASE": str(file),
    }
    with running_site(stub.url, **settings) as site:
        for _ in range(20):
            assert site.ask("GET", "/database").body == b"asked"
        assert open_handles(site, file) == 0
