"""Calls that list, add, name and remove second factors."""

from contextlib import suppress
from dataclasses import dataclass, field

from django.http import HttpResponse, JsonResponse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from auth_api.api_request import ApiRequest
from auth_api.sessions import services as sessions
from auth_api.tries import NOT_JUDGED
from auth_api.users.factors import devices, enrolment, recovery_sets
from auth_api.users.factors.demands import hold_ends_at, require_no_hold, require_sudo
from auth_api.users.factors.removal import remove_totp

from .forms import read_form, require_empty_body
from .presenters import factor_shape, factors_response, session_response


@dataclass(frozen=True)
class ConfirmTotpForm:
    code: str = field(repr=False, metadata={"shortest": 1, "longest": 64})
    name: str = field(default="", metadata={"longest": 60})


@dataclass(frozen=True)
class NameForm:
    name: str = field(metadata={"shortest": 1, "longest": 60})


@dataclass(frozen=True)
class OneCodeForm:
    code: str = field(repr=False, metadata={"shortest": 1, "longest": 64})


@require_GET
def factors(request: ApiRequest) -> HttpResponse:
    current = sessions.current_session(request)
    user_id = current.user["id"]
    items = [factor_shape(device) for device in devices.devices_in_use(user_id)]
    left, hold = recovery_sets.recovery_codes_left(user_id), hold_ends_at(user_id)
    return factors_response(current, items, left, hold)


@require_POST
def begin_totp(request: ApiRequest) -> HttpResponse:
    """The one answer with the secret: it is never shown again."""
    require_empty_body(request)
    require_sudo(request)
    return enrolment_response(enrolment.begin_totp(request=request))


def enrolment_response(begun: enrolment.Enrolment) -> HttpResponse:
    """`{secret, uri}`, which is shown once."""
    return JsonResponse({"secret": begun.secret, "uri": begun.uri})


@require_POST
def confirm_totp(request: ApiRequest) -> HttpResponse:
    """The session has shown the factor from here on, and goes on under a new secret."""
    form = read_form(request, ConfirmTotpForm)
    require_sudo(request)
    enrolment.confirm_totp(request=request, code=form.code, name=form.name)
    current = sessions.current_session(request)
    with suppress(*NOT_JUDGED):  # the app is added: nothing may say "try again"
        current = sessions.renew_session(request, methods=("otp",))
    return session_response(current)


@require_http_methods(["PATCH", "DELETE"])
def factor(request: ApiRequest, handle: str) -> HttpResponse:
    return _rename(request, handle) if request.method == "PATCH" else _remove(request, handle)


def _rename(request: ApiRequest, handle: str) -> HttpResponse:
    form = read_form(request, NameForm)
    require_sudo(request)
    devices.rename_totp(request=request, device_id=handle, name=form.name)
    return HttpResponse(status=204)


def _remove(request: ApiRequest, handle: str) -> HttpResponse:
    require_empty_body(request)
    require_sudo(request)
    require_no_hold(sessions.current_session(request).user["id"])
    remove_totp(request=request, device_id=handle)
    return HttpResponse(status=204)


@require_POST
def make_recovery_codes(request: ApiRequest) -> HttpResponse:
    """The one answer with the codes; they replace the present ones when one of them is typed."""
    require_empty_body(request)
    require_sudo(request)
    return JsonResponse({"codes": recovery_sets.make_recovery_codes(request=request)})


@require_POST
def confirm_recovery_codes(request: ApiRequest) -> HttpResponse:
    form = read_form(request, OneCodeForm)
    require_sudo(request)
    recovery_sets.confirm_recovery_codes(request=request, code=form.code)
    return HttpResponse(status=204)
