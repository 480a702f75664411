"""The admin for users and groups. Staff never see or type another user's password (ASVS 6.4.6)."""

from typing import Any, cast

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.forms import AdminPasswordChangeForm
from django.contrib.auth import user_logged_in, user_logged_out
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.models import Group
from django.contrib.auth.views import PasswordChangeView
from django.db.models import QuerySet
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse, reverse_lazy
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
from auth_api.security_log.models import SecurityEvent
from auth_api.security_log.recording import record_event
from auth_api.sessions.services import current_session, end_all_sessions, start_session
from auth_api.users.flows.password import send_reset_link
from auth_api.users.flows.sign_in import signed_in

from . import invitation_admin  # noqa: F401 - registers its model
from .allowances import require_password_allowance
from .factors.checking import METHODS as FACTOR_METHODS
from .factors.checking import check_code, method_of, refused_code
from .factors.demands import lacks_second_factor
from .models import User
from .registration_rules import is_still_welcome
from .services import check_credentials, first_step, set_active

METHODS = ("pwd",)
_TOO_MANY = (Throttled, Overloaded, OverloadedAfterComparison)
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
        label="Second-factor code, if you have set one up",
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
        except _TOO_MANY:
            raise forms.ValidationError("Too many attempts. Wait, then try again.") from None
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
            raise forms.ValidationError("Too many attempts. Wait, then try again.") from None
        except FactorUnreadable:
            raise forms.ValidationError(
                "Codes of this account cannot be checked right now. Use a recovery code, or ask an operator."
            ) from None
        return [FACTOR_METHODS[method]]


class OwnPasswordForm(AdminPasswordChangeForm):
    """Staff change their own password here; checks the current one, under the throttle."""

    request: ApiRequest  # set by the view

    def clean(self) -> dict[str, Any]:
        """Check the new password only if the current one is right."""
        if "old_password" not in self.cleaned_data:
            return self.cleaned_data
        return super().clean() or self.cleaned_data

    def clean_old_password(self) -> str:
        old: str = self.cleaned_data["old_password"]
        try:
            require_password_allowance(f"account {self.user.pk}")
            check_credentials(
                request=self.request,
                email=self.user.email,
                password=old,
                address=self.request.client_address,
                device=_handle_of(self.request),
            )
        except InvalidCredentials:
            raise forms.ValidationError(
                self.error_messages["password_incorrect"], code="password_incorrect"
            ) from None
        except _TOO_MANY:
            raise forms.ValidationError("Too many attempts. Wait, then try again.") from None
        if lacks_second_factor(self.request, self.user):
            raise forms.ValidationError("Log out, then log in with your second factor.")
        return old


def _handle_of(request: ApiRequest) -> str:
    # Django's own engines, which tests use for comparison, have no handle.
    return getattr(request.session, "handle", "")


class OwnPasswordView(PasswordChangeView):
    """Ends every session of the user, and goes on in a new one (rule 6).

    Django's own view would go on in the old session, which the change has just ended.
    """

    form_class = OwnPasswordForm
    template_name = "registration/password_change_form.html"
    success_url = reverse_lazy("admin:password_change_done")

    def get_form(self, form_class: Any = None) -> Any:
        form: Any = super().get_form(form_class)
        form.request = self.request
        return form

    def form_valid(self, form: Any) -> HttpResponse:
        before = current_session(self.request)
        user = form.save()
        start_session(self.request, user, remember=False, methods=METHODS, before=before)
        return HttpResponseRedirect(self.get_success_url())


def change_own_password(request: HttpRequest) -> Any:
    """Replaces the admin's own page at this address (urls.py)."""
    context = {**admin.site.each_context(request), "title": "Password change", "subtitle": None}
    return OwnPasswordView.as_view(extra_context=context)(request)


@receiver(user_logged_in)
def _signed_in(request: ApiRequest, user: User, **_: object) -> None:
    """Only the admin signs in by Django's `login()`; the API uses start_session."""
    request.session.save()  # gives the session its token
    handle = getattr(request.session, "sign_in_id", "") or _handle_of(request)
    address = getattr(request, "client_address", "")  # nor have requests that tests make an address
    signed_in(user=user, address=address, sign_in=handle, reason="admin")


@receiver(user_logged_out)
def _signed_out(request: ApiRequest, user: User | None, **_: object) -> None:
    if user is not None:
        record_event(Kind.SESSION_ENDED, user.pk, handle=_handle_of(request), reason="admin")


admin.site.login_form = AdminLoginForm
admin.site.login_template = "admin_login.html"
admin.site.site_header = admin.site.site_title = options().site_name
admin.site.index_title = "Accounts"
admin.site.site_url = None


