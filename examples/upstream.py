"""A service behind Gatehouse, in plain Django: who is calling, from the identity token alone.

    GATEHOUSE_UPSTREAMS=reports=http://127.0.0.1:9000 GATEHOUSE_ACCESS_RULES=/api/reports/=signed-in script/server
    GATEHOUSE_ORIGIN=http://localhost:8000 gunicorn --chdir examples --bind 127.0.0.1:9000 upstream

Then sign in, and open /api/reports/hello.
"""

import os
from typing import Any

import jwt
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import path

ORIGIN = os.environ.get(
    "GATEHOUSE_ORIGIN", "http://localhost:8000"
)  # GATEHOUSE_PUBLIC_ORIGIN there
AUDIENCE = "reports"  # our name in GATEHOUSE_UPSTREAMS
TYPE = "gatehouse-identity+jwt"

settings.configure(ROOT_URLCONF=__name__, SECRET_KEY=os.urandom(32).hex(), ALLOWED_HOSTS=["*"])
keys = jwt.PyJWKClient(f"{ORIGIN}/.well-known/jwks.json")  # keeps them; asks again for a new one


def caller(request: HttpRequest) -> dict[str, Any]:
    """Return the claims of who is calling. Raises jwt.PyJWTError."""
    token = request.headers.get("Authorization", "").removeprefix("Bearer ")
    if (
        jwt.get_unverified_header(token).get("typ") != TYPE
    ):  # signed, but for something else (RFC 8725, 3.11)
        raise jwt.InvalidTokenError
    key = keys.get_signing_key_from_jwt(token)
    return jwt.decode(token, key, algorithms=["ES256"], audience=AUDIENCE, issuer=ORIGIN)


def hello(request: HttpRequest) -> HttpResponse:
    try:
        who = caller(request)
    except jwt.PyJWTError:
        return JsonResponse({"detail": "Come through the front door."}, status=401)
    return JsonResponse({"hello": who["sub"], "session": who["sid"], "proved_by": who["amr"]})


urlpatterns = [path("hello", hello)]
application = get_wsgi_application()
