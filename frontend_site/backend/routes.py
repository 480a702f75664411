"""The fixed table of auth_api's calls."""

import re
from collections.abc import Collection, Mapping

_HANDLE = re.compile(r"[A-Za-z0-9_-]{16}", re.ASCII)

# Name -> method and path. `{handle}` is the only thing from outside that ever enters a path;
# `{audience}` is a name from our own settings, `{claims}` come from a fixed list.
ROUTES: Mapping[str, tuple[str, str]] = {
    "login": ("POST", "/v1/login"),
    "finish-sign-in": ("POST", "/v1/login/factor"),
    "begin-enrolment": ("POST", "/v1/login/enrol"),
    "finish-enrolment": ("POST", "/v1/login/enrol/confirm"),
    "logout": ("POST", "/v1/logout"),
    "session": ("GET", "/v1/session"),
    "session-peek": ("GET", "/v1/session?slide=false"),
    "page-session": ("GET", "/v1/session"),
    "page-session-peek": ("GET", "/v1/session?slide=false"),
    "change-site-data": ("PATCH", "/v1/session/data"),
    "sessions": ("GET", "/v1/sessions"),
    "end-session": ("DELETE", "/v1/sessions/{handle}"),
    "disown": ("POST", "/v1/sessions/disown"),
    "revoke-others": ("POST", "/v1/sessions/revoke-others"),
    "factors": ("GET", "/v1/factors"),
    "begin-totp": ("POST", "/v1/factors/totp"),
    "confirm-totp": ("POST", "/v1/factors/totp/confirm"),
    "rename-factor": ("PATCH", "/v1/factors/{handle}"),
    "remove-factor": ("DELETE", "/v1/factors/{handle}"),
    "make-recovery-codes": ("POST", "/v1/factors/recovery-codes"),
    "confirm-recovery-codes": ("POST", "/v1/factors/recovery-codes/confirm"),
    "security-events": ("GET", "/v1/security-events"),
    "revoke-all": ("POST", "/v1/sessions/revoke-all"),
    "reauthenticate": ("POST", "/v1/reauthenticate"),
    "register": ("POST", "/v1/register"),
    "accept-invitation": ("POST", "/v1/invitations/accept"),
    "verify-email": ("POST", "/v1/email/verify"),
    "resend-verification": ("POST", "/v1/email/resend"),
    "change-address": ("POST", "/v1/email/change"),
    "confirm-address": ("POST", "/v1/email/confirm"),
    "restore-address": ("POST", "/v1/email/restore"),
    "forgot-password": ("POST", "/v1/password/forgot"),
    "reset-password": ("POST", "/v1/password/reset"),
    "change-password": ("POST", "/v1/password/change"),
    "change-name": ("PATCH", "/v1/account"),
    "delete-account": ("DELETE", "/v1/account"),
    "keep-account": ("POST", "/v1/account/keep"),
    "export-account": ("GET", "/v1/account/export"),
    "identity": ("GET", "/v1/identity?audience={audience}{claims}"),
    "jwks": ("GET", "/v1/.well-known/jwks.json"),
    "ready": ("GET", "/v1/ready"),
}

# Success of one of these calls proves that the session is valid.
NEEDS_SESSION = frozenset(
    {
        "session", "session-peek", "page-session", "page-session-peek", "change-site-data", "sessions", "end-session",
        "revoke-others", "revoke-all", "security-events", "reauthenticate", "change-address", "change-password",
        "change-name", "delete-account",
        "export-account", "identity", "factors", "begin-totp", "confirm-totp", "rename-factor",
        "remove-factor", "make-recovery-codes", "confirm-recovery-codes",
    }
)  # fmt: skip
# Of these, the ones whose answer has what the site keeps in the session: for the site's own pages.
WITH_SITE_DATA = frozenset({"page-session", "page-session-peek"})
# Of any length; auth_api sends these without a Content-Length.
LONG = frozenset({"export-account"})

# Each of these makes auth_api hash a password; it does few at once.
HASHING = frozenset(
    {
        "login", "reauthenticate", "register", "accept-invitation", "verify-email", "confirm-address", "reset-password",
        "change-password",
    }
)  # fmt: skip
# Of these, the ones in which a known browser goes before strangers: auth_api lets nobody go first in others.
KNOWN_FIRST = frozenset({"login", "reauthenticate", "change-password"})

# The steps of a sign-in: they say which browser it is, and take the cookie of a pending one.
SIGN_IN = frozenset({"login", "finish-sign-in", "begin-enrolment", "finish-enrolment", "logout"})


def is_handle(text: str) -> bool:
    """Whether `text` has a handle's grammar: nothing else may enter a path."""
    return bool(_HANDLE.fullmatch(text))


def method_and_path(
    route: str, *, handle: str, audience: str, claims: Collection[str] = ()
) -> tuple[str, str]:
    """Return what to call. Raises KeyError for an unknown route, ValueError for a handle that is none."""
    method, template = ROUTES[route]
    if "{handle}" in template and not is_handle(handle):
        raise ValueError("not a handle")
    wanted = f"&claims={','.join(sorted(claims))}" if claims else ""
    return method, template.format(handle=handle, audience=audience, claims=wanted)
