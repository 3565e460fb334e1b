"""Each treasury that shares a scheme's cost has a part of the budget of its own; what a closed year leaves is an account."""

from __future__ import annotations

import django.contrib.postgres.fields
from django.db import migrations, models

from vouchers.sql import load

# Budgets that were opened before returned to the treasury itself: they get the account between, like those opened from now on.
SURPLUS_OF_OPEN_BUDGETS = """
ALTER TABLE vouchers_ledgeraccount DISABLE TRIGGER ledger_account_identity_unchanged;
INSERT INTO vouchers_ledgeraccount (
    id, ledger, kind, code, region_code, returns_to_id, debits_pending, debits_posted, credits_pending, credits_posted,
    debits_must_not_exceed_credits, credits_must_not_exceed_debits, hot, counted, opened_on)
SELECT uuidv7(), 'money', 'surplus', 'surplus:' || substr(b.code, 8), b.region_code, b.returns_to_id, 0, 0, 0, 0,
       true, false, false, true, b.opened_on
  FROM vouchers_ledgeraccount AS b JOIN vouchers_ledgeraccount AS t ON t.id = b.returns_to_id AND t.kind = 'treasury'
 WHERE b.kind = 'budget' AND b.closed_on IS NULL;
UPDATE vouchers_ledgeraccount AS b SET returns_to_id = s.id
  FROM vouchers_ledgeraccount AS s
 WHERE s.kind = 'surplus' AND s.code = 'surplus:' || substr(b.code, 8) AND b.kind = 'budget';
SET CONSTRAINTS ALL IMMEDIATE; -- what waits to be checked until the commit would stand in the way of the next line
ALTER TABLE vouchers_ledgeraccount ENABLE ALWAYS TRIGGER ledger_account_identity_unchanged;
SET CONSTRAINTS ALL DEFERRED;
"""

KINDS = [
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
]
CODES = [
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
    ("reverse", "冲正"),
    ("grant", "核定限额"),
    ("curtail", "调减限额"),
]


class Migration(migrations.Migration):
    dependencies = [("vouchers", "0009_payment_lines")]

    operations = [
        migrations.AlterField(
            model_name="ledgeraccount",
            name="kind",
            field=models.CharField(choices=KINDS, max_length=12),
        ),
        migrations.AlterField(
            model_name="ledgertransfer",
            name="code",
            field=models.CharField(choices=CODES, max_length=16),
        ),
        migrations.AddField(
            model_name="voucher",
            name="bearers",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.CharField(max_length=40),
                blank=True,
                default=list,
                editable=False,
                size=None,
                verbose_name="分担财政",
            ),
        ),
        migrations.AddField(
            model_name="appropriation",
            name="treasury",
            field=models.CharField(
                blank=True, db_default="", default="", max_length=100, verbose_name="财政"
            ),
        ),
        migrations.AddField(
            model_name="appropriation",
            name="treasury_code",
            field=models.CharField(
                blank=True, db_default="", default="", max_length=40, verbose_name="分担财政代码"
            ),
        ),
        migrations.RemoveConstraint(model_name="appropriation", name="appropriation_document_once"),
        migrations.AddConstraint(
            model_name="appropriation",
            constraint=models.UniqueConstraint(
                fields=("budget", "treasury_code", "document_no"), name="appropriation_document_once"
            ),
        ),
        *(
            migrations.RunSQL(load(name), migrations.RunSQL.noop)
            for name in ("ledger_sums.sql", "ledger_shares.sql", "ledger.sql")
        ),
        migrations.RunSQL(SURPLUS_OF_OPEN_BUDGETS, migrations.RunSQL.noop),
    ]
