"""auth_api on a Sentinel trio."""

import atexit
import os

import pytest

from tests.projects import use_settings
from tests.topologies import Sentinels

_sentinels = Sentinels()
_sentinels.start()
atexit.register(_sentinels.stop)
os.environ["REDIS_URL"] = _sentinels.url
os.environ["GATEHOUSE_REDIS_REPLICAS"] = "1"
use_settings("auth_api.settings")

from tests.auth_api.sessions.conftest import sign_in, user  # noqa: E402 - Django is set up now

__all__ = ["sentinels", "sign_in", "user"]


@pytest.fixture
def sentinels() -> Sentinels:
    return _sentinels
