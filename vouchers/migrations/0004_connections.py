"""Platform connections, entitlements of schemes that pay without vouchers, and the counters of both new nouns."""

from __future__ import annotations

import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models

from vouchers.sql import load


class Migration(migrations.Migration):
    dependencies = [("vouchers", "0003_jobs")]

    operations = [
        migrations.RunSQL(load("numbers.sql"), migrations.RunSQL.noop),
        migrations.AddField(
            model_name="voucher",
            name="is_entitlement",
            field=models.BooleanField(
                db_default=False, default=False, editable=False, verbose_name="核定额度（不发券）"
            ),
        ),
        migrations.CreateModel(
            name="PlatformConnection",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "origin",
                    models.CharField(
                        choices=[("live", "本系统办理"), ("imported", "历史导入")],
                        default="live",
                        editable=False,
                        max_length=10,
                        verbose_name="来源",
                    ),
                ),
                (
                    "recorded_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(),
                        editable=False,
                        verbose_name="入库时间",
                    ),
                ),
                ("platform", models.CharField(max_length=120, verbose_name="平台名称")),
                ("region_code", models.CharField(max_length=6, verbose_name="平台所属地区")),
                (
                    "program_code",
                    models.CharField(
                        blank=True,
                        help_text="留空即适用于该地区的各专项。",
                        max_length=30,
                        verbose_name="专项代码",
                    ),
                ),
                ("effective_from", models.DateField(verbose_name="接入日")),
                (
                    "effective_to",
                    models.DateField(
                        blank=True, help_text="当日起不再接入。", null=True, verbose_name="断开日"
                    ),
                ),
                ("document_no", models.CharField(max_length=100, verbose_name="接入依据")),
                (
                    "party",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="connections",
                        to="vouchers.party",
                        verbose_name="单位",
                    ),
                ),
            ],
            options={"verbose_name": "平台接入", "verbose_name_plural": "平台接入"},
        ),
        migrations.AddConstraint(
            model_name="platformconnection",
            constraint=models.UniqueConstraint(
                fields=("party", "platform", "program_code", "effective_from"),
                name="platform_connection_once",
            ),
        ),
        migrations.AddConstraint(
            model_name="platformconnection",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("effective_to", None), ("effective_to__gt", models.F("effective_from")), _connector="OR"
                ),
                name="platform_connection_dates",
            ),
        ),
    ]
