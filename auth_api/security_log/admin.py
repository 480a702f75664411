"""The security log in the admin, read-only."""

from typing import Any

from django.contrib import admin
from django.contrib.auth import get_user_model
from django.db.models import Q, QuerySet
from django.http import HttpRequest

from auth_api.admin_lists import BoundedPaginator, DatedChangeList
from gatehouse.forwarded import plain_address

from .kinds import Kind, label_of
from .models import SecurityEvent

_MOST_OF_ID = 1000  # events of one session, or of one request, that the search finds
_DOERS = (("owner", "Owner"), ("staff", "Staff"), ("system", "System"))


class KindFilter(admin.SimpleListFilter):
    """By the kinds that there are, without asking which of them were stored."""

    title = "event"
    parameter_name = "kind__exact"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Return every kind, sorted by its words."""
        return sorted(((str(kind), kind.label) for kind in Kind), key=lambda pair: pair[1])

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Return the events of the chosen kind."""
        return queryset.filter(kind=self.value()) if self.value() else queryset


class DoerFilter(admin.SimpleListFilter):
    """By who did it."""

    title = "doer"
    parameter_name = "by__exact"

    def lookups(self, request: HttpRequest, model_admin: Any) -> tuple[tuple[str, str], ...]:
        """Return the values of `SecurityEvent.by`."""
        return _DOERS

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Return the events that the chosen one caused."""
        return queryset.filter(by=self.value()) if self.value() else queryset


@admin.register(SecurityEvent)
class SecurityEventAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Each filter, search and date is answered by an index of the table (models.py)."""

    list_display = (
        "at", "user", "event", "doer", "address", "device", "reason", "handle",
    )  # fmt: skip
    list_filter = (KindFilter, DoerFilter)
    list_select_related = ("user", "actor")
    list_per_page = 100
    sortable_by = ("at",)
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    paginator = BoundedPaginator
    change_list_template = "admin/dated_change_list.html"
    search_fields = ("address",)  # shows the form; get_search_results has its own way
    search_help_text = "An e-mail address, a network address, a session or a request ID: in full, not a part of it."
    date_hierarchy = "at"
    exclude = ("actor",)
    # See UserAdmin.lookups: other columns of the user must not be searched from here.
    lookups = frozenset({"kind__exact", "by__exact", "user__id__exact"})
    date_lookups = frozenset(f"at__{kind}" for kind in ("year", "month", "day", "gte", "lt"))

    @admin.display(description="event", ordering="kind")
    def event(self, event: SecurityEvent) -> str:
        times = f" ({event.count} times)" if event.count > 1 else ""
        return f"{label_of(event.kind)}{times}"

    @admin.display(description="done by")
    def doer(self, event: SecurityEvent) -> str:
        """Return who did it; of staff, the address of the account, or its id if that is deleted."""
        if event.actor_id is None:
            return event.by
        return f"{event.by}: {event.actor or event.actor_id}"

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[DatedChangeList]:
        return DatedChangeList

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[SecurityEvent], search_term: str
    ) -> tuple[QuerySet[SecurityEvent], bool]:
        """Find whole values only, each by its index."""
        term = search_term.strip()
        return (queryset.filter(_matching(term)) if term else queryset), False

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        return lookup in self.lookups | self.date_lookups

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False


def _matching(term: str) -> Q:
    if "@" in term:
        users = get_user_model()._default_manager.filter(email=term)
        return Q(user_id__in=list(users.values_list("pk", flat=True)))
    if address := plain_address(term):
        return Q(address=str(address))
    return Q(pk__in=[*_found(handle=term), *_found(request_id=term)])


def _found(**column: str) -> QuerySet[SecurityEvent, int]:
    """Return ids, each column's by its index: for both at once the database would read the newest events."""
    return (
        SecurityEvent.objects.filter(**column).order_by().values_list("pk", flat=True)[:_MOST_OF_ID]
    )
