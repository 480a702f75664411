"""Defaults in the database, so that the code of an earlier release can still create users while this one starts."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('users', '0009_joined_index'),
    ]

    operations = [
        migrations.AlterField(
            model_name='totpdevice',
            name='removed_by',
            field=models.CharField(blank=True, db_default='', default='', max_length=16),
        ),
        migrations.AlterField(
            model_name='user',
            name='address_serial',
            field=models.PositiveIntegerField(db_default=0, default=0, editable=False),
        ),
        migrations.AlterField(
            model_name='user',
            name='has_second_factor',
            field=models.BooleanField(db_default=False, default=False, editable=False),
        ),
        migrations.AlterField(
            model_name='user',
            name='must_enrol',
            field=models.BooleanField(db_default=False, default=False, editable=False),
        ),
        migrations.AlterField(
            model_name='user',
            name='reset_serial',
            field=models.PositiveIntegerField(db_default=0, default=0, editable=False),
        ),
    ]
