"""A day is closed when it is over: neither today nor one to come, whatever instant is given."""

from __future__ import annotations

from django.db import migrations

from vouchers.sql import load


class Migration(migrations.Migration):
    dependencies = [("vouchers", "0014_payment_guards")]

    operations = [migrations.RunSQL(load("ledger_days.sql"), migrations.RunSQL.noop)]
