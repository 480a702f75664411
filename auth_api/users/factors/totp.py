"""One-time passwords of authenticator apps: TOTP (RFC 6238) over HOTP (RFC 4226).

SHA-1, six digits and 30 seconds are what every app takes (decisions/0014). SHA-1 is safe here: HMAC does
not rest on its collision resistance.
"""

import hmac
import re
import secrets
from base64 import b32encode
from urllib.parse import quote, urlencode

DIGITS = 6
STEP = 30  # seconds
SECRET_BYTES = 20  # RFC 4226, 4: 160 bits are recommended
WINDOW = 1  # steps before and after (RFC 6238, 5.2)
MAX_DRIFT = 10  # steps that a device's clock may be off, learnt one use at a time
_CODE = re.compile(rf"[0-9]{{{DIGITS}}}", re.ASCII)
_IGNORED = re.compile(r"[\s-]")  # how apps group digits


def new_secret() -> bytes:
    """Return a random secret for one device."""
    return secrets.token_bytes(SECRET_BYTES)


def hotp(secret: bytes, counter: int, digits: int = DIGITS) -> str:
    """Return the one-time password for `counter` (RFC 4226, 5.3)."""
    mac = hmac.digest(secret, counter.to_bytes(8, "big"), "sha1")
    start = mac[-1] & 0x0F
    number = int.from_bytes(mac[start : start + 4], "big") & 0x7FFFFFFF
    return str(number % 10**digits).zfill(digits)


def matching_step(secret: bytes, code: str, *, moment: float, drift: int) -> int | None:
    """Return the step to which `code` belongs, None if it is none of the window's.

    `moment` is in Unix seconds; `drift`, in steps, is how far the device's clock was off when it was last
    used. Takes the same time whichever step matches.
    """
    typed = _IGNORED.sub("", code)
    if not _CODE.fullmatch(typed):
        return None
    now = int(moment) // STEP
    # Around the right time, too: a clock that was off may have been set since.
    middles = {now, now + drift}
    steps = sorted({m + off for m in middles for off in range(-WINDOW, WINDOW + 1)})
    found = [step for step in steps if step >= 0 and hmac.compare_digest(hotp(secret, step), typed)]
    return found[-1] if found else None


def drift_of(step: int, moment: float) -> int:
    """Return the drift that a code of `step` shows at `moment`, within MAX_DRIFT."""
    return max(-MAX_DRIFT, min(MAX_DRIFT, step - int(moment) // STEP))


def secret_text(secret: bytes) -> str:
    """Return the secret as apps take it: base32 (RFC 4648), which needs no padding at 160 bits."""
    return b32encode(secret).decode()


def key_uri(secret: bytes, *, account: str, issuer: str) -> str:
    """Return the otpauth:// URI that a QR code carries."""
    label = quote(f"{issuer}:{account}", safe="")
    return f"otpauth://totp/{label}?" + urlencode(
        {"secret": secret_text(secret), "issuer": issuer}, quote_via=quote
    )
