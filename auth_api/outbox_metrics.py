"""Metrics of the outbox, read from the database when Prometheus asks."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from django.db import Error, connection
from django.db.models import Count, Min, Q
from django.utils import timezone
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from auth_api.mail.models import OutboxMail
from gatehouse.probe import Probe, results


@dataclass(frozen=True)
class _Outbox:
    waiting: int
    given_up: int
    oldest: datetime | None  # when the oldest that waits was written


class OutboxCollector(Collector):
    """How many mails wait and since when. Nothing while the database does not answer."""

    def collect(self) -> Iterator[GaugeMetricFamily]:
        [found] = results(_outbox)
        if found is None:
            return
        mails = GaugeMetricFamily("gatehouse_outbox_mails", "Mails in the outbox", labels=["state"])
        mails.add_metric(["waiting"], found.waiting)
        mails.add_metric(["given up"], found.given_up)
        yield mails
        age = (timezone.now() - found.oldest).total_seconds() if found.oldest else 0.0
        yield GaugeMetricFamily(
            "gatehouse_outbox_oldest_seconds", "Age of the oldest waiting mail", age
        )


def _read() -> _Outbox | None:
    waits = Q(due_at__isnull=False)
    try:
        return _Outbox(
            **OutboxMail.objects.aggregate(
                waiting=Count("pk", filter=waits),
                given_up=Count("pk", filter=~waits),
                oldest=Min("created_at", filter=waits),
            )
        )
    except Error:
        return None
    finally:
        connection.close()


_outbox: Probe[_Outbox | None] = Probe(_read, late=None, patience=2.0)
