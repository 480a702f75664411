"""auth_api behind https: its certificate is checked, by authority and by name."""

from pathlib import Path

import pytest
import trustme

from tests.frontend_site.server import running_site
from tests.frontend_site.stub import TOKEN
from tests.frontend_site.transport.secure import secure_service

pytestmark = pytest.mark.slow

COOKIE = f"Cookie: __Host-session={TOKEN}"


@pytest.mark.parametrize(
    ("name", "trusted", "status"),
    [("localhost", True, 200), ("localhost", False, 503), ("elsewhere.example", True, 503)],
)
def test_the_certificate_decides(name: str, trusted: bool, status: int, tmp_path: Path) -> None:
    """What does not hold gets nothing: no cookie, no service token."""
    authority = trustme.CA()
    bundle = tmp_path / "authority.pem"
    authority.cert_pem.write_to_path(str(bundle))
    with secure_service(authority if trusted else trustme.CA(), name) as service:
        service.headers = [("Content-Type", "application/json")]
        url = f"https://localhost:{service.server_port}/base"
        with running_site(url, SSL_CERT_FILE=str(bundle)) as site:
            answers = [
                site.ask("GET", "/api/auth/session", COOKIE),
                site.ask("POST", "/api/auth/sessions/revoke-all", *site.csrf(COOKIE)),
            ]
    assert [answer.status for answer in answers] == [status] * 2
    if status == 200:
        paths = [(call.method, call.path) for call in service.calls]
        assert ("GET", "/base/v1/session") in paths
        assert ("POST", "/base/v1/sessions/revoke-all") in paths
    else:
        assert service.calls == []
