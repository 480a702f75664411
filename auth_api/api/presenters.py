"""Converts sessions and events to the JSON of responses."""

import json
from datetime import datetime
from typing import Any

from django.http import HttpResponse

from auth_api.security_log.models import SecurityEvent
from auth_api.sessions.services import CurrentSession
from auth_api.sessions.summaries import SessionSummary
from auth_api.times import in_utc, seconds_in_utc
from auth_api.users.models import TotpDevice
from gatehouse.site_data import FIELD, packed


def session_response(
    current: CurrentSession, site_data: dict[str, Any] | None = None
) -> HttpResponse:
    """`{user, session}`; the user part is the snapshot's JSON as it stands.

    With `site_data` if there is any: only for the site, which shows it to no browser.
    """
    session = json.dumps(session_shape(current.session))
    data = f', "{FIELD}": {packed(site_data).decode()}' if site_data else ""
    body = f'{{"user": {current.user_json}, "session": {session}{data}}}'
    return HttpResponse(body.encode(), content_type="application/json")


def with_session(current: CurrentSession, **fields: Any) -> HttpResponse:
    """`fields`, then `user` and `session`: the page that gets them knows whose session it is without a second call."""
    own = "".join(f'"{name}": {json.dumps(value)}, ' for name, value in fields.items())
    session = json.dumps(session_shape(current.session))
    body = f'{{{own}"user": {current.user_json}, "session": {session}}}'
    return HttpResponse(body.encode(), content_type="application/json")


def factors_response(
    current: CurrentSession, items: list[dict[str, Any]], codes_left: int, hold: datetime | None
) -> HttpResponse:
    """`{items, recovery_codes_left, recovery_hold_until, user, session}`."""
    until = in_utc(hold) if hold else None
    return with_session(
        current, items=items, recovery_codes_left=codes_left, recovery_hold_until=until
    )


def factor_shape(device: TotpDevice) -> dict[str, Any]:
    """One authenticator app, without its secret."""
    return {
        "id": device.pk,
        "type": "totp",
        "name": device.name,
        "added_at": in_utc(device.created_at),
        "last_used_at": in_utc(device.used_at) if device.used_at else None,
    }


def session_shape(summary: SessionSummary) -> dict[str, Any]:
    """A session: its times in UTC, and its level of assurance."""
    return {
        "handle": summary.handle,
        "created_at": seconds_in_utc(summary.created_at),
        "last_seen_at": seconds_in_utc(summary.last_seen_at),
        "idle_expires_at": seconds_in_utc(summary.idle_expires_at),
        "absolute_expires_at": seconds_in_utc(summary.absolute_expires_at),
        "remember": summary.remember,
        "assurance": _assurance_shape(summary),
    }


def _assurance_shape(summary: SessionSummary) -> dict[str, Any]:
    level = summary.assurance
    return {
        "acr": level.acr,
        "amr": level.amr,
        "auth_time": seconds_in_utc(level.auth_time),
        "expires_at": None if level.expires_at is None else seconds_in_utc(level.expires_at),
        "methods": summary.methods,
    }


def listed_shape(summary: SessionSummary) -> dict[str, Any]:
    """A session in a list: also its network address and device."""
    return {
        **session_shape(summary),
        "current": summary.current,
        "ip": summary.ip,
        "user_agent": summary.user_agent,
    }


def event_shape(event: SecurityEvent) -> dict[str, Any]:
    """An event of the security log."""
    return {
        "event": event.kind,
        "at": in_utc(event.at),
        "first_at": in_utc(event.first_at),
        "count": event.count,
        "by": event.by,
        "ip": event.address,
        "user_agent": event.device,
        "handle": event.handle,
        "request_id": event.request_id,
        "reason": event.reason,
    }
