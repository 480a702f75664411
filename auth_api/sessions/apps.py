from django.apps import AppConfig
from django.conf import settings
from django.core.cache import close_caches
from django.core.handlers.base import reset_urlconf
from django.core.signals import request_finished, request_started
from django.db import close_old_connections, reset_queries


class SessionsConfig(AppConfig):
    name = "auth_api.sessions"
    label = "auth_sessions"  # never clashes with contrib.sessions

    def ready(self) -> None:
        # Around each request Django would close what django-redis keeps open, put back the one urlconf
        # that there is, and forget queries that it remembers with DEBUG alone. After database connections
        # RequestContextMiddleware looks, where the database is asked.
        request_finished.disconnect(close_caches)
        request_finished.disconnect(reset_urlconf)
        request_finished.disconnect(close_old_connections)
        request_started.disconnect(close_old_connections)
        if not settings.DEBUG:
            request_started.disconnect(reset_queries)
