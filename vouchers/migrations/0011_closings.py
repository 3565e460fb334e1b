"""Years and days close: carry-over to the next budget, a trial balance for every day, the nightly look at the ledger."""

import django.contrib.postgres.indexes
import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models

from vouchers.sql import load


class Migration(migrations.Migration):
    dependencies = [
        ("vouchers", "0010_borders_and_scopes"),
    ]

    operations = [
        migrations.CreateModel(
            name="CarryOver",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("carry_over_no", models.CharField(max_length=24, unique=True, verbose_name="结转编号")),
                ("to_year", models.PositiveSmallIntegerField(verbose_name="转入年度")),
                (
                    "treasury_code",
                    models.CharField(blank=True, default="", max_length=40, verbose_name="分担财政代码"),
                ),
                ("treasury", models.CharField(blank=True, default="", max_length=100, verbose_name="财政")),
                ("amount", models.DecimalField(decimal_places=2, max_digits=18, verbose_name="金额（元）")),
                ("document_no", models.CharField(max_length=100, verbose_name="结转文号")),
                ("reason", models.CharField(max_length=500, verbose_name="事由")),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("proposed", "待审批"),
                            ("approved", "已结转"),
                            ("refused", "未批准"),
                            ("withdrawn", "已撤回"),
                        ],
                        default="proposed",
                        max_length=12,
                        verbose_name="状态",
                    ),
                ),
                ("proposed_on", models.DateField(verbose_name="提请日期")),
                ("decided_on", models.DateField(blank=True, null=True, verbose_name="审批日期")),
                ("decision_reason", models.CharField(blank=True, max_length=500, verbose_name="审批意见")),
                (
                    "recorded_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), editable=False
                    ),
                ),
            ],
            options={
                "verbose_name": "预算结转",
                "verbose_name_plural": "预算结转",
                "ordering": ["pk"],
            },
        ),
        migrations.CreateModel(
            name="DayClose",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("day", models.DateField(unique=True, verbose_name="日结日期")),
                ("before_at", models.DateTimeField(verbose_name="截止时刻")),
                ("transfers", models.PositiveBigIntegerField(verbose_name="转账笔数")),
                ("transfers_sha256", models.CharField(max_length=64, verbose_name="转账摘要")),
                ("previous_sha256", models.CharField(blank=True, max_length=64, verbose_name="上一日结摘要")),
                ("sha256", models.CharField(blank=True, max_length=64, verbose_name="日结摘要")),
                (
                    "debits_pending",
                    models.DecimalField(decimal_places=2, max_digits=20, verbose_name="借方预占"),
                ),
                (
                    "debits_posted",
                    models.DecimalField(decimal_places=2, max_digits=20, verbose_name="借方累计"),
                ),
                (
                    "credits_pending",
                    models.DecimalField(decimal_places=2, max_digits=20, verbose_name="贷方预占"),
                ),
                (
                    "credits_posted",
                    models.DecimalField(decimal_places=2, max_digits=20, verbose_name="贷方累计"),
                ),
                ("balanced", models.BooleanField(verbose_name="试算平衡")),
                (
                    "recorded_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), verbose_name="日结时间"
                    ),
                ),
            ],
            options={
                "verbose_name": "日结",
                "verbose_name_plural": "日结",
                "ordering": ["-day"],
            },
        ),
        migrations.CreateModel(
            name="DayCloseLine",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "ledger",
                    models.CharField(
                        choices=[("money", "资金账"), ("entitlement", "额度账")],
                        max_length=12,
                        verbose_name="账别",
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("treasury", "财政拨入"),
                            ("surplus", "年终结余"),
                            ("budget", "预算指标"),
                            ("voucher", "算力券"),
                            ("payable", "应付补贴"),
                            ("instructed", "拨付在途"),
                            ("paid", "已拨付"),
                            ("levied", "追缴加收"),
                            ("receivable", "应追回款"),
                            ("recovered", "已追回"),
                            ("written_off", "已核销坏账"),
                            ("cap_source", "额度来源"),
                            ("cap", "限额"),
                            ("cap_used", "已用额度"),
                        ],
                        max_length=12,
                        verbose_name="科目类别",
                    ),
                ),
                ("program_code", models.CharField(blank=True, max_length=40, verbose_name="专项代码")),
                (
                    "moved_debits_pending",
                    models.DecimalField(decimal_places=2, max_digits=20, verbose_name="本日借方预占"),
                ),
                (
                    "moved_debits_posted",
                    models.DecimalField(decimal_places=2, max_digits=20, verbose_name="本日借方"),
                ),
                (
                    "moved_credits_pending",
                    models.DecimalField(decimal_places=2, max_digits=20, verbose_name="本日贷方预占"),
                ),
                (
                    "moved_credits_posted",
                    models.DecimalField(decimal_places=2, max_digits=20, verbose_name="本日贷方"),
                ),
                (
                    "debits_pending",
                    models.DecimalField(decimal_places=2, max_digits=20, verbose_name="借方预占"),
                ),
                (
                    "debits_posted",
                    models.DecimalField(decimal_places=2, max_digits=20, verbose_name="借方累计"),
                ),
                (
                    "credits_pending",
                    models.DecimalField(decimal_places=2, max_digits=20, verbose_name="贷方预占"),
                ),
                (
                    "credits_posted",
                    models.DecimalField(decimal_places=2, max_digits=20, verbose_name="贷方累计"),
                ),
            ],
            options={
                "verbose_name": "日结明细",
                "verbose_name_plural": "日结明细",
                "ordering": ["day_close", "ledger", "kind", "program_code"],
            },
        ),
        migrations.CreateModel(
            name="LedgerCheck",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "checked_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), verbose_name="核对时间"
                    ),
                ),
                ("invariants", models.PositiveSmallIntegerField(verbose_name="核对项数")),
                ("count", models.PositiveIntegerField(verbose_name="问题数")),
                ("findings", models.JSONField(default=list, verbose_name="问题")),
            ],
            options={
                "verbose_name": "台账核对",
                "verbose_name_plural": "台账核对",
                "ordering": ["-pk"],
            },
        ),
        migrations.AddField(
            model_name="programbudget",
            name="closed_by",
            field=models.ForeignKey(
                blank=True,
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="结账人",
            ),
        ),
        migrations.AddField(
            model_name="programbudget",
            name="closed_on",
            field=models.DateField(blank=True, editable=False, null=True, verbose_name="结账日期"),
        ),
        migrations.AddIndex(
            model_name="ledgertransfer",
            index=django.contrib.postgres.indexes.BrinIndex(
                fields=["recorded_at"], name="ledger_transfer_recorded"
            ),
        ),
        migrations.AddField(
            model_name="carryover",
            name="budget",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="carried_over",
                to="vouchers.programbudget",
                verbose_name="转出年度",
            ),
        ),
        migrations.AddField(
            model_name="carryover",
            name="decided_by",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="审批人",
            ),
        ),
        migrations.AddField(
            model_name="carryover",
            name="proposed_by",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="提请人",
            ),
        ),
        migrations.AddField(
            model_name="daycloseline",
            name="day_close",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="lines",
                to="vouchers.dayclose",
                verbose_name="日结",
            ),
        ),
        migrations.AddConstraint(
            model_name="carryover",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state__in", ("proposed", "approved"))),
                fields=("budget", "treasury_code", "document_no"),
                name="carry_over_document_once",
            ),
        ),
        migrations.AddConstraint(
            model_name="carryover",
            constraint=models.CheckConstraint(
                condition=models.Q(("amount__gt", 0)), name="carry_over_positive"
            ),
        ),
        migrations.AddConstraint(
            model_name="carryover",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("state__in", ("proposed", "withdrawn")),
                    models.Q(
                        ("decided_by__isnull", False),
                        models.Q(("decided_by", models.F("proposed_by")), _negated=True),
                    ),
                    _connector="OR",
                ),
                name="carry_over_two_persons",
            ),
        ),
        migrations.AddConstraint(
            model_name="daycloseline",
            constraint=models.UniqueConstraint(
                fields=("day_close", "ledger", "kind", "program_code"), name="day_close_line_once"
            ),
        ),
        # History comes in by plain SQL, which names the columns of its files alone.
        migrations.RunSQL(
            "ALTER TABLE vouchers_voucher ALTER COLUMN bearers SET DEFAULT '{}'", migrations.RunSQL.noop
        ),
        *(
            migrations.RunSQL(load(name), migrations.RunSQL.noop)
            for name in ("numbers.sql", "ledger_days.sql")
        ),
    ]
