"""The service of the upstream tests, behind TLS."""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager

import trustme

from tests.frontend_site.upstreams.service import Service


@contextmanager
def secure_service(authority: trustme.CA, name: str) -> Iterator[Service]:
    """Run one whose certificate is for `name`, by `authority`."""
    service = Service()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(context)
    service.socket = context.wrap_socket(service.socket, server_side=True)
    try:
        yield service
    finally:
        service.shutdown()
        service.server_close()
