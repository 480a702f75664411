"""Binds a test run to one of the two projects."""

import os

import django
import pytest
from django.conf import settings

_bound: list[str] = []


def use_settings(name: str, *apps: str) -> None:
    """Set Django up with settings `name`, and more apps. Raises UsageError in a run of another project."""
    if _bound and _bound != [name]:
        raise pytest.UsageError("the two projects need a pytest run each: see script/test")
    if _bound:
        return
    _bound.append(name)
    os.environ.setdefault("GATEHOUSE_ENV", "test")
    os.environ["DJANGO_SETTINGS_MODULE"] = name
    settings.INSTALLED_APPS.extend(apps)
    django.setup()
    # A worker of pytest-xdist inherits the environment, and must set up with servers of its own.
    del os.environ["DJANGO_SETTINGS_MODULE"]


def is_bound() -> bool:
    """Whether this test run has a project already."""
    return bool(_bound)
