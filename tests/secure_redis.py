"""Redis with TLS only and with accounts, as Debian packages it: the embedded server has no TLS."""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import redis
import trustme

from tests.ports import free_port

PROGRAM = shutil.which("redis-server")
PASSWORD, WATCHERS = "s%3cret", "w&tchers"  # of the servers and of the Sentinels
# What auth_api needs, and nothing else (docs/how-to/operations.md).
RULES = "~gh:* &gh:* +@read +@write +@scripting +@pubsub +@connection +ping +wait +time +info"
SERVICE = "gatehouse"
PATIENCE = 60  # seconds


class Certificates:
    """A certificate for loopback, and its authority, as files."""

    def __init__(self, folder: Path) -> None:
        authority = trustme.CA()
        self.authority, self.certificate, self.key = (
            folder / f"{n}.pem" for n in ("ca", "crt", "key")
        )
        issued = authority.issue_cert("localhost", "127.0.0.1", "::1")
        authority.cert_pem.write_to_path(os.fspath(self.authority))
        issued.cert_chain_pems[0].write_to_path(os.fspath(self.certificate))
        issued.private_key_pem.write_to_path(os.fspath(self.key))

    @property
    def options(self) -> list[str]:
        files = {"cert": self.certificate, "key": self.key, "ca-cert": self.authority}
        return [part for name, path in files.items() for part in (f"--tls-{name}-file", str(path))] + [
            "--tls-auth-clients", "no", "--tls-replication", "yes", "--tls-cluster", "yes",
        ]  # fmt: skip


class SecureRedis:
    """One server on a TLS port of both loopbacks. A context manager."""

    def __init__(self, *arguments: str, configuration: str = "", password: str = PASSWORD) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="gh-redis-")
        self.folder, self.port = Path(self._folder.name), free_port()
        self.certificates = Certificates(self.folder)
        self._arguments, self._configuration, self._password = arguments, configuration, password

    def client(self) -> Any:
        return redis.Redis(
            port=self.port, host="127.0.0.1", password=self._password, ssl=True,
            ssl_ca_certs=str(self.certificates.authority),
        )  # fmt: skip

    def __enter__(self) -> "SecureRedis":
        files = self.folder / "redis.conf"
        files.write_text(f"requirepass {self._password}\n{self._configuration}")
        command = [
            str(PROGRAM),
            str(files),
            "--port",
            "0",
            "--tls-port",
            str(self.port),
            "--save",
            "",
        ]
        command += ["--bind", "127.0.0.1", "-::1", "--dir", str(self.folder)]
        self._process = subprocess.Popen(
            [*command, *self.certificates.options, *self._arguments], stdout=subprocess.DEVNULL
        )
        wait_for(lambda: self.client().ping(), "redis-server to answer")
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait(20)
        self._folder.cleanup()

    def add_account(self) -> None:
        """Add the account that docs/how-to/operations.md describes."""
        self.client().execute_command(
            "ACL", "SETUSER", "gatehouse", "on", f">{PASSWORD}", *RULES.split()
        )


def wait_for(condition: Callable[[], Any], what: str) -> None:
    """Wait until `condition` is true. Raises TimeoutError."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        try:
            if condition():
                return
        except redis.RedisError:
            pass
        time.sleep(0.05)
    raise TimeoutError(what)
