"""Lists of the admin whose pages cost the same for a hundred rows as for a million."""

from collections.abc import Iterator
from datetime import date, datetime
from functools import cached_property
from typing import Any

from django.contrib.admin.views.main import ChangeList
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.utils import timezone

MOST_LISTED = 10_000  # rows that a BoundedPaginator pages through
_PARTS = ("year", "month", "day")


class BoundedPaginator(Paginator):  # type: ignore[type-arg]
    """Counts and pages through no more than MOST_LISTED rows: counting a million takes too long."""

    @cached_property
    def count(self) -> int:
        """Return how many rows there are, at most MOST_LISTED."""
        rows: QuerySet[Any] = self.object_list  # type: ignore[assignment]
        return rows.order_by()[:MOST_LISTED].count()


class DatedChangeList(ChangeList):
    """Links to years, months and days for which it asks the database only for the oldest row.

    Django's own links ask for the distinct dates of all rows. These may lead to a day without rows.
    The template is templates/auth_api/admin/dated_change_list.html.
    """

    @property
    def is_cut(self) -> bool:
        """Whether there may be more rows than are listed."""
        bounded = isinstance(self.paginator, BoundedPaginator)
        return bounded and self.result_count >= MOST_LISTED

    @cached_property
    def dates(self) -> dict[str, Any]:
        """Return the values of Django's template for dates."""
        year, month, day = (self._chosen(part) for part in _PARTS)
        if year and month and day:
            shown = date(year, month, day)
            back = self._link(f"{shown:%B %Y}", year, month)
            return _links(back, [{"title": f"{shown:%B} {day}"}])
        if year and month:
            days = _days(year, month)
            choices = [self._link(f"{each:%B} {each.day}", year, month, each.day) for each in days]
            return _links(self._link(str(year), year), choices)
        return self._years_or_months(year)

    def _years_or_months(self, year: int) -> dict[str, Any]:
        first, today = self._oldest(), timezone.localdate()
        if not year and first.year != today.year:
            years = range(first.year, today.year + 1)
            return _links(None, [self._link(str(each), each) for each in years])
        months = _months(year or today.year, first, today)
        choices = [self._link(f"{each:%B %Y}", each.year, each.month) for each in months]
        return _links(self._link("All dates") if year else None, choices)

    def _oldest(self) -> date:
        field = str(self.date_hierarchy)
        rows = self.root_queryset.order_by(field).values_list(field, flat=True)
        first: datetime | None = rows.first()
        return timezone.localdate(first) if first else timezone.localdate()

    def _chosen(self, part: str) -> int:
        """Return what the query says; the list has already refused what is not a date."""
        return int(self.params.get(f"{self.date_hierarchy}__{part}") or 0)

    def _link(self, title: str, *parts: int) -> dict[str, Any]:
        name = f"{self.date_hierarchy}__"
        chosen = {f"{name}{part}": value for part, value in zip(_PARTS, parts, strict=False)}
        return {"title": title, "link": self.get_query_string(chosen, [name])}


def _links(back: dict[str, Any] | None, choices: list[dict[str, Any]]) -> dict[str, Any]:
    return {"show": True, "back": back, "choices": choices}


def _months(year: int, first: date, last: date) -> Iterator[date]:
    for month in range(1, 13):
        each = date(year, month, 1)
        if first.replace(day=1) <= each <= last:
            yield each


def _days(year: int, month: int) -> Iterator[date]:
    following = date(year + month // 12, month % 12 + 1, 1)
    for ordinal in range(date(year, month, 1).toordinal(), following.toordinal()):
        yield date.fromordinal(ordinal)
