from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("users", "0007_second_factor_policy")]

    operations = [
        migrations.AddField(
            model_name="user",
            name="deletion_at",
            field=models.DateTimeField(default=None, editable=False, null=True),
        ),
        migrations.AddIndex(
            model_name="user",
            index=models.Index(
                condition=models.Q(("deletion_at__isnull", False)),
                fields=["deletion_at"],
                name="accounts_to_delete",
            ),
        ),
    ]
