import csv

from django.db import migrations

from frontend_site.fields import UserIdField


def fill(apps, schema_editor):
    Note = apps.get_model("moved", "Note")
    old_ids = set(Note.objects.values_list("old_owner", flat=True))
    if not old_ids:
        return  # a new database, for example of tests
    with open("user-ids.csv") as file:
        ids = {row["old_id"]: row["id"] for row in csv.DictReader(file)}
    for old_id in old_ids:
        Note.objects.filter(old_owner=old_id).update(owner=ids[str(old_id)])


class Migration(migrations.Migration):
    dependencies = [("moved", "0001_initial")]

    operations = [
        migrations.RenameField("note", "owner", "old_owner"),  # the column stays owner_id
        migrations.AddField("note", "owner", UserIdField(null=True)),
        migrations.RunPython(fill, migrations.RunPython.noop),
    ]
