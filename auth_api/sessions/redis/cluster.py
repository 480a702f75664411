"""Redis Cluster: redis-py's client sends single commands; sequences share one connection here.

redis-py's cluster pipeline does not work with WAIT: it sends a redirected command again to another
node, and the WAIT after it would still report on the first.
"""

from collections.abc import Sequence
from typing import Any

from django_redis.pool import ConnectionFactory
from redis.cluster import ClusterNode, RedisCluster
from redis.exceptions import (
    AskError,
    MovedError,
    RedisError,
    ResponseError,
    SlotNotCoveredError,
)  # fmt: skip
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from auth_api.sessions.redis.refusals import is_refusal

Command = tuple[Any, ...]
# `client` is redis-py's RedisCluster, which is mostly untyped.


class ClusterConnectionFactory(ConnectionFactory):  # type: ignore[misc]
    """Gives django-redis a Redis Cluster client: one per process, with its own pools."""

    # Shared on purpose, as the base's pools are; by the addresses to start from.
    _clients: dict[tuple[tuple[str, int], ...], RedisCluster] = {}  # noqa: RUF012

    def connect(self, url: str) -> RedisCluster:
        """Return the client of this process. `url` is not read: the options have the addresses."""
        addresses = tuple(self.options["STARTUP_NODES"])
        if addresses not in self._clients:
            nodes = [ClusterNode(*address) for address in addresses]  # type: ignore[no-untyped-call]
            self._clients[addresses] = RedisCluster(
                startup_nodes=nodes, **self.options["CLUSTER_KWARGS"]
            )
        return self._clients[addresses]


def ask(client: Any, command: Command) -> Any:
    """Send one command; redis-py finds the node and follows redirections.

    Sends it once more after a refusal that redis-py does not handle. Raises redis-py's errors.
    """
    try:
        return client.execute_command(*command)
    except RedisError as error:
        if not is_refusal(error):
            raise
    client.nodes_manager.initialize()
    return client.execute_command(*command)


def send(client: Any, key: str, commands: Sequence[Command]) -> list[Any]:
    """Send `commands` over one connection to the node that serves the slot of `key`.

    A command that fails has its error as answer. All are sent once more if the first was refused
    (the slot has moved, or the node is not a primary) or the node could not be reached: every script
    is safe to run twice. Raises redis-py's errors.
    """
    try:
        answers = _exchange(client, client.get_node_from_key(key), commands)
    except (RedisConnectionError, RedisTimeoutError, SlotNotCoveredError):
        client.nodes_manager.initialize()
        return _exchange(client, client.get_node_from_key(key), commands)
    error = answers[0]
    if not isinstance(error, ResponseError):
        return answers
    if isinstance(error, MovedError):
        client.nodes_manager.move_slot(error)
    elif isinstance(error, AskError):
        return _exchange_asking(client, error, commands)
    elif is_refusal(error):
        client.nodes_manager.initialize()
    else:
        return answers
    return _exchange(client, client.get_node_from_key(key), commands)


def places_by_node(client: Any, keys: Sequence[str]) -> list[list[int]]:
    """Return the positions in `keys`, grouped by the node that serves the slot. Raises redis-py's errors."""
    places: dict[str, list[int]] = {}
    for place, key in enumerate(keys):
        node = client.get_node_from_key(key)
        if node is None:
            raise RedisConnectionError("the node is unknown")
        places.setdefault(node.name, []).append(place)
    return list(places.values())


def _exchange_asking(client: Any, error: AskError, commands: Sequence[Command]) -> list[Any]:
    """Send the commands to the node that imports the slot; ASKING applies to the next command only."""
    asking = [each for command in commands for each in (("ASKING",), command)]
    node = client.get_node(error.host, error.port)
    if node is None:
        client.nodes_manager.initialize()
        node = client.get_node(error.host, error.port)
    return _exchange(client, node, asking)[1::2]


def _exchange(client: Any, node: Any, commands: Sequence[Command]) -> list[Any]:
    if node is None:
        raise RedisConnectionError("the node is unknown")
    pipeline = client.get_redis_connection(node).pipeline(transaction=False)
    for command in commands:
        pipeline.execute_command(*command)
    answers: list[Any] = pipeline.execute(raise_on_error=False)
    return answers
