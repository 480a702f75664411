"""The kinds of security events, with their names and labels."""

from enum import StrEnum
from uuid import UUID

UserId = UUID | str  # as the model has it, or as a document says it


class Kind(StrEnum):
    """A value is `noun.verb`, as in the structured log."""

    SIGNED_IN = "session.started"
    SIGN_IN_FAILED = "login.failed"
    SIGN_IN_THROTTLED = "login.throttled"
    VERIFICATION_FAILED = "verification.failed"
    CODE_ASKED = "login.code_asked"
    ENROLMENT_ASKED = "login.enrolment_asked"
    CODE_REFUSED = "login.code_refused"
    CODES_THROTTLED = "login.code_throttled"
    SESSION_ENDED = "session.ended"
    OTHERS_ENDED = "session.others_ended"
    ALL_ENDED = "session.all_ended"
    DISOWNED = "session.disowned"
    REAUTHENTICATED = "session.reauthenticated"
    PASSWORD_CHANGED = "password.changed"  # noqa: S105 - a name
    PASSWORD_RESET = "password.reset"  # noqa: S105 - a name
    RESET_ASKED = "password.reset_asked"
    RESET_SENT = "password.reset_sent"
    ADDRESS_CHANGE_ASKED = "address.change_asked"
    ADDRESS_CHANGED = "address.changed"
    ADDRESS_RESTORED = "address.restored"
    ADDRESS_VERIFIED = "account.verified"
    CONFIRMATION_SENT = "account.confirmation_sent"
    NAME_CHANGED = "name.changed"
    CREATED = "account.created"
    ACTIVATED = "account.activated"
    DEACTIVATED = "account.deactivated"
    RIGHTS_CHANGED = "account.rights_changed"
    FACTOR_ADDED = "factor.added"
    FACTOR_RENAMED = "factor.renamed"
    FACTOR_REMOVED = "factor.removed"
    FACTOR_RESTORED = "factor.restored"
    ENROLMENT_REQUIRED = "factor.enrolment_required"
    RECOVERY_CODES_MADE = "factor.recovery_codes_made"
    RECOVERY_CODE_USED = "factor.recovery_code_used"
    EXPORTED = "account.exported"
    DELETION_ASKED = "account.deletion_asked"
    KEPT = "account.kept"
    UNLOCKED = "account.unlocked"
    INVITED = "invitation.sent"
    INVITATION_REVOKED = "invitation.revoked"
    INVITATION_ACCEPTED = "invitation.accepted"

    @property
    def is_strangers(self) -> bool:
        """Whether anybody can make it happen, as often as they like: then rows are counted up."""
        return self in _STRANGERS

    @property
    def label(self) -> str:
        """The text that staff see."""
        return _LABELS[self]


_STRANGERS = frozenset(
    {
        Kind.SIGN_IN_FAILED,
        Kind.SIGN_IN_THROTTLED,
        Kind.CODE_ASKED,
        Kind.ENROLMENT_ASKED,
        Kind.CODE_REFUSED,
        Kind.CODES_THROTTLED,
        Kind.VERIFICATION_FAILED,
        Kind.RESET_ASKED,
    }
)
_LABELS = {
    Kind.SIGNED_IN: "Signed in",
    Kind.SIGN_IN_FAILED: "Sign-in failed",
    Kind.SIGN_IN_THROTTLED: "Sign-ins delayed",
    Kind.VERIFICATION_FAILED: "Address not confirmed",
    Kind.CODE_ASKED: "Password accepted, code requested",
    Kind.ENROLMENT_ASKED: "Password accepted, second factor to be set up",
    Kind.CODE_REFUSED: "Incorrect code after the correct password",
    Kind.CODES_THROTTLED: "Codes delayed",
    Kind.SESSION_ENDED: "Session ended",
    Kind.OTHERS_ENDED: "All other sessions ended",
    Kind.ALL_ENDED: "All sessions ended",
    Kind.DISOWNED: "Sign-in reported as not the owner's",
    Kind.REAUTHENTICATED: "Password confirmed",
    Kind.PASSWORD_CHANGED: "Password changed",
    Kind.PASSWORD_RESET: "Password reset with an e-mailed link",
    Kind.RESET_ASKED: "Password reset requested",
    Kind.RESET_SENT: "Link to set a password sent",
    Kind.ADDRESS_CHANGE_ASKED: "E-mail address change requested",
    Kind.ADDRESS_CHANGED: "E-mail address changed",
    Kind.ADDRESS_RESTORED: "Previous e-mail address restored with an e-mailed link",
    Kind.ADDRESS_VERIFIED: "E-mail address confirmed",
    Kind.CONFIRMATION_SENT: "Link to confirm the e-mail address sent",
    Kind.NAME_CHANGED: "Name changed",
    Kind.CREATED: "Account created",
    Kind.ACTIVATED: "Account activated",
    Kind.DEACTIVATED: "Account deactivated",
    Kind.RIGHTS_CHANGED: "Permissions changed",
    Kind.FACTOR_ADDED: "Authenticator app added",
    Kind.FACTOR_RENAMED: "Authenticator app renamed",
    Kind.FACTOR_REMOVED: "Authenticator app removed",
    Kind.FACTOR_RESTORED: "Authenticator app restored",
    Kind.ENROLMENT_REQUIRED: "New second factor required",
    Kind.RECOVERY_CODES_MADE: "Recovery codes created",
    Kind.RECOVERY_CODE_USED: "Recovery code used",
    Kind.EXPORTED: "Data downloaded",
    Kind.DELETION_ASKED: "Account deletion requested",
    Kind.KEPT: "Account deletion cancelled",
    Kind.UNLOCKED: "Sign-in delays lifted",
    Kind.INVITED: "Sent an invitation",
    Kind.INVITATION_REVOKED: "Revoked an invitation",
    Kind.INVITATION_ACCEPTED: "Account created from an invitation",
}


def label_of(kind: str) -> str:
    """Return the words for a stored kind; for one that this version does not know, its name."""
    try:
        return Kind(kind).label
    except ValueError:
        return kind
