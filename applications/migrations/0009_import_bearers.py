"""An imported voucher has no treasuries that share its cost."""

from __future__ import annotations

from django.db import migrations

from applications.sql import load


class Migration(migrations.Migration):
    dependencies = [
        ("applications", "0008_undertakings"),
        ("vouchers", "0010_treasury_shares"),
    ]

    operations = [migrations.RunSQL(load("import_files.sql"), migrations.RunSQL.noop)]
