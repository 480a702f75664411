"""auth_api as a real process in front of a store that fails over, called as the BFF calls it."""

import http.client
import itertools
import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from gatehouse.keys import parse_keys
from gatehouse.service_token import mint_service_token
from tests.processes import Stack

_ADDRESSES = itertools.count()
TIMEOUT = 20  # seconds


class Service:
    """auth_api with two workers on `redis_url`, whose answers wait for `replicas` replicas."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        [self._key] = parse_keys(stack.secrets["GATEHOUSE_SERVICE_KEYS"])

    def call(self, method: str, path: str, body: Any = None, *, token: str = "") -> tuple[int, str]:
        """Return the status, 0 for a broken call, and the session token that was set.

        Each call has a connection of its own, so that either worker may get it.
        """
        headers = {
            "Authorization": f"Bearer {mint_service_token(self._key)}",
            "Content-Type": "application/json",
            # Many addresses: the throttle delays one address after ten tries.
            "Gatehouse-Client-Address": f"198.51.100.{next(_ADDRESSES) % 250 + 1}",
        }
        if token:
            headers["Cookie"] = f"__Host-session={token}"
        connection = http.client.HTTPConnection("127.0.0.1", self.stack.auth_port, timeout=TIMEOUT)
        try:
            connection.request(method, path, None if body is None else json.dumps(body), headers)
            answer = connection.getresponse()
            answer.read()
        except (OSError, http.client.HTTPException):
            return 0, ""
        finally:
            connection.close()
        cookie = answer.getheader("Set-Cookie") or ""
        return answer.status, cookie.partition("__Host-session=")[2].partition(";")[0]

    def sign_in(self, email: str, password: str) -> tuple[int, str]:
        return self.call("POST", "/v1/login", {"email": email, "password": password})

    def sign_out(self, token: str) -> int:
        return self.call("POST", "/v1/logout", token=token)[0]

    def end_all(self, token: str) -> int:
        return self.call("POST", "/v1/sessions/revoke-all", token=token)[0]

    def end_others(self, token: str) -> int:
        return self.call("POST", "/v1/sessions/revoke-others", token=token)[0]

    def check(self, token: str) -> int:
        return self.call("GET", "/v1/session", token=token)[0]


@contextmanager
def running_service(redis_url: str, *, replicas: int) -> Iterator[Service]:
    """Start auth_api with cheap password hashes, and stop it again."""
    with tempfile.TemporaryDirectory(prefix="gh-mails-") as mails:
        stack = Stack(
            # Production refuses cheap hashes, and 0 replicas with Sentinel or Cluster.
            GATEHOUSE_ENV="development",
            GATEHOUSE_ARGON2_MEMORY_KIB="64",
            GATEHOUSE_ARGON2_TIME="1",
            GATEHOUSE_PUBLIC_ORIGIN="https://gatehouse.example",
            GATEHOUSE_REDIS_REPLICAS=str(replicas),
            GATEHOUSE_SESSION_LIMIT="0",
            AUTH_API_WORKERS="2",
            REDIS_URL=redis_url,
            EMAIL_URL=f"file://{Path(mails)}",
        )
        stack.migrate()
        stack.start("auth")
        try:
            yield Service(stack)
        finally:
            stack.stop("auth")
