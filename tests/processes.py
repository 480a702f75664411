"""The whole of Gatehouse as real processes: Valkey and both services by the Procfile's commands.

As in production, on free ports and in a folder of its own; GATEHOUSE_ENV is development only because
production refuses to start without an https origin.
"""

import os
import secrets
import shlex
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import requests

from tests.answers import keep
from tests.mailbox import Mailbox
from tests.ports import free_port
from tests.valkey import ValkeyServer

ROOT = Path(__file__).resolve().parents[1]
BIN = Path(sys.executable).parent
PATIENCE = 120  # seconds, on a machine that is busy with other work
DATABASE = "users.sqlite3"
_MADE = tempfile.TemporaryDirectory(prefix="gh-made-")  # what is the same in every stack


def wait_for(condition: Callable[[], Any], what: str, *, patience: float = PATIENCE) -> Any:
    """Return the first true value of `condition`. Raises TimeoutError after `patience` seconds."""
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        if value := condition():
            return value
        time.sleep(0.05)
    raise TimeoutError(what)


def children_of(pid: int) -> list[int]:
    """Return the process ids of the children of a process, the oldest first (Linux)."""
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


class Stack:
    """Valkey, auth_api and frontend_site. A context manager."""

    def __init__(self, **settings: str) -> None:
        self.settings = settings  # environment variables on top of the usual ones
        self._folder = tempfile.TemporaryDirectory(prefix="gh-")
        self.folder = Path(self._folder.name)
        self.valkey = ValkeyServer()
        self.mailbox = Mailbox()
        self.web_port, self.auth_port = free_port(), free_port()
        self.address = f"http://localhost:{self.web_port}"
        self.secrets = {
            name: secrets.token_urlsafe(40) for name in ("SECRET_KEY", "FRONTEND_SECRET_KEY")
        } | {
            name: f"k1:{secrets.token_urlsafe(40)}"
            for name in (
                "GATEHOUSE_SERVICE_KEYS",
                "GATEHOUSE_SESSION_KEYS",
                "GATEHOUSE_CSRF_KEYS",
                "GATEHOUSE_IDENTITY_KEYS",
                "GATEHOUSE_FACTOR_KEYS",
            )
        }
        self.processes: dict[str, subprocess.Popen[bytes]] = {}

    @property
    def environment(self) -> dict[str, str]:
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("GATEHOUSE", "DJANGO"))}
        return {
            **kept,
            **self.secrets,
            "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
            "GATEHOUSE_ENV": "development",
            "GATEHOUSE_VAR": str(self.folder),
            "GATEHOUSE_PUBLIC_ORIGIN": self.address,
            "ALLOWED_HOSTS": "localhost",
            "FRONTEND_BIND": "127.0.0.1",
            "FRONTEND_PORT": str(self.web_port),
            "AUTH_API_PORT": str(self.auth_port),
            "AUTH_API_URL": f"http://127.0.0.1:{self.auth_port}",
            "FRONTEND_WORKERS": "1",
            "AUTH_API_WORKERS": "1",
            "REDIS_URL": self.valkey.url,
            "DATABASE_URL": f"sqlite:///{self.folder / DATABASE}",
            "EMAIL_URL": self.mailbox.url,
            "PYTHONUNBUFFERED": "1",
            "GATEHOUSE_GRACE": "1",
            **self.settings,
        }

    def manage(self, *arguments: str, stdin: str = "") -> str:
        """Run a management command; return what it printed."""
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env=self.environment,
            input=stdin,
            text=True,
            capture_output=True,
        )
        if done.returncode:
            raise RuntimeError(done.stdout + done.stderr)
        return done.stdout

    def migrate(self) -> None:
        """Make the tables; on SQLite once in this process, the next stacks get copies of the file."""
        if "DATABASE_URL" in self.settings:
            self.manage("migrate", "--verbosity", "0")
            return
        made, mine = Path(_MADE.name) / DATABASE, self.folder / DATABASE
        if not made.exists():
            self.manage("migrate", "--verbosity", "0")
            with closing(sqlite3.connect(mine)) as connection:
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            shutil.copy(mine, made)
        shutil.copy(made, mine)

    def _collect_static_files(self) -> None:
        made = Path(_MADE.name) / f"static-{self.environment['GATEHOUSE_ENV']}"
        if not made.exists():
            for project in ("auth_api", "frontend_site"):
                settings = f"{project}.settings"
                self.manage("collectstatic", "--no-input", "-v0", "--settings", settings)
            shutil.copytree(self.folder / "static", made)
        shutil.copytree(made, self.folder / "static", dirs_exist_ok=True)

    def start(self, name: str) -> None:
        """Start `web`, `auth` or `mail` by its line in the Procfile; wait until a service is alive."""
        lines = (line.partition(": ") for line in (ROOT / "Procfile").read_text().splitlines())
        command = {key: value for key, _, value in lines}[name]
        with self.log(name).open("ab") as log:
            self.processes[name] = subprocess.Popen(
                shlex.split(command), cwd=ROOT, env=self.environment, stdout=log, stderr=log,
                start_new_session=True,
            )  # fmt: skip
        ports = {"web": self.web_port, "auth": self.auth_port}
        if name in ports:
            wait_for(lambda: self._alive(name, ports[name]), f"{name} to start")

    def stop(self, name: str) -> None:
        process = self.processes.pop(name, None)
        if process is not None and process.poll() is None:
            os.killpg(process.pid, signal.SIGCONT)
            process.terminate()
            process.wait(PATIENCE)

    def kill(self, name: str) -> None:
        """Kill a service and its workers with SIGKILL."""
        process = self.processes.pop(name, None)
        if process is not None and process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(PATIENCE)

    def pause(self, name: str) -> None:
        """Hang a service: its port stays open and nothing answers."""
        os.killpg(self.processes[name].pid, signal.SIGSTOP)

    def resume(self, name: str) -> None:
        os.killpg(self.processes[name].pid, signal.SIGCONT)

    def log(self, name: str) -> Path:
        return self.folder / f"{name}.log"

    def logs(self) -> str:
        return "".join(self.log(name).read_text() for name in ("web", "auth", "mail"))

    def age_sessions(self, seconds: int) -> None:
        """Make every stored session `seconds` older."""
        environment = {**self.environment, "DJANGO_SETTINGS_MODULE": "auth_api.settings"}
        command = [sys.executable, "-m", "tests.clock", str(seconds)]
        subprocess.run(command, cwd=ROOT, env=environment, check=True)

    def make_user(self, email: str, *extra: str) -> str:
        """Make a verified account; return its password."""
        password = secrets.token_urlsafe(18)
        self.manage("createuser", "--email", email, "--password-stdin", *extra, stdin=password)
        return password

    def mailed_link(self, email: str) -> str:
        """Return the link in the newest mail to `email`."""
        return self.mailbox.wait_for(email).link

    def _alive(self, name: str, port: int) -> bool:
        if self.processes[name].poll() is not None:
            raise RuntimeError(self.log(name).read_text())
        try:
            return requests.get(f"http://localhost:{port}/healthz", timeout=5).status_code == 200
        except requests.RequestException:
            return False

    def __enter__(self) -> "Stack":
        try:
            self._start_all()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def _start_all(self) -> None:
        self.valkey.start()
        self.mailbox.__enter__()
        self.migrate()
        self._collect_static_files()
        for name in ("auth", "web", "mail"):
            self.start(name)
        wait_for(lambda: requests.get(f"{self.address}/readyz", timeout=5).ok, "readiness")

    def __exit__(self, *_: object) -> None:
        for name in ("mail", "web", "auth"):
            self.stop(name)
        self.mailbox.__exit__(None, None, None)
        self.valkey.resume()
        self.valkey.stop()
        self._folder.cleanup()


