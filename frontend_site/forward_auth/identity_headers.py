"""The headers that tell an app who is signed in."""

from collections.abc import Collection
from typing import Any
from urllib.parse import quote

from frontend_site.backend.assurance import Assurance
from frontend_site.backend.client import Answer
from frontend_site.backend.users import groups_of

_KEPT = "@!#$&'*+/=?^_`{|}~.-"  # of an address
_DEFAULT = frozenset({"email"})


def identity_headers(
    answer: Answer, claims: Collection[str] | None, level: Assurance
) -> dict[str, str]:
    """Return them for auth_api's answer; `claims` as in Question. Values are percent-encoded UTF-8.

    Groups are separated by commas, which are encoded in a name; methods, too. Times are Unix seconds. All
    headers are always present, those of other claims empty: proxies then replace what they have, and Caddy has no text of its own for them.
    """
    user, session = answer.document["user"], answer.document["session"]
    chosen = _DEFAULT if claims is None else claims
    return {
        "Gatehouse-User-Id": user["id"],
        "Gatehouse-Session": session["handle"],
        "Gatehouse-Identity": answer.document["token"],
        "Gatehouse-Acr": level.acr,
        "Gatehouse-Amr": ",".join(level.amr),
        "Gatehouse-Auth-Time": str(int(level.auth_time.timestamp())),
        **{
            f"Gatehouse-User-{name.title()}": value if name in chosen else ""
            for name, value in _claims_of(user).items()
        },
    }


def _claims_of(user: dict[str, Any]) -> dict[str, str]:
    return {
        "email": quote(user["email"], safe=_KEPT),
        "name": quote(user["name"] or "", safe=" "),
        "groups": ",".join(quote(name, safe=" @") for name in groups_of(user)),
    }
