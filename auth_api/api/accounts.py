"""Calls for registration and e-mail addresses."""

from dataclasses import dataclass, field

from django.http import HttpResponse, JsonResponse
from django.views.decorators.http import require_POST

from auth_api.api_request import ApiRequest
from auth_api.sessions import services as sessions
from auth_api.users.factors.demands import require_no_hold, require_sudo
from auth_api.users.flows.address import confirm_address, request_address_change
from auth_api.users.flows.invitation import accept_invitation
from auth_api.users.flows.recovery import restore_address
from auth_api.users.flows.registration import register_user, resend_verification, verify_email
from auth_api.users.passwords.hashing import MAX_LENGTH

from .forms import read_form

ON_ITS_WAY = "If there is something to send, a mail is on its way to this address."


@dataclass(frozen=True)
class RegisterForm:
    email: str = field(metadata={"longest": 320})
    password: str = field(repr=False)
    name: str = field(default="", metadata={"longest": 150})


@dataclass(frozen=True)
class VerifyForm:
    token: str = field(repr=False)
    password: str = field(repr=False, metadata={"shortest": 1, "longest": MAX_LENGTH})


@dataclass(frozen=True)
class InvitationForm:
    token: str = field(repr=False)
    password: str = field(repr=False)
    name: str = field(default="", metadata={"longest": 150})


@dataclass(frozen=True)
class AddressForm:
    email: str = field(metadata={"longest": 320})


@dataclass(frozen=True)
class ConfirmForm:
    token: str = field(repr=False)
    # The password of the account that asked; required if the request has no session of it.
    password: str = field(default="", repr=False, metadata={"longest": MAX_LENGTH})


@dataclass(frozen=True)
class TokenForm:
    token: str = field(repr=False)


@require_POST
def register(request: ApiRequest) -> HttpResponse:
    form = read_form(request, RegisterForm)
    address = request.client_address
    register_user(email=form.email, password=form.password, name=form.name, address=address)
    return JsonResponse({"detail": "We have sent a message to this address."}, status=202)


@require_POST
def accept(request: ApiRequest) -> HttpResponse:
    form = read_form(request, InvitationForm)
    address = request.client_address
    accept_invitation(token=form.token, password=form.password, name=form.name, address=address)
    return JsonResponse({"detail": "Your account has been created. Sign in with your address."})


@require_POST
def verify(request: ApiRequest) -> HttpResponse:
    form = read_form(request, VerifyForm)
    address = request.client_address
    verify_email(token=form.token, password=form.password, address=address)
    return JsonResponse({"detail": "The address has been verified."})


@require_POST
def resend(request: ApiRequest) -> HttpResponse:
    form = read_form(request, AddressForm)
    address = request.client_address
    resend_verification(email=form.email, address=address)
    return JsonResponse({"detail": ON_ITS_WAY}, status=202)


@require_POST
def change_address(request: ApiRequest) -> HttpResponse:
    form = read_form(request, AddressForm)
    require_sudo(request)
    require_no_hold(sessions.current_session(request).user["id"])
    request_address_change(request=request, email=form.email, address=request.client_address)
    return JsonResponse({"detail": "We have sent a message to the new address."}, status=202)


@require_POST
def confirm(request: ApiRequest) -> HttpResponse:
    form = read_form(request, ConfirmForm)
    address = request.client_address
    confirm_address(request=request, token=form.token, password=form.password, address=address)
    return JsonResponse({"detail": "Your address has been changed. Sign in with the new address."})


@require_POST
def restore(request: ApiRequest) -> HttpResponse:
    """Needs only the mailed link, so it works signed out."""
    restore_address(token=read_form(request, TokenForm).token)
    return JsonResponse(
        {"detail": "Your address has been restored. We sent a link to set a new password."}
    )
