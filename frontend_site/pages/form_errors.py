"""Shows auth_api's errors as messages on the form."""

from typing import Any

from django.http import HttpResponse

from frontend_site.backend.client import Answer
from frontend_site.backend.relay import relay_cookies
from frontend_site.options import options
from frontend_site.pages.forms import field_errors, marked_fields
from frontend_site.pages.rendering import render
from frontend_site.site_request import SiteRequest

_REFUSED = "Incorrect e-mail address or password."


def form_again(
    request: SiteRequest, template: str, answer: Answer, context: dict[str, Any]
) -> HttpResponse:
    """Return the form again with its values (never the password) and auth_api's errors.

    `refused` in `context` is the message for a 401.
    """
    status = answer.status if answer.status in (400, 401, 403, 413, 429) else 503
    relay_cookies(request, answer)
    errors = field_errors(answer.document)
    refused = context.pop("refused", _REFUSED)
    message = message_of(answer, errors, refused)
    context |= {"errors": errors, "message": message, "marked": marked_fields(errors)}
    response = render(request, template, context, status=status)
    if status in (429, 503):
        response["Retry-After"] = str(answer.retry_after)
    return response


def message_of(answer: Answer, errors: dict[str, list[str]], refused: str) -> str:
    """Return the message for `answer`, in one or two sentences."""
    match answer.status:
        case 401:
            return refused
        case 403 if answer.slug == "registration-closed":
            return f"Registration is closed. Ask {options().contact} for an account."
        case 429:
            return f"Too many attempts. Wait {_in_words(answer.retry_after)}, then try again."
        case 400 if answer.slug == "invalid-token":
            return "This link has already been used, has expired or is incomplete."
        case 400 | 413:
            return (
                "Correct the marked fields, then try again."
                if errors
                else "The form could not be read. Try again."
            )
    return "We cannot check that right now. Nothing has changed. Try again in a moment."


def _in_words(seconds: int) -> str:
    if seconds < 90:
        return f"{seconds} seconds"
    return f"{-(-seconds // 60)} minutes"
