"""An https upstream: its certificate is checked, by authority and by name."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from tests.frontend_site.server import Server, running_site
from tests.frontend_site.stub import TOKEN, Stub
from tests.frontend_site.transport.secure import secure_service
from tests.frontend_site.upstreams.service import Service

COOKIE = f"Cookie: __Host-session={TOKEN}"
pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("signed_in")]


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def secure(request: pytest.FixtureRequest, authority: trustme.CA) -> Iterator[Service]:
    """A service behind TLS, with a certificate for the name that the test says."""
    name, trusted = request.param
    with secure_service(authority if trusted else trustme.CA(), name) as service:
        yield service


@pytest.fixture
def site(secure: Service, authority: trustme.CA, tmp_path: Path, stub: Stub) -> Iterator[Server]:
    """The site, with the test's authority as the only one (SSL_CERT_FILE, as OpenSSL reads it)."""
    bundle = tmp_path / "authority.pem"
    authority.cert_pem.write_to_path(os.fspath(bundle))
    upstreams = f"secure=https://localhost:{secure.server_port}/base"
    changes = {
        "GATEHOUSE_UPSTREAMS": upstreams,
        "GATEHOUSE_ACCESS_RULES": "/api/secure/=signed-in",
        "SSL_CERT_FILE": str(bundle),
    }
    with running_site(stub.url, **changes) as running:
        yield running


@pytest.mark.parametrize("secure", [("localhost", True)], indirect=True)
def test_an_https_upstream_is_spoken_to(site: Server, secure: Service) -> None:
    assert site.ask("GET", "/api/secure/x?y=1", COOKIE).status == 200
    assert [call.path for call in secure.calls] == ["/base/x?y=1"]


@pytest.mark.parametrize("secure", [("localhost", True)], indirect=True)
def test_a_connection_is_kept_under_tls_too(site: Server, secure: Service) -> None:
    """What TLS itself still had to say (tickets) is no byte of an answer."""
    for _ in range(3):
        assert site.ask("GET", "/api/secure/x", COOKIE).status == 200
    assert site.ask("POST", "/api/secure/x", *site.csrf(COOKIE), body=b"{}").status == 200
    *kept, own = (call.connection for call in secure.calls)
    assert len(set(kept)) == 1
    assert own not in kept


@pytest.mark.parametrize(
    "secure", [("localhost", False), ("elsewhere.example", True)], indirect=True
)
def test_a_certificate_that_is_not_its_own_is_a_502(site: Server, secure: Service) -> None:
    """Nothing is sent: no identity, no body."""
    answer = site.ask("POST", "/api/secure/x", *site.csrf(COOKIE), body=b"{}")
    assert answer.status == 502
    assert secure.calls == []
