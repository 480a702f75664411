from django.apps import AppConfig


class SessionsConfig(AppConfig):
    name = "auth_api.sessions"
    label = "auth_sessions"  # never clashes with contrib.sessions
