"""docs/tutorial/notes.md, executed as written on a fresh clone; then its app in Chromium."""

import os
import re
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from selenium.webdriver.common.by import By

from tests.e2e.test_browser import fill, press, wait_for_path, wait_for_text
from tests.ports import free_port
from tests.processes import PATIENCE, ROOT, wait_for

PAGE = ROOT / "docs" / "tutorial" / "notes.md"
EXAMPLE = ROOT / "examples" / "notes"
BLOCK = re.compile(
    r"(?:`(?P<file>notes/[\w./-]+)`:\n\n)?```(?P<language>\w+)\n(?P<text>.*?)```", re.S
)
READY = re.compile(r"ready at (\S+)  \(sign in as (\S+) with: (\S+)\)")


@dataclass
class Site:
    """What the tutorial has built, and runs."""

    folder: Path
    address: str
    email: str
    password: str
    environment: dict[str, str]

    def manage(self, *arguments: str) -> None:
        command = [".venv/bin/python", "manage.py", *arguments]
        subprocess.run(command, cwd=self.folder, env=self.environment, check=True)


class Reader:
    """Somebody who does what the page says, in one terminal, and keeps the server in another."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = str(free_port())
        kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        self.environment = {
            **kept, "FRONTEND_PORT": self.port, "AUTH_API_PORT": str(free_port()),
            "GATEHOUSE_VAR": f"{folder}-var",
        }  # fmt: skip
        self.server: subprocess.Popen[bytes] | None = None

    def follow(self, page: str) -> None:
        for block in BLOCK.finditer(page):
            if block["file"]:
                (self.folder / block["file"]).write_text(block["text"])
            else:
                assert block["language"] == "console", block["text"]
                self.run([line[2:] for line in block["text"].splitlines() if line[:2] == "$ "])

    def run(self, commands: list[str]) -> None:
        """Run the commands of one block; what they export is kept for the next."""
        if commands[-1] == "script/server":
            self.shell(commands[:-1])
            self.start_server()
        else:
            self.shell([line.replace(":8000", f":{self.port}") for line in commands])

    def shell(self, commands: list[str]) -> None:
        script = "\n".join(["set -eu", *commands, "env -0 >&3"])
        read, write = os.pipe()
        with os.fdopen(read) as variables:
            done = subprocess.run(
                ["bash", "-c", f"exec 3>&{write}; {script}"], cwd=self.folder, env=self.environment,
                pass_fds=[write], capture_output=True, text=True,
            )  # fmt: skip
            os.close(write)
            assert done.returncode == 0, (commands, done.stdout, done.stderr)
            pairs = (item.partition("=") for item in variables.read().split("\0") if item)
            self.environment = {name: value for name, _, value in pairs}

    def start_server(self) -> None:
        self.log = self.folder / "server.log"
        with self.log.open("wb") as log:
            self.server = subprocess.Popen(
                ["script/server"], cwd=self.folder, env=self.environment, stdout=log, stderr=log,
                start_new_session=True,
            )  # fmt: skip
        wait_for(self.ready, "the server")

    def ready(self) -> re.Match[str] | None:
        assert self.server is not None
        assert self.server.poll() is None, self.log.read_text()
        return READY.search(self.log.read_text())

    def stop(self) -> None:
        if self.server is not None and self.server.poll() is None:
            self.server.send_signal(signal.SIGTERM)
            self.server.wait(PATIENCE)


@pytest.fixture(scope="module")
def built() -> Iterator[Site]:
    """The tutorial's result, running."""
    with tempfile.TemporaryDirectory(prefix="gh-t-") as temporary:
        folder = Path(temporary) / "gatehouse"
        subprocess.run(["git", "clone", "-q", "--depth=1", f"file://{ROOT}", folder], check=True)
        (folder / ".venv").symlink_to(ROOT / ".venv")  # script/setup has nothing left to do
        reader = Reader(folder)
        try:
            reader.follow(PAGE.read_text())
            found = reader.ready()
            assert found
            yield Site(folder, *found.groups(), reader.environment)
        finally:
            reader.stop()


def test_the_tutorial_builds_the_example(built: Site) -> None:
    made = {
        path.relative_to(built.folder / "notes"): path.read_text()
        for path in (built.folder / "notes").rglob("*.*")
        if path.suffix in (".py", ".html", ".js") and "migrations" not in path.parts
    }
    example = {path: (EXAMPLE / path).read_text() for path in made}
    assert made == example
    assert len(made) == 9


def test_the_app_in_a_browser(built: Site, browser: Any, tmp_path: Path) -> None:
    browser.get(f"{built.address}/notes/")
    wait_for_path(browser, "/login")
    fill(browser, email=built.email, password=built.password)
    press(browser, "main form")
    wait_for_path(browser, "/notes/")
    wait_for_text(browser, "Pay the invoice")  # from the machine, to the demo account
    press(browser, "article form")
    wait_for_text(browser, "You have no notes yet.")
    browser.find_element(By.LINK_TEXT, "New note").click()
    (tmp_path / "list.txt").write_text("eggs")
    fill(browser, text="Milk", attachment=str(tmp_path / "list.txt"))
    press(browser, "main form")
    wait_for_path(browser, "/notes/")
    wait_for_text(browser, "Milk")
    wait_for_text(browser, "Notes: 1")
    assert browser.find_elements(By.LINK_TEXT, "Attachment")
    browser.get(f"{built.address}/notes/everything")
    wait_for_text(browser, "You do not have access to this resource.")
    add = "g = Group.objects.create(name='editors'); g.user_set.add(User.objects.get())"
    imports = "from django.contrib.auth.models import Group; from auth_api.users.models import User"
    built.manage("shell", "-c", f"{imports}; {add}")
    browser.get(f"{built.address}/notes/everything")
    wait_for_text(browser, "Milk")
    browser.get(f"{built.address}/notes/")
    press(browser, "article form")
    wait_for_text(browser, "You have no notes yet.")
    complaints = [entry["message"] for entry in browser.get_log("browser")]
    assert [text for text in complaints if "403" not in text] == []
