"""Lines, bands and approvals of payment batches, the bank's files, accounts entered anew; clawbacks and what belongs to them."""

from decimal import Decimal

import django.core.validators
import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models

from vouchers.sql import load

# What stood in a batch before its lines had a table of their own, and who had approved it.
LINES = """
INSERT INTO vouchers_paymentline (
    batch_id, line_no, payment_id, instruction_no, state, payee_name, payee_uscc, account_id, account_no, account_name,
    bank_name, amount, paid_on, bank_reference, returned_reason, inquiries, found_outcome, found_document, found_reference)
SELECT p.batch_id, coalesce(p.line_no, 1), p.id, p.payment_no || '-1',
       CASE p.state WHEN 'batched' THEN 'listed' WHEN 'instructed' THEN 'sent' ELSE p.state END,
       y.name, y.uscc, a.id, coalesce(a.account_no, ''), coalesce(a.account_name, ''), coalesce(a.bank_name, ''),
       p.amount, p.paid_on, p.bank_reference, p.returned_reason, 0, '', '', ''
  FROM vouchers_payment AS p
  JOIN vouchers_party AS y ON y.id = p.payee_id
  LEFT JOIN vouchers_bankaccount AS a ON a.id = p.account_id
 WHERE p.batch_id IS NOT NULL;
INSERT INTO vouchers_paymentapproval (batch_id, approved_by_id, approved_at, control_hash)
SELECT id, approved_by_id, coalesce(approved_at, recorded_at), control_hash
  FROM vouchers_paymentbatch WHERE approved_by_id IS NOT NULL;
SET CONSTRAINTS ALL IMMEDIATE;
SET CONSTRAINTS ALL DEFERRED;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("vouchers", "0009_platforms"),
    ]

    operations = [
        migrations.CreateModel(
            name="BankReturn",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("return_no", models.CharField(max_length=24, unique=True, verbose_name="回执编号")),
                ("filename", models.CharField(max_length=200, verbose_name="文件名")),
                ("content", models.BinaryField(verbose_name="文件内容")),
                ("sha256", models.CharField(max_length=64, verbose_name="摘要")),
                ("line_count", models.PositiveIntegerField(verbose_name="笔数")),
                ("line_sum", models.DecimalField(decimal_places=2, max_digits=18, verbose_name="合计")),
                ("confirmed_count", models.PositiveIntegerField(default=0, verbose_name="到账笔数")),
                ("returned_count", models.PositiveIntegerField(default=0, verbose_name="退票笔数")),
                ("unknown_count", models.PositiveIntegerField(default=0, verbose_name="待查笔数")),
                ("repeated_count", models.PositiveIntegerField(default=0, verbose_name="重复笔数")),
                ("taken_in_at", models.DateTimeField(verbose_name="导入时间")),
            ],
            options={
                "verbose_name": "银行回执",
                "verbose_name_plural": "银行回执",
                "ordering": ("pk",),
            },
        ),
        migrations.CreateModel(
            name="Clawback",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("clawback_no", models.CharField(max_length=24, unique=True, verbose_name="追回编号")),
                ("claim_no", models.CharField(max_length=24, verbose_name="兑付编号")),
                (
                    "ground",
                    models.CharField(
                        choices=[
                            ("finding", "核查结论"),
                            ("red_letter", "兑付后红冲或作废"),
                            ("objection", "异议成立"),
                            ("voluntary", "主动退回"),
                        ],
                        max_length=12,
                        verbose_name="事由",
                    ),
                ),
                (
                    "ground_no",
                    models.CharField(
                        blank=True,
                        help_text="核查案件、红字发票、异议或文书的编号。",
                        max_length=60,
                        verbose_name="事由编号",
                    ),
                ),
                ("reason", models.TextField(blank=True, verbose_name="事实和理由")),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("drafted", "草拟中"),
                            ("proposed", "待审批"),
                            ("approved", "待通知"),
                            ("noticed", "已通知待退回"),
                            ("write_off_proposed", "已提请核销"),
                            ("settled", "已收讫"),
                            ("written_off", "已核销"),
                            ("withdrawn", "已撤销"),
                        ],
                        default="drafted",
                        max_length=20,
                        verbose_name="状态",
                    ),
                ),
                (
                    "paid_amount",
                    models.DecimalField(decimal_places=2, max_digits=18, verbose_name="已拨付金额"),
                ),
                (
                    "founded_amount",
                    models.DecimalField(decimal_places=2, max_digits=18, verbose_name="重新核定金额"),
                ),
                (
                    "principal_amount",
                    models.DecimalField(decimal_places=2, max_digits=18, verbose_name="应退回补贴"),
                ),
                (
                    "interest_amount",
                    models.DecimalField(
                        decimal_places=2, default=Decimal("0"), max_digits=18, verbose_name="资金占用费"
                    ),
                ),
                (
                    "penalty_amount",
                    models.DecimalField(
                        decimal_places=2, default=Decimal("0"), max_digits=18, verbose_name="罚款"
                    ),
                ),
                ("working", models.JSONField(default=list, verbose_name="计算过程")),
                (
                    "pay_within_days",
                    models.PositiveSmallIntegerField(default=15, verbose_name="退回期限（工作日）"),
                ),
                ("due_on", models.DateField(blank=True, null=True, verbose_name="退回期限")),
                ("drafted_on", models.DateField(verbose_name="草拟日")),
                ("approved_at", models.DateTimeField(blank=True, null=True, verbose_name="批准时间")),
                ("noticed_at", models.DateTimeField(blank=True, null=True, verbose_name="通知时间")),
                ("closed_on", models.DateField(blank=True, null=True, verbose_name="办结日")),
                ("write_off_reason", models.TextField(blank=True, verbose_name="核销理由")),
                (
                    "write_off_document",
                    models.CharField(blank=True, max_length=100, verbose_name="核销依据文号"),
                ),
                ("withdrawn_reason", models.TextField(blank=True, verbose_name="撤销理由")),
                (
                    "recorded_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), editable=False
                    ),
                ),
            ],
            options={
                "verbose_name": "追回",
                "verbose_name_plural": "追回",
            },
        ),
        migrations.CreateModel(
            name="ClawbackReceipt",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[("transfer", "银行转账"), ("offset", "抵扣拨付")],
                        max_length=10,
                        verbose_name="方式",
                    ),
                ),
                ("amount", models.DecimalField(decimal_places=2, max_digits=18, verbose_name="金额")),
                ("received_on", models.DateField(verbose_name="入账日")),
                ("bank_reference", models.CharField(blank=True, max_length=60, verbose_name="银行流水号")),
                (
                    "recorded_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), editable=False
                    ),
                ),
            ],
            options={
                "verbose_name": "追回收款",
                "verbose_name_plural": "追回收款",
                "ordering": ("pk",),
            },
        ),
        migrations.CreateModel(
            name="CreditRecord",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("opened_on", models.DateField(verbose_name="记录日")),
                ("sentence", models.CharField(max_length=300, verbose_name="事由")),
                ("repaired_on", models.DateField(blank=True, null=True, verbose_name="修复日")),
                (
                    "recorded_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), editable=False
                    ),
                ),
            ],
            options={
                "verbose_name": "信用记录",
                "verbose_name_plural": "信用记录",
                "ordering": ("pk",),
            },
        ),
        migrations.CreateModel(
            name="Instalment",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("position", models.PositiveSmallIntegerField(verbose_name="期次")),
                ("due_on", models.DateField(verbose_name="应付日")),
                ("amount", models.DecimalField(decimal_places=2, max_digits=18, verbose_name="金额")),
            ],
            options={
                "verbose_name": "分期",
                "verbose_name_plural": "分期",
                "ordering": ("plan", "position"),
            },
        ),
        migrations.CreateModel(
            name="InstalmentPlan",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("asked", "待答复"),
                            ("agreed", "已同意"),
                            ("refused", "未同意"),
                            ("replaced", "已更换"),
                        ],
                        default="asked",
                        max_length=10,
                        verbose_name="状态",
                    ),
                ),
                ("reason", models.TextField(verbose_name="申请理由")),
                ("asked_at", models.DateTimeField(verbose_name="申请时间")),
                ("decided_at", models.DateTimeField(blank=True, null=True, verbose_name="答复时间")),
                ("answer", models.TextField(blank=True, verbose_name="答复")),
            ],
            options={
                "verbose_name": "分期计划",
                "verbose_name_plural": "分期计划",
                "ordering": ("pk",),
            },
        ),
        migrations.CreateModel(
            name="PaymentApproval",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("approved_at", models.DateTimeField(verbose_name="批准时间")),
                ("control_hash", models.CharField(max_length=64, verbose_name="校验值")),
                ("withdrawn_at", models.DateTimeField(blank=True, null=True, verbose_name="作废时间")),
            ],
            options={
                "verbose_name": "拨付批准",
                "verbose_name_plural": "拨付批准",
                "ordering": ("pk",),
            },
        ),
        migrations.CreateModel(
            name="PaymentBand",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "amount_from",
                    models.DecimalField(
                        decimal_places=2,
                        max_digits=18,
                        validators=[django.core.validators.MinValueValidator(0)],
                        verbose_name="批次合计自（元，含）",
                    ),
                ),
                (
                    "approvers",
                    models.PositiveSmallIntegerField(
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(5),
                        ],
                        verbose_name="批准人数",
                    ),
                ),
                ("document_no", models.CharField(max_length=100, verbose_name="依据文号")),
                ("effective_from", models.DateField(verbose_name="自")),
                ("effective_to", models.DateField(blank=True, null=True, verbose_name="至（不含）")),
                (
                    "recorded_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), editable=False
                    ),
                ),
            ],
            options={
                "verbose_name": "拨付审批权限",
                "verbose_name_plural": "拨付审批权限",
                "ordering": ("program", "amount_from", "effective_from"),
            },
        ),
        migrations.CreateModel(
            name="PaymentFile",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "form",
                    models.CharField(
                        choices=[("xlsx", "拨付清单（Excel）"), ("csv", "拨付指令（CSV）")],
                        max_length=8,
                        verbose_name="格式",
                    ),
                ),
                ("content", models.BinaryField(verbose_name="文件内容")),
                ("sha256", models.CharField(max_length=64, verbose_name="摘要")),
                (
                    "recorded_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), editable=False
                    ),
                ),
            ],
            options={
                "verbose_name": "报送文件",
                "verbose_name_plural": "报送文件",
            },
        ),
        migrations.CreateModel(
            name="PaymentLine",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("line_no", models.PositiveIntegerField(verbose_name="序号")),
                ("instruction_no", models.CharField(max_length=40, unique=True, verbose_name="指令号")),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("listed", "已列入"),
                            ("removed", "已移出"),
                            ("sent", "已报送"),
                            ("unknown", "结果待查"),
                            ("confirmed", "已到账"),
                            ("returned", "退票"),
                        ],
                        default="listed",
                        max_length=10,
                        verbose_name="状态",
                    ),
                ),
                ("payee_name", models.CharField(max_length=200, verbose_name="收款单位")),
                ("payee_uscc", models.CharField(max_length=18, verbose_name="统一社会信用代码")),
                ("account_no", models.CharField(blank=True, max_length=40, verbose_name="账号")),
                ("account_name", models.CharField(blank=True, max_length=200, verbose_name="户名")),
                ("bank_name", models.CharField(blank=True, max_length=120, verbose_name="开户行")),
                ("amount", models.DecimalField(decimal_places=2, max_digits=18, verbose_name="金额")),
                ("paid_on", models.DateField(blank=True, null=True, verbose_name="到账日")),
                ("bank_reference", models.CharField(blank=True, max_length=60, verbose_name="银行流水号")),
                ("returned_reason", models.CharField(blank=True, max_length=200, verbose_name="退票原因")),
                ("answered_at", models.DateTimeField(blank=True, null=True, verbose_name="回执时间")),
                (
                    "bank_answered_at",
                    models.DateTimeField(blank=True, null=True, verbose_name="银行处理时间"),
                ),
                ("inquiries", models.PositiveSmallIntegerField(default=0, verbose_name="查询次数")),
                ("inquired_at", models.DateTimeField(blank=True, null=True, verbose_name="最近查询")),
                (
                    "found_outcome",
                    models.CharField(
                        blank=True,
                        choices=[("confirmed", "已到账"), ("returned", "退票")],
                        max_length=10,
                        verbose_name="查明结果",
                    ),
                ),
                ("found_document", models.CharField(blank=True, max_length=100, verbose_name="查复文号")),
                ("found_reference", models.CharField(blank=True, max_length=60, verbose_name="查明流水号")),
                ("found_on", models.DateField(blank=True, null=True, verbose_name="查明到账日")),
            ],
            options={
                "verbose_name": "拨付明细",
                "verbose_name_plural": "拨付明细",
                "ordering": ("batch", "line_no"),
            },
        ),
        migrations.CreateModel(
            name="RecoveryTerm",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("interest", "资金占用费（年利率）"),
                            ("penalty", "罚款（占追回本金的比例）"),
                        ],
                        max_length=10,
                        verbose_name="种类",
                    ),
                ),
                (
                    "rate_low",
                    models.DecimalField(
                        decimal_places=6,
                        max_digits=9,
                        validators=[django.core.validators.MinValueValidator(0)],
                        verbose_name="下限",
                    ),
                ),
                (
                    "rate_high",
                    models.DecimalField(
                        decimal_places=6,
                        max_digits=9,
                        validators=[django.core.validators.MinValueValidator(0)],
                        verbose_name="上限",
                    ),
                ),
                ("document_no", models.CharField(max_length=200, verbose_name="依据文件")),
                ("article", models.CharField(max_length=60, verbose_name="条款")),
                ("effective_from", models.DateField(verbose_name="自")),
                ("effective_to", models.DateField(blank=True, null=True, verbose_name="至（不含）")),
                (
                    "recorded_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), editable=False
                    ),
                ),
            ],
            options={
                "verbose_name": "追缴依据",
                "verbose_name_plural": "追缴依据",
            },
        ),
        migrations.RemoveConstraint(
            model_name="bankaccount",
            name="bank_account_once",
        ),
        migrations.AddField(
            model_name="payment",
            name="offset_amount",
            field=models.DecimalField(
                db_default=Decimal("0"),
                decimal_places=2,
                default=Decimal("0"),
                max_digits=18,
                verbose_name="已抵扣",
            ),
        ),
        migrations.AddField(
            model_name="paymentbatch",
            name="approvals_needed",
            field=models.PositiveSmallIntegerField(db_default=1, default=1, verbose_name="所需批准人数"),
        ),
        migrations.AddField(
            model_name="paymentbatch",
            name="band_document_no",
            field=models.CharField(
                blank=True, db_default="", default="", max_length=100, verbose_name="审批权限文号"
            ),
        ),
        migrations.AddField(
            model_name="paymentbatch",
            name="exported_by",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AlterField(
            model_name="ledgeraccount",
            name="kind",
            field=models.CharField(
                choices=[
                    ("treasury", "财政拨入"),
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
            ),
        ),
        migrations.AlterField(
            model_name="ledgertransfer",
            name="code",
            field=models.CharField(
                choices=[
                    ("appropriate", "下达预算"),
                    ("withdraw", "收回预算"),
                    ("issue", "发放"),
                    ("reserve", "预占"),
                    ("confirm", "核销"),
                    ("release", "释放"),
                    ("time_out", "预占逾期释放"),
                    ("close", "关闭结转"),
                    ("lapse", "关闭后释放结转"),
                    ("instruct", "拨付指令"),
                    ("pay", "拨付到账"),
                    ("return", "退票"),
                    ("claw_back", "追回"),
                    ("levy", "加收费用与罚款"),
                    ("recover", "收回"),
                    ("offset", "抵扣"),
                    ("write_off", "核销坏账"),
                    ("reverse", "冲正"),
                    ("grant", "核定限额"),
                    ("curtail", "调减限额"),
                ],
                max_length=16,
            ),
        ),
        migrations.AlterField(
            model_name="payment",
            name="state",
            field=models.CharField(
                choices=[
                    ("payable", "应付"),
                    ("batched", "已列入批次"),
                    ("instructed", "已报送"),
                    ("unknown", "结果待查"),
                    ("confirmed", "已到账"),
                    ("returned", "退票"),
                    ("offset", "已抵扣"),
                ],
                default="payable",
                max_length=12,
                verbose_name="状态",
            ),
        ),
        migrations.AddConstraint(
            model_name="bankaccount",
            constraint=models.UniqueConstraint(
                condition=models.Q(("superseded_at", None)),
                fields=("party", "account_no"),
                name="bank_account_once",
            ),
        ),
        migrations.AddConstraint(
            model_name="payment",
            constraint=models.CheckConstraint(
                condition=models.Q(("offset_amount__gte", 0), ("offset_amount__lte", models.F("amount"))),
                name="payment_offset_within_amount",
            ),
        ),
        migrations.AddConstraint(
            model_name="payment",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("state", "offset"), _negated=True),
                    ("offset_amount", models.F("amount")),
                    _connector="OR",
                ),
                name="payment_offset_in_full",
            ),
        ),
        migrations.AddField(
            model_name="bankreturn",
            name="batch",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="returns",
                to="vouchers.paymentbatch",
                verbose_name="批次",
            ),
        ),
        migrations.AddField(
            model_name="bankreturn",
            name="taken_in_by",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="导入人",
            ),
        ),
        migrations.AddField(
            model_name="clawback",
            name="approved_by",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="批准人",
            ),
        ),
        migrations.AddField(
            model_name="clawback",
            name="drafted_by",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="草拟人",
            ),
        ),
        migrations.AddField(
            model_name="clawback",
            name="noticed_by",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="通知人",
            ),
        ),
        migrations.AddField(
            model_name="clawback",
            name="party",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="clawbacks",
                to="vouchers.party",
                verbose_name="应退回单位",
            ),
        ),
        migrations.AddField(
            model_name="clawback",
            name="payment",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="clawbacks",
                to="vouchers.payment",
                verbose_name="拨付",
            ),
        ),
        migrations.AddField(
            model_name="clawback",
            name="program",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, to="vouchers.program", verbose_name="专项"
            ),
        ),
        migrations.AddField(
            model_name="clawback",
            name="proposed_by",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="clawback",
            name="region",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, to="vouchers.region", verbose_name="地区"
            ),
        ),
        migrations.AddField(
            model_name="clawback",
            name="write_off_by",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="提请核销人",
            ),
        ),
        migrations.AddField(
            model_name="clawback",
            name="written_off_by",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="批准核销人",
            ),
        ),
        migrations.AddField(
            model_name="clawbackreceipt",
            name="clawback",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="receipts",
                to="vouchers.clawback",
                verbose_name="追回",
            ),
        ),
        migrations.AddField(
            model_name="clawbackreceipt",
            name="payment",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="offsets",
                to="vouchers.payment",
                verbose_name="抵扣的拨付",
            ),
        ),
        migrations.AddField(
            model_name="clawbackreceipt",
            name="recorded_by",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="登记人",
            ),
        ),
        migrations.AddField(
            model_name="creditrecord",
            name="clawback",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="credit_records",
                to="vouchers.clawback",
                verbose_name="追回",
            ),
        ),
        migrations.AddField(
            model_name="creditrecord",
            name="party",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="credit_records",
                to="vouchers.party",
                verbose_name="单位",
            ),
        ),
        migrations.AddField(
            model_name="instalmentplan",
            name="asked_by",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="申请人",
            ),
        ),
        migrations.AddField(
            model_name="instalmentplan",
            name="clawback",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="plans",
                to="vouchers.clawback",
                verbose_name="追回",
            ),
        ),
        migrations.AddField(
            model_name="instalmentplan",
            name="decided_by",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="答复人",
            ),
        ),
        migrations.AddField(
            model_name="instalment",
            name="plan",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="instalments",
                to="vouchers.instalmentplan",
                verbose_name="分期计划",
            ),
        ),
        migrations.AddField(
            model_name="paymentapproval",
            name="approved_by",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="批准人",
            ),
        ),
        migrations.AddField(
            model_name="paymentapproval",
            name="batch",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="approvals",
                to="vouchers.paymentbatch",
                verbose_name="批次",
            ),
        ),
        migrations.AddField(
            model_name="paymentband",
            name="confirmed_by",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="确认人",
            ),
        ),
        migrations.AddField(
            model_name="paymentband",
            name="entered_by",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="录入人",
            ),
        ),
        migrations.AddField(
            model_name="paymentband",
            name="program",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="payment_bands",
                to="vouchers.program",
                verbose_name="专项",
            ),
        ),
        migrations.AddField(
            model_name="paymentfile",
            name="batch",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="files",
                to="vouchers.paymentbatch",
                verbose_name="批次",
            ),
        ),
        migrations.AddField(
            model_name="paymentline",
            name="account",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="vouchers.bankaccount",
                verbose_name="收款账户",
            ),
        ),
        migrations.AddField(
            model_name="paymentline",
            name="bank_return",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="lines",
                to="vouchers.bankreturn",
                verbose_name="银行回执",
            ),
        ),
        migrations.AddField(
            model_name="paymentline",
            name="batch",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="lines",
                to="vouchers.paymentbatch",
                verbose_name="批次",
            ),
        ),
        migrations.AddField(
            model_name="paymentline",
            name="found_by",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="查明登记人",
            ),
        ),
        migrations.AddField(
            model_name="paymentline",
            name="payment",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="lines",
                to="vouchers.payment",
                verbose_name="拨付",
            ),
        ),
        migrations.AddField(
            model_name="recoveryterm",
            name="confirmed_by",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="确认人",
            ),
        ),
        migrations.AddField(
            model_name="recoveryterm",
            name="entered_by",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="录入人",
            ),
        ),
        migrations.AddField(
            model_name="recoveryterm",
            name="program",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="recovery_terms",
                to="vouchers.program",
                verbose_name="专项",
            ),
        ),
        migrations.AddIndex(
            model_name="clawback",
            index=models.Index(fields=["state", "due_on"], name="clawback_due"),
        ),
        migrations.AddConstraint(
            model_name="clawback",
            constraint=models.UniqueConstraint(
                condition=models.Q(
                    models.Q(("state", "withdrawn"), _negated=True),
                    models.Q(("ground_no", ""), _negated=True),
                ),
                fields=("payment", "ground", "ground_no"),
                name="clawback_ground_once",
            ),
        ),
        migrations.AddConstraint(
            model_name="clawback",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("interest_amount__gte", 0),
                    ("penalty_amount__gte", 0),
                    ("principal_amount__gt", 0),
                    ("principal_amount__lte", models.F("paid_amount")),
                ),
                name="clawback_amounts",
            ),
        ),
        migrations.AddConstraint(
            model_name="clawback",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("approved_by", None),
                    models.Q(
                        ("proposed_by__isnull", False),
                        models.Q(("approved_by", models.F("proposed_by")), _negated=True),
                    ),
                    _connector="OR",
                ),
                name="clawback_two_persons",
            ),
        ),
        migrations.AddConstraint(
            model_name="clawback",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("state", "written_off"), _negated=True),
                    models.Q(
                        ("write_off_by__isnull", False),
                        ("written_off_by__isnull", False),
                        models.Q(("write_off_by", models.F("written_off_by")), _negated=True),
                        models.Q(("write_off_reason", ""), _negated=True),
                    ),
                    _connector="OR",
                ),
                name="clawback_written_off_by_two",
            ),
        ),
        migrations.AddConstraint(
            model_name="clawbackreceipt",
            constraint=models.CheckConstraint(
                condition=models.Q(("amount__gt", 0)), name="clawback_receipt_positive"
            ),
        ),
        migrations.AddConstraint(
            model_name="clawbackreceipt",
            constraint=models.UniqueConstraint(
                condition=models.Q(("kind", "transfer")),
                fields=("bank_reference",),
                name="clawback_receipt_once",
            ),
        ),
        migrations.AddConstraint(
            model_name="clawbackreceipt",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("kind", "transfer"),
                        ("payment", None),
                        models.Q(("bank_reference", ""), _negated=True),
                    ),
                    models.Q(("kind", "offset"), ("payment__isnull", False)),
                    _connector="OR",
                ),
                name="clawback_receipt_of_its_kind",
            ),
        ),
        migrations.AddConstraint(
            model_name="creditrecord",
            constraint=models.UniqueConstraint(
                condition=models.Q(("repaired_on", None)),
                fields=("clawback",),
                name="credit_record_open_once",
            ),
        ),
        migrations.AddConstraint(
            model_name="instalmentplan",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state", "asked")),
                fields=("clawback",),
                name="instalment_plan_asked_once",
            ),
        ),
        migrations.AddConstraint(
            model_name="instalmentplan",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state", "agreed")),
                fields=("clawback",),
                name="instalment_plan_agreed_once",
            ),
        ),
        migrations.AddConstraint(
            model_name="instalment",
            constraint=models.UniqueConstraint(fields=("plan", "position"), name="instalment_position"),
        ),
        migrations.AddConstraint(
            model_name="instalment",
            constraint=models.CheckConstraint(
                condition=models.Q(("amount__gt", 0)), name="instalment_positive"
            ),
        ),
        migrations.AddConstraint(
            model_name="paymentapproval",
            constraint=models.UniqueConstraint(
                condition=models.Q(("withdrawn_at", None)),
                fields=("batch", "approved_by"),
                name="payment_approval_once",
            ),
        ),
        migrations.AddConstraint(
            model_name="paymentband",
            constraint=models.UniqueConstraint(
                fields=("program", "amount_from", "effective_from"), name="payment_band_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="paymentband",
            constraint=models.CheckConstraint(
                condition=models.Q(("approvers__range", (1, 5))), name="payment_band_approvers"
            ),
        ),
        migrations.AddConstraint(
            model_name="paymentband",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("effective_to", None), ("effective_to__gt", models.F("effective_from")), _connector="OR"
                ),
                name="payment_band_dates",
            ),
        ),
        migrations.AddConstraint(
            model_name="paymentband",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("confirmed_by", None),
                    models.Q(("confirmed_by", models.F("entered_by")), _negated=True),
                    _connector="OR",
                ),
                name="payment_band_two_persons",
            ),
        ),
        migrations.AddConstraint(
            model_name="paymentfile",
            constraint=models.UniqueConstraint(fields=("batch", "form"), name="payment_file_once"),
        ),
        migrations.AddConstraint(
            model_name="paymentline",
            constraint=models.UniqueConstraint(fields=("batch", "line_no"), name="payment_line_position"),
        ),
        migrations.AddConstraint(
            model_name="paymentline",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state__in", ("listed", "sent", "unknown", "confirmed"))),
                fields=("payment",),
                name="payment_line_live_once",
            ),
        ),
        migrations.AddConstraint(
            model_name="paymentline",
            constraint=models.CheckConstraint(
                condition=models.Q(("amount__gt", 0)), name="payment_line_amount_positive"
            ),
        ),
        migrations.AddConstraint(
            model_name="paymentline",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("state__in", ("listed", "removed")),
                    models.Q(("account_no", ""), _negated=True),
                    _connector="OR",
                ),
                name="payment_line_sent_with_account",
            ),
        ),
        migrations.AddConstraint(
            model_name="recoveryterm",
            constraint=models.UniqueConstraint(
                fields=("program", "kind", "effective_from"), name="recovery_term_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="recoveryterm",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("rate_high__gte", models.F("rate_low")),
                    ("rate_low__gte", 0),
                    models.Q(
                        models.Q(("kind", "interest"), _negated=True),
                        ("rate_high", models.F("rate_low")),
                        _connector="OR",
                    ),
                ),
                name="recovery_term_rates",
            ),
        ),
        migrations.AddConstraint(
            model_name="recoveryterm",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("confirmed_by", None),
                    models.Q(("confirmed_by", models.F("entered_by")), _negated=True),
                    _connector="OR",
                ),
                name="recovery_term_two_persons",
            ),
        ),
        migrations.RunSQL(load("numbers.sql"), migrations.RunSQL.noop),
        migrations.RunSQL(load("ledger.sql"), migrations.RunSQL.noop),
        migrations.RunSQL(LINES, migrations.RunSQL.noop),
        migrations.RemoveConstraint(
            model_name="payment",
            name="payment_line_once",
        ),
        migrations.RemoveField(
            model_name="payment",
            name="instruct_id",
        ),
        migrations.RemoveField(
            model_name="payment",
            name="line_no",
        ),
        migrations.RemoveField(
            model_name="payment",
            name="settle_id",
        ),
        migrations.RunSQL(load("payments.sql"), migrations.RunSQL.noop),
    ]
