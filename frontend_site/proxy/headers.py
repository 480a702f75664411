"""The headers that pass between browser and auth_api: these lists, nothing else.

Towards auth_api nothing is copied but the content type, which was checked to be JSON
(frontend_site.backend.client builds every header). frontend_site/backend/relay.py handles Set-Cookie.
"""

import os
from wsgiref.util import FileWrapper

from django.http import HttpResponse, HttpResponseBase, StreamingHttpResponse

from frontend_site.backend.client import Answer

TO_BROWSER = ("Retry-After", "Allow", "WWW-Authenticate")  # and Content-Type


def browser_response(answer: Answer) -> HttpResponse:
    """Return `answer` as it goes to the browser: same status, same bytes, listed headers.

    Raises ValueError for an answer to the site itself, which has data that no browser may see.
    """
    if answer.has_site_data:
        raise ValueError("an answer with the site's data must not go to a browser")
    content_type = answer.headers.get("content-type")
    response = HttpResponse(answer.body, status=answer.status, content_type=content_type)
    for name in TO_BROWSER:
        if value := answer.headers.get(name.lower()):
            response[name] = value
    if answer.status == 204 or not content_type:
        del response["Content-Type"]
    return response


def long_response(answer: Answer) -> HttpResponseBase:
    """Like `browser_response`, for a call whose success may be in a file, which it closes."""
    if answer.file is None:
        return browser_response(answer)
    response = StreamingHttpResponse(
        FileWrapper(answer.file, 65536),
        status=answer.status,
        content_type=answer.headers["content-type"],
    )
    response["Content-Length"] = str(answer.file.seek(0, os.SEEK_END))
    answer.file.seek(0)
    return response
