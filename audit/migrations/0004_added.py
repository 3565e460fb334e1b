"""New rows of the ledger are told a statement at a time (audit/trail/added.py)."""

from __future__ import annotations

from django.db import migrations

from audit.sql import load


class Migration(migrations.Migration):
    dependencies = [("audit", "0003_functions")]

    operations = [migrations.RunSQL(load("added.sql"), migrations.RunSQL.noop)]
