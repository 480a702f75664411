"""Single checks of `doctor`, on the real store and database of this process."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import timedelta
from threading import Event
from typing import Any
from unittest import mock

import pytest
from django.contrib.auth.models import Group
from django.core.mail.backends.smtp import EmailBackend
from django.utils import timezone

from auth_api.doctor.clocks import judge_clock
from auth_api.doctor.cookies import judge_cookie
from auth_api.doctor.door import Door, Reply
from auth_api.doctor.findings import Check, Finding, Outcome, ok
from auth_api.doctor.groups import policy_groups, rule_groups
from auth_api.doctor.mail import outbox, protection
from auth_api.doctor.redis import redis
from auth_api.doctor.running import findings_of
from auth_api.doctor.site_report import Seen
from auth_api.mail.models import OutboxMail
from gatehouse.cookies import SESSION_COOKIE
from tests.auth_api.doctor.test_proxies import REPORT
from tests.auth_api.outages import no_database


def not_ok(findings: Iterable[Finding]) -> list[tuple[str, str]]:
    return [(each.check, each.outcome.value) for each in findings if each.outcome is not Outcome.OK]


def test_a_check_that_fails_or_hangs_leaves_the_others_alone() -> None:
    never = Event()

    def breaks() -> Iterator[Finding]:
        yield ok("first", "found before the fault")
        raise ZeroDivisionError("details")

    def hangs() -> Iterator[Finding]:
        yield ok("second", "found before it hangs")
        never.wait()

    checks = [Check("breaks", breaks), Check("hangs", hangs), Check("last", lambda: iter([ok("last", "")]))]  # fmt: skip
    found = list(findings_of(checks, patience=1.0))
    never.set()
    assert [each.check for each in found] == ["first", "breaks", "second", "hangs", "last"]
    assert not_ok(found) == [("breaks", "fail"), ("hangs", "fail")]
    assert "ZeroDivisionError" in found[1].found


@pytest.mark.parametrize(
    ("ahead", "uncertainty", "outcome", "words"),
    [
        (4.0, 0.1, Outcome.OK, "less than 5 seconds"),
        (40.0, 36.0, Outcome.OK, "less than 5 seconds"),  # the answer may have taken that long
        (40.0, 0.1, Outcome.WARN, "40 seconds ahead of"),
        (-59.0, 0.1, Outcome.WARN, "59 seconds behind"),
        (-61.0, 0.1, Outcome.FAIL, "61 seconds behind"),
        (3600.0, 2.0, Outcome.FAIL, "3600 seconds ahead of"),
    ],
)
def test_a_clock_is_judged_by_how_much_it_differs(
    ahead: float, uncertainty: float, outcome: Outcome, words: str
) -> None:
    found = judge_clock("clock", "the clock", ahead, uncertainty, effect="refused")
    assert found.outcome is outcome
    assert words in found.found


@pytest.mark.parametrize(
    ("lines", "outcome"),
    [
        (["{}=; expires=Thu, 01 Jan 1970 00:00:00 GMT; HttpOnly; Max-Age=0; Path=/; SameSite=Strict; Secure"], Outcome.OK),
        (["{}=x; Path=/; secure; HTTPONLY; samesite=strict"], Outcome.OK),
        (["{}=x; HttpOnly; Path=/; SameSite=Strict"], Outcome.FAIL),
        (["{}=x; Path=/; SameSite=Strict; Secure"], Outcome.FAIL),
        (["{}=x; HttpOnly; Path=/; SameSite=Lax; Secure"], Outcome.FAIL),
        (["{}=x; HttpOnly; Path=/app/; SameSite=Strict; Secure"], Outcome.FAIL),
        (["{}=x; HttpOnly; Path=/; SameSite=Strict; Secure; Domain=example.org"], Outcome.FAIL),
        (["{}=x; HttpOnly; Path=/; SameSite=Strict; Secure"] * 2, Outcome.FAIL),
        (["{}-b=x; HttpOnly; Path=/; SameSite=Strict; Secure"], Outcome.FAIL),
        ([], Outcome.FAIL),
    ],
)  # fmt: skip
def test_a_changed_cookie_is_a_fault(lines: list[str], outcome: Outcome) -> None:
    sent = tuple(line.format(SESSION_COOKIE) for line in lines)
    found = judge_cookie("cookie", Reply(204, b"", {"set-cookie": sent}, {}), SESSION_COOKIE)
    assert found.outcome is outcome


@pytest.mark.parametrize(
    ("host", "how", "outcome"),
    [
        ("localhost", {}, Outcome.OK),
        ("127.0.0.1", {}, Outcome.OK),
        ("mail.example.org", {"use_tls": True}, Outcome.OK),
        ("mail.example.org", {"use_ssl": True}, Outcome.OK),
        ("mail.example.org", {}, Outcome.FAIL),
    ],
)
def test_mails_in_clear_text_are_a_fault(host: str, how: dict[str, bool], outcome: Outcome) -> None:
    found = protection(EmailBackend(host=host, port=25, **how), f"{host}:25")
    assert found.outcome is outcome


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("mail", "outcome"),
    [
        ({"due_in": -600}, Outcome.FAIL),  # nobody sends
        ({"due_in": 600, "tries": 2, "last_error": "451"}, Outcome.WARN),
        ({"due_in": None, "tries": 10}, Outcome.WARN),
        ({"due_in": -1}, Outcome.OK),
    ],
)
def test_mails_that_wait_are_told(mail: dict[str, Any], outcome: Outcome) -> None:
    due_in = mail.pop("due_in")
    due_at = None if due_in is None else timezone.now() + timedelta(seconds=due_in)
    OutboxMail.objects.create(to="ada@example.com", template="reset", due_at=due_at, **mail)
    [found] = outbox()
    assert found.outcome is outcome


@pytest.mark.django_db
def test_groups_that_do_not_exist_are_told(settings: Any) -> None:
    """Such a name asks nobody for a second factor, or lets nobody in."""
    Group.objects.create(name="ops")
    settings.GATEHOUSE = replace(settings.GATEHOUSE, second_factor_groups=frozenset({"ops", "Ops"}))
    [found] = policy_groups()
    assert found.outcome is Outcome.WARN
    assert "GATEHOUSE_SECOND_FACTOR_GROUPS names 'Ops'" in found.found
    door, seen = Door("http://localhost"), Seen(replace(REPORT, groups=("board", "ops")), 0, 0)
    [found] = rule_groups(door, seen, seen)
    assert found.outcome is Outcome.WARN
    assert "GATEHOUSE_ACCESS_RULES names 'board'" in found.found
    Group.objects.create(name="board")
    assert not_ok(rule_groups(door, seen, seen)) == []
    with mock.patch("auth_api.doctor.groups.missing_groups", no_database):
        [found] = policy_groups()
    assert found.outcome is Outcome.SKIPPED


def test_a_good_store_is_ok() -> None:
    assert not_ok(redis()) == []


@pytest.mark.parametrize(
    ("option", "value", "expected"),
    [
        ("appendfsync", "no", [("redis-persistence", "warn")]),
        ("maxmemory", "100mb", []),
        ("maxmemory", "1mb", [("redis", "fail"), ("redis-eviction", "warn")]),  # it is full already
    ],
)
def test_settings_of_the_store(
    redis_client: Any, option: str, value: str, expected: list[tuple[str, str]]
) -> None:
    before = redis_client.config_get(option)[option]
    redis_client.config_set(option, value)
    try:
        assert not_ok(redis()) == expected
    finally:
        redis_client.config_set(option, before)


def test_a_missing_replica_is_a_fault(settings: Any) -> None:
    settings.GATEHOUSE = replace(settings.GATEHOUSE, redis_replicas=1)
    assert not_ok(redis()) == [("redis", "fail"), ("redis-replication", "fail")]
