"""Describes sessions for the command `sessions`."""

from collections.abc import Iterator
from typing import Any

from auth_api.commands.base import Report, refused
from auth_api.sessions.redis.backend import backend
from auth_api.sessions.services import sessions_of
from auth_api.sessions.snapshots import BATCH
from auth_api.sessions.summaries import SessionSummary
from auth_api.times import seconds_in_utc
from auth_api.users.models import User

_TIMES = ("created_at", "last_seen_at", "idle_expires_at", "absolute_expires_at", "auth_time")


def list_of_user(user: User) -> Report:
    """Return the live sessions of `user`, a line each."""
    found = [_values(session) for session in sessions_of(user)]
    lines = [
        f"{each['handle']}  last seen {each['last_seen_at']}  {each['ip']}  {each['device']}"
        for each in found
    ]
    return Report("\n".join([*lines, f"{len(found)} sessions."]), {"sessions": found})


def show_one(user: User, handle: str) -> Report:
    """Return all values of one session. Raises CommandFailed if the user has none with this handle."""
    for session in sessions_of(user):
        if session.handle == handle:
            values = _values(session)
            return Report("\n".join(f"{k}: {v}" for k, v in values.items()), {"session": values})
    raise refused("The user has no session with this handle.")


def count_sessions() -> Report:
    """Count the users, those who are signed in, and the live sessions."""
    users = signed_in = sessions = 0
    for refs in _batches_of_refs():
        counts = backend.counts(refs)
        users += len(refs)
        signed_in += sum(count > 0 for count in counts)
        sessions += sum(counts)
    text = f"{sessions:,} sessions of {signed_in:,} users; {users:,} users in total."
    return Report(text, {"users": users, "signed_in": signed_in, "sessions": sessions})


def _batches_of_refs() -> Iterator[list[str]]:
    """By the last ref of a batch instead of a cursor, which poolers do not keep."""
    last = ""
    refs = User.objects.order_by("session_ref").values_list("session_ref", flat=True)
    while batch := list(refs.filter(session_ref__gt=last)[:BATCH]):
        yield batch
        last = batch[-1]


def _values(session: SessionSummary) -> dict[str, Any]:
    values = {**session._asdict(), "device": session.user_agent}
    level = values.pop("assurance")
    values |= {"acr": level.acr, "amr": list(level.amr), "auth_time": level.auth_time}
    values |= {name: seconds_in_utc(values[name]) for name in _TIMES}
    values["methods"] = list(session.methods)
    del values["current"]
    return values
