"""Rules as dated rows: when a version begins, shadow runs, stops, snoozes, draws; what is published stays."""

import datetime as dt
import django.db.models.deletion
import django.db.models.expressions
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models

from audit.sql import load


class Migration(migrations.Migration):
    dependencies = [
        ("audit", "0009_imported_once"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="ruleversion",
            name="effective_from",
            field=models.DateTimeField(blank=True, null=True, verbose_name="施行时间"),
        ),
        migrations.AddField(
            model_name="scanrun",
            name="rule_counts",
            field=models.JSONField(default=dict, verbose_name="各规则命中数"),
        ),
        migrations.AddField(
            model_name="suspicion",
            name="snoozed",
            field=models.JSONField(default=list, verbose_name="暂不计分的规则"),
        ),
        migrations.AlterField(
            model_name="ruleversion",
            name="family",
            field=models.CharField(
                help_text="A 发票、B 合同与价格、C 算力与设备、D 主体与关联、E 时序与内控、S 评分。",
                max_length=1,
                verbose_name="类别",
            ),
        ),
        migrations.CreateModel(
            name="ReviewDraw",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("draw_no", models.CharField(max_length=20, unique=True, verbose_name="编号")),
                ("seed", models.CharField(max_length=64, verbose_name="种子")),
                ("lot", models.TextField(verbose_name="抽样名单")),
                ("lot_digest", models.CharField(max_length=64, verbose_name="名单摘要")),
                ("lot_size", models.PositiveIntegerField(verbose_name="名单件数")),
                ("per_mille", models.PositiveSmallIntegerField(verbose_name="抽查比例（‰）")),
                ("drawn_at", models.DateTimeField(verbose_name="抽取时间")),
                (
                    "recorded_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), editable=False
                    ),
                ),
                (
                    "scan_run",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="draw",
                        to="audit.scanrun",
                        verbose_name="扫描批次",
                    ),
                ),
            ],
            options={
                "verbose_name": "随机抽查",
                "verbose_name_plural": "随机抽查",
                "ordering": ("-pk",),
            },
        ),
        migrations.CreateModel(
            name="ReviewPick",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("position", models.PositiveIntegerField(verbose_name="次序")),
                ("claim_no", models.CharField(max_length=24, verbose_name="兑付编号")),
                ("program_code", models.CharField(blank=True, max_length=30, verbose_name="专项代码")),
                ("region_code", models.CharField(blank=True, max_length=6, verbose_name="地区")),
                ("amount", models.DecimalField(decimal_places=2, max_digits=18, verbose_name="金额")),
                (
                    "draw",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="picks",
                        to="audit.reviewdraw",
                        verbose_name="随机抽查",
                    ),
                ),
            ],
            options={
                "verbose_name": "抽查件",
                "verbose_name_plural": "抽查件",
                "ordering": ("draw", "position"),
                "indexes": [models.Index(fields=["region_code", "-draw"], name="review_pick_region")],
                "constraints": [
                    models.UniqueConstraint(fields=("draw", "position"), name="review_pick_place_once"),
                    models.UniqueConstraint(fields=("claim_no",), name="review_picked_once"),
                ],
            },
        ),
        migrations.CreateModel(
            name="RuleStop",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("rule", models.CharField(max_length=8, verbose_name="规则")),
                ("claims", models.PositiveIntegerField(verbose_name="兑付申请数")),
                ("flagged", models.PositiveIntegerField(verbose_name="命中件数")),
                (
                    "usual_rate",
                    models.DecimalField(
                        blank=True, decimal_places=6, max_digits=9, null=True, verbose_name="通常占比"
                    ),
                ),
                ("sentence", models.TextField(verbose_name="说明")),
                ("stopped_at", models.DateTimeField(verbose_name="停用时间")),
                ("put_back_at", models.DateTimeField(blank=True, null=True, verbose_name="恢复时间")),
                ("put_back_reason", models.TextField(blank=True, verbose_name="恢复理由")),
                (
                    "put_back_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="恢复人",
                    ),
                ),
                (
                    "rule_version",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="stops",
                        to="audit.ruleversion",
                        verbose_name="规则版本",
                    ),
                ),
                (
                    "scan_run",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="stops",
                        to="audit.scanrun",
                        verbose_name="扫描批次",
                    ),
                ),
            ],
            options={
                "verbose_name": "规则熔断",
                "verbose_name_plural": "规则熔断",
                "ordering": ("-pk",),
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("put_back_at", None)), fields=("rule",), name="rule_stopped_once"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("put_back_at", None), ("put_back_by", None), ("put_back_reason", "")),
                            models.Q(
                                ("put_back_at__isnull", False),
                                ("put_back_by__isnull", False),
                                models.Q(("put_back_reason", ""), _negated=True),
                            ),
                            _connector="OR",
                        ),
                        name="rule_put_back_by_a_person",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="ShadowRun",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("digest", models.CharField(max_length=64, verbose_name="版本内容摘要")),
                ("job_no", models.CharField(max_length=20, unique=True, verbose_name="后台任务")),
                ("from_on", models.DateField(verbose_name="期间起")),
                ("to_on", models.DateField(verbose_name="期间止（不含）")),
                ("known_at", models.DateTimeField(verbose_name="数据截至")),
                ("against", models.JSONField(default=dict, verbose_name="对照的规则版本")),
                ("claims", models.PositiveIntegerField(verbose_name="兑付申请数")),
                ("changed", models.PositiveIntegerField(verbose_name="结果有变的件数")),
                ("result", models.JSONField(default=dict, verbose_name="结果")),
                (
                    "recorded_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), editable=False
                    ),
                ),
                (
                    "asked_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="提请人",
                    ),
                ),
                (
                    "version",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="shadow_runs",
                        to="audit.ruleversion",
                        verbose_name="规则版本",
                    ),
                ),
            ],
            options={
                "verbose_name": "影子运行",
                "verbose_name_plural": "影子运行",
                "ordering": ("-pk",),
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("to_on__gt", models.F("from_on"))), name="shadow_run_has_a_period"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Snooze",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("snooze_no", models.CharField(max_length=20, unique=True, verbose_name="编号")),
                ("rule", models.CharField(max_length=8, verbose_name="规则")),
                ("party_uscc", models.CharField(max_length=18, verbose_name="统一社会信用代码")),
                ("party_name", models.CharField(max_length=200, verbose_name="单位")),
                ("region_code", models.CharField(max_length=6, verbose_name="地区")),
                ("reason", models.TextField(verbose_name="理由")),
                ("from_on", models.DateField(verbose_name="起")),
                ("to_on", models.DateField(verbose_name="止（不含）")),
                ("ended_on", models.DateField(blank=True, null=True, verbose_name="提前终止")),
                (
                    "recorded_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), editable=False
                    ),
                ),
                (
                    "ended_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="终止人",
                    ),
                ),
                (
                    "placed_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="办理人",
                    ),
                ),
            ],
            options={
                "verbose_name": "暂不计分",
                "verbose_name_plural": "暂不计分",
                "ordering": ("-pk",),
                "indexes": [models.Index(fields=["to_on"], name="snooze_end")],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("to_on__gt", models.F("from_on")),
                            (
                                "to_on__lte",
                                django.db.models.expressions.CombinedExpression(
                                    models.F("from_on"), "+", models.Value(dt.timedelta(days=180))
                                ),
                            ),
                        ),
                        name="snooze_has_an_end",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("reason", ""), _negated=True), name="snooze_has_a_reason"
                    ),
                ],
            },
        ),
        migrations.RunSQL(load("rules.sql"), migrations.RunSQL.noop),
    ]
