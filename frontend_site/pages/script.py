"""The stable address of gatehouse.js, for scripts that are not rendered here (docs/reference/javascript.md)."""

from hashlib import sha256

from django.http import HttpResponse
from django.templatetags.static import static
from django.views.decorators.cache import cache_control
from django.views.decorators.http import etag

from frontend_site.security.endpoints import page
from frontend_site.site_request import SiteRequest


def _source() -> str:
    # Not the module itself: scripts and pages then share one, with one state.
    return f'export * from "{static("frontend_site/gatehouse.js")}";\n'


def _etag(request: SiteRequest) -> str:
    return f'"{sha256(_source().encode()).hexdigest()[:32]}"'


@page("GET", public=True)
@cache_control(no_cache=True)  # it is asked for each time, so that an update is seen at once
@etag(_etag)
def gatehouse_js(request: SiteRequest) -> HttpResponse:
    """A module that exports what the file of the current version does."""
    return HttpResponse(_source(), content_type="text/javascript; charset=utf-8")
