"""One address in front of a primary and its replica, which change places behind it.

As with a cloud's endpoint or a Kubernetes service, existing connections keep their server.
"""

from collections.abc import Callable, Iterator

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from tests.failover.service import Service, running_service
from tests.relay import Relay
from tests.topologies import Node, follows, leads, wait_for

TRIES = 48
EMAIL = "ada@example.com"


@pytest.fixture(scope="module")
def relay() -> Iterator[Relay]:
    with Relay(0) as running:
        yield running


@pytest.fixture
def old(relay: Relay) -> Iterator[Node]:
    with Node() as node:
        relay.target = node.port
        yield node
        node.kill()  # stopping a node that loads takes long


@pytest.fixture
def new() -> Iterator[Node]:
    with Node() as node:
        yield node


@pytest.fixture(scope="module")
def service(relay: Relay) -> Iterator[Service]:
    with Node() as first:
        relay.target = first.port
        with running_service(f"redis://127.0.0.1:{relay.port}", replicas=0) as running:
            running.password = running.stack.make_user(EMAIL)  # type: ignore[attr-defined]
            yield running


def sign_ins(service: Service) -> list[str]:
    """Sign in often enough to reach both workers and all connections; every call must succeed."""
    answers = [service.sign_in(EMAIL, service.password) for _ in range(TRIES)]  # type: ignore[attr-defined]
    assert {status for status, _ in answers} == {200}
    return [token for _, token in answers]


def becomes_a_replica(old: Node, new: Node) -> None:  # READONLY
    old.client().replicaof("127.0.0.1", new.port)
    wait_for(lambda: follows(old), "the old primary to follow")


def loses_its_primary(old: Node, new: Node) -> None:  # MASTERDOWN, to readers too
    old.client().config_set("replica-serve-stale-data", "no")
    with Node() as gone:
        old.client().replicaof("127.0.0.1", gone.port)
    wait_for(lambda: old.client().info("replication")["master_link_status"] == "down", "it to see")


def loads_for_ever(old: Node, new: Node) -> None:  # LOADING
    for name, value in (("rdbcompression", "no"), ("repl-diskless-sync-delay", 0)):
        new.client().config_set(name, value)
    new.client().mset({f"filler{number}": "x" * 2000 for number in range(3000)})
    # 20 ms for each key; clients are answered in between.
    for name, value in (
        ("key-load-delay", 20_000),
        ("loading-process-events-interval-bytes", 1024),
    ):
        old.client().config_set(name, value)
    old.client().replicaof("127.0.0.1", new.port)
    wait_for(lambda: _loads(old), "it to load")


def has_no_replicas(old: Node, new: Node) -> None:  # NOREPLICAS
    old.client().config_set("min-replicas-to-write", 1)


def _loads(node: Node) -> bool:
    try:
        redis.Redis(port=node.port, retry=Retry(NoBackoff(), 0)).ping()
    except redis.exceptions.BusyLoadingError:
        return True
    return False


@pytest.mark.parametrize(
    "what", [becomes_a_replica, loses_its_primary, loads_for_ever, has_no_replicas]
)
def test_sign_ins_work_at_once_when_the_address_leads_elsewhere(
    service: Service, relay: Relay, old: Node, new: Node, what: Callable[[Node, Node], None]
) -> None:
    wait_for(lambda: service.call("GET", "/readyz")[0] == 200, "the service to see the first")
    sign_ins(service)
    what(old, new)
    relay.target = new.port
    tokens = sign_ins(service)
    assert {service.check(token) for token in tokens} == {200}
    assert {service.sign_out(token) for token in tokens} == {204}
    assert {service.check(token) for token in tokens} == {401}


def test_sessions_go_on_where_the_address_leads(
    service: Service, relay: Relay, old: Node, new: Node
) -> None:
    wait_for(lambda: service.call("GET", "/readyz")[0] == 200, "the service to see the first")
    new.client().replicaof("127.0.0.1", old.port)
    wait_for(lambda: follows(new) and leads(old), "the replica to follow")
    kept, ended = sign_ins(service)[:2]
    assert service.sign_out(ended) == 204
    assert old.client().wait(1, 10_000) == 1
    new.client().replicaof("NO", "ONE")
    becomes_a_replica(old, new)
    relay.target = new.port
    assert (service.check(kept), service.check(ended)) == (200, 401)
    assert service.end_others(kept) == 200
    assert service.check(kept) == 200


def test_a_server_that_does_not_know_that_it_is_out_is_not_believed_for_long(
    service: Service, relay: Relay, old: Node, new: Node
) -> None:
    """A primary that only we can reach refuses nothing: our connections to it must time out."""
    wait_for(lambda: service.call("GET", "/readyz")[0] == 200, "the service to see the first")
    new.client().replicaof("127.0.0.1", old.port)
    wait_for(lambda: follows(new) and leads(old), "the replica to follow")
    token = sign_ins(service)[0]
    assert old.client().wait(1, 10_000) == 1
    new.client().replicaof("NO", "ONE")
    relay.target = new.port
    new.client().flushall()  # the sessions ended there, through other clients
    wait_for(
        lambda: {service.check(token) for _ in range(TRIES)} == {401}, "it to be asked no more"
    )
