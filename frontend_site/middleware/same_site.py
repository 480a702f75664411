"""Reloads pages that were opened by links from other sites, since those lack the Strict cookies.

A cross-site navigation arrives without our cookies, although the user may be signed in. The response is a
small page that opens the same address again: that request comes from this site and carries
the cookies, if there are any. Form pages need it too, since their token is bound to the
session.
"""

from urllib.parse import quote

from django.http import HttpResponseBase
from django.utils.cache import patch_vary_headers

from frontend_site.pages.rendering import render
from frontend_site.security.endpoints import View, kind_of
from frontend_site.security.origin import fetch_site, is_own_origin, referer_origin
from frontend_site.site_request import SiteRequest

from .view_hooks import ViewHooks

_QUERY_CHARACTERS = "/?:@!$&'()*+,;=-._~%"  # RFC 3986; the rest is encoded


class SameSiteReloadMiddleware(ViewHooks):
    """Answers a cross-site page navigation that has no session cookie with the reload page."""

    def process_view(
        self, request: SiteRequest, view: View, args: object, kwargs: object
    ) -> HttpResponseBase | None:
        if (
            kind_of(view, request.path_info) != "page"
            or request.session_token
            or not _is_foreign_navigation(request)
        ):
            return None
        # The reload names this site as its Referer. A request that does so and still counts as
        # cross-site (a user's own reload may) gets a link to click instead of going round again.
        again = is_own_origin(request, referer_origin(request))
        context = {"target": reload_target(request), "again": again}
        response = render(request, "same_site_reload.html", context)
        response["Referrer-Policy"] = "strict-origin"  # the query may hold a mailed token
        patch_vary_headers(response, ("Sec-Fetch-Site", "Sec-Fetch-Mode", "Sec-Fetch-Dest"))
        return response


def _is_foreign_navigation(request: SiteRequest) -> bool:
    if request.method != "GET":
        return False
    if request.META.get("HTTP_SEC_FETCH_MODE", "navigate") != "navigate":
        return False
    if request.META.get("HTTP_SEC_FETCH_DEST", "document") != "document":
        return False
    if site := fetch_site(request):
        return site == "cross-site"
    referer = referer_origin(request)
    return bool(referer) and not is_own_origin(request, referer)


def reload_target(request: SiteRequest) -> str:
    """Return this request's path and query as an address of this site, whatever was sent.

    Exactly one slash in front: `//host` would lead elsewhere.
    """
    path = "/" + quote(request.path_info.replace("\\", "/").lstrip("/"), safe="/-._~")
    query = quote(request.META.get("QUERY_STRING", ""), safe=_QUERY_CHARACTERS)
    return f"{path}?{query}" if query else path
