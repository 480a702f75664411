"""Announces revoked sessions over Redis' pub/sub, for the event streams of open pages.

A lost message only delays pages: the next request finds out that the session has ended. Messages contain
no secret (only a ref and handles) and may be repeated.
"""

import json
import time
from collections.abc import Iterator, Sequence
from typing import Any

import structlog
from redis import Redis

from auth_api.sessions.exceptions import SessionStoreUnavailable
from auth_api.sessions.redis.connections import ask, ask_each, connection
from auth_api.sessions.redis.held import OUTAGE
from auth_api.sessions.tokens import HANDLE_LENGTH

# One channel. On a cluster it is a sharded one, so that a message stays on the node of its slot
# instead of going to every node.
CHANNEL = "gh:{ended}"
READY = "ready"
_TICK = 1.0  # seconds between two questions whether Redis is still there
_PATIENCE = 5  # unanswered questions
_log = structlog.get_logger("auth_api.sessions")


def announce_revoked(ref: str, *, id_hash: str = "", renewed: str = "", kept: str = "") -> None:
    """Announce that sessions of a user are over: the one, all but `kept`, or all of them; id hashes.

    `renewed` is the session that the one goes on as. Never raises: it comes after the end, which is
    done.
    """
    names = {"handle": id_hash, "renewed": renewed, "kept": kept}
    message = {"ref": ref} | {k: v[:HANDLE_LENGTH] for k, v in names.items() if v}
    try:
        ask(*_publish(message))
    except OUTAGE as error:
        _log.warning("revocation.not_announced", cause=type(error).__name__)


def announce_all_revoked(refs: Sequence[str]) -> None:
    """Like `announce_revoked` for all sessions of many users, in one go."""
    try:
        commands = [_publish({"ref": ref}) for ref in refs]
        ask_each([CHANNEL] * len(refs), commands, durable=False)
    except OUTAGE as error:
        _log.warning("revocation.not_announced", cause=type(error).__name__)


def _publish(message: dict[str, str]) -> tuple[str, str, str]:
    command = "PUBLISH" if isinstance(connection(), Redis) else "SPUBLISH"
    return command, CHANNEL, json.dumps(message, separators=(",", ":"))


class Revocations:
    """A subscription: an iterator over the announcements, as text.

    READY says that from here on nothing is missed; when it comes again there was a gap. "" comes
    every second or so while Redis answers. Raises SessionStoreUnavailable when it does not.
    """

    def __init__(self) -> None:
        try:
            self._pubsub = _subscribed()
        except OUTAGE as error:
            raise SessionStoreUnavailable(type(error).__name__) from error

    def __iter__(self) -> Iterator[str]:
        try:
            yield from self._messages()
        except OUTAGE as error:
            raise SessionStoreUnavailable(type(error).__name__) from error

    def close(self) -> None:
        """End the subscription."""
        self._pubsub.close()

    def _messages(self) -> Iterator[str]:
        unanswered, ask_at = 0, time.monotonic()
        while unanswered <= _PATIENCE:
            wait = ask_at - time.monotonic()
            if wait <= 0:
                self._pubsub.ping()
                unanswered, wait, ask_at = unanswered + 1, _TICK, time.monotonic() + _TICK
            message = self._pubsub.get_message(timeout=wait)
            kind = message["type"] if message else ""
            if kind in ("subscribe", "ssubscribe"):  # the client subscribes again by itself
                yield READY
            elif kind in ("message", "smessage"):
                yield message["data"].decode()
            elif kind == "pong":
                unanswered = 0
                yield ""
            elif kind == "sunsubscribe":  # the slot went to another node
                return
        raise SessionStoreUnavailable("no answer")


def _subscribed() -> Any:
    client = connection()
    if isinstance(client, Redis):
        pubsub: Any = client.pubsub()  # type: ignore[no-untyped-call]
        pubsub.subscribe(CHANNEL)
        return pubsub
    node = client.get_node_from_key(CHANNEL)
    if node is None:
        raise SessionStoreUnavailable("no node for the channel")
    pubsub = client.get_redis_connection(node).pubsub()
    pubsub.ssubscribe(CHANNEL)
    return pubsub
