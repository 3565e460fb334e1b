"""免申即享: a list of the office's is assessed row by row, reviewed by another person, and goes the way of every batch."""

from __future__ import annotations

import dataclasses
import io
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from openpyxl import Workbook, load_workbook

from applications.actions.applications import start_application
from applications.actions.batch_lists import confirm_listed, make_list, review_list
from applications.actions.batches import share_out_batch
from applications.actions.cases import answer_check, checks_of
from applications.actions.claims import start_claim
from applications.batch_lists import SHEET, list_template
from applications.models import Application, IssueBatch, PublicNotice
from tests import casework
from tests.applications.batch_office import issued, noticed
from tests.cast import Cast
from vouchers import dates
from vouchers.actions.ledger_check import check_ledger
from vouchers.context import acting
from vouchers.errors import Forbidden, Invalid, NotNow, Problems
from vouchers.models import BankAccount, OutboxMessage, Party, Publication, Voucher
from vouchers.policy import terms as t
from vouchers.policy.rules import Scheme

D = Decimal


@pytest.fixture(autouse=True)
def the_ledger_holds_afterwards(cast):
    yield
    assert check_ledger() == []


def without_application(scheme: Scheme) -> Scheme:
    """The rent of a filed contract, without application: nothing has to be handed in for it."""
    issue = dataclasses.replace(scheme.issue, way=t.IssueWay.WITHOUT_APPLICATION)
    papers = tuple(
        dataclasses.replace(one, required=False) if one.stage is t.Stage.APPLICATION else one
        for one in scheme.papers
    )
    return dataclasses.replace(scheme, issue=issue, papers=papers)


@pytest.fixture
def listing(cast: Cast) -> Publication:
    """北京's scheme by list, and 甲公司 with a contract filed under the scheme as it was applied for before."""
    before = casework.published(cast, "BJ-AIQ")
    casework.funded(cast, before.program)
    Party.objects.filter(pk=cast.beta.pk).update(region_code="110108")
    casework.fit_for_beijing(cast.alpha)
    casework.fit_for_beijing(cast.beta)
    return before


def book(publication: Publication, *rows: dict[str, Any]) -> bytes:
    """The template, filled in by heading."""
    found = load_workbook(io.BytesIO(list_template(publication.scheme)))
    sheet = found[SHEET]
    headings = [cell.value for cell in sheet[1]]
    for number, row in enumerate(rows, start=2):
        for heading, value in row.items():
            sheet.cell(number, headings.index(heading) + 1, value)
    out = io.BytesIO()
    found.save(out)
    return out.getvalue()


@pytest.fixture
def settled(cast: Cast) -> Publication:
    """内蒙古's reward for suppliers by their settlement, as a list of the office's, paid without a voucher."""
    publication = casework.published(cast, "NM-JS", without_application)
    casework.funded(cast, publication.program)
    from tests.applications.kinds import connect, placed
    from tests.cast import SINCE
    from vouchers.access import Role
    from vouchers.models import RoleGrant

    for party in (cast.alpha, cast.beta):
        placed(party, "150100")
        connect(cast, party, publication, date(2024, 1, 1))
    RoleGrant.objects.get_or_create(
        user=cast.second_approver,
        role=Role.APPROVER,
        region=publication.program.region,
        defaults={"effective_from": SINCE},
    )
    return publication


def row(
    party: Party, amount: str, basis: str = "1000000.00", number: str = "JS-1", **more: Any
) -> dict[str, Any]:
    return {
        "统一社会信用代码": party.uscc,
        "单位名称": party.name,
        "项目名称": "2025年上半年平台结算",
        "文号或结算单号": number,
        "依据金额（不含税，元）": D(basis),
        "期间起": date(2025, 1, 1),
        "期间止": date(2025, 6, 30),
        "拟支持金额（元）": D(amount),
    } | more


def listed(cast: Cast, publication: Publication, *rows: dict[str, Any]) -> IssueBatch:
    with acting(cast.handler, "test"):
        return make_list(publication.program, book(publication, *rows), by=cast.handler)


def answered(cast: Cast, batch: IssueBatch) -> None:
    """Another handler answers what no machine could."""
    for member in batch.members.all():
        for check in checks_of(member.application):
            if check.result == "waiting":
                with acting(cast.second_handler, "test"):
                    answer_check(
                        check,
                        member.application,
                        result="passed",
                        sentence="与平台记录一致。",
                        by=cast.second_handler,
                    )


def reviewed(cast: Cast, batch: IssueBatch) -> IssueBatch:
    answered(cast, batch)
    with acting(cast.approver, "test"):
        return review_list(batch, by=cast.approver)


def test_a_list_goes_from_the_sheet_to_what_each_enterprise_draws_on(cast: Cast, settled: Publication):
    batch = listed(cast, settled, row(cast.alpha, "100000.00"), row(cast.beta, "90000.00", number="JS-2"))
    cases = [one.application for one in batch.members.order_by("listed_row")]
    assert [(one.state, one.is_listed, one.requested_amount) for one in cases] == [
        ("accepted", True, D("100000.00")),
        ("accepted", True, D("90000.00")),
    ]
    reviewed(cast, batch)
    with acting(cast.handler, "test"):
        share_out_batch(batch, by=cast.handler)
    assert batch.allotted_amount == D("190000.00")
    noticed(cast, batch)
    assert PublicNotice.objects.filter(batch=batch).count() == 2
    issued(cast, batch)
    amounts = {one.enterprise: one.face_value for one in Voucher.objects.all()}
    assert amounts == {cast.alpha: D("100000.00"), cast.beta: D("90000.00")}
    told = OutboxMessage.objects.filter(payload__application_no=cases[0].application_no)
    assert {"entitlement_granted", "application_listed"} <= {one.payload["message"] for one in told}


