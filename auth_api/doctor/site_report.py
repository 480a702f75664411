"""Asks frontend_site, through the front door, how a request arrived (gatehouse/doctor.py)."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from auth_api.doctor.door import Door, DoorClosed, Reply
from gatehouse.doctor import HEADER, PATH, SiteReport, opened_answer, sign_question
from gatehouse.keys import Key

_KEYS = (
    "Give both services the same GATEHOUSE_SERVICE_KEYS. Let the proxy pass /auth/doctor and the header "
    "Doctor-Question. Upgrade frontend_site if its release is older."
)


@dataclass(frozen=True)
class Seen:
    """A report, and how far the clock of frontend_site is ahead of ours, in seconds."""

    report: SiteReport
    seconds_ahead: float
    uncertainty: float


def ask_site(door: Door, keys: Sequence[Key], headers: Mapping[str, str]) -> Seen:
    """Send a request with `headers`; return what frontend_site saw of it. Raises DoorClosed."""
    answer = _ask(door, keys[0], headers, now=time.time())
    if answer.reply.status == 403 and "time" in answer.reply.document:  # our clocks are far apart
        answer = _ask(door, keys[0], headers, now=float(answer.reply.document["time"]))
    if answer.reply.status != 200 or "nonce" not in answer.reply.document:
        raise _refused(door, answer.reply)
    report = _report_in(answer, keys[0])
    middle = (answer.asked_at + answer.answered_at) / 2
    return Seen(report, report.time - middle, answer.answered_at - middle)


@dataclass(frozen=True)
class _Answer:
    reply: Reply
    nonce: str
    asked_at: float
    answered_at: float


def _ask(door: Door, key: Key, headers: Mapping[str, str], *, now: float) -> _Answer:
    question, nonce = sign_question(key, now=now)
    asked_at = time.time()
    reply = door.send("GET", PATH, {**headers, HEADER: question})
    return _Answer(reply, nonce, asked_at, time.time())


def _report_in(answer: _Answer, key: Key) -> SiteReport:
    if answer.reply.document["nonce"] != answer.nonce:
        found = "the answer belongs to another request: it came from a cache"
        raise DoorClosed(found, "Make the proxy cache nothing that says Cache-Control: no-store.")
    try:
        return opened_answer(answer.reply.document, key)
    except ValueError:
        found = "frontend_site and this command are of different releases"
        raise DoorClosed(found, "Run the same release of both services.") from None


def _refused(door: Door, reply: Reply) -> DoorClosed:
    if reply.problem == "unknown-host":
        found = f"frontend_site does not serve the host that the proxy sends for {door.origin}"
        return DoorClosed(found, "Add it to ALLOWED_HOSTS, or make the proxy keep the Host header.")
    if reply.status in range(300, 400):
        found = f"{door.origin} redirects to {reply.one('Location')[:100]}"
        return DoorClosed(
            found,
            "Set GATEHOUSE_PUBLIC_ORIGIN to the origin that browsers use, or give it with --url.",
        )
    if door.get("/healthz").document.get("status") == "alive":
        return DoorClosed("frontend_site does not accept the signature of this command", _KEYS)
    found = f"{door.origin} answers {reply.status}, but not as frontend_site does"
    return DoorClosed(
        found,
        "Start frontend_site, and make the proxy pass requests to FRONTEND_BIND and FRONTEND_PORT.",
    )
