"""Prompts on the terminal, and shows the progress of long commands."""

import sys
from getpass import getpass
from typing import Any

from auth_api.commands.base import refused

_WIDTH = 30  # characters of the bar


def confirm(question: str, *, yes: bool) -> None:
    """Ask `question` unless `yes`. Raises CommandFailed without a yes, or a terminal to ask on."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise refused(f"{question} There is no terminal to ask on. Add --yes to confirm.")
    try:
        answer = input(f"{question} [y/N] ")
    except EOFError:
        answer = ""
    if answer.strip().lower() not in ("y", "yes"):
        raise refused("Nothing was changed.")


def read_password(*, from_stdin: bool) -> str:
    """Return a password: the first line of standard input, or typed twice. Raises CommandFailed."""
    if from_stdin:
        line = sys.stdin.readline()
        if not line:
            raise refused("Standard input is empty. Write the password to it, on one line.")
        return line.rstrip("\r\n")
    if not sys.stdin.isatty():
        raise refused("There is no terminal to type the password on. Use --password-stdin.")
    try:
        first = getpass("Password: ")
        second = getpass("Again: ")
    except EOFError:
        raise refused("No password was entered. Try again.") from None
    if second != first:
        raise refused("The passwords do not match. Try again.")
    return first


class Progress:
    """Writes how many of `total` are done to `stream`: a bar on a terminal, lines elsewhere."""

    def __init__(self, stream: Any, total: int, unit: str) -> None:
        self._stream, self._total, self._unit = stream, total, unit
        self._is_terminal = bool(stream.isatty())

    def show(self, done: int) -> None:
        """Say that `done` are done now."""
        total = max(done, self._total)
        words = f"{done:,} of {total:,} {self._unit}"
        if not self._is_terminal:
            self._stream.write(words, style_func=str)
            return
        filled = _WIDTH * done // max(1, total)
        bar = "#" * filled + "." * (_WIDTH - filled)
        self._stream.write(
            f"\r[{bar}] {words}", style_func=str, ending="" if done < total else "\n"
        )
        self._stream.flush()
