"""Indexes that another one covers go: the bulk of a past year is written without them, and nothing is found more slowly."""

from __future__ import annotations

import django.db.models.deletion
from django.db import migrations, models


# Django keeps a second index for LIKE 'begin%' beside that of each text; where texts are ordered by their bytes, as here
# (C.UTF-8, config/embedded.py and docs/operations.md), the first one serves that as well. With another order they stay.
LIKE_INDEXES = """
DO $$
DECLARE
    spare regclass;
BEGIN
    IF (SELECT datlocprovider = 'b' OR datcollate IN ('C', 'POSIX') FROM pg_database WHERE datname = current_database()) THEN
        FOR spare IN
            SELECT indexrelid::regclass FROM pg_index WHERE indexrelid::regclass::text LIKE '%\\_like' AND indrelid = ANY (ARRAY[
                'applications_device', 'applications_leasedevice', 'applications_lease', 'applications_invoice',
                'applications_application', 'applications_claim', 'applications_basisitem', 'applications_banktransfer']::regclass[])
        LOOP
            EXECUTE format('DROP INDEX %s', spare);
        END LOOP;
    END IF;
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("applications", "0018_import_by_hash"),
        ("vouchers", "0024_price_confirmation"),
    ]

    operations = [
        migrations.RunSQL(LIKE_INDEXES, migrations.RunSQL.noop),
        migrations.AlterField(
            model_name="basisitem",
            name="claim",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="items",
                to="applications.claim",
            ),
        ),
        migrations.AlterField(
            model_name="lease",
            name="lessee",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="leases_taken",
                to="vouchers.party",
                verbose_name="承租方",
            ),
        ),
        migrations.AlterField(
            model_name="lease",
            name="lessor",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="leases_given",
                to="vouchers.party",
                verbose_name="出租方",
            ),
        ),
        migrations.AlterField(
            model_name="leasedevice",
            name="lease",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="devices",
                to="applications.lease",
                verbose_name="合同",
            ),
        ),
        migrations.AlterField(
            model_name="meteringday",
            name="lease",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="metering",
                to="applications.lease",
            ),
        ),
        migrations.AlterField(
            model_name="meteringday",
            name="report",
            field=models.ForeignKey(
                blank=True,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="days",
                to="applications.meteringreport",
                verbose_name="用量上报",
            ),
        ),
        migrations.AddIndex(
            model_name="meteringday",
            index=models.Index(
                condition=models.Q(("report__isnull", False)), fields=["report"], name="metering_by_report"
            ),
        ),
    ]
