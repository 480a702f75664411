"""Registration and the verification of addresses."""

from dataclasses import dataclass, field

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_POST

from auth_api.users.passwords import MAX_LENGTH
from auth_api.users.services import register_user, verify_email

from .forms import read_form


@dataclass(frozen=True)
class RegisterForm:
    email: str = field(metadata={"longest": 320})
    password: str = field(repr=False)
    name: str = field(default="", metadata={"longest": 150})


@dataclass(frozen=True)
class VerifyForm:
    token: str = field(repr=False)
    password: str = field(repr=False, metadata={"shortest": 1, "longest": MAX_LENGTH})


@require_POST
def register(request: HttpRequest) -> HttpResponse:
    form = read_form(request, RegisterForm)
    address = request.client_address  # type: ignore[attr-defined]
    register_user(email=form.email, password=form.password, name=form.name, address=address)
    return JsonResponse({"detail": "A mail is on its way to this address."}, status=202)


@require_POST
def verify(request: HttpRequest) -> HttpResponse:
    form = read_form(request, VerifyForm)
    address = request.client_address  # type: ignore[attr-defined]
    verify_email(token=form.token, password=form.password, address=address)
    return JsonResponse({"detail": "The address is verified."})
