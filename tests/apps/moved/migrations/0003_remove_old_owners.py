from django.db import migrations

from frontend_site.fields import UserIdField


class Migration(migrations.Migration):
    dependencies = [("moved", "0002_owners")]

    operations = [
        migrations.RemoveField("note", "old_owner"),  # with its foreign key
        migrations.AlterField("note", "owner", UserIdField()),
    ]
