"""Weak settings do not start."""

from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.core.management.base import SystemCheckError

from frontend_site.checks import (
    CHECKS,
    check_proxy_cannot_be_bypassed,
    check_tls_terminator,
    refuse_weak_settings,
)
from gatehouse.keys import Key

STRONG = (Key("a1", b"0123456789abcdefghijklmnopqrstuvwxyz"),)

OTHER = (Key("a1", b"zyxwvutsrqponmlkjihgfedcba9876543210"),)


@pytest.fixture
def production(settings: Any, options: Any) -> Any:
    """A sound production set-up; a test spoils one thing."""
    settings.ALLOWED_HOSTS = ["gatehouse.example"]
    settings.SECRET_KEY = "0123456789" * 5 + "abcdefghij"
    sound = {
        "environment": "production",
        "public_origin": "https://gatehouse.example",
        "service_keys": STRONG,
        "csrf_keys": OTHER,
    }

    def change(**changes: Any) -> None:
        options(**{**sound, **changes})

    change()
    return change


def found() -> set[str]:
    return {str(message.id) for check in CHECKS for message in check(None)}


def test_a_sound_set_up_passes(production: Any) -> None:
    refuse_weak_settings()


def test_debug_is_refused(production: Any, settings: Any) -> None:
    settings.DEBUG = True
    assert found() == {"frontend_site.E001"}


@pytest.mark.parametrize("change", [list.pop, list.reverse])
def test_a_site_without_its_gates_is_refused(production: Any, settings: Any, change: Any) -> None:
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, "shop.middleware.Language"]
    assert found() == set()
    settings.MIDDLEWARE = settings.MIDDLEWARE[:-1]
    change(settings.MIDDLEWARE)
    assert found() == {"frontend_site.E014"}


@pytest.mark.parametrize("hosts", [["*"], ["*.example.com"], [".example.com"]])
def test_wildcard_hosts_are_refused(production: Any, settings: Any, hosts: list[str]) -> None:
    settings.ALLOWED_HOSTS = [*hosts, "gatehouse.example"]
    assert found() == {"frontend_site.E002"}


@pytest.mark.parametrize("name", ["csrf_keys", "service_keys"])
@pytest.mark.parametrize("keys", [(), (Key("a", b"short"),), (Key("a", b"a" * 64),)])
def test_weak_keys_are_refused(production: Any, name: str, keys: Any) -> None:
    production(**{name: keys})
    assert found() == {"frontend_site.E003"}


@pytest.mark.parametrize("origin", ["http://gatehouse.example"])
def test_an_origin_that_is_not_https_is_refused(production: Any, origin: str) -> None:
    production(public_origin=origin)
    assert found() == {"frontend_site.E004"}
    with pytest.raises(ImproperlyConfigured, match="GATEHOUSE_PUBLIC_ORIGIN"):
        refuse_weak_settings()


def test_a_script_name_from_outside_is_refused(production: Any, settings: Any) -> None:
    settings.FORCE_SCRIPT_NAME = None
    assert found() == {"frontend_site.E005"}


@pytest.mark.parametrize("origin", ["https://shop.example", "https://[2001:db8::7]"])
def test_a_site_that_would_refuse_its_own_name_is_refused(
    production: Any, settings: Any, origin: str
) -> None:
    production(public_origin=origin)
    assert found() == {"frontend_site.E010"}
    settings.ALLOWED_HOSTS = ["gatehouse.example", origin.removeprefix("https://")]
    assert found() == set()


@pytest.mark.parametrize("token", ["x", "a" * 40])
def test_a_weak_metrics_token_is_refused(production: Any, token: str) -> None:
    production(metrics_token=token)
    assert found() == {"frontend_site.E003"}


def test_a_metrics_token_that_is_another_secret_is_refused(production: Any, settings: Any) -> None:
    production(metrics_token=settings.SECRET_KEY)
    assert found() == {"frontend_site.E009"}


def test_one_key_for_two_purposes_is_refused(production: Any) -> None:
    production(csrf_keys=(*OTHER, *STRONG))
    assert found() == {"frontend_site.E009"}


@pytest.mark.parametrize(
    ("changes", "warned"),
    [
        ({"proxy_hops": 1, "bind": "0.0.0.0"}, True),  # noqa: S104 - what is warned of
        ({"proxy_hops": 1, "bind": "[::]"}, True),
        ({"proxy_hops": 1}, False),
        ({"bind": "0.0.0.0", "has_certificate": True}, False),  # noqa: S104
    ],
)
def test_proxies_that_can_be_passed_by_are_warned_of(
    production: Any, changes: dict[str, Any], warned: bool
) -> None:
    production(**changes)
    messages = check_proxy_cannot_be_bypassed(None)
    assert [message.id for message in messages] == (["frontend_site.W008"] if warned else [])


@pytest.mark.parametrize(
    ("changes", "warned"),
    [({}, True), ({"proxy_hops": 1}, False), ({"has_certificate": True}, False)],
)
def test_a_deployment_where_nobody_says_https_is_warned_of(
    production: Any, changes: dict[str, Any], warned: bool
) -> None:
    production(**changes)
    messages = check_tls_terminator(None)
    assert [message.id for message in messages] == (["frontend_site.W007"] if warned else [])
    if not warned:
        call_command("check", deploy=True, fail_level="WARNING")
        return
    with pytest.raises(SystemCheckError, match="W007"):
        call_command("check", deploy=True, fail_level="WARNING")


def test_the_checks_run_with_djangos_own() -> None:
    call_command("check", deploy=True, fail_level="WARNING")
