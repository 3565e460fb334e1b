"""Tills of hot accounts; runs open caps as well; where an account returns to is no foreign key; lifecycles ask less of a row."""

from __future__ import annotations

import django.db.models.deletion
from django.db import migrations, models

from vouchers.sql import LEDGER, load

#: kept as accounts are, also from the owner's hand, with room on the page for the next version of each row
KEEP = """
CREATE OR REPLACE TRIGGER ledger_till_kept BEFORE DELETE ON vouchers_ledgertill
    FOR EACH ROW EXECUTE FUNCTION ledger_refuse_change();
CREATE OR REPLACE TRIGGER ledger_till_not_truncated BEFORE TRUNCATE ON vouchers_ledgertill
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse_change();
ALTER TABLE vouchers_ledgertill ENABLE ALWAYS TRIGGER ledger_till_kept;
ALTER TABLE vouchers_ledgertill ENABLE ALWAYS TRIGGER ledger_till_not_truncated;
ALTER TABLE vouchers_ledgertill SET (fillfactor = 20);
"""


class Migration(migrations.Migration):
    dependencies = [("vouchers", "0023_metering_scope")]

    operations = [
        migrations.AlterField(
            model_name="ledgeraccount",
            name="returns_to",
            field=models.ForeignKey(
                blank=True,
                db_constraint=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="returned_from",
                to="vouchers.ledgeraccount",
            ),
        ),
        migrations.CreateModel(
            name="LedgerTill",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("place", models.SmallIntegerField()),
                ("allotted", models.DecimalField(decimal_places=2, max_digits=18)),
                ("posted", models.DecimalField(decimal_places=2, max_digits=18)),
                ("pending", models.DecimalField(decimal_places=2, max_digits=18)),
                ("limit_amount", models.DecimalField(blank=True, decimal_places=2, max_digits=18, null=True)),
                (
                    "account",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="tills",
                        to="vouchers.ledgeraccount",
                    ),
                ),
            ],
            options={
                "verbose_name": "科目分户",
                "verbose_name_plural": "科目分户",
                "constraints": [
                    models.UniqueConstraint(fields=("account", "place"), name="ledger_till_place"),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("allotted__gte", models.F("posted") + models.F("pending")),
                            ("pending__gte", 0),
                            ("posted__gte", 0),
                        ),
                        name="ledger_till_within_allotted",
                    ),
                ],
            },
        ),
        migrations.RunSQL(KEEP, migrations.RunSQL.noop),
        *(migrations.RunSQL(load(name), migrations.RunSQL.noop) for name in (*LEDGER, "lifecycle.sql")),
    ]
