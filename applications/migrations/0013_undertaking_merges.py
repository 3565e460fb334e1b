"""Two projects that a person finds to be one."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models
from django.db.models import F, Q

import vouchers.models.recorded


class Migration(migrations.Migration):
    dependencies = [
        ("applications", "0012_settlement_filing"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="undertaking",
            name="merged_into",
            field=models.ForeignKey(
                blank=True,
                help_text="经认定与之为同一项目；原先按本项目计算的，与之合并计算。",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="parts",
                to="applications.undertaking",
                verbose_name="已并入",
            ),
        ),
        migrations.CreateModel(
            name="UndertakingMerge",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "merge_no",
                    models.CharField(
                        db_default=vouchers.models.recorded.NextEntryNo("PM"),
                        editable=False,
                        max_length=20,
                        unique=True,
                        verbose_name="登记号",
                    ),
                ),
                ("region_code", models.CharField(max_length=6, verbose_name="行政区划代码")),
                (
                    "state",
                    models.CharField(
                        choices=[("proposed", "待复核"), ("merged", "已合并"), ("declined", "未予合并")],
                        default="proposed",
                        max_length=10,
                        verbose_name="状态",
                    ),
                ),
                (
                    "moves_money",
                    models.BooleanField(
                        help_text="任一项目已有核定的，须另一人复核。", verbose_name="已有核定或发放"
                    ),
                ),
                ("reason", models.TextField(verbose_name="认定依据")),
                ("proposed_at", models.DateTimeField(verbose_name="提出时间")),
                ("decided_at", models.DateTimeField(blank=True, null=True, verbose_name="复核时间")),
                ("decision_reason", models.TextField(blank=True, verbose_name="复核意见")),
                (
                    "decided_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="复核人",
                    ),
                ),
                (
                    "part",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="merges",
                        to="applications.undertaking",
                        verbose_name="并入他项的项目",
                    ),
                ),
                (
                    "proposed_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="提出人",
                    ),
                ),
                (
                    "survivor",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="merges_in",
                        to="applications.undertaking",
                        verbose_name="保留的项目",
                    ),
                ),
            ],
            options={
                "verbose_name": "项目合并",
                "verbose_name_plural": "项目合并",
                "constraints": [
                    models.CheckConstraint(condition=~Q(part=F("survivor")), name="undertaking_merge_of_two"),
                    models.CheckConstraint(
                        condition=~Q(state="merged") | Q(moves_money=False) | ~Q(proposed_by=F("decided_by")),
                        name="undertaking_merge_by_two_persons",
                    ),
                    models.UniqueConstraint(
                        condition=Q(state="proposed"),
                        fields=("part",),
                        name="undertaking_merge_once_at_a_time",
                    ),
                ],
            },
        ),
    ]
