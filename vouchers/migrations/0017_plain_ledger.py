"""The plain way of the ledger in four statements."""

from __future__ import annotations

from django.db import migrations

from vouchers.sql import LEDGER, load


class Migration(migrations.Migration):
    dependencies = [("vouchers", "0016_budget_withdrawals")]

    operations = [migrations.RunSQL(load(name), migrations.RunSQL.noop) for name in LEDGER]
