"""Projects, components and scales: what applications and claims rest on beside contracts and invoices."""

from __future__ import annotations

import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("applications", "0003_functions"),
        ("vouchers", "0004_connections"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="basisitem",
            name="component",
            field=models.CharField(
                blank=True,
                choices=[
                    ("compute", "算力"),
                    ("storage", "存储"),
                    ("network", "网络"),
                    ("security", "安全服务"),
                    ("software", "软件"),
                    ("data", "数据产品"),
                    ("equipment", "设备"),
                    ("other", "其他"),
                ],
                db_default="",
                default="",
                max_length=12,
                verbose_name="费用种类",
            ),
        ),
        migrations.AddField(
            model_name="basisitem",
            name="precision",
            field=models.CharField(blank=True, db_default="", default="", max_length=10, verbose_name="精度"),
        ),
        migrations.AddField(
            model_name="basisitem",
            name="scale_unit",
            field=models.CharField(
                blank=True, db_default="", default="", max_length=14, verbose_name="规模单位"
            ),
        ),
        migrations.AddField(
            model_name="lease",
            name="product",
            field=models.CharField(
                blank=True, db_default="", default="", max_length=200, verbose_name="产品或服务名称"
            ),
        ),
        migrations.AlterField(
            model_name="basisitem",
            name="kind",
            field=models.CharField(
                choices=[
                    ("contract_amount", "合同金额"),
                    ("contract_part", "合同已发生部分"),
                    ("invoice_line", "发票明细"),
                    ("payment", "实付金额"),
                    ("metered_use", "按用量计费的租金"),
                    ("settlement_line", "平台结算明细"),
                    ("data_product_line", "数据产品合同明细"),
                    ("project_cost", "项目算力成本"),
                    ("investment_document", "投资凭证"),
                    ("deployed_capacity", "已部署算力规模"),
                ],
                max_length=20,
                verbose_name="种类",
            ),
        ),
        migrations.CreateModel(
            name="Project",
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
                ("project_no", models.CharField(max_length=24, unique=True, verbose_name="项目编号")),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("investment", "投资建设项目"),
                            ("deployment", "算力部署"),
                            ("settlement", "平台结算"),
                        ],
                        max_length=12,
                        verbose_name="种类",
                    ),
                ),
                ("name", models.CharField(max_length=200, verbose_name="项目名称")),
                ("program_code", models.CharField(db_index=True, max_length=30, verbose_name="专项代码")),
                ("program_region_code", models.CharField(max_length=6, verbose_name="专项所在地区")),
                ("document_no", models.CharField(blank=True, max_length=100, verbose_name="文号或结算单号")),
                ("region_code", models.CharField(blank=True, max_length=6, verbose_name="所在地")),
                ("site", models.CharField(blank=True, max_length=120, verbose_name="机房或平台")),
                ("counterparties", models.TextField(blank=True, verbose_name="往来单位")),
                ("accelerator", models.CharField(blank=True, max_length=60, verbose_name="加速卡型号")),
                ("cards", models.PositiveIntegerField(blank=True, null=True, verbose_name="卡数")),
                (
                    "scale",
                    models.DecimalField(
                        blank=True, decimal_places=4, max_digits=18, null=True, verbose_name="算力规模"
                    ),
                ),
                ("scale_unit", models.CharField(blank=True, max_length=14, verbose_name="规模单位")),
                ("precision", models.CharField(blank=True, max_length=10, verbose_name="精度")),
                ("completed_on", models.DateField(blank=True, null=True, verbose_name="建成或部署完成日")),
                ("dispatchable_since", models.DateField(blank=True, null=True, verbose_name="可调度起始日")),
                ("period_from", models.DateField(blank=True, null=True, verbose_name="期间自")),
                ("period_to", models.DateField(blank=True, null=True, verbose_name="期间至（不含）")),
                (
                    "amount",
                    models.DecimalField(
                        decimal_places=2, default=0, max_digits=18, verbose_name="金额（不含税）"
                    ),
                ),
                ("filed_at", models.DateTimeField(blank=True, null=True, verbose_name="提交时间")),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "filer",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "owner",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="projects",
                        to="vouchers.party",
                        verbose_name="项目单位",
                    ),
                ),
            ],
            options={
                "verbose_name": "申报项目",
                "verbose_name_plural": "申报项目",
            },
        ),
        migrations.AddField(
            model_name="application",
            name="project",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="applications",
                to="applications.project",
                verbose_name="申报项目",
            ),
        ),
        migrations.AddIndex(
            model_name="project",
            index=models.Index(fields=["owner", "program_code"], name="project_by_owner"),
        ),
        migrations.AddConstraint(
            model_name="project",
            constraint=models.CheckConstraint(condition=models.Q(("amount__gte", 0)), name="project_amount"),
        ),
        migrations.AddConstraint(
            model_name="project",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("period_from", None),
                    ("period_to", None),
                    ("period_to__gt", models.F("period_from")),
                    _connector="OR",
                ),
                name="project_period",
            ),
        ),
    ]
