"""The one Django app of the public site."""

from django.apps import AppConfig
from django.core.cache import close_caches
from django.core.handlers.base import reset_urlconf
from django.core.signals import request_finished, request_started
from django.db import close_old_connections, reset_queries


class FrontendSiteConfig(AppConfig):
    name = "frontend_site"

    def ready(self) -> None:
        from . import checks  # noqa: F401  (registers the checks)

        # Django looks after databases, caches and urlconfs around each request; here are no databases,
        # no caches, and one urlconf.
        request_finished.disconnect(close_caches)
        request_finished.disconnect(reset_urlconf)
        request_started.disconnect(reset_queries)
        request_started.disconnect(close_old_connections)
        request_finished.disconnect(close_old_connections)
