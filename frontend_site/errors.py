"""Domain errors of the public site, independent of HTTP."""


class SignInRequired(Exception):
    """auth_api says that there is no valid session; `notice` tells the login page why."""

    def __init__(self, notice: str) -> None:
        super().__init__(notice)
        self.notice = notice


class ReauthenticationRequired(Exception):
    """auth_api wants the password again before it does this; the page asks for it and goes on."""
