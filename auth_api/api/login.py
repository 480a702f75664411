"""Calls to sign in, sign out and read the current session."""

from dataclasses import dataclass, field

from django.db import DatabaseError
from django.http import HttpResponse
from django.views.decorators.http import require_GET, require_POST

from auth_api.api_request import ApiRequest
from auth_api.errors import InvalidCredentials, InvalidRequest
from auth_api.security_log.kinds import Kind
from auth_api.security_log.recording import record_event
from auth_api.sessions import services as sessions
from auth_api.sessions.cookies import expire_strict_cookie
from auth_api.sessions.exceptions import NoSession, SessionEnded
from auth_api.sessions.pending import SignInPurpose
from auth_api.users.addresses import address_key
from auth_api.users.factors.checking import METHODS
from auth_api.users.flows.deletion import require_staying
from auth_api.users.flows.enrolling_step import begin_enrolment, finish_enrolment
from auth_api.users.flows.second_step import finish_sign_in, show_second_factor
from auth_api.users.flows.sign_in import require_renewable, signed_in
from auth_api.users.models import User
from auth_api.users.passwords.hashing import MAX_LENGTH, first_in_line
from auth_api.users.services import check_credentials, first_step
from gatehouse.cookies import SIGN_IN_COOKIE

from .factors import ConfirmTotpForm, enrolment_response
from .forms import read_form, require_empty_body
from .known_browsers import known_account, set_known_browser
from .pending_sign_ins import end_pending, sign_in_token, wait_for_step
from .presenters import session_response

# The site asks so for its own pages; what it passes on to browsers, it asks for without.
_WANTS_SITE_DATA = "HTTP_GATEHOUSE_SITE_DATA"
_ASKED = {SignInPurpose.FACTOR: Kind.CODE_ASKED, SignInPurpose.ENROL: Kind.ENROLMENT_ASKED}


@dataclass(frozen=True)
class LoginForm:
    email: str = field(metadata={"longest": 320})
    password: str = field(repr=False, metadata={"shortest": 1, "longest": MAX_LENGTH})
    remember: bool = False


@require_POST
def login(request: ApiRequest) -> HttpResponse:
    form = read_form(request, LoginForm)
    address = request.client_address
    with first_in_line(known_account(request, form.email)):
        user, tries = first_step(
            request=request, email=form.email, password=form.password, address=address
        )
    purpose = user.required_step()
    if purpose or user.deletion_at is not None:
        tries.give_back()  # it was right, but the failures before it stay
    if purpose is not SignInPurpose.FACTOR:  # there, the code comes first
        require_staying(user)
    if purpose:
        record_event(_ASKED[purpose], user.pk)
        return wait_for_step(request, user, purpose, remember=form.remember)
    current = sessions.start_session(request, user, remember=form.remember, methods=("pwd",))
    signed_in(user=user, address=address, sign_in=current.sign_in_id, tries=tries)
    response = session_response(current)
    set_known_browser(response, user.email)
    return response


@dataclass(frozen=True)
class CodeForm:
    method: str
    code: str = field(repr=False, metadata={"shortest": 1, "longest": 64})


@require_POST
def finish(request: ApiRequest) -> HttpResponse:
    """The second step: opens nothing but the session of the sign-in that waits in this browser."""
    form = read_form(request, CodeForm)
    _require_method(form.method)
    user, current = finish_sign_in(
        request=request, token=sign_in_token(request), method=form.method, code=form.code
    )
    return _finished(user, current)


@require_POST
def begin_enrolling(request: ApiRequest) -> HttpResponse:
    """The one answer with the secret of the app that completes a sign-in which must enrol."""
    require_empty_body(request)
    return enrolment_response(begin_enrolment(request=request, token=sign_in_token(request)))


@require_POST
def finish_enrolling(request: ApiRequest) -> HttpResponse:
    form = read_form(request, ConfirmTotpForm)
    user, current = finish_enrolment(
        request=request, token=sign_in_token(request), code=form.code, name=form.name
    )
    return _finished(user, current)


def _finished(user: User, current: sessions.CurrentSession) -> HttpResponse:
    response = session_response(current)
    expire_strict_cookie(response, SIGN_IN_COOKIE)
    set_known_browser(response, user.email)
    return response


def _require_method(method: str) -> None:
    if method not in METHODS:
        raise InvalidRequest({"method": ["Must be totp or recovery."]})


@require_POST
def logout(request: ApiRequest) -> HttpResponse:
    require_empty_body(request)
    handle = request.session.handle
    user_id = _who(request)
    sessions.end_session(request)
    if handle and user_id is not None:
        record_event(Kind.SESSION_ENDED, user_id, handle=handle)
    response = HttpResponse(status=204)
    end_pending(request, response)
    return response


def _who(request: ApiRequest) -> str | None:
    """Return whose session this is: "" when the accounts cannot tell, None when it is over."""
    try:
        return str(sessions.current_session(request, slide=False).user["id"])
    except DatabaseError:  # nobody has to stay signed in for the sake of the log
        return ""
    except (NoSession, SessionEnded):
        return None


@dataclass(frozen=True)
class ReauthenticateForm:
    """The password, or a code and its method."""

    password: str = field(default="", repr=False, metadata={"longest": MAX_LENGTH})
    method: str = ""
    code: str = field(default="", repr=False, metadata={"longest": 64})


@require_POST
def reauthenticate(request: ApiRequest) -> HttpResponse:
    form = read_form(request, ReauthenticateForm)
    if form.method or form.code:
        return _reauthenticate_by_code(request, form)
    if not form.password:
        raise InvalidRequest({"password": ["Required."]})
    before = sessions.current_session(request)
    with first_in_line(address_key(before.user["email"])):
        user = check_credentials(
            request=request,
            email=before.user["email"],
            password=form.password,
            address=request.client_address,
            device=before.session.handle,
        )
    if str(user.id) != before.user["id"]:  # the address went to another account meanwhile
        raise InvalidCredentials
    require_renewable(request, user, before)
    current = sessions.renew_session(request, methods=("pwd",))
    record_event(Kind.REAUTHENTICATED, user.id, handle=current.session.handle)
    return session_response(current)


def _reauthenticate_by_code(request: ApiRequest, form: ReauthenticateForm) -> HttpResponse:
    if form.password or not form.code:
        raise InvalidRequest({"code": ["Send a password, or a method and its code."]})
    _require_method(form.method)
    current = show_second_factor(request=request, method=form.method, code=form.code)
    record_event(
        Kind.REAUTHENTICATED, current.user["id"], handle=current.session.handle, reason=form.method
    )
    return session_response(current)


@require_GET
def session(request: ApiRequest) -> HttpResponse:
    slide = "slide=false" not in request.META.get("QUERY_STRING", "").split("&")
    current = sessions.current_session(request, slide=slide)
    wanted = _WANTS_SITE_DATA in request.META
    return session_response(current, current.site_data if wanted else None)
