"""Prices that are handed in: files, a platform's submissions, the duty to report, and what was decided about a price."""

from __future__ import annotations

import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.functions.datetime
import vouchers.models.platforms
from django.conf import settings
from django.db import migrations, models

from vouchers.sql import load


class Migration(migrations.Migration):
    dependencies = [
        ("vouchers", "0020_payment_caps"),
    ]

    operations = [
        migrations.RunSQL(load("numbers.sql"), migrations.RunSQL.noop),
        migrations.CreateModel(
            name="PriceReportLine",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("submission", models.PositiveIntegerField(verbose_name="第几次报送")),
                ("line_no", models.PositiveIntegerField(verbose_name="行号")),
                ("fields", models.JSONField(default=dict, verbose_name="所报内容")),
            ],
            options={
                "verbose_name": "报送明细",
                "verbose_name_plural": "报送明细",
                "ordering": ("report", "submission", "line_no"),
            },
        ),
        migrations.CreateModel(
            name="PriceSubmission",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("idempotency_key", models.CharField(max_length=100, verbose_name="幂等键")),
                ("request_sha256", models.CharField(max_length=64, verbose_name="请求摘要")),
                ("body", models.TextField(verbose_name="首次答复")),
                (
                    "recorded_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), editable=False
                    ),
                ),
            ],
            options={
                "verbose_name": "价格上报",
                "verbose_name_plural": "价格上报",
            },
        ),
        migrations.CreateModel(
            name="ReportingDuty",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("duty_no", models.CharField(max_length=24, unique=True, verbose_name="编号")),
                ("title", models.CharField(max_length=120, verbose_name="名称")),
                ("document_no", models.CharField(max_length=60, verbose_name="依据文号")),
                ("period_from", models.DateField(verbose_name="所属期自")),
                ("period_to", models.DateField(verbose_name="所属期至（不含）")),
                ("due_on", models.DateField(verbose_name="报送期限")),
                (
                    "remind_days",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.PositiveSmallIntegerField(),
                        size=None,
                        verbose_name="期限前几个工作日提醒",
                    ),
                ),
                ("instructions", models.TextField(blank=True, verbose_name="报送要求")),
                (
                    "state",
                    models.CharField(
                        choices=[("open", "报送中"), ("closed", "已结束")],
                        default="open",
                        max_length=8,
                        verbose_name="状态",
                    ),
                ),
                ("opened_at", models.DateTimeField(verbose_name="发起时间")),
                (
                    "recorded_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), editable=False
                    ),
                ),
            ],
            options={
                "verbose_name": "报送任务",
                "verbose_name_plural": "报送任务",
                "ordering": ("-pk",),
            },
        ),
        migrations.AddField(
            model_name="creditrecord",
            name="ground",
            field=models.CharField(
                choices=[
                    ("clawback_overdue", "追回逾期"),
                    ("report_overdue", "价格报送逾期"),
                    ("report_refused", "拒不报送价格"),
                    ("report_false", "虚假报送价格"),
                ],
                db_default="clawback_overdue",
                default="clawback_overdue",
                max_length=20,
                verbose_name="事由类别",
            ),
        ),
        migrations.AddField(
            model_name="creditrecord",
            name="region_code",
            field=models.CharField(
                blank=True, db_default="", default="", max_length=6, verbose_name="地区代码"
            ),
        ),
        migrations.AddField(
            model_name="priceobservation",
            name="proposal",
            field=models.JSONField(blank=True, null=True, verbose_name="待复核的更正"),
        ),
        migrations.AddField(
            model_name="priceobservation",
            name="proposed_by",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="更正提出人",
            ),
        ),
        migrations.AddField(
            model_name="priceobservation",
            name="replaces",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="vouchers.priceobservation",
                verbose_name="取代的采集",
            ),
        ),
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
                    ],
                    max_length=20,
                ),
                default=vouchers.models.platforms.every_scope,
                size=None,
                verbose_name="权限",
            ),
        ),
        migrations.AlterField(
            model_name="creditrecord",
            name="clawback",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="credit_records",
                to="vouchers.clawback",
                verbose_name="追回",
            ),
        ),
        migrations.AlterField(
            model_name="priceobservation",
            name="kind",
            field=models.CharField(
                blank=True,
                choices=[
                    ("transaction", "成交"),
                    ("quote", "报价"),
                    ("expert", "专家意见"),
                    ("cost", "成本（仅供核对）"),
                ],
                max_length=12,
                verbose_name="种类",
            ),
        ),
        migrations.CreateModel(
            name="PriceFile",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("file_no", models.CharField(max_length=24, unique=True, verbose_name="编号")),
                ("filename", models.CharField(max_length=120, verbose_name="文件名")),
                ("sha256", models.CharField(db_index=True, max_length=64, verbose_name="文件摘要")),
                ("content", models.BinaryField(verbose_name="文件内容")),
                (
                    "backfilled",
                    models.BooleanField(default=False, verbose_name="历史数据移交（按采集日知悉）"),
                ),
                ("row_count", models.PositiveIntegerField(verbose_name="行数")),
                ("counts", models.JSONField(default=dict, verbose_name="各结果行数")),
                ("findings", models.JSONField(default=list, verbose_name="不采用的行")),
                (
                    "state",
                    models.CharField(
                        choices=[("previewed", "待确认导入"), ("loaded", "已导入"), ("discarded", "已弃用")],
                        default="previewed",
                        max_length=10,
                        verbose_name="状态",
                    ),
                ),
                ("uploaded_at", models.DateTimeField(verbose_name="上传时间")),
                ("decided_at", models.DateTimeField(blank=True, null=True, verbose_name="确认时间")),
                (
                    "recorded_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), editable=False
                    ),
                ),
                (
                    "decided_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="确认人",
                    ),
                ),
                (
                    "uploaded_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="上传人",
                    ),
                ),
            ],
            options={
                "verbose_name": "价格文件",
                "verbose_name_plural": "价格文件",
                "ordering": ("-pk",),
            },
        ),
        migrations.CreateModel(
            name="PriceJudgement",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("revision", models.PositiveIntegerField(verbose_name="修订")),
                ("verb", models.CharField(max_length=20, verbose_name="事项")),
                ("reason", models.CharField(blank=True, max_length=40, verbose_name="原因代码")),
                ("note", models.CharField(blank=True, max_length=500, verbose_name="说明")),
                ("changes", models.JSONField(default=dict, verbose_name="变更")),
                ("judged_at", models.DateTimeField(verbose_name="办理时间")),
                (
                    "recorded_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), editable=False
                    ),
                ),
                (
                    "judged_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="办理人",
                    ),
                ),
                (
                    "observation",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="judgements",
                        to="vouchers.priceobservation",
                        verbose_name="价格采集",
                    ),
                ),
                (
                    "proposed_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="提出人",
                    ),
                ),
            ],
            options={
                "verbose_name": "价格修订",
                "verbose_name_plural": "价格修订",
                "ordering": ("pk",),
            },
        ),
        migrations.CreateModel(
            name="PriceReport",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("report_no", models.CharField(max_length=24, unique=True, verbose_name="编号")),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("due", "待报送"),
                            ("submitted", "待核对"),
                            ("returned", "待补正"),
                            ("accepted", "已采纳"),
                            ("overdue", "逾期未报"),
                            ("refused", "拒不报送"),
                            ("suspected", "疑似虚假"),
                            ("false", "虚假报送"),
                            ("excused", "免报"),
                        ],
                        default="due",
                        max_length=10,
                        verbose_name="状态",
                    ),
                ),
                ("due_on", models.DateField(verbose_name="期限")),
                ("submission", models.PositiveIntegerField(default=0, verbose_name="第几次报送")),
                ("statement", models.CharField(blank=True, max_length=1000, verbose_name="报送说明")),
                ("submitted_at", models.DateTimeField(blank=True, null=True, verbose_name="报送时间")),
                ("late", models.BooleanField(default=False, verbose_name="逾期报送")),
                ("reminded_on", models.DateField(blank=True, null=True, verbose_name="最近提醒日")),
                ("checked_at", models.DateTimeField(blank=True, null=True, verbose_name="核对时间")),
                ("answer", models.CharField(blank=True, max_length=1000, verbose_name="核对意见")),
                ("suspicion", models.CharField(blank=True, max_length=1000, verbose_name="疑似虚假的事实")),
                (
                    "recorded_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), editable=False
                    ),
                ),
                (
                    "checked_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="核对人",
                    ),
                ),
                (
                    "found_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="认定人",
                    ),
                ),
                (
                    "party",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="price_reports",
                        to="vouchers.party",
                        verbose_name="报送单位",
                    ),
                ),
                (
                    "submitted_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="报送人",
                    ),
                ),
                (
                    "suspected_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="提出虚假的人",
                    ),
                ),
            ],
            options={
                "verbose_name": "价格报送表",
                "verbose_name_plural": "价格报送表",
                "ordering": ("-duty", "party"),
            },
        ),
        migrations.AddField(
            model_name="creditrecord",
            name="report",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="credit_records",
                to="vouchers.pricereport",
                verbose_name="价格报送表",
            ),
        ),
        migrations.AddConstraint(
            model_name="creditrecord",
            constraint=models.UniqueConstraint(
                condition=models.Q(("repaired_on", None)),
                fields=("report", "ground"),
                name="credit_record_report_once",
            ),
        ),
        migrations.AddConstraint(
            model_name="creditrecord",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("clawback", None), ("report__isnull", False)),
                    models.Q(("clawback__isnull", False), ("report", None)),
                    _connector="OR",
                ),
                name="credit_record_one_subject",
            ),
        ),
        migrations.AddField(
            model_name="pricereportline",
            name="observation",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="vouchers.priceobservation",
                verbose_name="价格采集",
            ),
        ),
        migrations.AddField(
            model_name="pricereportline",
            name="report",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="lines",
                to="vouchers.pricereport",
                verbose_name="报送表",
            ),
        ),
        migrations.AddField(
            model_name="pricesubmission",
            name="provider",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="vouchers.party",
                verbose_name="服务商",
            ),
        ),
        migrations.AddField(
            model_name="reportingduty",
            name="opened_by",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="发起人",
            ),
        ),
        migrations.AddField(
            model_name="reportingduty",
            name="program",
            field=models.ForeignKey(
                blank=True,
                help_text="留空即本地区各专项入库的服务商。",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="vouchers.program",
                verbose_name="专项",
            ),
        ),
        migrations.AddField(
            model_name="reportingduty",
            name="region",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="vouchers.region",
                verbose_name="地区",
            ),
        ),
        migrations.AddField(
            model_name="pricereport",
            name="duty",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="reports",
                to="vouchers.reportingduty",
                verbose_name="报送任务",
            ),
        ),
        migrations.AddConstraint(
            model_name="pricefile",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state", "discarded"), _negated=True),
                fields=("sha256",),
                name="price_file_once",
            ),
        ),
        migrations.AddConstraint(
            model_name="pricejudgement",
            constraint=models.UniqueConstraint(
                fields=("observation", "revision"), name="price_judgement_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="pricejudgement",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("proposed_by", None),
                    ("judged_by", None),
                    models.Q(("proposed_by", models.F("judged_by")), _negated=True),
                    _connector="OR",
                ),
                name="price_judgement_two_persons",
            ),
        ),
        migrations.AddConstraint(
            model_name="pricereportline",
            constraint=models.UniqueConstraint(
                fields=("report", "submission", "line_no"), name="price_report_line_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="pricesubmission",
            constraint=models.UniqueConstraint(
                fields=("provider", "idempotency_key"), name="price_submission_key"
            ),
        ),
        migrations.AddConstraint(
            model_name="reportingduty",
            constraint=models.CheckConstraint(
                condition=models.Q(("period_to__gt", models.F("period_from"))), name="reporting_duty_period"
            ),
        ),
        migrations.AddIndex(
            model_name="pricereport",
            index=models.Index(fields=["state", "due_on"], name="price_report_due"),
        ),
        migrations.AddConstraint(
            model_name="pricereport",
            constraint=models.UniqueConstraint(fields=("duty", "party"), name="price_report_once"),
        ),
        migrations.AddConstraint(
            model_name="pricereport",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("state", "false"), _negated=True),
                    models.Q(
                        ("found_by__isnull", False),
                        ("suspected_by__isnull", False),
                        models.Q(("found_by", models.F("suspected_by")), _negated=True),
                    ),
                    _connector="OR",
                ),
                name="price_report_false_by_two",
            ),
        ),
        migrations.RunSQL(
            "UPDATE vouchers_creditrecord AS c SET region_code = r.code FROM vouchers_clawback AS b "
            "JOIN vouchers_region AS r ON r.id = b.region_id WHERE b.id = c.clawback_id",
            migrations.RunSQL.noop,
        ),
    ]
