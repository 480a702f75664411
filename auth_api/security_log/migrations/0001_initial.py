"""The table of events."""

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="SecurityEvent",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("kind", models.CharField(max_length=40)),
                (
                    "at",
                    models.DateTimeField(
                        default=django.utils.timezone.now, verbose_name="time of the last one"
                    ),
                ),
                (
                    "first_at",
                    models.DateTimeField(
                        default=django.utils.timezone.now, verbose_name="time of the first one"
                    ),
                ),
                ("count", models.PositiveIntegerField(default=1)),
                ("by", models.CharField(default="owner", max_length=6, verbose_name="done by")),
                ("address", models.CharField(blank=True, max_length=64)),
                ("device", models.CharField(blank=True, max_length=60)),
                ("request_id", models.CharField(blank=True, max_length=64)),
                ("handle", models.CharField(blank=True, max_length=16, verbose_name="session")),
                ("reason", models.CharField(blank=True, max_length=60)),
                ("place", models.CharField(blank=True, editable=False, max_length=130)),
                ("bucket", models.CharField(editable=False, max_length=160, null=True)),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="security_events",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ("-at", "-pk"),
                "indexes": [
                    models.Index(fields=["user", "-at"], name="events_of_user"),
                    models.Index(fields=["at"], name="events_by_age"),
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("user", "bucket"), name="one_row_per_bucket")
                ],
            },
        ),
    ]
