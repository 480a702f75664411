"""Finds headers by which a client could claim to be somebody at an app behind forward auth.

Apps trust a header that their proxy sets. Some proxies cannot remove a client's headers by prefix, so
whoever sends one of these is refused.
"""

import re
from collections.abc import Mapping

# The names that Authelia, authentik, oauth2-proxy, Grafana and others set, and ours. Dots, too: some
# servers treat every character but letters and digits like `-`. gunicorn removes names with `_`.
_CLAIM = re.compile(
    r"HTTP_(?:X_)?(?:REMOTE_|WEBAUTH_|AUTHENTIK_|AUTH_REQUEST_|GATEHOUSE_)"
    r"|HTTP_X_FORWARDED_(?:USER|EMAIL|GROUPS|PREFERRED_USERNAME|ACCESS_TOKEN)$"
)


def claimed_identity(environ: Mapping[str, object]) -> str:
    """Return the first name in a WSGI environment that claims an identity; "" if there is none."""
    names = (re.sub("[^A-Z0-9]", "_", name) for name in environ)
    return next((name for name in names if _CLAIM.match(name)), "")
