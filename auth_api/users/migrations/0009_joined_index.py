"""The index for the dates of the admin's list, and for pruning unconfirmed accounts."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("users", "0008_delayed_deletion"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="user",
            index=models.Index(fields=["date_joined"], name="users_by_age"),
        ),
    ]
