"""Duplicates within a file are looked for by hash; a file without refusals is not gone over for them."""

from __future__ import annotations

from django.db import migrations

from applications.sql import load


class Migration(migrations.Migration):
    dependencies = [("applications", "0017_metering_reports")]

    operations = [
        migrations.RunSQL(load("import.sql"), migrations.RunSQL.noop),
        migrations.RunSQL(load("import_files.sql"), migrations.RunSQL.noop),
    ]
