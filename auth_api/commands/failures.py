"""The messages and exit codes of commands when a dependency fails."""

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
    """Return the failure to report for `error`, in one line; None if it is not an outage."""
    words = _message_of(error)
    return CommandFailed(words, UNAVAILABLE) if words else None


def _message_of(error: Exception) -> str:
    if isinstance(error, SessionStoreUnavailable):
        return f"Redis does not answer ({error}). Check REDIS_URL, then run the command again."
    if isinstance(error, DatabaseError | InterfaceError):
        return _database_message(error)
    if isinstance(error, OSError):
        where = f": {error.filename}" if error.filename else ""
        return f"{error.strerror or error}{where}. Correct this, then run the command again."
    return ""


def _database_message(error: Exception) -> str:
    cause = (str(error).splitlines() or [type(error).__name__])[0]
    if isinstance(error, OperationalError | ProgrammingError) and _has(cause, _NOT_MIGRATED):
        return (
            "The database lacks tables or columns of this release. Run `manage.py migrate` first."
        )
    if not isinstance(error, OperationalError | InterfaceError):
        return ""
    if _has(cause, _NOT_WRITABLE):
        return f"The database is not writable ({cause}). Check the permissions of its files."
    return (
        f"The database does not answer ({cause}). Check DATABASE_URL, then run the command again."
    )


def _has(text: str, parts: tuple[str, ...]) -> bool:
    return any(part in text for part in parts)
