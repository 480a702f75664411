"""A set-up that would weaken a promise does not start."""

from dataclasses import replace
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from auth_api.checks import refuse_weak_settings
from auth_api.options import options
from auth_api.settings.redis import caches
from gatehouse.keys import Key

GOOD = b"0123456789abcdefghijklmnopqrstuvwxyz"


def good(name: str) -> bytes:
    """A key of its own for each purpose."""
    return GOOD + name.encode()


@pytest.fixture
def production(settings: Any) -> Any:
    """A sound production set-up; a test spoils one thing."""
    settings.SECRET_KEY = good("django").decode()
    settings.ALLOWED_HOSTS = ["127.0.0.1"]
    settings.GATEHOUSE = replace(
        options(),
        environment="production",
        public_origin="https://gatehouse.example",
        session_keys=(Key("k1", good("session")),),
        service_keys=(Key("k1", good("service")),),
        identity_keys=(Key("k1", good("identity")),),
        factor_keys=(Key("k1", good("factor")),),
        argon2_memory_kib=19456,
        argon2_time=2,
    )
    return settings


def test_a_sound_set_up_passes(production: Any) -> None:
    refuse_weak_settings()


@pytest.mark.parametrize(
    ("name", "value", "check"),
    [
        ("SESSION_COOKIE_NAME", "sessionid", "E001"),
        ("SESSION_COOKIE_SECURE", False, "E001"),
        ("SESSION_COOKIE_HTTPONLY", False, "E001"),
        ("SESSION_COOKIE_SAMESITE", "Lax", "E001"),
        ("SESSION_COOKIE_PATH", "/v1/", "E001"),
        ("SESSION_COOKIE_DOMAIN", "example.com", "E001"),
        ("CSRF_COOKIE_SECURE", False, "E001"),
        ("CSRF_COOKIE_SAMESITE", "None", "E001"),
        ("SESSION_ENGINE", "django.contrib.sessions.backends.cache", "E002"),
        ("SECRET_KEY", "x" * 50, "E004"),
        ("DEBUG", True, "E005"),
        ("ALLOWED_HOSTS", ["*"], "E005"),
        ("ALLOWED_HOSTS", [".example.com"], "E005"),
        ("ALLOWED_HOSTS", [], "E005"),
    ],
)
def test_a_weak_setting_is_refused_by_name(
    production: Any, name: str, value: Any, check: str
) -> None:
    setattr(production, name, value)
    with pytest.raises(ImproperlyConfigured, match=f"auth_api.{check}"):
        refuse_weak_settings()


@pytest.mark.parametrize(
    ("change", "check"),
    [
        ({"session_idle": 50000}, "E003"),
        ({"remember_idle": 31 * 86400}, "E003"),
        ({"session_idle": 60}, "E003"),
        ({"session_keys": (Key("k1", b"x" * 40),)}, "E004"),
        ({"service_keys": (Key("k1", GOOD), Key("k0", b"ab" * 20))}, "E004"),
        ({"service_keys": (Key("k1", b"ab" * 20), Key("k0", GOOD))}, "E004"),
        ({"session_keys": (Key("k1", b"ab" * 20), Key("k1", GOOD))}, "E004"),
        ({"identity_keys": (Key("k1", b"x" * 40),)}, "E004"),
        ({"bind": "0.0.0.0"}, "E007"),  # noqa: S104 - what is refused
        ({"bind": "::"}, "E007"),
        ({"bind": "[::]"}, "E007"),  # as gunicorn writes it
        ({"bind": "0"}, "E007"),
        ({"bind": ""}, "E007"),
        ({"bind": "no such name"}, "E007"),
        ({"service_keys": (Key("k1", GOOD), Key("k0", good("session")))}, "E008"),
        ({"identity_keys": (Key("k1", good("django")),)}, "E008"),
        ({"factor_keys": (Key("k1", good("django")),)}, "E008"),
        ({"bind": "93.184.215.14"}, "E007"),
        ({"bind": "2606:2800:21f::1"}, "E007"),
        ({"public_origin": "http://gatehouse.example"}, "E006"),
        ({"argon2_memory_kib": 12288}, "E010"),
        ({"argon2_time": 1}, "E010"),
    ],
)
def test_a_weak_knob_is_refused_by_name(
    production: Any, change: dict[str, Any], check: str
) -> None:
    production.GATEHOUSE = replace(production.GATEHOUSE, **change)
    with pytest.raises(ImproperlyConfigured, match=f"auth_api.{check}") as refused:
        refuse_weak_settings()
    assert "x" * 40 not in str(refused.value)


@pytest.mark.parametrize(
    "url", ["redis+sentinel://10.0.0.1:26379/gatehouse/0", "redis+cluster://10.0.0.1:6379"]
)
def test_a_store_that_fails_over_needs_the_acknowledgement_of_replicas(
    production: Any, url: str
) -> None:
    production.CACHES = caches(url)
    with pytest.raises(ImproperlyConfigured, match=r"auth_api.E009: GATEHOUSE_REDIS_REPLICAS is 0"):
        refuse_weak_settings()
    production.GATEHOUSE = replace(production.GATEHOUSE, redis_replicas=1)
    refuse_weak_settings()


@pytest.mark.parametrize("bind", ["127.0.0.1", "[::1]", "10.1.2.3", "fd00::5", "localhost"])
def test_private_addresses_are_fine(production: Any, bind: str) -> None:
    production.GATEHOUSE = replace(production.GATEHOUSE, bind=bind)
    refuse_weak_settings()
