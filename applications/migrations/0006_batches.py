"""Batches in which applications are granted together, the lists that the office makes, and the counter of the new noun."""

from __future__ import annotations

import django.db.models.deletion
import django.db.models.functions.datetime
import uuid
from django.conf import settings
from django.db import migrations, models

from vouchers.sql import load


class Migration(migrations.Migration):
    dependencies = [
        ("applications", "0005_evidence"),
        ("vouchers", "0007_editors_and_codes"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RunSQL(load("numbers.sql"), migrations.RunSQL.noop),
        migrations.CreateModel(
            name="BatchMember",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("place", models.PositiveIntegerField(blank=True, null=True, verbose_name="次序")),
                (
                    "score",
                    models.DecimalField(
                        blank=True, decimal_places=4, max_digits=9, null=True, verbose_name="得分"
                    ),
                ),
                (
                    "asked_amount",
                    models.DecimalField(
                        blank=True, decimal_places=2, max_digits=18, null=True, verbose_name="参与分配的金额"
                    ),
                ),
                (
                    "allotted_amount",
                    models.DecimalField(
                        blank=True, decimal_places=2, max_digits=18, null=True, verbose_name="分配金额"
                    ),
                ),
                (
                    "set_aside_reason",
                    models.CharField(blank=True, max_length=300, verbose_name="暂不列入本批的理由"),
                ),
                ("working", models.JSONField(default=list, verbose_name="分配过程")),
                ("listed_row", models.PositiveIntegerField(blank=True, null=True, verbose_name="名单行号")),
            ],
            options={
                "verbose_name": "批内申领",
                "verbose_name_plural": "批内申领",
                "ordering": ("place", "pk"),
            },
        ),
        migrations.CreateModel(
            name="IssueBatch",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("batch_no", models.CharField(max_length=24, unique=True, verbose_name="批次号")),
                ("title", models.CharField(max_length=120, verbose_name="名称")),
                ("is_listed", models.BooleanField(default=False, verbose_name="免申即享名单")),
                ("window_code", models.CharField(blank=True, max_length=40, verbose_name="申报期")),
                ("filed_before", models.DateTimeField(verbose_name="归集截止")),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("open", "归集中"),
                            ("shared_out", "已分配待批"),
                            ("approved", "已批准待公示"),
                            ("noticed", "公示中"),
                            ("issued", "已发放"),
                            ("cancelled", "已撤销"),
                        ],
                        default="open",
                        max_length=12,
                        verbose_name="状态",
                    ),
                ),
                (
                    "rule",
                    models.CharField(
                        choices=[
                            ("not_stated", "文件未规定"),
                            ("first_come", "先到先得，额满即止"),
                            ("pro_rata", "同批按比例"),
                            ("by_score", "按评分排序"),
                            ("stop", "停止受理"),
                        ],
                        max_length=12,
                        verbose_name="资金不足时",
                    ),
                ),
                ("rooms", models.JSONField(default=list, verbose_name="可分配资金")),
                (
                    "asked_amount",
                    models.DecimalField(
                        blank=True, decimal_places=2, max_digits=18, null=True, verbose_name="核准合计"
                    ),
                ),
                (
                    "allotted_amount",
                    models.DecimalField(
                        blank=True, decimal_places=2, max_digits=18, null=True, verbose_name="分配合计"
                    ),
                ),
                ("control_hash", models.CharField(blank=True, max_length=64, verbose_name="校验值")),
                (
                    "waived_reason",
                    models.CharField(blank=True, max_length=300, verbose_name="未办结件转下批的理由"),
                ),
                ("state_since", models.DateTimeField(verbose_name="进入本状态时间")),
                ("due_on", models.DateField(blank=True, null=True, verbose_name="办理期限")),
                ("opened_on", models.DateField(verbose_name="建立日")),
                ("shared_at", models.DateTimeField(blank=True, null=True, verbose_name="分配时间")),
                ("approved_at", models.DateTimeField(blank=True, null=True)),
                ("notice_closes_on", models.DateField(blank=True, null=True, verbose_name="公示期满")),
                ("issued_at", models.DateTimeField(blank=True, null=True, verbose_name="发放时间")),
                ("issue_id", models.UUIDField(default=uuid.uuid4, editable=False)),
                (
                    "recorded_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), editable=False
                    ),
                ),
            ],
            options={
                "verbose_name": "审定批次",
                "verbose_name_plural": "审定批次",
            },
        ),
        migrations.RemoveConstraint(
            model_name="application",
            name="application_submitted_whole",
        ),
        migrations.AddField(
            model_name="application",
            name="awaits_batch",
            field=models.BooleanField(
                db_default=False, default=False, editable=False, verbose_name="由整批核定"
            ),
        ),
        migrations.AddField(
            model_name="application",
            name="consented_at",
            field=models.DateTimeField(blank=True, null=True, verbose_name="意愿确认时间"),
        ),
        migrations.AddField(
            model_name="application",
            name="consented_by",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="意愿确认人",
            ),
        ),
        migrations.AddField(
            model_name="application",
            name="is_listed",
            field=models.BooleanField(
                db_default=False, default=False, editable=False, verbose_name="免申即享"
            ),
        ),
        migrations.AddField(
            model_name="publicnotice",
            name="recalled_on",
            field=models.DateField(blank=True, null=True, verbose_name="撤回日"),
        ),
        migrations.AddField(
            model_name="batchmember",
            name="application",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="memberships",
                to="applications.application",
                verbose_name="申领",
            ),
        ),
        migrations.AddField(
            model_name="issuebatch",
            name="approved_by",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="issuebatch",
            name="issued_by",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="发放人",
            ),
        ),
        migrations.AddField(
            model_name="issuebatch",
            name="opened_by",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="建立人",
            ),
        ),
        migrations.AddField(
            model_name="issuebatch",
            name="program",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, to="vouchers.program", verbose_name="专项"
            ),
        ),
        migrations.AddField(
            model_name="issuebatch",
            name="publication",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                to="vouchers.publication",
                verbose_name="政策发布件",
            ),
        ),
        migrations.AddField(
            model_name="issuebatch",
            name="shared_by",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="分配人",
            ),
        ),
        migrations.AddField(
            model_name="batchmember",
            name="batch",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="members",
                to="applications.issuebatch",
                verbose_name="审定批次",
            ),
        ),
        migrations.AddField(
            model_name="application",
            name="batch",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="applications",
                to="applications.issuebatch",
                verbose_name="审定批次",
            ),
        ),
        migrations.AddField(
            model_name="publicnotice",
            name="batch",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="notices",
                to="applications.issuebatch",
                verbose_name="审定批次",
            ),
        ),
        migrations.AddConstraint(
            model_name="application",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("origin", "imported"),
                    ("state__in", ("draft", "withdrawn")),
                    models.Q(
                        ("publication__isnull", False),
                        ("statement_accepted", True),
                        ("submitted_at__isnull", False),
                    ),
                    models.Q(
                        ("is_listed", True), ("publication__isnull", False), ("submitted_at__isnull", False)
                    ),
                    _connector="OR",
                ),
                name="application_submitted_whole",
            ),
        ),
        migrations.AddIndex(
            model_name="issuebatch",
            index=models.Index(fields=["program", "state"], name="issue_batch_queue"),
        ),
        migrations.AddConstraint(
            model_name="issuebatch",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("approved_by", None),
                    models.Q(("approved_by", models.F("shared_by")), _negated=True),
                    _connector="OR",
                ),
                name="issue_batch_two_persons",
            ),
        ),
        migrations.AddConstraint(
            model_name="issuebatch",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("state__in", ("open", "cancelled")),
                    models.Q(
                        ("allotted_amount__isnull", False),
                        ("asked_amount__isnull", False),
                        ("shared_by__isnull", False),
                    ),
                    _connector="OR",
                ),
                name="issue_batch_shared_whole",
            ),
        ),
        migrations.AddConstraint(
            model_name="issuebatch",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state__in", ("open", "shared_out", "approved", "noticed"))),
                fields=("program",),
                name="issue_batch_one_at_a_time",
            ),
        ),
        migrations.AddConstraint(
            model_name="batchmember",
            constraint=models.UniqueConstraint(fields=("batch", "application"), name="batch_member_once"),
        ),
        migrations.AddConstraint(
            model_name="batchmember",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("allotted_amount", None),
                    models.Q(("allotted_amount__gte", 0), ("allotted_amount__lte", models.F("asked_amount"))),
                    _connector="OR",
                ),
                name="batch_member_within_asked",
            ),
        ),
    ]
