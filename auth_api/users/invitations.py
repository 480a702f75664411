"""Invitations: who was invited, and into which groups, until the mailed link is used or expires.

A row exists as long as its link may be used. So deleting it revokes the link.
"""

from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.db import models
from django.utils import timezone

from auth_api.options import options
from auth_api.sessions.tokens import new_ref

from .acts import require_unreserved
from .addresses import MAX_LENGTH, AddressField, AsciiLower, canonical_address
from .registration_rules import invitations_work


def new_expiry() -> datetime:
    """Return when an invitation that is sent now expires."""
    return timezone.now() + timedelta(seconds=options().invitation_lifetime)


class Invitation(models.Model):
    """One invitation. A new `nonce` invalidates the links that were mailed before."""

    email = AddressField(max_length=MAX_LENGTH)
    groups = models.ManyToManyField(
        Group, blank=True, help_text="The groups that the new account joins."
    )
    invited_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, editable=False, on_delete=models.SET_NULL,
        related_name="invitations",
    )  # fmt: skip
    invited_at = models.DateTimeField(default=timezone.now, editable=False)
    expires_at = models.DateTimeField(default=new_expiry, editable=False)
    nonce = models.CharField(max_length=16, default=new_ref, editable=False)

    class Meta:
        ordering = ("-invited_at",)
        constraints = (
            models.UniqueConstraint(
                AsciiLower("email"),
                name="one_invitation_per_address",
                violation_error_message="This address already has an invitation. Send it again, or delete it first.",
            ),
        )

    def __str__(self) -> str:
        return self.email

    def clean(self) -> None:
        """Check the address. Raises ValidationError, also where no account may be created so."""
        if not invitations_work():
            raise ValidationError(
                "GATEHOUSE_REGISTRATION is closed, so invitations do not work. Create the account instead."
            )
        self.email = canonical_address(self.email)
        owner = get_user_model()._default_manager.filter(email=self.email).first()
        if owner is not None and not owner.is_registration:
            raise ValidationError({"email": "This address already has an account."})
        require_unreserved(self.email)

    def renew(self) -> None:
        """Make the links that were mailed before invalid, and start the lifetime again.

        Of a row that is locked: one that is gone meanwhile raises DatabaseError, it is not made again.
        """
        self.nonce, self.invited_at, self.expires_at = new_ref(), timezone.now(), new_expiry()
        self.save(update_fields=("email", "nonce", "invited_at", "expires_at"))


def expired_invitations() -> models.QuerySet[Invitation]:
    """Return the invitations whose link is no longer valid."""
    return Invitation.objects.filter(expires_at__lt=timezone.now())


def prune_invitations() -> int:
    """Delete expired invitations; return how many."""
    return expired_invitations().delete()[1].get("users.Invitation", 0)
