"""Every check of `doctor`, in the order of the report."""

from collections.abc import Iterator
from functools import partial

from auth_api.doctor import (
    cookies,
    database,
    forward_auth,
    groups,
    hashing,
    https,
    limits,
    mail,
    own_settings,
    proxies,
    redis,
    site,
    site_database,
)
from auth_api.doctor.door import Door
from auth_api.doctor.findings import Check
from auth_api.doctor.visit import Visit
from auth_api.options import options


def checks(door: Door, send_to: str = "") -> Iterator[Check]:
    """Yield them. `send_to`: whom to send a test mail; nobody if ""."""
    yield Check("environment", own_settings.environment)
    yield Check("settings", own_settings.system_checks)
    yield Check("packages", own_settings.packages)
    yield Check("secrets", own_settings.secrets)
    yield Check("password-hash", hashing.password_hash)
    yield Check("database", database.database)
    yield Check("groups", groups.policy_groups)
    yield Check("redis", redis.redis)
    yield Check("mail", mail.mail)
    yield Check("outbox", mail.outbox)
    if send_to:
        yield Check("mail-sent", partial(mail.test_mail, send_to))
    yield from _of_front_door(Visit(door, options().service_keys))


def _of_front_door(visit: Visit) -> Iterator[Check]:
    yield Check("front-door", visit.arrive)
    yield visit.with_reports("site", site.site)
    yield visit.with_reports("site-database", site_database.site_database)
    yield visit.with_reports("proxy", proxies.proxies)
    yield visit.with_reports("tls", https.tls)
    yield visit.with_reports("headers", https.headers)
    yield visit.with_reports("cookies", cookies.cookies)
    yield visit.with_reports("limits", limits.limits)
    yield visit.with_reports("forward-auth", forward_auth.forward_auth)
    yield visit.with_reports("groups", groups.rule_groups)
