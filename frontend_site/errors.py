"""Domain errors of the public site, independent of HTTP."""

from django.core.exceptions import PermissionDenied


class SignInRequired(Exception):
    """auth_api says that there is no valid session; `notice` tells the login page why."""

    def __init__(self, notice: str) -> None:
        super().__init__(notice)
        self.notice = notice


class ReauthenticationRequired(Exception):
    """auth_api wants the password again, or a code of the second factor if `by_code`, before it does this.

    The page asks for it and goes on.
    """

    def __init__(self, *, by_code: bool = False) -> None:
        super().__init__("re-authentication required")
        self.by_code = by_code


class RecoveryHold(Exception):
    """A recovery code was used in the last day, so this has to wait."""


class NoAccess(PermissionDenied):
    """The user is in none of the groups that may do this; the answer says whom to ask."""
