"""The sign-in form of the admin, and the events of its sign-ins."""

from typing import Any, cast

from django import forms
from django.contrib import admin
from django.contrib.auth import user_logged_in, user_logged_out
from django.contrib.auth.forms import AuthenticationForm
from django.dispatch import receiver
from django.http import HttpRequest
from django.utils.html import format_html

from auth_api.api_request import ApiRequest
from auth_api.errors import (
    FactorUnreadable,
    InvalidCode,
    InvalidCredentials,
    Overloaded,
    OverloadedAfterComparison,
    Throttled,
)
from auth_api.options import options
from auth_api.security_log.kinds import Kind
from auth_api.security_log.recording import record_event
from auth_api.users.factors.checking import METHODS as FACTOR_METHODS
from auth_api.users.factors.checking import check_code, method_of, refused_code
from auth_api.users.flows.sign_in import signed_in
from auth_api.users.models import User
from auth_api.users.services import first_step

METHODS = ("pwd",)
TOO_MANY = (Throttled, Overloaded, OverloadedAfterComparison)
WAIT = "Too many attempts. Wait, then try again."  # for TOO_MANY
_ENROL = (
    'The admin requires a second factor. <a href="{}/login?next=/account/factors">Sign in on the site</a>, '
    "add an authenticator app, then come back."
)


class AdminLoginForm(AuthenticationForm):
    """The sign-in form of the admin, with the same checks and throttles as the public sign-in.

    Password and code come together, so that no half sign-in waits here.
    """

    code = forms.CharField(
        required=False,
        max_length=64,
        label="Second-factor code, if you have a second factor",
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code"}),
    )

    def clean(self) -> dict[str, Any]:
        email = self.cleaned_data.get("username") or ""
        password = self.cleaned_data.get("password") or ""
        if not (email and password):  # the fields say so; nothing is hashed, so nothing counts
            return self.cleaned_data
        request = cast(ApiRequest, self.request)
        try:
            user, tries = first_step(
                request=request, email=email, password=password, address=request.client_address
            )
            tries.give_back()  # it was right, but the failures before it stay
        except InvalidCredentials:
            raise self.get_invalid_login_error() from None
        except TOO_MANY:
            raise forms.ValidationError(WAIT) from None
        if not user.is_staff or not user.may_have_sessions:
            record_event(Kind.SIGN_IN_FAILED, user.pk, reason="not-staff")
            raise self.get_invalid_login_error()
        request.session.authenticated_by(*METHODS, *self._second_factor(user))
        self.user_cache = user
        return self.cleaned_data

    def _second_factor(self, user: User) -> list[str]:
        """Return the method of the code, which is used up; none if the account need not have one."""
        code = self.cleaned_data.get("code") or ""
        if not user.has_second_factor:
            if user.required_step(grace=False):
                raise forms.ValidationError(format_html(_ENROL, options().public_origin))
            return []
        if not code:
            raise forms.ValidationError("Enter your password and your second-factor code.")
        try:
            method = method_of(code)
            check_code(user, method, code)
        except InvalidCode:
            refused_code(user)
            raise forms.ValidationError("Incorrect or already used code.") from None
        except Throttled:
            raise forms.ValidationError(WAIT) from None
        except FactorUnreadable:
            raise forms.ValidationError(
                "Codes for this account cannot be checked right now. Use a recovery code, or ask an operator."
            ) from None
        return [FACTOR_METHODS[method]]


def handle_of(request: HttpRequest) -> str:
    """Return the handle of the request's session. Django's own engines, for comparison in tests, have none."""
    return getattr(request.session, "handle", "")


@receiver(user_logged_in)
def _signed_in(request: ApiRequest, user: User, **_: object) -> None:
    """Only the admin signs in by Django's `login()`; the API uses start_session."""
    request.session.save()  # gives the session its token
    handle = getattr(request.session, "sign_in_id", "") or handle_of(request)
    address = getattr(
        request, "client_address", ""
    )  # requests made by tests have no address, either
    signed_in(user=user, address=address, sign_in=handle, reason="admin")


@receiver(user_logged_out)
def _signed_out(request: ApiRequest, user: User | None, **_: object) -> None:
    if user is not None:
        record_event(Kind.SESSION_ENDED, user.pk, handle=handle_of(request), reason="admin")


admin.site.login_form = AdminLoginForm
admin.site.login_template = "admin_login.html"
admin.site.site_header = admin.site.site_title = options().site_name
admin.site.index_title = "Accounts"
admin.site.site_url = None