@admin.register(User)
class UserAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("email", "name", "is_active", "email_verified", "is_staff", "date_joined")
    list_filter = ("is_active", "email_verified", "is_staff", "is_superuser", "groups")
    search_fields = ("email", "name")
    date_hierarchy = "date_joined"
    readonly_fields = ("id", "date_joined", "last_login", "session_epoch", "security_log")
    filter_horizontal = ("groups", "user_permissions")
    fields = (
        "email", "name", "email_verified", "is_active", "is_staff", "is_superuser", "groups",
        "user_permissions", "id", "date_joined", "last_login", "session_epoch", "security_log",
    )  # fmt: skip
    actions = ("send_reset_link", "end_all_sessions", "deactivate", "activate")
    # What the list's own links ask for, and nothing else: Django lets every column of the row be
    # searched, so `?password__startswith=` would spell out hashes, one answer at a time.
    lookups = frozenset(
        {"groups__id__exact"}
        | {f"{name}__{kind}" for name in list_filter for kind in ("exact", "isnull")}
    )
    date_lookups = frozenset(f"date_joined__{k}" for k in ("year", "month", "day", "gte", "lt"))

    def get_readonly_fields(self, request: HttpRequest, obj: object = None) -> Any:
        """Let only superusers grant permissions: otherwise staff could promote themselves.

        Only superusers change addresses, too: whoever reads that mail can take over the account.
        """
        fields = list(super().get_readonly_fields(request, obj))
        if obj == request.user:  # staff change their own address on the site, which verifies it
            fields += ["email", "email_verified"]
        if not request.user.is_superuser:
            fields += ["is_staff", "is_superuser", "groups", "user_permissions"]
            fields += ["email", "email_verified"] if obj else []
        return fields

    @admin.display(description="security log")
    def security_log(self, user: User) -> str:
        address = reverse("admin:security_log_securityevent_changelist")
        return format_html('<a href="{}?user__id__exact={}">All events</a>', address, user.pk)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """Delete the log together with its account, although nobody may delete single events."""
        found, counts, needed, protected = super().get_deleted_objects(objs, request)
        return found, counts, needed - {SecurityEvent._meta.verbose_name}, protected

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[User], search_term: str
    ) -> tuple[QuerySet[User], bool]:
        """Find an address by any spelling, as the sign-in does."""
        found, may_repeat = super().get_search_results(request, queryset, search_term)
        return found | queryset.filter(email=search_term), may_repeat

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        return lookup in self.lookups | self.date_lookups

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        allowed = super().has_change_permission(request, obj)
        staff = bool(obj and (obj.is_staff or obj.is_superuser))  # oneself too
        return allowed and (request.user.is_superuser or not staff)

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return super().has_delete_permission(request, obj) and self.has_change_permission(
            request, obj
        )

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        if not change:
            obj.set_unusable_password()  # its owner sets one by a mailed link
        super().save_model(request, obj, form, change)

    @admin.action(description="End all sessions of the selected users", permissions=["change"])
    def end_all_sessions(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        ended = 0
        for user in self._changeable(request, queryset):
            ended += end_all_sessions(user)
            record_event(Kind.ALL_ENDED, user.pk)
        self.message_user(request, f"{ended} sessions ended.", messages.SUCCESS)

    @admin.action(description="Deactivate the selected users", permissions=["change"])
    def deactivate(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        self._switch(request, queryset, active=False)

    @admin.action(description="Activate the selected users", permissions=["change"])
    def activate(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        self._switch(request, queryset, active=True)

    @admin.action(
        description="Send the selected users a link to set a password", permissions=["change"]
    )
    def send_reset_link(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        active = [user for user in self._changeable(request, queryset) if user.is_active]
        users = [user for user in active if is_still_welcome(user)]
        for user in users:
            send_reset_link(user=user)
        self.message_user(request, f"Links that will be sent: {len(users)}.", messages.SUCCESS)
        if refused := len(active) - len(users):
            text = f"Not sent to unconfirmed accounts, because registration is closed to them: {refused}."
            self.message_user(request, text, messages.WARNING)

    def _switch(self, request: HttpRequest, queryset: QuerySet[User], *, active: bool) -> None:
        users = self._changeable(request, queryset)
        for user in users:
            set_active(user=user, active=active)
        self.message_user(request, f"{len(users)} users changed.", messages.SUCCESS)

    def _changeable(self, request: HttpRequest, queryset: QuerySet[User]) -> list[User]:
        return [user for user in queryset if self.has_change_permission(request, user)]


admin.site.unregister(Group)


@admin.register(Group)
class GroupAdmin(DjangoGroupAdmin):
    """Groups grant permissions, so only superusers create, change and delete them."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.is_superuser)

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return bool(request.user.is_superuser)

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return bool(request.user.is_superuser)

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        return False
