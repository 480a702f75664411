"""Domain errors of auth_api, independent of HTTP."""


class InvalidRequest(Exception):
    """The body is not what this call takes; `errors` maps fields to messages."""

    def __init__(self, errors: dict[str, list[str]]) -> None:
        super().__init__("invalid request")
        self.errors = errors


class PayloadTooLarge(Exception):
    """The body is over the limit."""


class UnsupportedMediaType(Exception):
    """The body is not JSON by its content type."""


class ServiceTokenRequired(Exception):
    """The caller did not show a good service token."""


class RegistrationClosed(Exception):
    """Only an administrator, or an invitation, creates accounts here."""


class InvalidCredentials(Exception):
    """Unknown address, wrong password, inactive or unverified: one answer for all."""


class InvalidCode(Exception):
    """The code of a second factor is wrong, or was used before; `tries_left` at this sign-in, if there is one."""

    def __init__(self, tries_left: int | None = None) -> None:
        super().__init__("invalid code")
        if tries_left is not None:
            self.tries_left = tries_left


class StepUpRequired(Exception):
    """This needs a second factor that was shown a short time ago: `methods` that the user has."""

    def __init__(self, methods: list[str], max_age: int) -> None:
        super().__init__("step-up required")
        self.methods, self.max_age, self.acr = methods, max_age, "aal2"


class RecoveryHold(Exception):
    """A recovery code was used a short time ago, so that this has to wait `retry_after` seconds."""

    def __init__(self, retry_after: int) -> None:
        super().__init__("recovery hold")
        self.retry_after = retry_after


class FactorNotFound(Exception):
    """The user has no such second factor."""


class TooManyFactors(Exception):
    """The user has as many authenticator apps as allowed."""


class DeletionPending(Exception):
    """The owner asked to delete this account: no session until it is kept with `keep_token`.

    `deletes_at`: when it is deleted (ISO 8601, UTC).
    """

    def __init__(self, deletes_at: str, keep_token: str) -> None:
        super().__init__("deletion pending")
        self.deletes_at, self.keep_token = deletes_at, keep_token


class PasswordChanged(Exception):
    """The new password is stored, but no new session could be started: sign in with it."""


class InvalidToken(Exception):
    """A mailed token is unknown, used, expired or cut."""


class Throttled(Exception):
    """Too many failures; `retry_after` seconds to wait."""

    def __init__(self, retry_after: int) -> None:
        super().__init__("throttled")
        self.retry_after = retry_after


class FactorUnreadable(Exception):
    """A key of GATEHOUSE_FACTOR_KEYS is missing: nobody can tell whether a code is right."""


class Overloaded(Exception):
    """Too many passwords are being hashed right now."""


class OverloadedAfterComparison(Exception):
    """The same, after a password was compared in one of two forms: the try counts."""
