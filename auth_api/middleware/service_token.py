"""Rejects /v1/ requests without a valid service token."""

import re
import socket
from typing import Any

import structlog

from auth_api import deadline
from auth_api.api_request import ApiRequest
from auth_api.errors import ServiceTokenRequired
from auth_api.options import options
from auth_api.problems import problem_response
from gatehouse.service_token import Judgement, Refusal, judge_authorization

from .request_context import Handler

_BROWSER = re.compile(r"[0-9a-f]{64}", re.ASCII)
_log = structlog.get_logger("auth_api")


class ServiceTokenMiddleware:
    """Accept /v1/ requests from the BFF only, and trust its headers: who the client is, and how long it waits."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: ApiRequest) -> Any:
        if not request.is_api:
            return self.get_response(request)
        meta = request.META
        header = meta.get("HTTP_AUTHORIZATION", "")
        judgement = judge_authorization(header, options().service_keys)
        if judgement.refusal is not None:
            _log_refusal(judgement)
            return problem_response(request, ServiceTokenRequired())
        request.client_address = meta.get("HTTP_GATEHOUSE_CLIENT_ADDRESS", "")[:64]
        request.client_user_agent = meta.get("HTTP_GATEHOUSE_CLIENT_USER_AGENT", "")[:512]
        browser = meta.get("HTTP_GATEHOUSE_CLIENT_BROWSER", "")
        if browser and _BROWSER.fullmatch(browser):
            request.client_browser = browser
        with deadline.limited(meta.get("HTTP_GATEHOUSE_DEADLINE", ""), _connection(request)):
            return self.get_response(request)


def _log_refusal(judgement: Judgement) -> None:
    """Write what the operator has to mend: the clocks of two machines, or GATEHOUSE_SERVICE_KEYS."""
    fields: dict[str, str | int] = {"reason": str(judgement.refusal)}
    if judgement.key_id:
        fields["kid"] = judgement.key_id
    if judgement.refusal is Refusal.CLOCK:
        fields["seconds_ahead"] = judgement.clock_difference
    _log.warning("service_token.refused", **fields)


def _connection(request: ApiRequest) -> int | None:
    """Return the descriptor of the caller's connection; None without gunicorn."""
    connection: socket.socket | None = request.META.get("gunicorn.socket")
    return connection.fileno() if connection is not None else None
