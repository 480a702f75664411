"""What a command says, and its exit code, when something around it does not work."""

from django.core.management.base import CommandError
from django.db import DatabaseError, InterfaceError, OperationalError, ProgrammingError

from auth_api.sessions.exceptions import SessionStoreUnavailable

REFUSED, WRONG_ARGUMENTS, UNAVAILABLE, INTERRUPTED = 1, 2, 3, 130  # exit codes
_NOT_MIGRATED = ("no such table", "does not exist", "no such column")
_NOT_WRITABLE = ("readonly", "read-only", "unable to open")


class CommandFailed(CommandError):
    """Ends a command with `code`; `values` are for `--json`."""

    def __init__(self, message: str, code: int, **values: object) -> None:
        super().__init__(message, returncode=code)
        self.values = values


def failure_of(error: Exception) -> CommandFailed | None:
    """Return what to tell of `error` in one line; None if it is no outage."""
    words = _words_of(error)
    return CommandFailed(words, UNAVAILABLE) if words else None


def _words_of(error: Exception) -> str:
    if isinstance(error, SessionStoreUnavailable):
        return f"Redis does not answer ({error}). Check REDIS_URL, then run the command again."
    if isinstance(error, DatabaseError | InterfaceError):
        return _words_of_database(error)
    if isinstance(error, OSError):
        where = f": {error.filename}" if error.filename else ""
        return f"{error.strerror or error}{where}. Correct this, then run the command again."
    return ""


def _words_of_database(error: Exception) -> str:
    cause = (str(error).splitlines() or [type(error).__name__])[0]
    if isinstance(error, OperationalError | ProgrammingError) and _has(cause, _NOT_MIGRATED):
        return "The database has no tables of this release. Run `manage.py migrate` first."
    if not isinstance(error, OperationalError | InterfaceError):
        return ""
    if _has(cause, _NOT_WRITABLE):
        return f"The database cannot be written ({cause}). Check the permissions of its files."
    return (
        f"The database does not answer ({cause}). Check DATABASE_URL, then run the command again."
    )


def _has(text: str, parts: tuple[str, ...]) -> bool:
    return any(part in text for part in parts)
