"""The tables that prices are computed with take no later additions by which a past price would change."""

from __future__ import annotations

from django.db import migrations

from vouchers.sql import load


class Migration(migrations.Migration):
    dependencies = [("vouchers", "0031_credit_files")]

    operations = [migrations.RunSQL(load("price_tables.sql"), migrations.RunSQL.noop)]
