"""Outages of Redis and auth_api, for as long as a `with` block runs."""

from collections.abc import Iterator
from contextlib import contextmanager

from tests.processes import Stack


@contextmanager
def redis_is_gone(stack: Stack) -> Iterator[None]:
    """Stop the server: connections are refused."""
    stack.valkey.stop()
    try:
        yield
    finally:
        stack.valkey.start()


@contextmanager
def redis_hangs(stack: Stack) -> Iterator[None]:
    """Pause the server: connections stay open, and nothing answers."""
    stack.valkey.pause()
    try:
        yield
    finally:
        stack.valkey.resume()


@contextmanager
def auth_api_is_gone(stack: Stack) -> Iterator[None]:
    """Stop auth_api: connections are refused."""
    stack.stop("auth")
    try:
        yield
    finally:
        stack.start("auth")


@contextmanager
def auth_api_hangs(stack: Stack) -> Iterator[None]:
    """Pause auth_api: connections stay open, and nothing answers."""
    stack.pause("auth")
    try:
        yield
    finally:
        stack.resume("auth")
