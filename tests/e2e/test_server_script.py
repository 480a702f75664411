"""script/server: one command up, Ctrl-C down, and nobody is signed out in between."""

import html
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest
import requests

from tests.ports import free_port
from tests.processes import PATIENCE, ROOT, JsonClient, Stack, wait_for


@pytest.fixture
def var() -> Iterator[Path]:
    folder = tempfile.mkdtemp(prefix="gh-var-")  # short: a socket's path has 100 characters
    yield Path(folder)
    for server in Server.started:  # of a test that failed before it stopped them
        if server.process.poll() is None:
            server.stop(signal.SIGTERM)
    Server.started.clear()
    shutil.rmtree(folder)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of the project, in which a test may change files."""
    copy = tmp_path / "checkout"
    unwanted = shutil.ignore_patterns(".*", "var", "tests", "docs", "bench", "node_modules")
    shutil.copytree(ROOT, copy, ignore=unwanted)
    (copy / ".venv").symlink_to((ROOT / ".venv").resolve())
    return copy


class Server:
    """One run of script/server."""

    started: ClassVar[list["Server"]] = []

    def __init__(
        self, var: Path, port: int, *options: str, root: Path = ROOT, umask: int = -1,
        **variables: str,
    ) -> None:  # fmt: skip
        environment = {**Stack().environment, "GATEHOUSE_VAR": str(var)}
        kept = {k: v for k, v in environment.items() if k in ("PATH", "HOME", "LANG")}
        kept |= {"GATEHOUSE_VAR": str(var), "AUTH_API_PORT": str(free_port()), **variables}
        self.log = var / "server.log"
        self.started.append(self)
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [str(root / "script" / "server"), "--port", str(port), *options],
                cwd=var, env=kept, stdout=log, stderr=subprocess.STDOUT, start_new_session=True,
                umask=umask,
            )  # fmt: skip

    def wait_until_ready(self) -> tuple[str, str]:
        """Return the address and the demo password."""
        line = re.compile(r"ready at (\S+)  \(sign in as demo@example.com with: (\S+)\)")

        def ready() -> Any:
            if self.process.poll() is not None:
                raise RuntimeError(self.log.read_text())
            return line.search(self.log.read_text())

        found = wait_for(ready, "the line with the address")
        return found[1], found[2]

    def stop(self, number: int = signal.SIGINT) -> int:
        self.process.send_signal(number)
        return self.process.wait(PATIENCE)


def group_is_gone(var: Path) -> bool:
    """No process is left that was started on `var`."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if f"GATEHOUSE_VAR={var}".encode() in (folder / "environ").read_bytes():
                return False
        except OSError:  # it ended while we looked
            continue
    return True


@pytest.mark.parametrize(
    "number", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.exhaustive)]
)
def test_up_sign_in_down_up_and_still_signed_in(var: Path, checkout: Path, number: int) -> None:
    port, private = free_port(), free_port()
    # One worker: another would read the addresses, which may be broken by then, at its first request.
    only_one = {"AUTH_API_PORT": str(private), "FRONTEND_WORKERS": "1"}
    first = Server(var, port, root=checkout, **only_one)
    address, password = first.wait_until_ready()
    client = JsonClient(address)
    assert client.login("demo@example.com", password).status_code == 200
    check_that_commands_know_the_address(address, var, checkout)
    check_that_mails_are_shown(client, first, private)
    check_that_changes_are_loaded(client, first, checkout)
    assert "/readyz" not in first.log.read_text()
    assert first.stop(number) == 0
    wait_for(lambda: group_is_gone(var), "every process to end")
    assert not (var / "server.env").exists()
    second = Server(var, port)
    assert second.wait_until_ready() == (address, password)
    assert client.get("/account").status_code == 200
    assert second.stop() == 0


def check_that_commands_know_the_address(address: str, var: Path, checkout: Path) -> None:
    """In another terminal, which has only GATEHOUSE_VAR: their mails contain links, and doctor goes there."""
    command = [checkout / ".venv/bin/python", "manage.py", "shell", "--verbosity=0", "-c"]
    code = "from django.conf import settings; print(settings.GATEHOUSE.public_origin)"
    kept = {"PATH": os.environ["PATH"], "GATEHOUSE_VAR": str(var)}
    shown = subprocess.check_output([*command, code], cwd=checkout, env=kept, text=True)
    assert shown.strip() == address


def check_that_mails_are_shown(client: JsonClient, server: Server, private: int) -> None:
    address = f"http://localhost:{private}/dev/mail"
    assert f"the mails are at {address}\n" in server.log.read_text()
    form = {"email": "new@example.com", "password": "a lantern in the orchard", "name": "New"}
    assert client.post("/api/auth/register", form).status_code == 202

    def link() -> Any:
        return re.search(r'href="(\S+/email/verify\?\S+)"', requests.get(address, timeout=30).text)

    verify = html.unescape(wait_for(link, "the mail")[1])
    assert requests.get(verify, timeout=30).status_code == 200
    [mail] = re.findall(r'href="(/dev/mail/\S+)"', requests.get(address, timeout=30).text)
    shown = requests.get(f"http://localhost:{private}{mail}", timeout=30)
    assert "Confirm my address</a>" in shown.text
    policy = shown.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "sandbox" in policy


