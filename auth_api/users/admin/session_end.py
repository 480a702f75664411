"""Ends one session from the page of its user."""

from collections import Counter
from collections.abc import Sequence

from auth_api.users.ending import end_session_of
from auth_api.users.models import User

from .actions import StaffAction


def ending_of(handle: str) -> StaffAction:
    """Return the action that ends the session with this handle."""

    def end(users: Sequence[User]) -> Counter[str]:
        ended = sum(end_session_of(user, handle) for user in users)
        return Counter({"session ended" if ended else "session had already ended": 1})

    explanation = f"Ends the session {handle}. Its browser must sign in again."
    return StaffAction("end_session", "End session", explanation, end)
