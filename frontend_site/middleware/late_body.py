"""Reads bodies with files, and long ones, after the session check; then checks the token of a form."""

from collections.abc import Callable

from django.core.exceptions import RequestDataTooBig
from django.http import HttpResponseBase, UnreadablePostError

from frontend_site import problems
from frontend_site.security.bodies import MULTIPART, is_late, media_type
from frontend_site.security.endpoints import View, kind_of
from frontend_site.site_request import SiteRequest

from .csrf import check_token
from .request_shape import read_body

_SAFE = frozenset({"GET", "HEAD"})


class LateBodyMiddleware:
    """Innermost, in a site with apps: nobody without a valid session makes this site store megabytes.

    Files go to Django's upload handlers, the larger ones to disk. The origin of the request was checked
    before (middleware/csrf.py).
    """

    def __init__(self, get_response: Callable[[SiteRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: SiteRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_view(
        self, request: SiteRequest, view: View, args: object, kwargs: object
    ) -> HttpResponseBase | None:
        kind = kind_of(view, request.path_info)
        if request.method in _SAFE or kind == "upstream" or not is_late(request):
            return None
        refusal = _read_files(request) if media_type(request) == MULTIPART else read_body(request)
        return refusal or (None if kind == "webhook" else check_token(request))


def _read_files(request: SiteRequest) -> HttpResponseBase | None:
    try:
        request.POST  # noqa: B018 - parses the body
    except UnreadablePostError as error:
        return problems.unreadable(request, error)
    except RequestDataTooBig:
        return problems.respond(request, problems.PAYLOAD_TOO_LARGE)
    return None
