"""Django REST framework on this site: who is signed in, and which errors are whose."""

from frontend_site.backend.session_check import user_of
from frontend_site.backend.users import SiteUser
from frontend_site.site_request import SiteRequest


class SiteAuthentication:
    """Takes the user whose session the middleware has confirmed; the CSRF token was checked before, too.

    The default of DEFAULT_AUTHENTICATION_CLASSES if `rest_framework` is in GATEHOUSE_APPS.
    """

    def authenticate(self, request: SiteRequest) -> tuple[SiteUser, None] | None:
        """Return the user, or None for a visitor of a public view. Raises AuthApiUnavailable."""
        user = user_of(request)
        return (user, None) if user.is_authenticated else None

    def authenticate_header(self, request: SiteRequest) -> None:
        """Return no value for WWW-Authenticate: browsers would open a dialog."""
