"""Redis with TLS and accounts, alone, by Sentinel and as a cluster: REDIS_URL says all of it."""

from collections.abc import Iterator
from contextlib import ExitStack
from urllib.parse import quote

import pytest

from tests.failover.service import running_service
from tests.secure_redis import PASSWORD, PROGRAM, SERVICE, WATCHERS, SecureRedis, wait_for

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(
        not PROGRAM, reason="NOT TESTED without redis-server (apt-get install redis-server)"
    ),
]
ACCOUNT = f"gatehouse:{quote(PASSWORD, safe='')}"


@pytest.fixture
def servers() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def alone(servers: ExitStack) -> str:
    server = servers.enter_context(SecureRedis())
    server.add_account()
    return f"rediss://{ACCOUNT}@[::1]:{server.port}/0?ssl_ca_certs={server.certificates.authority}"


def is_up(server: SecureRedis) -> bool:
    info = server.client().cluster("info")
    return "ok" in str(info["cluster_state"])


def cluster(servers: ExitStack) -> str:
    server = servers.enter_context(SecureRedis("--cluster-enabled", "yes"))
    server.client().execute_command("CLUSTER", "ADDSLOTSRANGE", 0, 16383)
    wait_for(lambda: is_up(server), "the cluster to have all slots")
    server.client().execute_command("ACL", "SETUSER", "gatehouse", "+cluster")
    server.add_account()
    authority = server.certificates.authority
    return (
        f"rediss+cluster://{ACCOUNT}@127.0.0.1:1, 127.0.0.1:{server.port}?ssl_ca_certs={authority}"
    )


def sentinel(servers: ExitStack) -> str:
    server = servers.enter_context(SecureRedis())
    server.add_account()
    watching = (
        f"sentinel monitor {SERVICE} 127.0.0.1 {server.port} 1\n"
        f"sentinel auth-pass {SERVICE} {PASSWORD}\n"
    )
    watcher = SecureRedis("--sentinel", configuration=watching, password=WATCHERS)
    watcher.certificates = server.certificates
    servers.enter_context(watcher)
    options = (
        f"sentinel_password={quote(WATCHERS, safe='')}&ssl_ca_certs={server.certificates.authority}"
    )
    return f"rediss+sentinel://{ACCOUNT}@[::1]:{watcher.port}/{SERVICE}/0?{options}"


@pytest.mark.parametrize("topology", [alone, cluster, sentinel])
def test_sessions_live_and_end_behind_tls_and_accounts(
    topology: object, servers: ExitStack
) -> None:
    url = topology(servers)  # type: ignore[operator]
    with running_service(url, replicas=0) as service:
        password = service.stack.make_user("ada@example.com")
        status, token = service.sign_in("ada@example.com", password)
        assert status == 200, service.stack.log("auth").read_text()
        assert service.check(token) == 200
        assert service.sign_out(token) == 204
        assert service.check(token) == 401
