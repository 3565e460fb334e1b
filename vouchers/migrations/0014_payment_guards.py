"""What was proposed and sent to the bank stays; set-offs by two persons, refunds, the office's own account, papers of accounts."""

import django.db.models.deletion
import django.db.models.functions.datetime
from decimal import Decimal
from django.conf import settings
from django.db import migrations, models

from vouchers.sql import LEDGER, load


class Migration(migrations.Migration):
    dependencies = [
        ("vouchers", "0013_platform_events_kept"),
    ]

    operations = [
        migrations.CreateModel(
            name="AccountPaper",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("filename", models.CharField(max_length=200, verbose_name="文件名")),
                ("content_type", models.CharField(max_length=100, verbose_name="格式")),
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
                "verbose_name": "账户材料",
                "verbose_name_plural": "账户材料",
            },
        ),
        migrations.CreateModel(
            name="ReceivingAccount",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("receiving_account_no", models.CharField(max_length=24, unique=True, verbose_name="登记号")),
                ("account_name", models.CharField(max_length=200, verbose_name="户名")),
                ("account_no", models.CharField(max_length=40, verbose_name="账号")),
                ("bank_name", models.CharField(max_length=120, verbose_name="开户行")),
                ("document_no", models.CharField(max_length=100, verbose_name="依据文号")),
                ("entered_at", models.DateTimeField(verbose_name="录入时间")),
                ("confirmed_at", models.DateTimeField(blank=True, null=True, verbose_name="确认时间")),
                ("superseded_at", models.DateTimeField(blank=True, null=True, verbose_name="停用时间")),
                (
                    "recorded_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), editable=False
                    ),
                ),
            ],
            options={
                "verbose_name": "本机关收款账户",
                "verbose_name_plural": "本机关收款账户",
                "ordering": ("pk",),
            },
        ),
        migrations.CreateModel(
            name="Refund",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("refund_no", models.CharField(max_length=24, unique=True, verbose_name="退还编号")),
                (
                    "kind",
                    models.CharField(
                        choices=[("excess", "多付款项"), ("withdrawn", "撤销追回")],
                        max_length=10,
                        verbose_name="事由",
                    ),
                ),
                ("amount", models.DecimalField(decimal_places=2, max_digits=18, verbose_name="金额")),
                (
                    "state",
                    models.CharField(
                        choices=[("due", "应退还"), ("approved", "待付款"), ("paid", "已退还")],
                        default="due",
                        max_length=10,
                        verbose_name="状态",
                    ),
                ),
                ("reason", models.CharField(blank=True, max_length=500, verbose_name="说明")),
                ("opened_on", models.DateField(verbose_name="应退还日")),
                ("approved_at", models.DateTimeField(blank=True, null=True, verbose_name="批准时间")),
                ("paid_on", models.DateField(blank=True, null=True, verbose_name="付款日")),
                ("bank_reference", models.CharField(blank=True, max_length=60, verbose_name="银行流水号")),
                (
                    "recorded_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), editable=False
                    ),
                ),
            ],
            options={
                "verbose_name": "退还",
                "verbose_name_plural": "退还",
                "ordering": ("pk",),
            },
        ),
        migrations.CreateModel(
            name="SetOff",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("set_off_no", models.CharField(max_length=24, unique=True, verbose_name="抵扣编号")),
                ("amount", models.DecimalField(decimal_places=2, max_digits=18, verbose_name="金额")),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("proposed", "待确认"),
                            ("booked", "已抵扣"),
                            ("refused", "未同意"),
                            ("withdrawn", "已撤回"),
                        ],
                        default="proposed",
                        max_length=10,
                        verbose_name="状态",
                    ),
                ),
                ("proposed_at", models.DateTimeField(verbose_name="提请时间")),
                ("decided_at", models.DateTimeField(blank=True, null=True, verbose_name="确认时间")),
                ("answer", models.CharField(blank=True, max_length=500, verbose_name="意见")),
                (
                    "recorded_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), editable=False
                    ),
                ),
            ],
            options={
                "verbose_name": "抵扣",
                "verbose_name_plural": "抵扣",
                "ordering": ("pk",),
            },
        ),
        migrations.RemoveConstraint(
            model_name="clawbackreceipt",
            name="clawback_receipt_once",
        ),
        migrations.AddField(
            model_name="bankaccount",
            name="office_reason",
            field=models.CharField(
                blank=True, db_default="", default="", max_length=500, verbose_name="代为登记的理由"
            ),
        ),
        migrations.AddField(
            model_name="bankreturn",
            name="refused_lines",
            field=models.JSONField(blank=True, default=list, verbose_name="未入账的行"),
        ),
        migrations.AddField(
            model_name="clawbackreceipt",
            name="excess_amount",
            field=models.DecimalField(
                db_default=Decimal("0"),
                decimal_places=2,
                default=Decimal("0"),
                max_digits=18,
                verbose_name="其中多付",
            ),
        ),
        migrations.AddField(
            model_name="paymentbatch",
            name="control_version",
            field=models.PositiveSmallIntegerField(db_default=1, default=2, verbose_name="校验值版本"),
        ),
        migrations.AlterField(
            model_name="daycloseline",
            name="kind",
            field=models.CharField(
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
                    ("received", "多收款项"),
                    ("refundable", "应退还款"),
                    ("cap_source", "额度来源"),
                    ("cap", "限额"),
                    ("cap_used", "已用额度"),
                ],
                max_length=12,
                verbose_name="科目类别",
            ),
        ),
        migrations.AlterField(
            model_name="ledgeraccount",
            name="kind",
            field=models.CharField(
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
                    ("received", "多收款项"),
                    ("refundable", "应退还款"),
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
                    ("carry_over", "结转下年"),
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
                    ("waive", "撤销追回"),
                    ("overpay", "多收"),
                    ("give_back", "转应退还"),
                    ("refund", "退还"),
                    ("reverse", "冲正"),
                    ("grant", "核定限额"),
                    ("curtail", "调减限额"),
                ],
                max_length=16,
            ),
        ),
        migrations.AddField(
            model_name="accountpaper",
            name="account",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="papers",
                to="vouchers.bankaccount",
                verbose_name="银行账户",
            ),
        ),
        migrations.AddField(
            model_name="receivingaccount",
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
            model_name="receivingaccount",
            name="entered_by",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="录入人",
            ),
        ),
        migrations.AddField(
            model_name="receivingaccount",
            name="region",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="receiving_accounts",
                to="vouchers.region",
                verbose_name="地区",
            ),
        ),
        migrations.AddField(
            model_name="clawback",
            name="receiving_account",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="vouchers.receivingaccount",
                verbose_name="收款账户",
            ),
        ),
        migrations.AddField(
            model_name="clawbackreceipt",
            name="receiving_account",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="vouchers.receivingaccount",
                verbose_name="收款账户",
            ),
        ),
        migrations.AddConstraint(
            model_name="clawbackreceipt",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("excess_amount__gte", 0),
                    ("excess_amount__lte", models.F("amount")),
                    models.Q(("kind", "transfer"), ("excess_amount", 0), _connector="OR"),
                ),
                name="clawback_receipt_excess_within",
            ),
        ),
        migrations.AddConstraint(
            model_name="clawbackreceipt",
            constraint=models.UniqueConstraint(
                condition=models.Q(("kind", "transfer")),
                fields=("receiving_account", "bank_reference"),
                name="clawback_receipt_once",
                nulls_distinct=False,
            ),
        ),
        migrations.AddField(
            model_name="refund",
            name="account",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="vouchers.bankaccount",
                verbose_name="退还账户",
            ),
        ),
        migrations.AddField(
            model_name="refund",
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
            model_name="refund",
            name="clawback",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="refunds",
                to="vouchers.clawback",
                verbose_name="追回",
            ),
        ),
        migrations.AddField(
            model_name="refund",
            name="opened_by",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="登记人",
            ),
        ),
        migrations.AddField(
            model_name="refund",
            name="paid_by",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="付款登记人",
            ),
        ),
        migrations.AddField(
            model_name="refund",
            name="receipt",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="refunds",
                to="vouchers.clawbackreceipt",
                verbose_name="收款",
            ),
        ),
        migrations.AddField(
            model_name="setoff",
            name="clawback",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="set_offs",
                to="vouchers.clawback",
                verbose_name="追回",
            ),
        ),
        migrations.AddField(
            model_name="setoff",
            name="decided_by",
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
            model_name="setoff",
            name="payment",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="set_offs",
                to="vouchers.payment",
                verbose_name="抵扣的拨付",
            ),
        ),
        migrations.AddField(
            model_name="setoff",
            name="proposed_by",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="提请人",
            ),
        ),
        migrations.AddConstraint(
            model_name="receivingaccount",
            constraint=models.UniqueConstraint(
                condition=models.Q(("confirmed_by__isnull", False), ("superseded_at", None)),
                fields=("region",),
                name="receiving_account_in_use_once",
            ),
        ),
        migrations.AddConstraint(
            model_name="receivingaccount",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("confirmed_by", None),
                    models.Q(("confirmed_by", models.F("entered_by")), _negated=True),
                    _connector="OR",
                ),
                name="receiving_account_two_persons",
            ),
        ),
        migrations.AddConstraint(
            model_name="refund",
            constraint=models.CheckConstraint(condition=models.Q(("amount__gt", 0)), name="refund_positive"),
        ),
        migrations.AddConstraint(
            model_name="refund",
            constraint=models.UniqueConstraint(fields=("receipt",), name="refund_once_per_receipt"),
        ),
        migrations.AddConstraint(
            model_name="refund",
            constraint=models.UniqueConstraint(
                condition=models.Q(("kind", "withdrawn")),
                fields=("clawback",),
                name="refund_once_per_withdrawal",
            ),
        ),
        migrations.AddConstraint(
            model_name="refund",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("approved_by", None),
                    models.Q(
                        ("account__isnull", False),
                        models.Q(("approved_by", models.F("opened_by")), _negated=True),
                    ),
                    _connector="OR",
                ),
                name="refund_approved_by_another",
            ),
        ),
        migrations.AddConstraint(
            model_name="refund",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("state", "paid"), _negated=True),
                    models.Q(
                        ("paid_by__isnull", False),
                        ("paid_on__isnull", False),
                        models.Q(("bank_reference", ""), _negated=True),
                        models.Q(("paid_by", models.F("approved_by")), _negated=True),
                    ),
                    _connector="OR",
                ),
                name="refund_paid_by_another",
            ),
        ),
        migrations.AddConstraint(
            model_name="setoff",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state", "proposed")), fields=("payment",), name="set_off_waits_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="setoff",
            constraint=models.CheckConstraint(condition=models.Q(("amount__gt", 0)), name="set_off_positive"),
        ),
        migrations.AddConstraint(
            model_name="setoff",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("state", "booked"), _negated=True),
                    models.Q(
                        ("decided_by__isnull", False),
                        models.Q(("decided_by", models.F("proposed_by")), _negated=True),
                    ),
                    _connector="OR",
                ),
                name="set_off_two_persons",
            ),
        ),
        *(migrations.RunSQL(load(name), migrations.RunSQL.noop) for name in LEDGER),
        migrations.RunSQL(load("payments.sql"), migrations.RunSQL.noop),
        migrations.RunSQL(load("payment_guards.sql"), migrations.RunSQL.noop),
    ]
