"""Nobody waits for the row of a till: the ledger's functions, loaded anew."""

from __future__ import annotations

from django.db import migrations

from vouchers.sql import LEDGER, load


class Migration(migrations.Migration):
    dependencies = [("vouchers", "0028_room_kept")]

    operations = [migrations.RunSQL(load(name), migrations.RunSQL.noop) for name in LEDGER]
