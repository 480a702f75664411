"""Shows the secret of a new authenticator app: as a QR code, and in groups to be typed."""

from typing import Any

import segno
from markupsafe import Markup

_LONGEST_URI = 1000  # characters; one of ours has about 150
_LONGEST_SECRET = 64  # characters; one of ours has 32


def shown_secret(enrolment: dict[str, Any]) -> dict[str, Any]:
    """Return what _app_secret.html shows of auth_api's `{secret, uri}`, or of a form that has kept it."""
    secret, uri = str(enrolment.get("secret", "")), str(enrolment.get("uri", ""))
    shown = secret[:_LONGEST_SECRET]
    groups = [shown[at : at + 4] for at in range(0, len(shown), 4)]
    return {"secret": secret, "groups": groups, "uri": uri, "qr": _qr_code(uri)}


def _qr_code(uri: str) -> Markup:
    """Return the QR code as inline SVG: the page's policy allows neither styles nor data: URLs in it."""
    if not uri.startswith("otpauth://totp/") or len(uri) > _LONGEST_URI:
        return Markup()
    drawn = segno.make(uri, error="m", micro=False)
    # Without a size it has a viewBox, so that a narrow page scales it and cuts nothing off.
    svg = drawn.svg_inline(border=4, light="#fff", dark="#000", title="QR code", omitsize=True)
    return Markup(svg)  # noqa: S704 - made by segno from modules, with no text but the title
