"""What goes back and forth around a payment, as each sees it: set-offs, refunds, the office's account, accounts by paper, refused lines."""

# ruff: noqa: F811 - fixtures are asked for by their names
from __future__ import annotations

from decimal import Decimal

import pytest
from django.urls import reverse

from tests import banking
from tests.browser.test_payments import look, sign_in, sign_out, world  # noqa: F401 - fixtures
from tests.casework import with_account
from vouchers import dates
from vouchers.actions.budget_withdrawals import propose_withdrawal
from vouchers.actions.clawbacks import withdraw_clawback
from vouchers.actions.payment_lists import lines_of
from vouchers.actions.recoveries import record_receipt
from vouchers.actions.set_offs import propose_set_off
from vouchers.context import acting
from vouchers.models import Party, Payment, ProgramBudget, ReceivingAccount, RoleGrant, User

pytestmark = pytest.mark.browser
LONG = "北京市财政局非税收入暨财政专项资金追回款项归集专用账户（算力券补贴）"


def test_what_waits_for_a_second_person_fits_and_says_whom_it_waits_for(cast, world, page):
    batch, clawback = world
    waiting = Payment.objects.filter(state="payable").order_by("pk").last()
    ReceivingAccount.objects.filter(region=cast.beijing).update(superseded_at=dates.now())
    account = ReceivingAccount.objects.create(
        receiving_account_no="RA-2025-00000009",
        region=cast.beijing,
        account_name=LONG,
        account_no="11009988776655443322",
        bank_name="中国工商银行股份有限公司北京市分行海淀支行中关村科技园区营业部",
        document_no="京财库〔2025〕第 0009 号（关于指定算力券补贴追回款项归集账户的通知）",
        entered_by=cast.finance,
        entered_at=dates.now(),
    )
    with acting(cast.finance, "test"):
        propose_set_off(clawback, waiting, by=cast.finance, amount=Decimal("20000.00"))
        budget = ProgramBudget.objects.get(program=batch.program)
        propose_withdrawal(
            budget,
            amount=Decimal("1.00"),
            document_no="京财预〔2025〕第 0012 号",
            reason="财政统筹收回。" * 8,
            by=cast.finance,
        )
    first, second, third = lines_of(batch)
    banking.answer(
        cast,
        batch,
        banking.said(third),
        banking.said(first, "confirmed", bank_reference="ANOTHER"),
        banking.said(second),
    )
    sign_in(page, "second-finance")
    look(page, "desk:payables", (), "已提请抵扣，待确认")
    look(page, "desk:clawback", (clawback.clawback_no,), "确认抵扣")
    look(page, "desk:receiving_accounts", (), "未配置")
    look(page, "desk:batch", (batch.batch_no,), "未入账 2 行")
    look(page, "desk:budgets", (), "批准收回")
    page.goto(reverse("desk:receiving_accounts"))
    page.get_by_role("button", name="核对无误，确认").click()
    page.wait_for_load_state("load")
    account.refresh_from_db()
    assert account.confirmed_by == cast.second_finance
    look(page, "desk:receiving_accounts", (), LONG)
    sign_out(page)
    sign_in(page, "filer")
    look(page, "portal:clawback", (clawback.clawback_no,), "抵扣办理中")
    look(page, "portal:clawback", (clawback.clawback_no,), "户名")


def test_what_goes_back_is_seen_by_the_office_and_by_who_gets_it(cast, world, page):
    _batch, clawback = world
    with acting(cast.finance, "test"):
        record_receipt(
            clawback,
            amount=Decimal("5.00"),
            received_on=dates.today(),
            bank_reference="ICBC-5",
            by=cast.finance,
        )
    with acting(cast.approver, "test"):
        withdraw_clawback(
            clawback, by=cast.approver, reason="异议成立：经核实租金已发生，原认定的事实不存在。"
        )
    # The company has an account again; the one before was put out of use by a return.
    with_account(cast, cast.alpha, "6222777788889999")
    sign_in(page, "finance")
    look(page, "desk:clawback", (clawback.clawback_no,), "批准退还")
    page.get_by_role("button", name="批准退还").click()
    page.wait_for_load_state("load")
    refund = clawback.refunds.get()
    assert (refund.state, refund.amount) == ("approved", Decimal("10005.00"))
    sign_out(page)
    sign_in(page, "second-finance")
    look(page, "desk:clawback", (clawback.clawback_no,), "登记已退还")
    page.fill(f"#paid-{refund.refund_no}", "2025-07-15")
    page.fill(f"#slip-{refund.refund_no}", "ICBC202507150009")
    page.get_by_role("button", name="登记已退还").click()
    page.wait_for_load_state("load")
    refund.refresh_from_db()
    assert refund.state == "paid"
    look(page, "desk:clawback", (clawback.clawback_no,), "ICBC202507150009")
    look(page, "desk:clawbacks", (), "追回")
    sign_out(page)
    sign_in(page, "filer")
    look(page, "portal:clawback", (clawback.clawback_no,), "退还给贵单位")
    look(page, "portal:claim", (clawback.claim_no,), "银行确认到账")
    look(page, "portal:claim", (Payment.objects.filter(lines__state="returned").get().claim_no,), "银行退票")


def test_an_account_of_a_company_without_people_is_entered_with_its_paper(cast, world, page, tmp_path):
    people = RoleGrant.objects.filter(party=cast.alpha)
    sign_in(page, "finance")
    look(page, "desk:payee", (cast.alpha.uscc,), "财务人员不能代办")
    User.objects.filter(pk__in=people.values("user")).update(is_active=False)
    look(page, "desk:payee", (cast.alpha.uscc,), "代为登记的理由")
    licence = tmp_path / "开户许可证.pdf"
    licence.write_bytes(b"%PDF-1.7\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n")
    page.fill("#account_no", "6222333344445555")
    page.fill("#bank_name", "中国工商银行北京海淀支行")
    page.fill("#reason", "该单位未开通企业端，来函说明账户变更。")
    page.set_input_files("input[name=paper]", licence)
    page.get_by_role("button", name="登记，交另一人确认").click()
    page.wait_for_load_state("load")
    look(page, "desk:payee", (cast.alpha.uscc,), "等待确认")
    sign_out(page)
    sign_in(page, "second-finance")
    look(page, "desk:payee", (cast.alpha.uscc,), "开户许可证")
    page.get_by_role("button", name="核对无误，确认").click()
    page.wait_for_load_state("load")
    assert Party.objects.get(pk=cast.alpha.pk).current_account.account_no == "6222333344445555"
