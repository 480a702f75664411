"""One running Gatehouse to break."""

from tests.e2e.conftest import password, stack

__all__ = ["password", "stack"]
