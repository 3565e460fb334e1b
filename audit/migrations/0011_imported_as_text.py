"""The digest of an imported row is that of the row as text; the event says so, older ones are verified as they were made."""

from __future__ import annotations

from django.db import migrations

from audit.sql import load


class Migration(migrations.Migration):
    dependencies = [("audit", "0010_rule_terms")]

    operations = [migrations.RunSQL(load("trail.sql"), migrations.RunSQL.noop)]
