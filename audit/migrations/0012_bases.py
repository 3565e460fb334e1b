"""Rows that were there before their table was watched stand in the trail with their state, not only with their number."""

from __future__ import annotations

from django.db import migrations

from audit.sql import load


class Migration(migrations.Migration):
    dependencies = [("audit", "0011_imported_as_text")]

    operations = [migrations.RunSQL(load("trail.sql"), migrations.RunSQL.noop)]
