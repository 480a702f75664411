"""A site with an adopter's page: after it has rendered a form, auth_api does not answer."""

from django.http import HttpResponseBase
from django.urls import path

from frontend_site.auth_client import AuthApiUnavailable
from frontend_site.endpoints import page
from frontend_site.http import SiteRequest
from frontend_site.pages.rendering import render


@page("GET", public=True)
def failing(request: SiteRequest) -> HttpResponseBase:
    assert b"csrfmiddlewaretoken" in render(request, "login.html").content
    raise AuthApiUnavailable("after the form")


urlpatterns = [path("failing", failing)]
