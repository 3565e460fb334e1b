"""A credential may report what was metered; what was decided about a voucher, by whom and why; how long a reservation stands."""

from __future__ import annotations

import django.contrib.postgres.fields
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import vouchers.models.platforms


class Migration(migrations.Migration):
    dependencies = [("vouchers", "0021_price_reports")]

    operations = [
        migrations.AlterField(
            model_name="apicredential",
            name="scopes",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.CharField(
                    choices=[
                        ("settle", "办理即时抵扣"),
                        ("read", "查询与对账"),
                        ("events", "接收状态变动"),
                        ("price", "上报价格"),
                        ("meter", "上报用量"),
                    ],
                    max_length=20,
                ),
                default=vouchers.models.platforms.every_scope,
                size=None,
                verbose_name="权限",
            ),
        ),
        migrations.AddField(
            model_name="policyvoucherkind",
            name="reservation_days",
            field=models.PositiveSmallIntegerField(blank=True, null=True, verbose_name="预占保留（工作日）"),
        ),
        migrations.CreateModel(
            name="VoucherStep",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "verb",
                    models.CharField(
                        choices=[("freeze", "冻结"), ("unfreeze", "解冻"), ("void", "作废")],
                        max_length=10,
                        verbose_name="事项",
                    ),
                ),
                ("reason", models.CharField(max_length=500, verbose_name="理由")),
                ("decided_at", models.DateTimeField(verbose_name="办理时间")),
                (
                    "amount",
                    models.DecimalField(
                        blank=True,
                        decimal_places=2,
                        max_digits=18,
                        null=True,
                        verbose_name="退回预算（元）",
                    ),
                ),
                (
                    "decided_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="办理人",
                    ),
                ),
                (
                    "voucher",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="steps",
                        to="vouchers.voucher",
                        verbose_name="算力券",
                    ),
                ),
            ],
            options={
                "verbose_name": "算力券处置",
                "verbose_name_plural": "算力券处置",
                "ordering": ("pk",),
            },
        ),
    ]
