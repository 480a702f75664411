"""Outages of Redis, the database and auth_api, for as long as a `with` block runs."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager

from tests.ports import free_port
from tests.processes import Stack
from tests.relay import Relay


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


@contextmanager
def redis_refuses_writes(stack: Stack) -> Iterator[None]:
    """Ask for a replica that there is not: reads work, and writes are refused."""
    client = stack.valkey.client()
    client.config_set("min-replicas-to-write", "1")
    try:
        yield
    finally:
        client.config_set("min-replicas-to-write", "0")


@contextmanager
def relayed_server_is_gone(relay: Relay) -> Iterator[None]:
    """Lead `relay` to a port at which nobody listens."""
    with _led_to(relay, free_port()):
        yield


@contextmanager
def relayed_server_hangs(relay: Relay) -> Iterator[None]:
    """Lead `relay` to a server that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as silent, _led_to(relay, silent.getsockname()[1]):
        yield


@contextmanager
def _led_to(relay: Relay, port: int) -> Iterator[None]:
    before, relay.target = relay.target, port
    relay.cut()
    try:
        yield
    finally:
        relay.target = before
        relay.cut()


@contextmanager
def restarted_with(stack: Stack, name: str, **settings: str) -> Iterator[None]:
    """Restart a service with other environment variables."""
    before = dict(stack.settings)
    stack.stop(name)
    stack.settings.update(settings)
    stack.start(name)
    try:
        yield
    finally:
        stack.stop(name)
        stack.settings = before
        stack.start(name)
