"""What passes between browser and auth_api besides status and body: these lists, nothing else.

Towards auth_api nothing is copied but the content type, which was checked to be JSON
(frontend_site.auth_client builds every header). Set-Cookie passes by frontend_site.relay.
"""

from django.http import HttpResponse

from frontend_site.auth_client import Answer

TO_BROWSER = ("Retry-After", "Allow", "WWW-Authenticate")  # and Content-Type


def browser_response(answer: Answer) -> HttpResponse:
    """Return `answer` as it goes to the browser: same status, same bytes, listed headers."""
    content_type = answer.headers.get("content-type")
    response = HttpResponse(answer.body, status=answer.status, content_type=content_type)
    for name in TO_BROWSER:
        if value := answer.headers.get(name.lower()):
            response[name] = value
    if answer.status == 204 or not content_type:
        del response["Content-Type"]
    return response
