"""The outbox in the admin. It shows no texts and no links."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from .models import OutboxMail


@admin.register(OutboxMail)
class OutboxMailAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("created_at", "template", "request", "to", "tries", "due_at", "last_error")
    fields = readonly_fields = (
        "to", "template", "request", "created_at", "due_at", "tries", "last_error",
    )  # fmt: skip
    actions = ("try_now",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        return False

    @admin.action(description="Send the selected mails now", permissions=["change"])
    def try_now(self, request: HttpRequest, queryset: QuerySet[OutboxMail]) -> None:
        queryset.update(due_at=timezone.now())
