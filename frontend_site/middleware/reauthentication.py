"""Asks for the password when a page's call needs a recent authentication, and then completes the call."""

from django.http import HttpResponse

from frontend_site import problems
from frontend_site.errors import ReauthenticationRequired, SignInRequired
from frontend_site.pages.reauthentication import CODE, PASSWORD, ask_for_password, reauthenticate
from frontend_site.security.bodies import is_late
from frontend_site.security.endpoints import View, is_public, kind_of
from frontend_site.site_request import SiteRequest

from .view_hooks import ViewHooks


class ReauthenticationMiddleware(ViewHooks):
    """Behind the CSRF gates: takes the password that comes with a form before the view is called."""

    def process_view(
        self, request: SiteRequest, view: View, args: object, kwargs: object
    ) -> HttpResponse | None:
        if request.method != "POST" or is_late(request):
            return None
        if kind_of(view, request.path_info) != "page" or is_public(view):
            return None
        if PASSWORD not in request.POST and CODE not in request.POST:
            return None
        try:
            return reauthenticate(request)
        except SignInRequired as error:  # no other middleware sees what one raises here
            return problems.respond_to_error(request, error)

    def process_exception(self, request: SiteRequest, error: Exception) -> HttpResponse | None:
        if isinstance(error, ReauthenticationRequired):
            return ask_for_password(request, by_code=error.by_code)
        return None
