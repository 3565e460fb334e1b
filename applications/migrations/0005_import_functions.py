"""The functions by which history comes in."""

from django.db import migrations

from applications.sql import load


class Migration(migrations.Migration):
    dependencies = [
        ("applications", "0004_messages"),
    ]

    operations = [
        migrations.RunSQL(load("import.sql") + load("import_files.sql"), migrations.RunSQL.noop),
    ]
