"""Django's own contract of a session engine, unchanged, on ours."""

import pytest
from django.test import TestCase

from auth_api.sessions.store import SessionStore
from tests.conformance.django_source import session_tests

_django = session_tests()


@pytest.mark.usefixtures("redis_client")
class TestDjangosSessionContract(_django.SessionTestsMixin, TestCase):  # type: ignore[misc,name-defined]
    backend = SessionStore
