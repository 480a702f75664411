"""The table of security events."""

from django.conf import settings
from django.db import models
from django.utils import timezone

from .kinds import label_of

REASON_LENGTH = 200


class SecurityEvent(models.Model):
    """One event of one account; of what strangers can cause, all of a day and place (`count`)."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="security_events",
        db_index=False,  # events_of_user starts with it
    )  # fmt: skip
    kind = models.CharField(max_length=40)
    at = models.DateTimeField("time of the last one", default=timezone.now)
    first_at = models.DateTimeField("time of the first one", default=timezone.now)
    count = models.PositiveIntegerField(default=1)
    by = models.CharField("done by", max_length=6, default="owner")  # owner, staff, system
    address = models.CharField(max_length=64, blank=True)
    device = models.CharField(max_length=60, blank=True)
    request_id = models.CharField(max_length=64, blank=True)
    handle = models.CharField("session", max_length=16, blank=True)
    reason = models.CharField(max_length=REASON_LENGTH, blank=True)
    # Who of the staff did it. The id outlives that account, so there is no constraint.
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.DO_NOTHING, null=True, editable=False,
        related_name="+", db_constraint=False, db_index=False,
    )  # fmt: skip
    place = models.CharField(
        max_length=130, blank=True, editable=False
    )  # of a sign-in: Origin.place
    # What a row counts: kind, day and place. Null for events that have a row of their own.
    bucket = models.CharField(max_length=160, null=True, editable=False)  # noqa: DJ001 - unique

    class Meta:
        ordering = ("-at", "-pk")
        constraints = (
            models.UniqueConstraint(fields=("user", "bucket"), name="one_row_per_bucket"),
        )
        indexes = (
            models.Index(fields=("user", "-at"), name="events_of_user"),
            models.Index(fields=("at",), name="events_by_age"),
            # For the filters and the search of the admin, at a million events.
            models.Index(fields=("kind", "-at"), name="events_by_kind"),
            models.Index(fields=("by", "-at"), name="events_by_doer"),
            models.Index(fields=("address", "-at"), name="events_by_address"),
            models.Index(fields=("handle",), name="events_by_session"),
            models.Index(fields=("request_id",), name="events_by_request"),
        )

    def __str__(self) -> str:
        return label_of(self.kind)
