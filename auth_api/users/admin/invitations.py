"""Invitations in the admin: to send one, to send it again, and to revoke it by deleting it."""

from typing import Any, cast

from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest

from auth_api.users.flows.invitation import mail_invitation, revoke, send_again
from auth_api.users.invitations import Invitation
from auth_api.users.models import User


@admin.register(Invitation)
class InvitationAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Who may add invitations may invite; only superusers choose groups, which are privileges."""

    list_display = ("email", "invited_by", "invited_at", "expires_at")
    list_select_related = ("invited_by",)
    search_fields = ("email__iexact",)
    fields = ("email", "groups", "invited_by", "invited_at", "expires_at")
    filter_horizontal = ("groups",)
    actions = ("send_again",)

    def get_readonly_fields(self, request: HttpRequest, obj: object = None) -> Any:
        fixed = ("invited_by", "invited_at", "expires_at")
        return fixed if request.user.is_superuser else (*fixed, "groups")

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False  # its link is mailed already

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        obj.invited_by = _actor(request)
        super().save_model(request, obj, form, change)
        mail_invitation(obj, obj.invited_by)

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        revoke(obj, _actor(request))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Invitation]) -> None:
        by = _actor(request)
        for invitation in queryset:
            revoke(invitation, by)

    @admin.action(description="Send the selected invitations again", permissions=["add"])
    def send_again(self, request: HttpRequest, queryset: QuerySet[Invitation]) -> None:
        sent, by = 0, _actor(request)
        for invitation in queryset:
            try:
                sent += send_again(invitation.pk, by)
            except ValidationError as error:
                text = f"Not sent to {invitation}: {' '.join(error.messages)}"
                self.message_user(request, text, messages.ERROR)
        self.message_user(request, f"Links that will be sent: {sent}.", messages.SUCCESS)


def _actor(request: HttpRequest) -> User:
    return User.objects.get(pk=cast(User, request.user).pk)
