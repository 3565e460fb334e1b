"""Budgets are taken back by two persons."""

import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models

from vouchers.sql import load


class Migration(migrations.Migration):
    dependencies = [
        ("vouchers", "0015_days_that_are_over"),
    ]

    operations = [
        migrations.CreateModel(
            name="BudgetWithdrawal",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "budget_withdrawal_no",
                    models.CharField(max_length=24, unique=True, verbose_name="收回编号"),
                ),
                (
                    "treasury_code",
                    models.CharField(blank=True, default="", max_length=40, verbose_name="分担财政代码"),
                ),
                ("treasury", models.CharField(blank=True, default="", max_length=100, verbose_name="财政")),
                ("amount", models.DecimalField(decimal_places=2, max_digits=18, verbose_name="金额（元）")),
                ("document_no", models.CharField(max_length=100, verbose_name="收回文号")),
                ("reason", models.CharField(max_length=500, verbose_name="事由")),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("proposed", "待审批"),
                            ("approved", "已收回"),
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
                (
                    "budget",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="withdrawals",
                        to="vouchers.programbudget",
                        verbose_name="年度",
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
                        verbose_name="审批人",
                    ),
                ),
                (
                    "proposed_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="提请人",
                    ),
                ),
            ],
            options={
                "verbose_name": "预算收回",
                "verbose_name_plural": "预算收回",
                "ordering": ["pk"],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("state__in", ("proposed", "approved"))),
                        fields=("budget", "treasury_code", "document_no"),
                        name="budget_withdrawal_document_once",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("amount__gt", 0)), name="budget_withdrawal_positive"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("state__in", ("proposed", "withdrawn")),
                            models.Q(
                                ("decided_by__isnull", False),
                                models.Q(("decided_by", models.F("proposed_by")), _negated=True),
                            ),
                            _connector="OR",
                        ),
                        name="budget_withdrawal_two_persons",
                    ),
                ],
            },
        ),
        migrations.RunSQL(load("budget_withdrawals.sql"), migrations.RunSQL.noop),
    ]
