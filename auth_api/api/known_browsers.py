"""Recognizes browsers that have signed in to an account before (gatehouse/known_browser.py)."""

from django.http import HttpResponse

from auth_api.api_request import ApiRequest
from auth_api.options import options
from auth_api.sessions.cookies import set_strict_cookie
from auth_api.users.addresses import address_key, stored_form
from gatehouse.cookies import KNOWN_BROWSER_COOKIE, read_optional_cookie
from gatehouse.known_browser import LIFETIME_DAYS, is_known_browser, mint_known_browser


def known_account(request: ApiRequest, email: str) -> str:
    """Return the key of the address `email` if this browser has signed in to it before, else ""."""
    account = address_key(stored_form(email))
    value = read_optional_cookie(request.META.get("HTTP_COOKIE", ""), KNOWN_BROWSER_COOKIE)
    return account if is_known_browser(value, account, options().service_keys) else ""


def set_known_browser(response: HttpResponse, email: str) -> None:
    """Let the browser show from now on that it has signed in to `email`, also after it has signed out."""
    value = mint_known_browser(address_key(email), options().service_keys[0])
    set_strict_cookie(response, KNOWN_BROWSER_COOKIE, value, max_age=LIFETIME_DAYS * 86400)
