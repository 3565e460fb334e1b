"""Sums under a contract get more room than an amount; drafts of deductions give their keys back.

Until 0012 a deduction that the ledger refused left a draft under its key. Now nothing is left of one, and the key may be sent
again: what such a draft held is free.
"""

from django.db import migrations

from applications.sql import load

FREE_KEYS = """
SELECT set_config('voucher.context', '{"kind": "service", "actor": "migration", "name": "系统升级", "verb": "migrate"}', true);
UPDATE applications_claim SET idempotency_key = ''
WHERE kind = 'settlement' AND state = 'draft' AND idempotency_key <> '';
SELECT set_config('voucher.context', '', true);
"""


class Migration(migrations.Migration):
    dependencies = [("applications", "0014_number_of_one")]

    operations = [
        migrations.RunSQL(load("lease_use.sql"), migrations.RunSQL.noop),
        migrations.RunSQL(FREE_KEYS, migrations.RunSQL.noop),
    ]
