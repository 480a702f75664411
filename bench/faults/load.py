"""Several clients at once, and the comparison of all that they know with what is there at the end."""

import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from .client import Client
from .known import Finding, Kind, Session, State

PATIENCE = 120  # seconds
_LOOK_AT = 30  # ended sessions of each client that are looked at in the end, the newest first


class NoRecovery(Exception):
    """The service did not come back within PATIENCE."""


class Load:
    """A context manager: the `clients` stop when it exits. `actors` act only when a fault asks them to."""

    def __init__(self, clients: list[Client], actors: list[Client]) -> None:
        self.clients, self.everybody = clients, [*clients, *actors]
        self.begun = self.ended = 0.0

    def __enter__(self) -> "Load":
        self.begun = time.monotonic()
        for client in self.clients:
            client.start()
        return self

    def __exit__(self, *_: object) -> None:
        for client in self.clients:
            client.stopping = True
        self.ended = time.monotonic()
        for client in self.clients:
            client.join(PATIENCE)

    def warm_up(self) -> None:
        """Wait until every client has signed in and got good answers. Raises NoRecovery."""
        _wait(lambda: all(len(c.tally.good) > 20 for c in self.clients), "the clients to begin")
        self.begun = time.monotonic()

    def recovery(self, moment: float) -> float:
        """Return the seconds from `moment` until every client got a good answer. Raises NoRecovery."""
        after = [0.0]

        def all_good() -> bool:
            times = [client.tally.good_after(moment) for client in self.clients]
            after[:] = [t for t in times if t is not None]
            return len(after) == len(times)

        _wait(all_good, "a good answer of every client")
        return max(after)

    def settle(self) -> None:
        """Look at everything that was acknowledged, until it is known. Raises NoRecovery."""
        with ThreadPoolExecutor(len(self.clients)) as pool:
            list(pool.map(_settle, self.everybody))

    @property
    def findings(self) -> list[Finding]:
        return [one for client in self.everybody for one in client.tally.findings]

    @property
    def ghosts(self) -> Counter[str]:
        return sum((client.tally.ghosts for client in self.everybody), Counter())

    @property
    def statuses(self) -> Counter[str]:
        return sum((client.tally.statuses for client in self.everybody), Counter())

    def longest_gap(self, *, watchers: bool = False) -> float:
        """Return the longest time, in seconds, in which a client (or watcher) got no good answer."""
        chosen = [client for client in self.clients if client.watches or not watchers]
        return max(client.tally.longest_gap(self.begun, self.ended) for client in chosen)


def _settle(client: Client) -> None:
    for session in client.of(State.ENDED)[-_LOOK_AT:]:
        _known(client, session)
    held = client.of(State.LIVE) + client.of(State.REFUSED)
    over = [session for session in held if _known(client, session) == 401]
    _judge(client, over, [session for session in held if session not in over])
    _count_ghosts(client)


def _judge(client: Client, over: list[Session], valid: list[Session]) -> None:
    """Tell what an unacknowledged end of all sessions ended from what was lost."""
    doubt = client.doubt
    if doubt and over and not any(session.born < doubt.asked for session in valid):
        if not doubt.what.startswith("password"):  # that one shows at the next sign-in
            client.tally.ghosts[doubt.what] += 1
        return
    for session in over:
        if doubt:
            client.lost(Kind.WRONG, session, "a live session was refused")
        client.lost(Kind.LOST, session, "an acknowledged sign-in is gone")


def _count_ghosts(client: Client) -> None:
    """Count the sessions that are there although their sign-in was not acknowledged."""
    before = len(client.sessions)

    def signed_in() -> bool:
        client.sign_in()
        return len(client.sessions) > before

    try:
        _wait(signed_in, f"{client.email} to sign in")
    except NoRecovery as error:
        raise NoRecovery(f"{error}; its answers: {dict(client.tally.statuses)}") from None
    session = client.sessions[-1]
    answer = client.site.call("GET", "/api/auth/sessions", session=session.token)
    if answer.status != 200:
        raise NoRecovery(f"the list of sessions: {answer.status}")
    known = {one.handle for one in client.sessions}
    there = {item["handle"] for item in answer.json()["items"]}
    # Nobody was told anything about those whose connection broke.
    unheard = client.tally.statuses["sign-in 0"] + client.tally.statuses["password 0"]
    client.tally.ghosts["sign-in"] += max(0, len(there - known) - unheard)


def _known(client: Client, session: Session) -> int:
    seen: list[int] = []

    def known() -> bool:
        seen.append(client.check(session))
        return seen[-1] in (200, 401)

    _wait(known, "an answer to a check")
    return seen[-1]


def _wait(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > deadline:
            raise NoRecovery(f"waited {PATIENCE} s for {what}")
        time.sleep(0.05)
