"""The security log in the admin, read-only."""

from django.contrib import admin
from django.http import HttpRequest

from .kinds import label_of
from .models import SecurityEvent


@admin.register(SecurityEvent)
class SecurityEventAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("at", "user", "event", "count", "by", "address", "device", "handle", "reason")
    list_filter = ("kind", "by")
    list_select_related = ("user",)
    search_fields = ("user__email__iexact", "address", "handle", "request_id")
    date_hierarchy = "at"
    # See UserAdmin.lookups: other columns of the user must not be searched from here.
    lookups = frozenset({"kind__exact", "by__exact", "user__id__exact"})
    date_lookups = frozenset(f"at__{kind}" for kind in ("year", "month", "day", "gte", "lt"))

    @admin.display(description="event", ordering="kind")
    def event(self, event: SecurityEvent) -> str:
        return label_of(event.kind)

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        return lookup in self.lookups | self.date_lookups

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False
