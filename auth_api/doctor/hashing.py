"""The cost of a password hash."""

from collections.abc import Iterator

from django.contrib.auth.hashers import check_password, make_password

from auth_api.checks import ARGON2_HINT, is_hash_too_cheap
from auth_api.doctor.findings import Finding, fail, ok, warn
from auth_api.options import options
from auth_api.users.passwords.timing import PASSWORD, milliseconds_of

_LONGEST = 1000  # milliseconds: a sign-in hashes once, and frontend_site waits 5 seconds


def password_hash() -> Iterator[Finding]:
    """Yield whether hashes are as strong as OWASP asks, and how long a check takes on this machine."""
    gatehouse, taken = options(), _milliseconds()
    cost = f"{gatehouse.argon2_memory_kib} KiB, t={gatehouse.argon2_time}, {taken:.0f} ms"
    if is_hash_too_cheap():
        found = f"weaker than OWASP's minimum for Argon2id ({cost})"
        mend = f"Change GATEHOUSE_ARGON2_MEMORY_KIB and GATEHOUSE_ARGON2_TIME. {ARGON2_HINT}"
        yield fail("password-hash", found, mend)
    elif taken > _LONGEST:
        mend = (
            "Lower GATEHOUSE_ARGON2_TIME (`manage.py calibrate_argon2`), or use a faster machine."
        )
        yield warn("password-hash", f"a check is slow ({cost})", mend)
    else:
        yield ok("password-hash", cost)


def _milliseconds() -> float:
    """Return how long a check takes as a sign-in does it."""
    stored = make_password(PASSWORD)
    return milliseconds_of(lambda: check_password(PASSWORD, stored))
