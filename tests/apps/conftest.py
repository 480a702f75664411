"""The site with apps: GATEHOUSE_APPS, a database, and the stub of auth_api. A pytest run of its own."""

import os

import pytest

from tests import projects

if projects.is_bound():
    raise pytest.UsageError("tests/apps needs a pytest run of its own: see script/test")
os.environ["GATEHOUSE_APPS"] = "tests.apps.shelf,rest_framework=none,django.contrib.sitemaps=none"

from tests.frontend_site.conftest import (
    _fresh_stub,
    auth_api_down,
    browser,
    options,
    stub,
)

__all__ = ["_fresh_stub", "auth_api_down", "browser", "options", "stub"]
