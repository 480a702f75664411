"""A site with an adopter's page: after it has rendered a form, auth_api does not answer."""

from django.http import HttpResponseBase
from django.urls import path

from frontend_site.backend.client import AuthApiUnavailable
from frontend_site.pages.rendering import render
from frontend_site.security.endpoints import page
from frontend_site.site_request import SiteRequest


@page("GET", public=True)
def failing(request: SiteRequest) -> HttpResponseBase:
    assert b"csrfmiddlewaretoken" in render(request, "login.html").content
    raise AuthApiUnavailable("after the form")


urlpatterns = [path("failing", failing)]
