"""Binds a test run to one of the two projects."""

import os

import django
import pytest


def use_settings(name: str) -> None:
    """Set Django up with settings `name`. Raises UsageError in a run that has another project."""
    os.environ.setdefault("GATEHOUSE_ENV", "test")
    if os.environ.setdefault("DJANGO_SETTINGS_MODULE", name) != name:
        raise pytest.UsageError("the two projects need a pytest run each: see script/test")
    django.setup()
