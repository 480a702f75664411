"""The one Django app of the public site."""

from django.apps import AppConfig
from django.core.signals import request_finished, request_started
from django.db import close_old_connections, reset_queries


class FrontendSiteConfig(AppConfig):
    name = "frontend_site"

    def ready(self) -> None:
        from . import checks  # noqa: F401  (registers the checks)

        # Django looks after database connections around each request; there are none here.
        request_started.disconnect(reset_queries)
        request_started.disconnect(close_old_connections)
        request_finished.disconnect(close_old_connections)
