"""Signs identity tokens, which tell one service behind the BFF who sent a request.

A JWT (RFC 7519) signed with ES256 (RFC 7518, 3.4): anyone with the public keys can verify it, and
only auth_api can create one. It is short-lived and names its audience, so that one service
cannot use it at another (RFC 8725, 3.9). `docs/how-to/upstreams.md` says what services must check.
"""

import re
import secrets
import time
from collections.abc import Collection, Sequence
from functools import cache
from typing import Any

import jwt
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from jwt.algorithms import ECAlgorithm

from auth_api.sessions.services import CurrentSession
from gatehouse.keys import Key

LIFETIME = 60  # seconds
TYPE = "gatehouse-identity+jwt"  # RFC 8725, 3.11: no other token of ours can be taken for one
CLAIMS = ("email", "name", "groups")  # of the user, in a token only if its receiver asks for them
_EMPTY: dict[str, Any] = {"email": "", "name": "", "groups": []}
_AUDIENCE = re.compile(r"[a-z][a-z0-9-]{0,30}", re.ASCII)
# The order of P-256 (FIPS 186-5, SP 800-186 3.2.1.3).
_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


def is_audience(text: str) -> bool:
    """Whether `text` can name a service. Which ones there are is for the BFF to know."""
    return bool(_AUDIENCE.fullmatch(text))


def are_claims(names: Collection[str]) -> bool:
    """Whether `names` are claims that a receiver can ask for, each once."""
    return set(names) <= set(CLAIMS) and len(set(names)) == len(names)


def mint_identity(
    current: CurrentSession, *, audience: str, issuer: str, key: Key, claims: Collection[str] = ()
) -> str:
    """Return the token that tells `audience` who is behind `current`, good for LIFETIME seconds.

    Claims: iss, aud, sub, iat, exp, jti (RFC 7519, 4.1); acr, amr, auth_time and sid as OpenID
    Connect defines them (sessions/assurance.py). `sub` is the user's id, `sid` the session's handle. `claims`, from CLAIMS, are added;
    otherwise there is no name and no address.
    """
    now = int(time.time())
    assurance = current.session.assurance
    asked_for = {name: current.user.get(name) or _EMPTY[name] for name in claims}
    content = {
        **asked_for,
        "iss": issuer,
        "aud": audience,
        "sub": current.user["id"],
        "sid": current.session.handle,
        "acr": assurance.acr,
        "amr": assurance.amr,
        "auth_time": assurance.auth_time,
        "iat": now,
        "exp": now + LIFETIME,
        "jti": secrets.token_urlsafe(12),
    }
    headers = {"kid": key.id, "typ": TYPE}
    return jwt.encode(content, _signing_key(key), algorithm="ES256", headers=headers)


def key_set(keys: Sequence[Key]) -> dict[str, Any]:
    """Return the public halves of `keys` as a JWK set (RFC 7517, 5)."""
    return {"keys": [_public(key) for key in keys]}


def _public(key: Key) -> dict[str, Any]:
    public = ECAlgorithm.to_jwk(_signing_key(key).public_key(), as_dict=True)
    return {**public, "kid": key.id, "use": "sig", "alg": "ES256"}


@cache
def _signing_key(key: Key) -> ec.EllipticCurvePrivateKey:
    """Derive the key pair from the secret, so that it is configured like every other key.

    128 bits more than the order has, reduced: no value is likelier than others (FIPS 186-5, A.2.1).
    """
    derived = HKDF(hashes.SHA256(), 48, salt=None, info=b"gatehouse.identity.ES256")
    number = int.from_bytes(derived.derive(key.secret), "big") % (_ORDER - 1) + 1
    return ec.derive_private_key(number, ec.SECP256R1())
