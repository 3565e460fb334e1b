"""The plainest run of issues, out of one budget and without caps, is booked without a look-up for each voucher."""

from __future__ import annotations

from django.db import migrations

from vouchers.sql import LEDGER, load


class Migration(migrations.Migration):
    dependencies = [("vouchers", "0024_price_confirmation")]

    operations = [migrations.RunSQL(load(name), migrations.RunSQL.noop) for name in LEDGER]
