"""Who of the staff did it, longer reasons, and the indexes of the admin's filters and search."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        ("security_log", "0001_initial"),
    ]

    operations = [
        migrations.AddField(
            model_name="securityevent",
            name="actor",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AlterField(
            model_name="securityevent",
            name="reason",
            field=models.CharField(blank=True, max_length=200),
        ),
        migrations.AlterField(
            model_name="securityevent",
            name="user",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="security_events",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddIndex(
            model_name="securityevent",
            index=models.Index(fields=["kind", "-at"], name="events_by_kind"),
        ),
        migrations.AddIndex(
            model_name="securityevent",
            index=models.Index(fields=["by", "-at"], name="events_by_doer"),
        ),
        migrations.AddIndex(
            model_name="securityevent",
            index=models.Index(fields=["address", "-at"], name="events_by_address"),
        ),
        migrations.AddIndex(
            model_name="securityevent",
            index=models.Index(fields=["handle"], name="events_by_session"),
        ),
        migrations.AddIndex(
            model_name="securityevent",
            index=models.Index(fields=["request_id"], name="events_by_request"),
        ),
    ]