def test_before_it_is_drawn_on_the_enterprise_confirms_its_wish_and_its_account(
    cast: Cast, settled: Publication
):
    batch = listed(cast, settled, row(cast.alpha, "100000.00"))
    reviewed(cast, batch)
    with acting(cast.handler, "test"):
        share_out_batch(batch, by=cast.handler)
    issued(cast, noticed(cast, batch))
    case = batch.members.get().application
    voucher = Voucher.objects.get(application_no=case.application_no)
    with pytest.raises(NotNow) as refusal, acting(cast.filer, "test"):
        start_claim(voucher, None, by=cast.filer)
    assert refusal.value.code == "application.consent" and case.application_no in str(refusal.value.hint)
    with pytest.raises(Invalid), acting(cast.filer, "test"):
        confirm_listed(case, by=cast.filer, accepted=False)
    with pytest.raises(Forbidden), acting(cast.other_filer, "test"):
        confirm_listed(case, by=cast.other_filer, accepted=True)
    BankAccount.objects.filter(party=cast.alpha, superseded_at=None).update(superseded_at=dates.now())
    with pytest.raises(NotNow) as refusal, acting(cast.filer, "test"):
        confirm_listed(case, by=cast.filer, accepted=True)
    assert refusal.value.code == "application.no_account"
    casework.with_account(cast, cast.alpha, account_no="6222777788889999")
    cast.alpha.__dict__.pop("current_account", None)
    case = Application.objects.get(pk=case.pk)
    with acting(cast.filer, "test"):
        confirm_listed(case, by=cast.filer, accepted=True)
        assert case.consented_by == cast.filer and case.statement_accepted
        assert start_claim(voucher, None, by=cast.filer).state == "draft"


@pytest.mark.parametrize(
    ("change", "cell", "words"),
    [
        ({"拟支持金额（元）": D("100000.01")}, "H2", "不得超过"),
        ({"拟支持金额（元）": "很多"}, "H2", "填写有误"),
        ({"统一社会信用代码": "91110108MA01NOBODY"}, "A2", "没有登记"),
        ({"单位名称": "别的公司"}, "B2", "登记的名称"),
        ({"期间止": date(2024, 1, 1)}, "G2", "早于"),
        ({"文号或结算单号": ""}, "D2", "请填写"),
    ],
)
def test_a_faulty_cell_is_named_and_nothing_of_the_list_is_taken_in(
    cast: Cast, settled: Publication, change: dict[str, Any], cell: str, words: str
):
    with pytest.raises(Problems) as refusal:
        listed(cast, settled, row(cast.alpha, "100000.00") | change, row(cast.beta, "1.00", number="JS-2"))
    (fault,) = refusal.value.problems
    assert fault.detail["cell"] == cell and words in fault.message and "第 2 行" in fault.message
    assert not IssueBatch.objects.exists() and not Application.objects.exists()


def test_a_row_that_does_not_meet_a_condition_is_refused_with_its_cell_and_the_reason(
    cast: Cast, settled: Publication
):
    from vouchers.models import PlatformConnection

    PlatformConnection.objects.filter(party=cast.beta).update(effective_to=date(2024, 6, 1))
    with pytest.raises(Problems) as refusal:
        listed(cast, settled, row(cast.alpha, "100000.00"), row(cast.beta, "1.00", number="JS-2"))
    (fault,) = refusal.value.problems
    assert fault.code == "issue_list.refused" and fault.detail["cell"] == "A3"
    assert "接入" in fault.message


def test_the_same_settlement_does_not_stand_twice(cast: Cast, settled: Publication):
    with pytest.raises(Problems) as refusal:
        listed(cast, settled, row(cast.alpha, "1.00"), row(cast.alpha, "2.00"))
    assert "与第 2 行重复" in refusal.value.problems[0].message


def test_a_file_that_is_no_list_is_refused_whole(cast: Cast, settled: Publication):
    other = io.BytesIO()
    Workbook().save(other)
    for content, code in ((b"x", "examples.not_a_workbook"), (other.getvalue(), "issue_list.no_sheet")):
        with pytest.raises(Invalid) as refusal, acting(cast.handler, "test"):
            make_list(settled.program, content, by=cast.handler)
        assert refusal.value.code == code


def test_whoever_made_the_list_does_not_review_it_and_no_check_is_passed_over(
    cast: Cast, settled: Publication
):
    batch = listed(cast, settled, row(cast.alpha, "100000.00"))
    for person in (cast.handler, cast.other_approver, cast.filer):
        with pytest.raises(Forbidden), acting(person, "test"):
            review_list(batch, by=person)
    waiting = [one for one in checks_of(batch.members.get().application) if one.result == "waiting"]
    if waiting:
        with pytest.raises(NotNow) as refusal, acting(cast.approver, "test"):
            review_list(batch, by=cast.approver)
        assert refusal.value.code == "check.waiting"
    with pytest.raises(NotNow) as refusal, acting(cast.handler, "test"):
        share_out_batch(batch, by=cast.handler)
    assert refusal.value.code == "issue_batch.pending"


def test_nobody_applies_where_the_office_makes_the_list(cast: Cast, settled: Publication):
    with pytest.raises(NotNow) as refusal, acting(cast.filer, "test"):
        start_application(settled.program, cast.alpha, by=cast.filer)
    assert refusal.value.code == "program.closed" and "不需提交申领" in refusal.value.message


def test_a_version_that_takes_applications_has_no_list(cast: Cast, listing: Publication):
    with pytest.raises(Invalid) as refusal, acting(cast.handler, "test"):
        make_list(listing.program, b"", by=cast.handler)
    assert refusal.value.code == "issue_list.way"
    assert dates.today() == date(2025, 7, 15)
