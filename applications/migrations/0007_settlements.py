"""即时抵扣: first answers, batches of settlements, and the feed that the database itself writes."""

import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models

from applications.sql import load


class Migration(migrations.Migration):
    dependencies = [
        ("applications", "0006_batches"),
        ("vouchers", "0009_platforms"),
    ]

    operations = [
        migrations.CreateModel(
            name="SettlementAnswer",
            fields=[
                (
                    "claim",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="first_answer",
                        serialize=False,
                        to="applications.claim",
                    ),
                ),
                ("request_sha256", models.CharField(max_length=64, verbose_name="请求摘要")),
                ("body", models.TextField(verbose_name="首次答复")),
            ],
            options={
                "verbose_name": "首次答复",
                "verbose_name_plural": "首次答复",
            },
        ),
        migrations.CreateModel(
            name="SettlementBatch",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("batch_no", models.CharField(max_length=24, unique=True, verbose_name="批次号")),
                ("idempotency_key", models.CharField(max_length=100, verbose_name="幂等键")),
                ("filename", models.CharField(blank=True, max_length=120, verbose_name="文件名")),
                ("file_sha256", models.CharField(max_length=64, verbose_name="文件摘要")),
                ("line_count", models.PositiveIntegerField(verbose_name="行数")),
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
                    "job",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="vouchers.job",
                        verbose_name="后台任务",
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
            options={
                "verbose_name": "抵扣批次",
                "verbose_name_plural": "抵扣批次",
            },
        ),
        migrations.CreateModel(
            name="SettlementBatchLine",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("line_no", models.PositiveIntegerField(verbose_name="行号")),
                ("idempotency_key", models.CharField(blank=True, max_length=100, verbose_name="幂等键")),
                ("sent", models.JSONField(default=dict, verbose_name="来文内容")),
                (
                    "outcome",
                    models.CharField(
                        choices=[("waiting", "待处理"), ("done", "已办理"), ("refused", "未受理")],
                        default="waiting",
                        max_length=10,
                        verbose_name="结果",
                    ),
                ),
                (
                    "deducted_amount",
                    models.DecimalField(
                        blank=True, decimal_places=2, max_digits=18, null=True, verbose_name="抵扣金额"
                    ),
                ),
                ("code", models.CharField(blank=True, max_length=60, verbose_name="代码")),
                ("field", models.CharField(blank=True, max_length=60, verbose_name="字段")),
                ("message", models.TextField(blank=True, verbose_name="说明")),
                ("retry", models.BooleanField(default=False, verbose_name="可以重发")),
                (
                    "batch",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="lines",
                        to="applications.settlementbatch",
                        verbose_name="批次",
                    ),
                ),
                (
                    "claim",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="applications.claim",
                        verbose_name="抵扣",
                    ),
                ),
            ],
            options={
                "verbose_name": "抵扣批次明细",
                "verbose_name_plural": "抵扣批次明细",
                "ordering": ("batch", "line_no"),
            },
        ),
        migrations.AddConstraint(
            model_name="settlementbatch",
            constraint=models.UniqueConstraint(
                fields=("provider", "idempotency_key"), name="settlement_batch_key"
            ),
        ),
        migrations.AddConstraint(
            model_name="settlementbatchline",
            constraint=models.UniqueConstraint(fields=("batch", "line_no"), name="settlement_batch_line"),
        ),
        migrations.RunSQL(load("settlements.sql"), migrations.RunSQL.noop),
    ]
