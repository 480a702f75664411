"""The table of mails to be sent."""

from django.db import models
from django.utils import timezone


class OutboxMail(models.Model):
    """One mail, from the change that wants it until a server has taken it; then the row is deleted.

    A row with a `request` is not a mail yet: a client asked for something that concerns an address,
    and the sender decides which mail to send. A row holds no text and no token: the link described
    by `link` is signed when the mail is sent, so a copy of the database contains no usable link.
    """

    to = models.EmailField(max_length=320)
    request = models.CharField(max_length=40, blank=True, default="", db_default="")
    template = models.CharField(max_length=40, blank=True)
    subject = models.CharField(max_length=200, blank=True)
    # Values for the template, or details of the request (a registration's name and password hash).
    context = models.JSONField(default=dict)
    link = models.JSONField(null=True)  # {path, salt, claims} of the link in it
    created_at = models.DateTimeField(default=timezone.now)
    due_at = models.DateTimeField(
        "next try", default=timezone.now, null=True, db_index=True, help_text="None: given up."
    )
    tries = models.PositiveIntegerField(default=0)
    last_error = models.CharField(max_length=100, blank=True)

    class Meta:
        verbose_name = "mail to be sent"
        verbose_name_plural = "mails to be sent"
        ordering = ("created_at",)

    def __str__(self) -> str:
        return f"{self.template or self.request} ({self.tries} tries)"
