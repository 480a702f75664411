"""An authenticator app, written without the services' own code (RFC 6238)."""

import hashlib
import hmac
import struct
import time
from base64 import b32decode

STEP = 30  # seconds


class App:
    """Its clock is the server's."""

    def __init__(self, secret: str) -> None:
        self.secret = b32decode(secret)

    def code(self, ahead: int = 0) -> str:
        """Return the code of this step, or of one `ahead`."""
        counter = struct.pack(">Q", int(time.time()) // STEP + ahead)
        mac = hmac.new(self.secret, counter, hashlib.sha1).digest()
        (number,) = struct.unpack_from(">I", mac, mac[-1] & 15)
        return f"{(number & 0x7FFFFFFF) % 1_000_000:06}"
