"""The hold after a recovery code was used: pages tell people about it before they send a form that it refuses."""

from typing import Any

from frontend_site.backend.answer import as_agreed
from frontend_site.backend.client import Answer
from frontend_site.pages.backend_calls import ask
from frontend_site.pages.profile import Profile
from frontend_site.pages.times import left, moment
from frontend_site.site_request import SiteRequest


def profile_and_hold(request: SiteRequest) -> dict[str, Any]:
    """Return `profile` and what `hold_of` returns, with one call.

    Raises SignInRequired, AuthApiUnavailable.
    """
    answer = ask(request, "factors")
    return {"profile": Profile.of(answer), **hold_of(answer)}


def hold_of(answer: Answer) -> dict[str, Any]:
    """Return `hold` (a time) and `hold_left` (in words) from a list of factors, None and "" without a hold.

    Raises AuthApiUnavailable.
    """
    with as_agreed("a hold"):
        text = answer.document.get("recovery_hold_until")
        until = moment(text) if text else None
    return {"hold": until, "hold_left": left(until) if until else ""}
