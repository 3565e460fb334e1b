"""Who found a till that was gathered meanwhile lets it go before he waits for the account: the ledger's functions, loaded anew."""

from __future__ import annotations

from django.db import migrations

from vouchers.sql import LEDGER, load


class Migration(migrations.Migration):
    dependencies = [("vouchers", "0025_ledger_issues")]

    operations = [migrations.RunSQL(load(name), migrations.RunSQL.noop) for name in LEDGER]
