"""Converts exceptions of views to problem documents."""

from typing import Any

import structlog
from django.core.exceptions import BadRequest, SuspiciousOperation
from django.http import HttpResponse

from auth_api.api_request import ApiRequest
from auth_api.problems import (
    BAD_REQUEST,
    INTERNAL_ERROR,
    METHOD_NOT_ALLOWED,
    problem_for,
    problem_response,
)

from .request_context import Handler

_log = structlog.get_logger("auth_api")


class ProblemMiddleware:
    """Errors of views become problem documents; strangers become a 500 with a logged traceback."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: ApiRequest) -> Any:
        response = self.get_response(request)
        if response.status_code == 405 and "json" not in response.get("Content-Type", ""):
            problem = problem_response(request, METHOD_NOT_ALLOWED)
            problem["Allow"] = response["Allow"]
            return problem
        return response

    def process_exception(self, request: ApiRequest, error: Exception) -> HttpResponse | None:
        if problem_for(error) is not None:
            return problem_response(request, error)
        # In one line: Django's would have a traceback.
        if isinstance(error, SuspiciousOperation | BadRequest):
            _log.warning("request.refused", reason=type(error).__name__)
            return problem_response(request, BAD_REQUEST)
        if not request.is_api:
            return None
        _log.error("request.failed", exc_info=error)
        return problem_response(request, INTERNAL_ERROR)
