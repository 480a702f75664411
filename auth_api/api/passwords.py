"""Calls to reset and change a password."""

from dataclasses import dataclass, field

from django.http import HttpResponse, JsonResponse
from django.views.decorators.http import require_POST

from auth_api.api_request import ApiRequest
from auth_api.sessions import services as sessions
from auth_api.users.addresses import address_key
from auth_api.users.flows.password import change_password, request_password_reset, reset_password
from auth_api.users.passwords.hashing import MAX_LENGTH, first_in_line

from .accounts import ON_ITS_WAY, AddressForm
from .forms import read_form
from .presenters import session_response


@dataclass(frozen=True)
class ResetForm:
    token: str = field(repr=False)
    password: str = field(repr=False)


@dataclass(frozen=True)
class ChangeForm:
    current_password: str = field(repr=False, metadata={"shortest": 1, "longest": MAX_LENGTH})
    new_password: str = field(repr=False)


@require_POST
def forgot(request: ApiRequest) -> HttpResponse:
    form = read_form(request, AddressForm)
    address = request.client_address
    request_password_reset(email=form.email, address=address)
    return JsonResponse({"detail": ON_ITS_WAY}, status=202)


@require_POST
def reset(request: ApiRequest) -> HttpResponse:
    form = read_form(request, ResetForm)
    address = request.client_address
    reset_password(token=form.token, password=form.password, address=address)
    return JsonResponse({"detail": "The password is set. Sign in with it."})


@require_POST
def change(request: ApiRequest) -> HttpResponse:
    form = read_form(request, ChangeForm)
    with first_in_line(address_key(sessions.current_session(request).user["email"])):
        changed = change_password(
            request=request, current_password=form.current_password, new_password=form.new_password
        )
    return session_response(changed)
