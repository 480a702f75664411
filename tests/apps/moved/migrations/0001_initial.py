from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = []  # without swappable_dependency(settings.AUTH_USER_MODEL)

    operations = [
        migrations.CreateModel(
            name="Note",
            fields=[
                ("id", models.BigAutoField(primary_key=True)),
                ("owner", models.IntegerField(db_column="owner_id")),  # was a ForeignKey
                ("text", models.CharField(max_length=200)),
            ],
        ),
    ]
