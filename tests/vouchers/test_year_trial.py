"""全年试算: several contracts of one enterprise in one page of a version, for those whose region it is."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from django.test import Client

from tests.cast import Cast
from vouchers.actions import policies
from vouchers.admin.version_pages import version_address
from vouchers.admin.year_trial_forms import YearForm
from vouchers.models import PolicyVersion, User
from vouchers.policy.documents import shipped_files, shipped_scheme
from vouchers.policy.examples import shipped_examples
from vouchers.policy.terms import CapPeriod, CapSubject, CountsAt

pytestmark = pytest.mark.django_db

BEIJING = shipped_scheme("BJ-AIQ")
WHO = {
    "who-facts.applicant.region_code": "110108",
    "who-facts.applicant.industry_code": "6510",
    "who-facts.applicant.listings": "无",
}
FIT = {
    "facts.contracts.signed_on": "2025-03-01",
    "facts.contracts.purpose": "训练",
    "facts.contracts.other_money": "无",
    "facts.contracts.provider.affiliated": "否",
    "facts.contracts.price.verdict": "区间内",
    "facts.attestations.industry_model": "是",
}


def contract(number: int, on: str, amount: str, *paid: tuple[str, str], **more: str) -> dict[str, str]:
    head = f"c{number}-"
    typed = {f"{head}{name}": value for name, value in FIT.items()}
    typed |= {f"{head}on": on, f"{head}facts.contracts.net_amount": amount, f"{head}paid": str(len(paid))}
    for place, (day, cost) in enumerate(paid, start=1):
        own = f"c{number}p{place}-"
        typed |= {f"{own}on": day, f"{own}facts.items.kind": "发票明细", f"{own}facts.items.net_amount": cost}
    return typed | {f"{head}{name}": value for name, value in more.items()}


def year(*contracts: dict[str, str], **more: str) -> dict[str, str]:
    typed = WHO | {"contracts": str(len(contracts))} | more
    for one in contracts:
        typed |= one
    return typed


@pytest.fixture
def draft(cast: Cast) -> PolicyVersion:
    return policies.load_scheme(BEIJING, shipped_examples("BJ-AIQ"), by=cast.policy_editor)


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def page(version: PolicyVersion) -> str:
    return version_address(version, "year-trial")


def amounts(response) -> dict[str, Decimal]:
    return {step["title"]: step["assessment"].amount for step in response.context["steps"]}


def test_the_cap_of_the_year_holds_over_all_contracts(cast: Cast, draft: PolicyVersion):
    typed = year(
        contract(1, "2025-04-01", "600万", ("2025-06-01", "300万")),
        contract(2, "2025-05-01", "600万", ("2025-07-01", "600万")),
    )
    shown = signed_in(cast.policy_editor).post(page(draft), typed)
    assert amounts(shown) == {
        "合同 1 · 申领": Decimal("1200000.00"),
        "合同 2 · 申领": Decimal("800000.00"),  # 2,000,000 a year, of which 1,200,000 are gone
        "合同 1 · 第 1 笔兑付": Decimal("600000.00"),
        "合同 2 · 第 1 笔兑付": Decimal("800000.00"),  # what the second voucher holds
    }
    text = shown.content.decode()
    assert "所限" in text
    assert "6,000,000.00 元 × 20% ＝ 1,200,000.00 元" in text
    assert "2,000,000.00" in text


def test_one_more_contract_begins_like_the_last_without_its_amounts(cast: Cast, draft: PolicyVersion):
    typed = year(contract(1, "2025-04-01", "600万", title="一号机房"), do="add_contract")
    form = signed_in(cast.policy_editor).post(page(draft), typed).context["form"]
    assert len(form.contracts) == 2
    second = form.contracts[1].sheet
    assert second["facts.contracts.purpose"].value() == "训练"
    assert not second["facts.contracts.net_amount"].value()
    assert form.contracts[0].sheet["facts.contracts.net_amount"].value() == "600万"
    assert [one.title for one in form.contracts] == ["一号机房", "合同 2"]


def test_payments_and_contracts_are_taken_off_again(cast: Cast, draft: PolicyVersion):
    client = signed_in(cast.policy_editor)
    two = [contract(1, "2025-04-01", "600万", ("2025-06-01", "1")), contract(2, "2025-05-01", "7万")]
    form = client.post(page(draft), year(*two, do="add_paid:2")).context["form"]
    assert [len(one.paid) for one in form.contracts] == [1, 1]
    form = client.post(page(draft), year(*two, do="drop_paid:1:1")).context["form"]
    assert [len(one.paid) for one in form.contracts] == [0, 0]
    form = client.post(page(draft), year(*two, do="drop_contract:1")).context["form"]
    (left,) = form.contracts
    assert left.sheet["facts.contracts.net_amount"].value() == "7万"


@pytest.mark.parametrize(
    "do", ["drop_contract:9", "drop_paid:1:99", "drop_paid:x", "add_paid:-1", "nonsense"]
)
def test_what_no_button_says_changes_nothing(cast: Cast, draft: PolicyVersion, do: str):
    form = (
        signed_in(cast.policy_editor)
        .post(page(draft), year(contract(1, "2025-04-01", "1"), do=do))
        .context["form"]
    )
    assert [len(one.paid) for one in form.contracts] == [0]


def test_what_cannot_be_read_is_said_at_its_field(cast: Cast, draft: PolicyVersion):
    typed = year(
        contract(1, "2025-04-01", "很多", ("2025-03-01", "1万"), **{"facts.contracts.purpose": "训练"}),
        contract(2, "", "1万"),
    )
    shown = signed_in(cast.policy_editor).post(page(draft), typed)
    assert "steps" not in shown.context
    told = {(place, why) for place, _label, why in shown.context["form"].faults}
    places = {place for place, _why in told}
    assert "id_c1-facts.contracts.net_amount" in places
    assert ("id_c2-on", "请填写日期。") in told
    assert "还不能试算" in shown.content.decode()


def test_nothing_is_paid_before_it_is_applied_for(cast: Cast, draft: PolicyVersion):
    typed = year(contract(1, "2025-04-01", "1万", ("2025-03-01", "1万")))
    shown = signed_in(cast.policy_editor).post(page(draft), typed)
    assert ("id_c1p1-on", "不能早于本合同的申领日期。") in {
        (place, why) for place, _label, why in shown.context["form"].faults
    }


def test_an_empty_form_says_what_to_fill_in(cast: Cast, draft: PolicyVersion):
    client = signed_in(cast.policy_editor)
    assert "填写左侧合同" in client.get(page(draft)).content.decode()
    assert "请至少填写一份合同的金额" in client.post(page(draft), {"contracts": "2"}).content.decode()


def test_with_script_only_the_result_is_drawn(cast: Cast, draft: PolicyVersion):
    typed = year(contract(1, "2025-04-01", "600万"))
    shown = signed_in(cast.policy_editor).post(page(draft), typed, headers={"HX-Request": "true"})
    assert shown.content.decode().lstrip().startswith('<div class="trial__result"')


def test_another_region_and_strangers_do_not_find_it(cast: Cast, draft: PolicyVersion):
    assert signed_in(cast.other_policy_editor).get(page(draft)).status_code in (403, 404)
    assert Client().get(page(draft)).status_code == 302


@pytest.mark.parametrize("name", [path.stem for path in shipped_files()])
def test_every_shipped_version_can_be_tried_over_a_year(name: str):
    scheme = shipped_scheme(name)
    form = YearForm(scheme)
    assert form.contracts[0].sheet.fields.keys() >= {"on", "title"}
    assert not form.faulty


def test_a_cap_that_counts_at_payment_is_told_with_what_finds_no_room_in_its_year(cast: Cast):
    cap = replace(
        BEIJING.caps[0],
        code="paid_year",
        name="年度拨付限额",
        subject=CapSubject.ENTERPRISE,
        amount=Decimal(700_000),
        share=None,
        period=CapPeriod.CALENDAR_YEAR,
        counts_at=CountsAt.PAYMENT,
        tracks=(),
        classes=(),
    )
    draft = policies.load_scheme(replace(BEIJING, caps=(*BEIJING.caps, cap)), [], by=cast.policy_editor)
    typed = year(contract(1, "2025-04-01", "600万", ("2025-06-01", "300万"), ("2025-07-01", "100万")))
    shown = signed_in(cast.policy_editor).post(page(draft), typed)
    # 600,000 are paid; the other 200,000 wait for the next year, and are granted all the same.
    assert shown.context["year"].paid == Decimal("800000.00")
    text = shown.content.decode()
    assert "拨付限额放得下多少" in text and "1 件须留待额度恢复" in text and "不减少核定金额" in text
