"""The functions by which history comes in."""

from __future__ import annotations

from django.db import migrations

from applications.sql import load


class Migration(migrations.Migration):
    dependencies = [("applications", "0002_relations"), ("vouchers", "0002_functions")]

    operations = [
        migrations.RunSQL(load("import.sql") + load("import_files.sql"), migrations.RunSQL.noop),
    ]
