"""Clients that sign in and out while the store fails over, and a check of all acknowledged answers."""

import random
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.failover.service import Service
from tests.topologies import wait_for

_POCKET = 8  # sessions that one client has open before it signs out
_AGAIN = 6  # earlier tokens that are checked now and then


@dataclass
class History:
    """The answers to one client. A token is in one of the three lists, or in none if its state is unknown."""

    live: list[str] = field(default_factory=list)  # acknowledged, and not asked to end
    ended: list[str] = field(default_factory=list)  # its end was acknowledged
    answers: Counter[str] = field(default_factory=Counter)
    lost: list[str] = field(default_factory=list)

    def expect(self, token: str, status: int) -> None:
        """Compare the answer to a check of `token` with what was acknowledged before it."""
        self.answers[f"check {status}"] += 1
        if token in self.live and status == 401:
            self.lost.append(f"a sign-in that was answered 200: {token[:24]}")
        if token in self.ended and status == 200:
            self.lost.append(f"an ending that was acknowledged: {token[:24]}")


class Client(threading.Thread):
    """One user with several browsers, one act at a time, so that it knows the expected state."""

    def __init__(self, service: Service, number: int) -> None:
        super().__init__(daemon=True)
        self.service, self.history = service, History()
        self.email = f"user{number}@example.com"
        self.password = service.stack.make_user(self.email)
        self.random = random.Random(number)
        self.stopping = False

    def run(self) -> None:
        while not self.stopping:
            self.act()

    def act(self) -> None:
        live = self.history.live
        if len(live) < 2:
            return self.sign_in()
        if len(live) > _POCKET:
            return self.sign_out()
        acts = (self.sign_in, self.sign_out, self.look, self.end_others, self.end_all)
        return self.random.choices(acts, (8, 6, 6, 1, 1))[0]()

    def sign_in(self) -> None:
        status, token = self.service.sign_in(self.email, self.password)
        self.history.answers[f"sign-in {status}"] += 1
        if status == 200:
            self.history.live.append(token)
            self.check(token)

    def sign_out(self) -> None:
        token = self.taken()
        self.ending([token], "sign-out", self.service.sign_out(token), good=204)

    def end_others(self) -> None:
        kept = self.taken()
        others = list(self.history.live)
        self.history.live.clear()  # unknown until it is acknowledged
        status = self.service.end_others(kept)
        self.history.live.append(kept)  # in any case, this one must not end
        self.ending(others, "end-others", status, good=200)
        self.check(kept)

    def end_all(self) -> None:
        used = self.taken()
        others = [used, *self.history.live]
        self.history.live.clear()
        self.ending(others, "end-all", self.service.end_all(used), good=200)

    def ending(self, tokens: list[str], name: str, status: int, *, good: int) -> None:
        self.history.answers[f"{name} {status}"] += 1
        if status == 401:
            self.history.lost.append(f"a sign-in that was answered 200, at {name}")
        if status == good:
            self.history.ended += tokens
            for token in tokens[:2]:
                self.check(token)

    def look(self) -> None:
        tokens = [*self.history.live, *self.history.ended[-_AGAIN:]]
        self.check(self.random.choice(tokens))

    def check(self, token: str) -> None:
        self.history.expect(token, self.service.check(token))

    def taken(self) -> str:
        live = self.history.live
        return live.pop(self.random.randrange(len(live)))


class Load:
    """Several concurrent clients, as a context manager: they stop when it exits."""

    def __init__(self, service: Service, *, clients: int = 4) -> None:
        self.service = service
        self.clients = [Client(service, number) for number in range(clients)]

    @property
    def lost(self) -> list[str]:
        return [text for client in self.clients for text in client.history.lost]

    @property
    def answers(self) -> Counter[str]:
        return sum((client.history.answers for client in self.clients), Counter())

    def wait_for(self, signs: int) -> None:
        """Wait until every client has signed in and out `signs` more times."""
        names = ("sign-in 200", "sign-out 204")
        for client in self.clients:
            answers = client.history.answers
            wanted = {name: answers[name] + signs for name in names}
            wait_for(
                lambda answers=answers, wanted=wanted: all(answers[n] >= wanted[n] for n in names),
                f"more work of {client.email}: {answers}",
            )

    def look_at_all(self) -> None:
        """Check every acknowledged answer, each token until its state is known."""
        for client in self.clients:
            for token in (*client.history.live, *client.history.ended):
                client.history.expect(token, _known(lambda t=token: self.service.check(t)))

    def report(self) -> str:
        """What was acknowledged, refused and lost, in one line."""
        live, ended = (
            sum(len(getattr(c.history, n)) for c in self.clients) for n in ("live", "ended")
        )
        signed_in = self.answers["sign-in 200"]
        unknown = sum(
            n for name, n in self.answers.items() if not name.endswith(("200", "204", "401"))
        )
        return (
            f"acknowledged {signed_in} sign-ins and the end of {ended} sessions, {live} live; "
            f"503 or no answer {unknown}; lost {len(set(self.lost))}\n{dict(sorted(self.answers.items()))}"
        )

    def __enter__(self) -> "Load":
        for client in self.clients:
            client.start()
        return self

    def __exit__(self, *_: object) -> None:
        for client in self.clients:
            client.stopping = True
        for client in self.clients:
            client.join(60)


def _known(check: Callable[[], int]) -> int:
    seen: list[int] = []

    def known() -> bool:
        seen.append(check())
        return seen[-1] in (200, 401)

    wait_for(known, "an answer to a check")
    return seen[-1]
