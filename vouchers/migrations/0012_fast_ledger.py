"""The ledger's functions in files by noun; locks by turn, a plain way and runs of issues."""

from __future__ import annotations

from django.db import migrations

from vouchers.sql import LEDGER, load

DROPPED = "DROP FUNCTION IF EXISTS ledger_queue(bigint[]);"


class Migration(migrations.Migration):
    dependencies = [("vouchers", "0011_closings")]

    operations = [
        migrations.RunSQL(DROPPED, migrations.RunSQL.noop),
        *(migrations.RunSQL(load(name), migrations.RunSQL.noop) for name in LEDGER),
    ]
