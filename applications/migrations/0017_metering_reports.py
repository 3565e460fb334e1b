"""What a platform reports of the use under a lease, and which report each day came with."""

from __future__ import annotations

import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("applications", "0016_lease_splits"), ("vouchers", "0020_payment_caps")]

    operations = [
        migrations.CreateModel(
            name="MeteringReport",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("idempotency_key", models.CharField(max_length=100, verbose_name="幂等键")),
                ("request_sha256", models.CharField(max_length=64, verbose_name="请求摘要")),
                ("answer", models.JSONField(verbose_name="首次答复")),
                (
                    "received_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(),
                        editable=False,
                        verbose_name="收到时间",
                    ),
                ),
                (
                    "credential",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="vouchers.apicredential",
                        verbose_name="平台凭据",
                    ),
                ),
                (
                    "lease",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="applications.lease",
                        verbose_name="合同",
                    ),
                ),
                (
                    "provider",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="vouchers.party",
                        verbose_name="服务商",
                    ),
                ),
            ],
            options={"verbose_name": "用量上报", "verbose_name_plural": "用量上报"},
        ),
        migrations.AddConstraint(
            model_name="meteringreport",
            constraint=models.UniqueConstraint(
                fields=("provider", "idempotency_key"), name="metering_report_key"
            ),
        ),
        migrations.AddField(
            model_name="meteringday",
            name="report",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="days",
                to="applications.meteringreport",
                verbose_name="用量上报",
            ),
        ),
        migrations.AddField(
            model_name="meteringday",
            name="reason",
            field=models.CharField(
                blank=True, db_default="", default="", max_length=200, verbose_name="更正事由"
            ),
        ),
        migrations.AddConstraint(
            model_name="meteringday",
            constraint=models.CheckConstraint(
                condition=models.Q(("card_hours__gte", 0)), name="metering_not_negative"
            ),
        ),
    ]
