"""Rejects /v1/ requests without a valid service token."""

from typing import Any

import structlog

from auth_api.api_request import ApiRequest
from auth_api.errors import ServiceTokenRequired
from auth_api.options import options
from auth_api.problems import problem_response
from gatehouse.service_token import is_good_authorization

from .request_context import Handler

_log = structlog.get_logger("auth_api")


class ServiceTokenMiddleware:
    """Accept /v1/ requests from the BFF only, and trust its headers that describe the client."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: ApiRequest) -> Any:
        if request.is_api:
            header = request.META.get("HTTP_AUTHORIZATION", "")
            if not is_good_authorization(header, options().service_keys):
                _log.warning("service_token.refused")
                return problem_response(request, ServiceTokenRequired())
            meta = request.META
            request.client_address = meta.get("HTTP_GATEHOUSE_CLIENT_ADDRESS", "")[:64]
            request.client_user_agent = meta.get("HTTP_GATEHOUSE_CLIENT_USER_AGENT", "")[:512]
        return self.get_response(request)
