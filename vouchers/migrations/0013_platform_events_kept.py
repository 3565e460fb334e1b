"""What platforms were told is only added to, and an address's position only moves forward."""

from __future__ import annotations

from django.db import migrations

from vouchers.sql import load


class Migration(migrations.Migration):
    dependencies = [("vouchers", "0012_fast_ledger")]

    operations = [migrations.RunSQL(load("platforms.sql"), migrations.RunSQL.noop)]
