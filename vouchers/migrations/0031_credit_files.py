"""Files of parties, debarments by two persons, repairs, leniency, tables of supervision; the entries on the list obey their decisions."""

from __future__ import annotations

import django.contrib.postgres.constraints
import django.contrib.postgres.fields.ranges
import django.core.validators
import django.db.models.deletion
import django.db.models.functions.datetime
import vouchers.models.recorded
from django.conf import settings
from django.db import migrations, models

from vouchers.sql import load


class Migration(migrations.Migration):
    dependencies = [
        ("vouchers", "0030_freed_by_ledger"),
    ]

    operations = [
        migrations.CreateModel(
            name="DebarmentList",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "list_no",
                    models.CharField(
                        db_default=vouchers.models.recorded.NextEntryNo("DL"),
                        editable=False,
                        max_length=20,
                        unique=True,
                        verbose_name="登记号",
                    ),
                ),
                ("number", models.PositiveIntegerField(verbose_name="期次")),
                ("issued_on", models.DateField(verbose_name="公布日")),
                ("entries", models.JSONField(default=list, verbose_name="名单")),
                ("leaves", models.JSONField(default=list, verbose_name="各条摘要")),
                ("sha256", models.CharField(max_length=64, verbose_name="本期摘要")),
                (
                    "recorded_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(),
                        editable=False,
                        verbose_name="入库时间",
                    ),
                ),
            ],
            options={
                "verbose_name": "失信名单公布",
                "verbose_name_plural": "失信名单公布",
                "ordering": ("-pk",),
            },
        ),
        migrations.CreateModel(
            name="Leniency",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "leniency_no",
                    models.CharField(
                        db_default=vouchers.models.recorded.NextEntryNo("LN"),
                        editable=False,
                        max_length=20,
                        unique=True,
                        verbose_name="登记号",
                    ),
                ),
                (
                    "case_no",
                    models.CharField(blank=True, default="", max_length=40, verbose_name="核查案件编号"),
                ),
                (
                    "breach",
                    models.CharField(
                        choices=[
                            ("paper_defect", "材料形式不规范"),
                            ("late_filing", "逾期申报或报送"),
                            ("metering_gap", "计量数据短时中断"),
                            ("change_unreported", "登记事项变更未及时报告"),
                            ("invoice_defect", "票据开具不规范"),
                        ],
                        max_length=20,
                        verbose_name="违法行为种类",
                    ),
                ),
                ("breached_on", models.DateField(verbose_name="行为发生日")),
                ("facts", models.CharField(max_length=500, verbose_name="事实")),
                ("slightness", models.CharField(max_length=500, verbose_name="危害后果轻微的认定")),
                ("corrected_on", models.DateField(verbose_name="改正日")),
                ("correction", models.CharField(max_length=500, verbose_name="改正情况")),
                ("basis", models.CharField(max_length=200, verbose_name="依据文件")),
                ("article", models.CharField(max_length=60, verbose_name="条款")),
                ("document_no", models.CharField(max_length=60, verbose_name="文号")),
                (
                    "state",
                    models.CharField(
                        choices=[("proposed", "待复核"), ("granted", "不予处罚"), ("refused", "不适用")],
                        default="proposed",
                        max_length=10,
                        verbose_name="状态",
                    ),
                ),
                ("proposed_on", models.DateField(verbose_name="提出日")),
                ("decided_on", models.DateField(blank=True, null=True, verbose_name="复核日")),
                (
                    "decision_reason",
                    models.CharField(blank=True, default="", max_length=500, verbose_name="复核意见"),
                ),
                (
                    "recorded_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(),
                        editable=False,
                        verbose_name="入库时间",
                    ),
                ),
            ],
            options={
                "verbose_name": "首违轻微不罚",
                "verbose_name_plural": "首违轻微不罚",
                "ordering": ("-pk",),
            },
        ),
        migrations.CreateModel(
            name="SupervisionTable",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "table_no",
                    models.CharField(
                        db_default=vouchers.models.recorded.NextEntryNo("ST"),
                        editable=False,
                        max_length=20,
                        unique=True,
                        verbose_name="登记号",
                    ),
                ),
                ("document_no", models.CharField(max_length=200, verbose_name="依据文件")),
                ("article", models.CharField(max_length=60, verbose_name="条款")),
                ("effective_from", models.DateField(verbose_name="施行日")),
                ("effective_to", models.DateField(blank=True, null=True, verbose_name="停止施行日")),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("draft", "草拟"),
                            ("proposed", "待公布"),
                            ("published", "已公布"),
                            ("discarded", "已作废"),
                        ],
                        default="draft",
                        max_length=10,
                        verbose_name="状态",
                    ),
                ),
                ("published_on", models.DateField(blank=True, null=True, verbose_name="公布日")),
                (
                    "recorded_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(),
                        editable=False,
                        verbose_name="入库时间",
                    ),
                ),
            ],
            options={
                "verbose_name": "分级监管标准",
                "verbose_name_plural": "分级监管标准",
                "ordering": ("-pk",),
            },
        ),
        migrations.CreateModel(
            name="SupervisionTier",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("position", models.PositiveSmallIntegerField(verbose_name="次序")),
                ("name", models.CharField(max_length=30, verbose_name="等级")),
                (
                    "months",
                    models.PositiveSmallIntegerField(
                        blank=True,
                        help_text="只计这段时间内的；留空即不限。",
                        null=True,
                        verbose_name="追溯月数",
                    ),
                ),
                (
                    "adverse_count",
                    models.PositiveSmallIntegerField(
                        blank=True,
                        help_text="未更正、未修复的不良记载。",
                        null=True,
                        verbose_name="不良记载达到（条）",
                    ),
                ),
                (
                    "aspect",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("performance", "履约"),
                            ("compliance", "合规"),
                            ("service_quality", "服务质量"),
                            ("infrastructure", "基础设施"),
                            ("security", "安全"),
                        ],
                        default="",
                        max_length=20,
                        verbose_name="只计何类记载",
                    ),
                ),
                (
                    "overdue_count",
                    models.PositiveSmallIntegerField(
                        blank=True,
                        help_text="追回、价格报送的逾期，尚未修复的。",
                        null=True,
                        verbose_name="逾期未了结达到（项）",
                    ),
                ),
                (
                    "debarred",
                    models.BooleanField(
                        default=False,
                        help_text="追溯期内曾列入（撤销的不计）。",
                        verbose_name="列入过失信限制",
                    ),
                ),
                (
                    "review_per_mille",
                    models.PositiveSmallIntegerField(
                        blank=True,
                        help_text="筛查通过的兑付申请中随机抽查的比例；留空即按全局比例。",
                        null=True,
                        validators=[django.core.validators.MaxValueValidator(1000)],
                        verbose_name="随机抽查比例（‰）",
                    ),
                ),
                (
                    "measures",
                    models.CharField(blank=True, default="", max_length=300, verbose_name="监管措施"),
                ),
            ],
            options={
                "verbose_name": "监管等级",
                "verbose_name_plural": "监管等级",
                "ordering": ("table", "position"),
            },
        ),
        migrations.AddField(
            model_name="listing",
            name="region_code",
            field=models.CharField(
                blank=True, db_default="", default="", max_length=6, verbose_name="决定地区"
            ),
        ),
        migrations.CreateModel(
            name="CreditEntry",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "entry_no",
                    models.CharField(
                        db_default=vouchers.models.recorded.NextEntryNo("CE"),
                        editable=False,
                        max_length=20,
                        unique=True,
                        verbose_name="登记号",
                    ),
                ),
                (
                    "aspect",
                    models.CharField(
                        choices=[
                            ("performance", "履约"),
                            ("compliance", "合规"),
                            ("service_quality", "服务质量"),
                            ("infrastructure", "基础设施"),
                            ("security", "安全"),
                        ],
                        max_length=20,
                        verbose_name="类别",
                    ),
                ),
                (
                    "bearing",
                    models.CharField(
                        choices=[("adverse", "不良"), ("neutral", "一般"), ("favourable", "良好")],
                        max_length=12,
                        verbose_name="性质",
                    ),
                ),
                ("found_on", models.DateField(verbose_name="认定日")),
                ("document_no", models.CharField(max_length=100, verbose_name="文号")),
                ("basis", models.CharField(max_length=200, verbose_name="依据文件")),
                ("article", models.CharField(max_length=60, verbose_name="条款")),
                ("sentence", models.CharField(max_length=500, verbose_name="事实")),
                (
                    "source_no",
                    models.CharField(blank=True, default="", max_length=40, verbose_name="来源编号"),
                ),
                ("taken_back", models.BooleanField(default=False, verbose_name="仅撤回原记载")),
                ("recorded_on", models.DateField(verbose_name="记载日")),
                (
                    "recorded_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(),
                        editable=False,
                        verbose_name="入库时间",
                    ),
                ),
                (
                    "corrects",
                    models.OneToOneField(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="corrected_by",
                        to="vouchers.creditentry",
                        verbose_name="更正的记载",
                    ),
                ),
                (
                    "party",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="credit_entries",
                        to="vouchers.party",
                        verbose_name="单位",
                    ),
                ),
                (
                    "program",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="vouchers.program",
                        verbose_name="专项",
                    ),
                ),
                (
                    "recorded_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="记载人",
                    ),
                ),
                (
                    "region",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="vouchers.region",
                        verbose_name="记载地区",
                    ),
                ),
            ],
            options={
                "verbose_name": "信用记载",
                "verbose_name_plural": "信用记载",
            },
        ),
        migrations.CreateModel(
            name="Debarment",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "debarment_no",
                    models.CharField(
                        db_default=vouchers.models.recorded.NextEntryNo("DB"),
                        editable=False,
                        max_length=20,
                        unique=True,
                        verbose_name="登记号",
                    ),
                ),
                (
                    "case_no",
                    models.CharField(blank=True, default="", max_length=40, verbose_name="核查案件编号"),
                ),
                (
                    "ground",
                    models.CharField(
                        choices=[
                            ("fabricated", "虚构合同或交易"),
                            ("false_papers", "提供虚假材料"),
                            ("repeated_funding", "重复申领财政资金"),
                            ("unrepaid", "拒不退回应追回的资金"),
                            ("obstruction", "拒绝、阻碍核查"),
                            ("data_forged", "伪造、篡改计量数据"),
                            ("other", "其他严重情形"),
                        ],
                        max_length=20,
                        verbose_name="事由类别",
                    ),
                ),
                ("facts", models.CharField(max_length=1000, verbose_name="事实")),
                ("basis", models.CharField(max_length=200, verbose_name="依据文件")),
                ("article", models.CharField(max_length=60, verbose_name="条款")),
                ("proposed_from", models.DateField(verbose_name="拟列入日")),
                ("proposed_to", models.DateField(verbose_name="拟移出日")),
                ("repair_terms", models.CharField(max_length=500, verbose_name="修复条件")),
                ("repair_from", models.DateField(verbose_name="可申请修复之日")),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("proposed", "拟列入"),
                            ("noticed", "已告知"),
                            ("listed", "已列入"),
                            ("dropped", "不予列入"),
                            ("repaired", "已修复移出"),
                            ("revoked", "已撤销"),
                        ],
                        default="proposed",
                        max_length=10,
                        verbose_name="状态",
                    ),
                ),
                ("proposed_on", models.DateField(verbose_name="提出日")),
                (
                    "notice_document_no",
                    models.CharField(blank=True, default="", max_length=60, verbose_name="告知书文号"),
                ),
                ("notice_on", models.DateField(blank=True, null=True, verbose_name="告知日")),
                (
                    "respond_until",
                    models.DateField(blank=True, null=True, verbose_name="陈述申辩和要求听证的最后一日"),
                ),
                ("statement", models.TextField(blank=True, default="", verbose_name="陈述申辩")),
                ("hearing_asked", models.BooleanField(default=False, verbose_name="要求听证")),
                ("stated_at", models.DateTimeField(blank=True, null=True, verbose_name="陈述时间")),
                ("heard_on", models.DateField(blank=True, null=True, verbose_name="听证日")),
                ("hearing_record", models.TextField(blank=True, default="", verbose_name="听证笔录")),
                (
                    "document_no",
                    models.CharField(blank=True, default="", max_length=60, verbose_name="决定书文号"),
                ),
                ("effective_from", models.DateField(blank=True, null=True, verbose_name="列入日")),
                ("effective_to", models.DateField(blank=True, null=True, verbose_name="移出日")),
                ("decided_on", models.DateField(blank=True, null=True, verbose_name="决定日")),
                (
                    "decision_reason",
                    models.CharField(blank=True, default="", max_length=1000, verbose_name="决定理由"),
                ),
                (
                    "recorded_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(),
                        editable=False,
                        verbose_name="入库时间",
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
                        verbose_name="决定人",
                    ),
                ),
                (
                    "heard_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="听证主持人",
                    ),
                ),
                (
                    "noticed_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="告知人",
                    ),
                ),
                (
                    "party",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="debarments",
                        to="vouchers.party",
                        verbose_name="单位",
                    ),
                ),
                (
                    "program",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="vouchers.program",
                        verbose_name="专项",
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
                    "region",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="vouchers.region",
                        verbose_name="决定地区",
                    ),
                ),
                (
                    "stated_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="陈述人",
                    ),
                ),
            ],
            options={
                "verbose_name": "失信限制",
                "verbose_name_plural": "失信限制",
                "ordering": ("-pk",),
            },
        ),
        migrations.CreateModel(
            name="CreditRepair",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "repair_no",
                    models.CharField(
                        db_default=vouchers.models.recorded.NextEntryNo("CR"),
                        editable=False,
                        max_length=20,
                        unique=True,
                        verbose_name="登记号",
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[("repair", "信用修复"), ("revocation", "撤销决定")],
                        max_length=10,
                        verbose_name="种类",
                    ),
                ),
                ("statement", models.TextField(verbose_name="整改情况和理由")),
                ("filed_at", models.DateTimeField(verbose_name="申请时间")),
                ("due_on", models.DateField(verbose_name="办结期限")),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("filed", "待审查"),
                            ("examined", "待决定"),
                            ("granted", "准予"),
                            ("refused", "不予"),
                            ("withdrawn", "已撤回"),
                        ],
                        default="filed",
                        max_length=10,
                        verbose_name="状态",
                    ),
                ),
                ("examination", models.TextField(blank=True, default="", verbose_name="审查意见")),
                ("examined_at", models.DateTimeField(blank=True, null=True, verbose_name="审查时间")),
                (
                    "document_no",
                    models.CharField(blank=True, default="", max_length=60, verbose_name="决定文号"),
                ),
                (
                    "decision_reason",
                    models.CharField(blank=True, default="", max_length=1000, verbose_name="决定理由"),
                ),
                ("decided_at", models.DateTimeField(blank=True, null=True, verbose_name="决定时间")),
                ("ends_on", models.DateField(blank=True, null=True, verbose_name="自何日起不再限制")),
                (
                    "recorded_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(),
                        editable=False,
                        verbose_name="入库时间",
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
                        verbose_name="决定人",
                    ),
                ),
                (
                    "entry",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="repairs",
                        to="vouchers.creditentry",
                        verbose_name="信用记载",
                    ),
                ),
                (
                    "examined_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="审查人",
                    ),
                ),
                (
                    "filed_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="申请人",
                    ),
                ),
                (
                    "party",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="credit_repairs",
                        to="vouchers.party",
                        verbose_name="单位",
                    ),
                ),
                (
                    "region",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="vouchers.region",
                        verbose_name="办理地区",
                    ),
                ),
                (
                    "debarment",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="repairs",
                        to="vouchers.debarment",
                        verbose_name="失信限制",
                    ),
                ),
            ],
            options={
                "verbose_name": "信用修复",
                "verbose_name_plural": "信用修复",
                "ordering": ("-pk",),
            },
        ),
        migrations.AddField(
            model_name="listing",
            name="debarment",
            field=models.OneToOneField(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="listing",
                to="vouchers.debarment",
                verbose_name="失信限制决定",
            ),
        ),
        migrations.AddConstraint(
            model_name="listing",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("debarment", None), ("region_code", "")),
                    models.Q(
                        ("debarment__isnull", False),
                        models.Q(("region_code", ""), _negated=True),
                        ("kind", "scheme_debarred"),
                    ),
                    _connector="OR",
                ),
                name="listing_of_debarment",
            ),
        ),
        migrations.AddConstraint(
            model_name="listing",
            constraint=django.contrib.postgres.constraints.ExclusionConstraint(
                condition=models.Q(("debarment__isnull", False)),
                expressions=[
                    ("party", "="),
                    ("kind", "="),
                    ("region_code", "="),
                    (
                        models.Func(
                            models.F("effective_from"),
                            models.F("effective_to"),
                            models.Value("[)"),
                            function="daterange",
                            output_field=django.contrib.postgres.fields.ranges.DateRangeField(),
                        ),
                        "&&",
                    ),
                ],
                name="listing_no_overlap",
            ),
        ),
        migrations.AddField(
            model_name="debarmentlist",
            name="issued_by",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="公布人",
            ),
        ),
        migrations.AddField(
            model_name="debarmentlist",
            name="region",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="debarment_lists",
                to="vouchers.region",
                verbose_name="地区",
            ),
        ),
        migrations.AddField(
            model_name="leniency",
            name="decided_by",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="复核人",
            ),
        ),
        migrations.AddField(
            model_name="leniency",
            name="party",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="leniencies",
                to="vouchers.party",
                verbose_name="单位",
            ),
        ),
        migrations.AddField(
            model_name="leniency",
            name="program",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="vouchers.program",
                verbose_name="专项",
            ),
        ),
        migrations.AddField(
            model_name="leniency",
            name="proposed_by",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="提出人",
            ),
        ),
        migrations.AddField(
            model_name="leniency",
            name="region",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="vouchers.region",
                verbose_name="办理地区",
            ),
        ),
        migrations.AddField(
            model_name="supervisiontable",
            name="drafted_by",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="草拟人",
            ),
        ),
        migrations.AddField(
            model_name="supervisiontable",
            name="proposed_by",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="提请人",
            ),
        ),
        migrations.AddField(
            model_name="supervisiontable",
            name="published_by",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="公布人",
            ),
        ),
        migrations.AddField(
            model_name="supervisiontable",
            name="region",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="supervision_tables",
                to="vouchers.region",
                verbose_name="地区",
            ),
        ),
        migrations.AddField(
            model_name="supervisiontier",
            name="table",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="tiers",
                to="vouchers.supervisiontable",
                verbose_name="分级监管标准",
            ),
        ),
        migrations.AddIndex(
            model_name="creditentry",
            index=models.Index(fields=["party", "-found_on"], name="credit_entry_of_party"),
        ),
        migrations.AddConstraint(
            model_name="creditentry",
            constraint=models.CheckConstraint(
                condition=models.Q(("taken_back", False), ("corrects__isnull", False), _connector="OR"),
                name="credit_entry_taken_back",
            ),
        ),
        migrations.AddConstraint(
            model_name="creditentry",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("document_no", ""), _negated=True),
                    models.Q(("basis", ""), _negated=True),
                    models.Q(("article", ""), _negated=True),
                    models.Q(("sentence", ""), _negated=True),
                ),
                name="credit_entry_grounded",
            ),
        ),
        migrations.AddConstraint(
            model_name="debarment",
            constraint=models.CheckConstraint(
                condition=models.Q(("proposed_to__gt", models.F("proposed_from"))),
                name="debarment_proposed_dates",
            ),
        ),
        migrations.AddConstraint(
            model_name="debarment",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("effective_from", None), ("effective_to", None)),
                    ("effective_to__gt", models.F("effective_from")),
                    _connector="OR",
                ),
                name="debarment_dates",
            ),
        ),
        migrations.AddConstraint(
            model_name="debarment",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("decided_by", None),
                    models.Q(
                        models.Q(("decided_by", models.F("proposed_by")), _negated=True),
                        models.Q(("decided_by", models.F("noticed_by")), _negated=True),
                    ),
                    _connector="OR",
                ),
                name="debarment_two_persons",
            ),
        ),
        migrations.AddConstraint(
            model_name="debarment",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("state__in", ("listed", "repaired", "revoked")), _negated=True),
                    models.Q(
                        ("decided_by__isnull", False),
                        ("decided_on__gt", models.F("respond_until")),
                        ("effective_from__gte", models.F("decided_on")),
                        ("effective_from__isnull", False),
                        ("notice_on__isnull", False),
                        models.Q(("document_no", ""), _negated=True),
                        models.Q(("hearing_asked", False), ("heard_on__isnull", False), _connector="OR"),
                    ),
                    _connector="OR",
                ),
                name="debarment_told_before_decided",
            ),
        ),
        migrations.AddConstraint(
            model_name="debarment",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state__in", ("proposed", "noticed"))),
                fields=("party", "region", "ground", "case_no"),
                name="debarment_open_once",
            ),
        ),
        migrations.AddConstraint(
            model_name="creditrepair",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("debarment", None), ("entry__isnull", False)),
                    models.Q(("debarment__isnull", False), ("entry", None)),
                    _connector="OR",
                ),
                name="credit_repair_one_subject",
            ),
        ),
        migrations.AddConstraint(
            model_name="creditrepair",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("decided_by", None),
                    models.Q(
                        ("examined_by__isnull", False),
                        models.Q(("decided_by", models.F("examined_by")), _negated=True),
                        models.Q(("decided_by", models.F("filed_by")), _negated=True),
                    ),
                    _connector="OR",
                ),
                name="credit_repair_two_persons",
            ),
        ),
        migrations.AddConstraint(
            model_name="creditrepair",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("state", "granted"), _negated=True),
                    models.Q(
                        ("decided_by__isnull", False),
                        ("ends_on__isnull", False),
                        models.Q(("document_no", ""), _negated=True),
                    ),
                    _connector="OR",
                ),
                name="credit_repair_decided",
            ),
        ),
        migrations.AddConstraint(
            model_name="creditrepair",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state__in", ("filed", "examined"))),
                fields=("debarment",),
                name="credit_repair_debarment_once",
            ),
        ),
        migrations.AddConstraint(
            model_name="creditrepair",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state__in", ("filed", "examined"))),
                fields=("entry",),
                name="credit_repair_entry_once",
            ),
        ),
        migrations.AddConstraint(
            model_name="debarmentlist",
            constraint=models.UniqueConstraint(
                fields=("region", "number"), name="debarment_list_number_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="leniency",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state", "refused"), _negated=True),
                fields=("party", "breach"),
                name="leniency_once",
            ),
        ),
        migrations.AddConstraint(
            model_name="leniency",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("decided_by", None),
                    models.Q(("decided_by", models.F("proposed_by")), _negated=True),
                    _connector="OR",
                ),
                name="leniency_two_persons",
            ),
        ),
        migrations.AddConstraint(
            model_name="leniency",
            constraint=models.CheckConstraint(
                condition=models.Q(("state", "proposed"), ("decided_by__isnull", False), _connector="OR"),
                name="leniency_decided",
            ),
        ),
        migrations.AddConstraint(
            model_name="leniency",
            constraint=models.CheckConstraint(
                condition=models.Q(("corrected_on__gte", models.F("breached_on"))),
                name="leniency_corrected_after",
            ),
        ),
        migrations.AddConstraint(
            model_name="supervisiontable",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("effective_to", None), ("effective_to__gte", models.F("effective_from")), _connector="OR"
                ),
                name="supervision_table_dates",
            ),
        ),
        migrations.AddConstraint(
            model_name="supervisiontable",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("state", "published"), _negated=True),
                    models.Q(
                        ("published_by__isnull", False),
                        models.Q(("published_by", models.F("drafted_by")), _negated=True),
                        models.Q(("published_by", models.F("proposed_by")), _negated=True),
                    ),
                    _connector="OR",
                ),
                name="supervision_table_two_persons",
            ),
        ),
        migrations.AddConstraint(
            model_name="supervisiontable",
            constraint=django.contrib.postgres.constraints.ExclusionConstraint(
                condition=models.Q(("state", "published")),
                expressions=[
                    ("region", "="),
                    (
                        models.Func(
                            models.F("effective_from"),
                            models.F("effective_to"),
                            models.Value("[)"),
                            function="daterange",
                            output_field=django.contrib.postgres.fields.ranges.DateRangeField(),
                        ),
                        "&&",
                    ),
                ],
                name="supervision_table_no_overlap",
            ),
        ),
        migrations.AddConstraint(
            model_name="supervisiontier",
            constraint=models.UniqueConstraint(
                fields=("table", "position"), name="supervision_tier_place_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="supervisiontier",
            constraint=models.UniqueConstraint(fields=("table", "name"), name="supervision_tier_name_once"),
        ),
        migrations.AddConstraint(
            model_name="supervisiontier",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("review_per_mille", None), ("review_per_mille__lte", 1000), _connector="OR"
                ),
                name="supervision_tier_share",
            ),
        ),
        migrations.RunSQL(load("credit.sql"), migrations.RunSQL.noop),
    ]
