"""The conformance suite runs on auth_api's engine, with the fixtures of its tests."""

from tests.auth_api.conftest import _empty_store, redis_client
from tests.auth_api.sessions.conftest import sign_in, user

__all__ = ["_empty_store", "redis_client", "sign_in", "user"]