def check_that_changes_are_loaded(client: JsonClient, server: Server, checkout: Path) -> None:
    page = checkout / "templates" / "frontend_site" / "base.html"
    page.write_text(page.read_text().replace("Skip to content", "Skip the rest"))
    assert "Skip the rest" in client.get("/").text
    style = checkout / "frontend_site" / "static" / "frontend_site" / "site.css"
    style.write_text("/* new */")
    assert client.get("/static/frontend_site/site.css").text == "/* new */"
    urls = checkout / "frontend_site" / "urls.py"
    urls.write_text(f'{urls.read_text()}urlpatterns.append(path("new", pages.home))\n')
    wait_for(lambda: client.get("/new").status_code == 200, "the new page")
    urls.write_text(f"{urls.read_text()}x = (\n")
    wait_for(lambda: "gatehouse: not reloaded: " in server.log.read_text(), "the error")
    told = server.log.read_text().partition("gatehouse: not reloaded: ")[2]
    assert "SyntaxError" in told
    assert "site-packages" not in told
    assert client.get("/new").status_code == 200


def test_https_with_a_certificate_of_its_own(var: Path) -> None:
    server = Server(var, free_port(), "--https")
    address, _ = server.wait_until_ready()
    certificate = str(var / "localhost.crt")
    assert address.startswith("https://localhost:")
    assert requests.get(address, verify=certificate, timeout=10).status_code == 200
    assert server.stop() == 0


def test_a_proxy_that_is_not_up_yet_stops_nothing(var: Path) -> None:
    """The public origin is that of a dev server, which starts after Gatehouse."""
    port, of_proxy = free_port(), free_port()
    origin = f"http://localhost:{of_proxy}"
    server = Server(var, port, GATEHOUSE_PUBLIC_ORIGIN=origin)
    assert server.wait_until_ready()[0] == origin
    assert f"{origin} must lead to port {port}" in server.log.read_text()
    assert requests.get(f"http://localhost:{port}/healthz", timeout=30).status_code == 200
    assert server.stop() == 0


def test_a_port_in_use_gets_one_clear_line(var: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        server = Server(var, port)
        assert server.process.wait(PATIENCE) == 1
    last = server.log.read_text().strip().splitlines()[-1]
    assert f"port {port} is in use" in last


def open_to_others(var: Path) -> dict[str, str]:
    """Return what other users may access, except static files, and with which permissions."""
    inside = [path for path in var.rglob("*") if path.relative_to(var).parts[0] != "static"]
    return {
        str(path.relative_to(var)): oct(path.lstat().st_mode & 0o777)
        for path in (var, *inside)
        if path.lstat().st_mode & 0o077
    }


def test_what_it_writes_is_for_its_owner_only_whatever_the_umask(var: Path) -> None:
    port = free_port()
    var.chmod(0o777)
    first = Server(var, port, "--https", umask=0)
    _, password = first.wait_until_ready()
    assert requests.get(
        f"https://localhost:{port}/readyz", verify=str(var / "localhost.crt"), timeout=10
    ).ok
    while_it_runs = {path.name for path in var.rglob("*")}
    assert {"gatehouse.sqlite3-wal", "gatehouse.sqlite3-shm", "valkey.log"} <= while_it_runs
    assert open_to_others(var) == {}
    assert first.stop() == 0
    written = {path.name for path in var.rglob("*")}
    assert {"gatehouse.sqlite3", "secrets.env", "demo-password", "localhost.key"} <= written
    assert any(name.endswith(".aof") for name in written)
    assert any(name.endswith(".rdb") for name in written)
    for path in var.rglob("*"):  # as an earlier version left it
        path.chmod(0o777 if path.is_dir() else 0o666)
    var.chmod(0o777)
    second = Server(var, port, "--https", umask=0)
    assert second.wait_until_ready()[1] == password
    assert open_to_others(var) == {}
    assert second.stop() == 0
    assert open_to_others(var) == {}


def test_a_folder_that_everybody_writes_to_is_not_taken(var: Path) -> None:
    var.chmod(0o1777)
    server = Server(var, free_port())
    assert server.process.wait(PATIENCE) == 1
    assert "Set GATEHOUSE_VAR to a folder of its own" in server.log.read_text()
    assert var.stat().st_mode & 0o7777 == 0o1777


def test_an_old_or_incomplete_python_gets_one_clear_line(var: Path) -> None:
    python = var / "python3"
    python.write_text("#!/bin/sh\nexit 1\n")
    python.chmod(0o755)
    done = subprocess.run(
        [str(ROOT / "script" / "setup")],
        env={"PATH": "/usr/bin:/bin", "PYTHON": str(python)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert len(done.stderr.strip().splitlines()) == 1
    assert "Python 3.11 or newer is needed" in done.stderr
