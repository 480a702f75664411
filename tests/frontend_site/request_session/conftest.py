"""The site, and the session data that the stub of auth_api keeps."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.frontend_site.request_session import site
from tests.frontend_site.request_session.site import PEEK, USE, WRITE, acts, committed
from tests.frontend_site.stub import (
    Canned,
    Stub,
    current_session,
    send,
)


@pytest.fixture(autouse=True)
def _site(settings: Any) -> Iterator[None]:
    settings.ROOT_URLCONF = site.__name__
    settings.MIDDLEWARE = [
        *settings.MIDDLEWARE,
        "django.contrib.messages.middleware.MessageMiddleware",
    ]
    yield
    acts.clear()
    committed.clear()


@pytest.fixture
def kept(stub: Stub) -> dict[str, Any]:
    """What auth_api keeps: a test changes it, and sees what was changed."""
    data: dict[str, Any] = {}

    def write(handler: Any) -> None:
        change = stub.seen[-1].json
        assert change.keys() == {"changed", "deleted"}
        data.update(change["changed"])
        for key in change["deleted"]:
            data.pop(key, None)
        send(handler, Canned(204, b""))

    def read(handler: Any) -> None:
        asked = stub.seen[-1].header("Gatehouse-Site-Data") == "1"
        shown = {"site_data": data} if asked and data else {}
        send(handler, Canned(200, current_session() | shown))

    stub.answers |= {WRITE: write, USE: read, PEEK: read}
    return data
