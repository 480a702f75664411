from django.apps import AppConfig
from django.conf import settings
from django.core.cache import close_caches
from django.core.handlers.base import reset_urlconf
from django.core.signals import request_finished, request_started
from django.db import reset_queries


class SessionsConfig(AppConfig):
    name = "auth_api.sessions"
    label = "auth_sessions"  # never clashes with contrib.sessions

    def ready(self) -> None:
        # After each request Django would close what django-redis keeps open, put back the one urlconf
        # that there is, and forget queries that it remembers with DEBUG alone.
        request_finished.disconnect(close_caches)
        request_finished.disconnect(reset_urlconf)
        if not settings.DEBUG:
            request_started.disconnect(reset_queries)
