"""Ends sessions for `end_sessions` and `sessions end`."""

from typing import Any
from uuid import UUID

from django.db import DatabaseError, InterfaceError

from auth_api.commands.base import Report, refused
from auth_api.commands.failures import INTERRUPTED, CommandFailed, failure_of
from auth_api.commands.terminal import Progress
from auth_api.sessions.exceptions import SessionStoreUnavailable
from auth_api.users.ending import end_session_of, end_sessions_of, end_sessions_of_everybody
from auth_api.users.models import User


def end_for_user(user: User, handle: str | None) -> Report:
    """End the session with `handle`, or all of the user's. Raises CommandFailed without such a session."""
    if handle is None:
        ended = end_sessions_of(user)
    elif end_session_of(user, handle):
        ended = 1
    else:
        raise refused("The user has no session with this handle.", sessions=0)
    return Report(f"{ended} sessions ended.", {"users": 1, "sessions": ended})


def end_for_everybody(after: UUID | None, progress_to: Any) -> Report:
    """End all sessions of all users, and show the progress.

    Raises CommandFailed, which says how many users are left and how to go on.
    """
    users, sessions = 0, 0
    left = User.objects.filter(pk__gt=after) if after else User.objects.all()
    total = left.count()
    progress = Progress(progress_to, total, "users")
    try:
        for batch in end_sessions_of_everybody(after):
            users, sessions, after = users + batch.users, sessions + batch.sessions, batch.last
            progress.show(users)
    except (SessionStoreUnavailable, DatabaseError, InterfaceError, KeyboardInterrupt) as error:
        done = {"users": users, "sessions": sessions, "left": max(0, total - users), "after": after}
        raise _stopped(error, done) from error
    return Report(f"{sessions} sessions ended.", {"users": users, "sessions": sessions, "left": 0})


def _stopped(error: BaseException, done: dict[str, Any]) -> BaseException:
    failure = failure_of(error) if isinstance(error, Exception) else None
    if failure is None and isinstance(error, Exception):  # a fault of ours
        return error
    cause, code = (failure, failure.returncode) if failure else ("Interrupted.", INTERRUPTED)
    resume = f"--all --after={done['after']}" if done["after"] else "--all"
    message = (
        f"{cause} The sessions of {done['users']:,} users have been ended; {done['left']:,} users are left. "
        f"Continue with `end_sessions {resume}`."
    )
    return CommandFailed(message, code, **done)
