"""The services that script/server runs: their processes, and their output in one terminal."""

import os
import shlex
import signal
import subprocess
import sys
from pathlib import Path
from threading import Lock, Thread
from typing import IO

_ROOT = Path(__file__).resolve().parents[1]
_GRACE = 15  # seconds
_QUIET, _YELLOW, _RED = "\x1b[2m", "\x1b[33m", "\x1b[31m"
# By the level, which follows the time in a line of gatehouse/logging.py.
_COLOURS = {"info": _QUIET, "warning": _YELLOW, "error": _RED, "critical": _RED}
_printing = Lock()


class Services:
    """Processes of the Procfile, by their names there. Each is the leader of a group of its own."""

    def __init__(self, names: tuple[str, ...], environment: dict[str, str]) -> None:
        lines = (_ROOT / "Procfile").read_text().splitlines()
        self._commands = {name: command for name, _, command in (x.partition(":") for x in lines)}
        self._environment = environment
        self._running: dict[str, subprocess.Popen[str]] = {}
        self._readers: list[Thread] = []
        for name in names:
            self._start(name)

    def _start(self, name: str) -> None:
        process = subprocess.Popen(
            shlex.split(self._commands[name]), cwd=_ROOT, env=self._environment, text=True,
            errors="replace", stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            start_new_session=True,
        )  # fmt: skip
        self._running[name] = process
        reader = Thread(target=_show, args=(name, process.stdout), daemon=True)
        reader.start()
        self._readers.append(reader)

    @property
    def ended(self) -> str:
        """Return the name of a service that has ended by itself, "" while all run."""
        ended = (name for name, process in self._running.items() if process.poll() is not None)
        return next(ended, "")

    def reload(self, name: str) -> None:
        """Let a service run the code as it is now. gunicorn's workers are replaced when the new ones are ready."""
        process = self._running[name]
        if process.poll() is None and "gunicorn" in self._commands[name]:
            process.send_signal(signal.SIGHUP)
        else:
            _end(process)
            self._start(name)

    def stop(self) -> None:
        """Stop all of them, and show what they still have to say."""
        for process in self._running.values():
            process.terminate()
        for process in self._running.values():
            _end(process)
        for reader in self._readers:
            reader.join(1)


def _end(process: "subprocess.Popen[str]") -> None:
    process.terminate()
    try:
        process.wait(_GRACE)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(5)


def _show(name: str, output: IO[str]) -> None:
    coloured = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    for line in output:
        text = line.rstrip("\n")
        with _printing:
            print(f"{name:<4} | {in_colour(text) if coloured else text}", flush=True)


def own_frames(text: str) -> str:
    """Return a text with a traceback, without the frames of Python and of libraries."""
    kept, is_own = [], True
    for line in text.splitlines():
        if line.startswith('  File "'):
            is_own = line.startswith(f'  File "{_ROOT}/') and "/site-packages/" not in line
        elif not line.startswith("    "):
            is_own = True
        if is_own:
            kept.append(line)
    return "\n".join(kept)


def in_colour(line: str) -> str:
    """Return the line in the colour of its level: information is dim, so that errors stand out."""
    _, _, rest = line.partition(" ")
    colour = _COLOURS.get(rest.partition(" ")[0])
    return f"{colour}{line}\x1b[0m" if colour else line
