"""Issues identity tokens for services behind the BFF, and publishes their public keys."""

from django.http import HttpResponse, JsonResponse
from django.views.decorators.http import require_GET, require_safe

from auth_api.api_request import ApiRequest
from auth_api.errors import InvalidRequest
from auth_api.identity import are_claims, is_audience, key_set, mint_identity
from auth_api.options import options
from auth_api.sessions import services as sessions

from .presenters import with_session


@require_GET
def identity(request: ApiRequest) -> HttpResponse:
    """Validate the session and mint the token in one call; it counts as use of the session."""
    audience = request.GET.get("audience", "")
    if not is_audience(audience):
        raise InvalidRequest({"audience": ["Use a lower-case name of at most 31 characters."]})
    claims = [name for name in request.GET.get("claims", "").split(",") if name]
    if not are_claims(claims):
        raise InvalidRequest({"claims": ["Use only email, name and groups, each at most once."]})
    current = sessions.current_session(request)
    settings = options()
    token = mint_identity(
        current,
        audience=audience,
        issuer=settings.public_origin,
        key=settings.identity_keys[0],
        claims=claims,
    )
    return with_session(current, token=token)


@require_safe
def jwks(request: ApiRequest) -> HttpResponse:
    """RFC 7517. Behind the service token like every call; the BFF publishes it."""
    return JsonResponse(key_set(options().identity_keys))
