"""Libraries are left alone (docs/decisions/0004-libraries-left-alone.md)."""

import pytest

from tests.libraries import assignments, private_imports, private_overrides, private_uses

# How Django's own documentation names an admin.
ADMIN = {"login_form", "login_template", "site_header", "site_title", "index_title", "site_url"}
# A session engine writes these, as Django's own engines do.
ENGINE = {"_session_key", "_session_cache", "_get_session"}


@pytest.mark.parametrize("package", ["auth_api", "gatehouse"])
def test_nothing_reaches_into_a_library(package: str) -> None:
    assert private_overrides(package) == set()
    assert private_imports(package) == set()
    assert private_uses(package) <= {f"auth_api/sessions/store.py: self.{name}" for name in ENGINE}
    allowed = {f"auth_api/users/admin/sign_in.py: admin.site.{name}" for name in ADMIN}
    allowed |= {  # the variables of this process, by their only reader
        "gatehouse/env.py: os.environ[_METRICS]",
        "gatehouse/env.py: os.environ[variables.ENVIRONMENT.name]",
    }
    assert assignments(package) <= allowed
