"""A deduction that is filed holds its contract, so that no figure metered under it is corrected before it shows."""

from __future__ import annotations

from django.db import migrations

from applications.sql import load


class Migration(migrations.Migration):
    dependencies = [("applications", "0019_lean_indexes")]

    operations = [migrations.RunSQL(load("settlement_filing.sql"), migrations.RunSQL.noop)]
