"""What a deduction writes is told as text too, changed rows as well (audit/trail/added.py)."""

from __future__ import annotations

from django.db import migrations

from audit.sql import load


class Migration(migrations.Migration):
    dependencies = [("audit", "0005_added_as_text")]

    operations = [migrations.RunSQL(load("added.sql"), migrations.RunSQL.noop)]