class JsonClient:
    """A client of /api/auth/ as a script in the page is one: it shows its CSRF token."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.cookies: dict[str, str] = {}

    def csrf(self) -> str:
        token: str = self.get("/api/auth/csrf").json()["csrfToken"]
        return token

    def get(self, path: str, **headers: str) -> requests.Response:
        return self._send("GET", path, headers)

    def post(self, path: str, body: Any = None, **headers: str) -> requests.Response:
        if "X-CSRF-Token" not in headers:
            headers["X-CSRF-Token"] = self.csrf()
        headers = {"Content-Type": "application/json", **headers}
        return self._send("POST", path, headers, body if body is not None else {})

    def login(self, email: str, password: str, *, remember: bool = False) -> requests.Response:
        form = {"email": email, "password": password, "remember": remember}
        return self.post("/api/auth/login", form)

    def _send(
        self, method: str, path: str, headers: dict[str, str], body: Any = None
    ) -> requests.Response:
        # By hand: a cookie jar would not send Secure cookies to http://localhost, as browsers do.
        cookie = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        answer = requests.request(
            method,
            self.address + path,
            json=body,
            headers={"Cookie": cookie, **headers},
            timeout=20,
            allow_redirects=False,
        )
        keep(method, path, answer.status_code, answer.content)
        for line in answer.raw.headers.getlist("Set-Cookie"):
            name, _, value = line.partition(";")[0].partition("=")
            self.cookies[name] = value
            if not value:
                del self.cookies[name]
        return answer
