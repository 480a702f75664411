"""The conformance suite runs on auth_api's engine, with the fixtures of its tests."""

from tests.auth_api.conftest import *  # noqa: F403
from tests.auth_api.sessions.conftest import sign_in, user  # noqa: F401
