"""System checks: a set-up that would weaken a promise does not start."""

from typing import Any

from django.conf import settings
from django.core.checks import Error, register

from auth_api.knobs import knobs


@register()
def check_cookies(app_configs: Any, **_: Any) -> list[Error]:
    """Sessions travel in `__Host-` cookies only (design section 4)."""
    wanted = {
        "SESSION_COOKIE_NAME": "__Host-session",
        "CSRF_COOKIE_NAME": "__Host-admin-csrf",
        "SESSION_COOKIE_SECURE": True,
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Strict",
        "CSRF_COOKIE_SECURE": True,
        "CSRF_COOKIE_SAMESITE": "Strict",
        "SESSION_COOKIE_DOMAIN": None,
        "CSRF_COOKIE_DOMAIN": None,
    }
    return [
        Error(f"{name} weakens our cookies.", hint=f"Set {name} = {value!r}.", id="auth_api.E001")
        for name, value in wanted.items()
        if getattr(settings, name) != value
    ]


@register()
def check_engine(app_configs: Any, **_: Any) -> list[Error]:
    """Only our engine keeps the promise that an ended session stays dead."""
    if settings.SESSION_ENGINE == "auth_api.sessions.store":
        return []
    hint = 'Set SESSION_ENGINE = "auth_api.sessions.store".'
    return [Error("Another session engine is set.", hint=hint, id="auth_api.E002")]


@register()
def check_timeouts(app_configs: Any, **_: Any) -> list[Error]:
    """An idle timeout past the absolute one, or an unknown policy, is a typing error."""
    limits, errors = knobs(), []
    if limits.session_idle > limits.session_absolute:
        errors.append("GATEHOUSE_SESSION_IDLE is longer than GATEHOUSE_SESSION_ABSOLUTE.")
    if limits.remember_idle > limits.remember_absolute:
        errors.append("GATEHOUSE_REMEMBER_IDLE is longer than GATEHOUSE_REMEMBER_ABSOLUTE.")
    if limits.session_limit_policy not in ("end-oldest", "refuse"):
        errors.append('GATEHOUSE_SESSION_LIMIT_POLICY is neither "end-oldest" nor "refuse".')
    return [Error(text, id="auth_api.E003") for text in errors]


@register(deploy=True)
def check_secrets(app_configs: Any, **_: Any) -> list[Error]:
    """A key that stands in a repository protects nothing."""
    keys = (*knobs().session_keys, *knobs().service_keys)
    weak = [key.id for key in keys if len(set(key.secret)) < 10]
    return [Error(f"The key {key} is not random.", id="auth_api.E004") for key in weak]
