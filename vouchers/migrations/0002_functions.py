"""What the database itself enforces on this floor: lifecycles, numbers, the ledger, publications, the way in for history."""

from __future__ import annotations

from django.db import migrations

from vouchers.sql import load


class Migration(migrations.Migration):
    dependencies = [("vouchers", "0001_initial")]

    operations = [
        migrations.RunSQL(load(name), migrations.RunSQL.noop)
        for name in ("lifecycle.sql", "numbers.sql", "ledger.sql", "publications.sql", "imports.sql")
    ]
