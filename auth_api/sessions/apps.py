"""The session engine as a Django app."""

from django.apps import AppConfig


class SessionsConfig(AppConfig):
    """The session engine as a Django app, under a label of its own."""

    name = "auth_api.sessions"
    label = "auth_sessions"  # never clashes with contrib.sessions
