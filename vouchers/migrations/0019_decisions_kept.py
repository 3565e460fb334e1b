"""What two persons decide on stays as it is from the first to the second of them."""

from __future__ import annotations

from django.db import migrations

from vouchers.sql import load


class Migration(migrations.Migration):
    dependencies = [("vouchers", "0018_voucher_once")]

    operations = [migrations.RunSQL(load("decisions_kept.sql"), migrations.RunSQL.noop)]
