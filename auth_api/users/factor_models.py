"""The tables of second factors. A copy of the database alone reveals no secret or code."""

from django.conf import settings
from django.db import models
from django.utils import timezone

from auth_api.sessions.tokens import new_ref

NAME_LENGTH = 60  # characters


class TotpDevices(models.QuerySet["TotpDevice"]):
    """Devices; `in_use` are those that count."""

    def in_use(self) -> "TotpDevices":
        """Those that are confirmed and not removed."""
        return self.filter(confirmed_at__isnull=False, removed_at__isnull=True)


class TotpDevice(models.Model):
    """An authenticator app. It counts from its confirmation by a code until it is removed.

    `last_step` is the newest step whose code was used: an update that raises it is what accepts a code.
    """

    id = models.CharField(primary_key=True, max_length=16, default=new_ref, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="totp_devices"
    )
    name = models.CharField(max_length=NAME_LENGTH)
    sealed_secret = models.BinaryField()
    last_step = models.BigIntegerField(default=0)
    drift = models.SmallIntegerField(default=0)  # steps by which its clock was off at its last use
    added_by = models.CharField(max_length=16, blank=True)  # the id of the sign-in that enrolled it
    created_at = models.DateTimeField(default=timezone.now)
    confirmed_at = models.DateTimeField(null=True)
    used_at = models.DateTimeField(null=True)
    # A removed one is kept while the sign-in that removed it can be disowned (factors/undoing.py).
    removed_at = models.DateTimeField(null=True)
    # The id of a sign-in.
    removed_by = models.CharField(max_length=16, blank=True, default="", db_default="")

    objects = TotpDevices.as_manager()

    class Meta:
        ordering = ("created_at", "pk")

    def __str__(self) -> str:
        return self.name


class RecoveryCode(models.Model):
    """A code that signs in once instead of a device, as a keyed hash. Counts when its set is confirmed."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="recovery_codes"
    )
    hash = models.CharField(max_length=64, unique=True)
    added_by = models.CharField(max_length=16, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    confirmed = models.BooleanField(default=False)

    def __str__(self) -> str:
        return f"recovery code of {self.user_id}"
