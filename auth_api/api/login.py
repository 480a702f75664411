"""Sign in, sign out, who am I."""

from dataclasses import dataclass, field

import structlog
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_GET, require_POST

from auth_api.errors import InvalidCredentials
from auth_api.sessions import services as sessions
from auth_api.sessions.tokens import SessionToken
from auth_api.users.passwords import MAX_LENGTH
from auth_api.users.services import check_credentials

from .forms import read_form, require_empty_body
from .presenters import session_response

_log = structlog.get_logger("auth_api")


@dataclass(frozen=True)
class LoginForm:
    email: str = field(metadata={"longest": 320})
    password: str = field(repr=False, metadata={"shortest": 1, "longest": MAX_LENGTH})
    remember: bool = False


@require_POST
def login(request: HttpRequest) -> HttpResponse:
    form = read_form(request, LoginForm)
    address = request.client_address  # type: ignore[attr-defined]
    user = check_credentials(
        request=request, email=form.email, password=form.password, address=address
    )
    current = sessions.start_session(request, user, remember=form.remember, methods=("pwd",))
    _log.info("session.started", user=str(user.id), handle=current.session.handle)
    return session_response(current)


@require_POST
def logout(request: HttpRequest) -> HttpResponse:
    require_empty_body(request)
    token = SessionToken.parse(request.session.session_key)
    sessions.end_session(request)
    if token is not None:
        _log.info("session.ended", handle=token.handle)
    return HttpResponse(status=204)


@dataclass(frozen=True)
class ReauthenticateForm:
    password: str = field(repr=False, metadata={"shortest": 1, "longest": MAX_LENGTH})


@require_POST
def reauthenticate(request: HttpRequest) -> HttpResponse:
    form = read_form(request, ReauthenticateForm)
    before = sessions.current_session(request)
    user = check_credentials(
        request=request,
        email=before.user["email"],
        password=form.password,
        address=request.client_address,  # type: ignore[attr-defined]
        device=before.session.handle,
    )
    if str(user.id) != before.user["id"]:  # the address went to another account meanwhile
        raise InvalidCredentials
    current = sessions.renew_session(request)
    _log.info("session.reauthenticated", handle=current.session.handle)
    return session_response(current)


@require_GET
def session(request: HttpRequest) -> HttpResponse:
    slide = request.GET.get("slide") != "false"
    return session_response(sessions.current_session(request, slide=slide))
