"""The type of requests as the middleware passes them to views."""

from typing import TYPE_CHECKING

from django.http import HttpRequest

if TYPE_CHECKING:
    from auth_api.sessions.store import SessionStore


class ApiRequest(HttpRequest):
    """An HttpRequest after our middleware. Nobody makes one; it names the attributes."""

    request_id: str
    is_api: bool  # for /v1/: called by the BFF, by its service token
    client_address: str  # of the browser as the BFF saw it, or of who calls the admin
    client_user_agent: str
    client_browser: str  # SHA-256 of its CSRF token, as the BFF has it; "" unless the call needs it
    session: "SessionStore"
