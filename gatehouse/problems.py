"""Problem documents (RFC 9457), the format of every JSON error."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.http import HttpResponse

TYPE = "urn:gatehouse:problem:"
CONTENT_TYPE = "application/problem+json"


@dataclass(frozen=True)
class Problem:
    """One type of problem, `urn:gatehouse:problem:<slug>`, with what it says and the headers it needs."""

    slug: str
    status: int
    title: str
    detail: str
    headers: Mapping[str, str] = field(default_factory=dict)


def problem_document(
    problem: Problem,
    request_id: str,
    *,
    extra: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
) -> HttpResponse:
    """Answer with `problem`; `extra` members join the document (RFC 9457, 3.2). Never cached."""
    document = {
        "type": TYPE + problem.slug,
        "title": problem.title,
        "status": problem.status,
        "detail": problem.detail,
        "request_id": request_id,
        **(extra or {}),
    }
    response = HttpResponse(json.dumps(document), status=problem.status, content_type=CONTENT_TYPE)
    for name, value in {**problem.headers, **(headers or {}), "Cache-Control": "no-store"}.items():
        response[name] = value
    return response
