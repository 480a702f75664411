"""Libraries are left alone (docs/decisions/0004-libraries-left-alone.md)."""

import pytest

from tests.libraries import assignments, private_imports, private_overrides

# How Django's own documentation names an admin.
ADMIN = {"login_form", "login_template", "site_header", "site_title", "index_title", "site_url"}


@pytest.mark.parametrize("package", ["auth_api", "gatehouse"])
def test_nothing_reaches_into_a_library(package: str) -> None:
    assert private_overrides(package) == set()
    assert private_imports(package) == set()
    allowed = {f"auth_api/users/admin/sign_in.py: admin.site.{name}" for name in ADMIN}
    assert assignments(package) <= allowed
