"""Finds headers by which a client could claim to be somebody at an app behind forward auth.

Apps trust a header that their proxy sets. Some proxies cannot remove a client's headers by prefix, so
whoever sends one of these is refused.
"""

import re
from collections.abc import Mapping

from frontend_site.settings.identity_claims import IDENTITY_HEADERS

# By their names in a WSGI environment. Dots, too: some servers treat every character but letters and digits
# like `-`. gunicorn removes names with `_`.
_NAMES = [f"HTTP_{name.upper().replace('-', '_')}" for name in IDENTITY_HEADERS]
_CLAIM = re.compile(
    "|".join(name[:-1] if name.endswith("*") else f"{name}$" for name in _NAMES), re.ASCII
)


def claimed_identity(environ: Mapping[str, object]) -> str:
    """Return the first name in a WSGI environment that claims an identity; "" if there is none."""
    names = (re.sub("[^A-Z0-9]", "_", name) for name in environ)
    return next((name for name in names if _CLAIM.match(name)), "")
