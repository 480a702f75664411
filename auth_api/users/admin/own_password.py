"""Staff change their own password."""

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin.forms import AdminPasswordChangeForm
from django.contrib.auth.views import PasswordChangeView
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse_lazy

from auth_api.api_request import ApiRequest
from auth_api.errors import InvalidCredentials
from auth_api.sessions.services import current_session, start_session
from auth_api.users.allowances import require_password_allowance
from auth_api.users.factors.demands import lacks_second_factor
from auth_api.users.services import check_credentials

from .sign_in import METHODS, TOO_MANY, WAIT, handle_of


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
                device=handle_of(self.request),
            )
        except InvalidCredentials:
            raise forms.ValidationError(
                self.error_messages["password_incorrect"], code="password_incorrect"
            ) from None
        except TOO_MANY:
            raise forms.ValidationError(WAIT) from None
        if lacks_second_factor(self.request, self.user):
            raise forms.ValidationError("Log out, then log in with your second factor.")
        return old


class OwnPasswordView(PasswordChangeView):
    """Ends every session of the user, and continues in a new one.

    Django's own view would continue in the old session, which the change has just ended.
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
