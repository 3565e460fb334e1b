"""A contract whose price holds storage or network: broken down by the enterprise or the office, or looked at by a person."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from django.db import IntegrityError, ProgrammingError, connection, transaction

from applications.actions import cases
from applications.actions.applications import accept_application, approve_application, recommend_application
from applications.actions.assessments import estimate, kept
from applications.actions.basis_items import ItemFields
from applications.actions.claims import approve_claim, verify_claim
from applications.actions.lease_splitting import split_lease
from applications.actions.leases import update_lease
from applications.facts import latest_price_check
from applications.lease_prices import split_of
from applications.models import Claim, LeaseSplit, Review
from tests import casework
from tests.cast import SINCE
from tests.vouchers.prices.feeds import market_rows
from vouchers.access import Role
from vouchers.actions import prices
from vouchers.context import Actor, acting
from vouchers.errors import Forbidden, Invalid, NotNow, Problems
from vouchers.models import PriceCheck, RoleGrant
from vouchers.policy.terms import AboveBand

SIGNED = date(2025, 6, 25)
PARTS = {
    "compute": Decimal("4000000.00"),
    "storage": Decimal("800000.00"),
    "network": Decimal("200000.00"),
}
WHY = "合同附件二报价清单第 3、4 行。"


@pytest.fixture
def beijing(cast):
    """北京's scheme, with a market whose band for this contract is 17.10 to 20.90 元/卡时."""
    publication = casework.published(cast, "BJ-AIQ")
    casework.funded(cast, publication.program)
    casework.fit_for_beijing(cast.alpha)
    casework.admitted(cast.provider, "BJ-AIQ", "算力")
    with acting(Actor.service("test"), "test"):
        prices.load_price_tables()
        prices.load_observations(market_rows(date(2025, 6, 20)))
    return publication


def contract(cast, **more):
    """250,000 卡时 for 5,000,000: 20.00 with all that is in it, 16.00 of compute alone by ``PARTS``."""
    given = {
        "signed_on": SIGNED,
        "starts_on": SIGNED,
        "ends_on": date(2025, 9, 24),
        "unit_price": Decimal("20"),
        "quantity": Decimal("250000"),
        "cards": 160,
        "bundled": True,
        **more,
    }
    return casework.lease_fields(cast.provider, "5000000.00", **given)


def split(cast, lease, parts=PARTS, by=None, **more):
    by = by or cast.handler
    with acting(by, "test"):
        return split_lease(lease, parts, by=by, reason=more.pop("reason", WHY), **more)


def split_by_two(cast, lease, parts=PARTS, **more):
    """As it takes: one handler breaks it down, another says the same."""
    split(cast, lease, parts, **more)
    return split(cast, lease, parts, by=cast.second_handler, **more)


def finding(case):
    """What the assessment says of the price."""
    return next(one for one in estimate(case).findings if one.code == "fair_price")


def test_a_bundled_price_that_nobody_breaks_down_waits_for_a_person(cast, beijing):
    application = casework.submitted(cast, beijing, contract(cast))
    check = latest_price_check(application.lease)
    assert (check.reason, check.consequence, check.recognised_price) == ("price.bundled", "review", None)
    with acting(cast.handler, "test"):
        accept_application(application, by=cast.handler)
    (waiting,) = [one for one in cases.checks_of(application) if one.code.startswith("fair_price")]
    assert waiting.result == "waiting"
    with acting(cast.second_handler, "test"), pytest.raises(NotNow, match="还有核验项未作结论"):
        recommend_application(application, by=cast.second_handler)


def test_what_the_enterprise_states_is_told_but_does_not_decide_until_the_office_stands_behind_it(
    cast, beijing
):
    application = casework.submitted(cast, beijing, contract(cast, parts=PARTS))
    held = split_of(application.lease)
    assert (held.source, held.revision, held.total) == ("stated", 1, Decimal("5000000.00"))
    assert (held.compute.quantity, held.compute.unit_price) == (Decimal("250000"), Decimal("16"))
    check = latest_price_check(application.lease)
    assert (check.reason, check.consequence) == ("price.split_unconfirmed", "review")
    assert check.unit_price == Decimal("16.000000")
    assert check.sentence.startswith(
        "合同价款按企业填报拆分（算力 4,000,000.00 元、存储 800,000.00 元、网络 200,000.00 元），拆分待经办对照合同核定"
    )
    assert finding(application).asks_for_a_person


def test_the_enterprise_sees_before_filing_what_its_own_breakdown_comes_to(cast, beijing):
    application = casework.drafted(cast, beijing, contract(cast, parts=PARTS))
    sentence = finding(application).sentence
    assert "算力 4,000,000.00 元" in sentence
    assert "低于签订日公允价格区间下限 17.10" in sentence
    assert not PriceCheck.objects.exists()


def test_the_office_splits_with_a_reason_and_the_compute_alone_is_held_against_the_band(cast, beijing):
    application = casework.submitted(
        cast, beijing, contract(cast, unit_price=Decimal("25"), quantity=Decimal("200000"))
    )
    assert latest_price_check(application.lease).reason == "price.bundled"
    made = split_by_two(cast, application.lease)
    assert (made.source, made.reason, made.made_by) == ("office", WHY, cast.second_handler)
    check = latest_price_check(application.lease)
    # 4,000,000 ÷ 200,000 卡时 = 20.00, within 17.10 to 20.90; the whole price of 25.00 would be refused
    assert (check.unit_price, check.position, check.consequence) == (Decimal(20), "within", "passed")
    assert check.sentence.startswith("合同价款已由经办核定拆分（算力 4,000,000.00 元、")
    assert prices.verify_check(check)
    application.refresh_from_db()
    assert not finding(application).asks_for_a_person
    told = Review.objects.filter(subject_no=application.application_no, verb="split_lease")
    assert {one.actor for one in told} == {cast.handler, cast.second_handler}
    assert all(one.reason.endswith(WHY) and one.internal for one in told)


def test_compute_above_the_band_is_refused_although_the_whole_was_within(cast, beijing):
    application = casework.submitted(cast, beijing, contract(cast, unit_price=Decimal("20")))
    dear = {"compute": Decimal("4990000.00"), "storage": Decimal("10000.00")}
    split_by_two(cast, application.lease, dear, quantity=Decimal("230000"))
    check = latest_price_check(application.lease)
    assert (check.unit_price, check.consequence) == (Decimal("21.695652"), "refused")
    application.refresh_from_db()
    assert [one.code for one in kept(application).refusals] == ["fair_price"]


def test_a_quantity_of_a_handlers_own_decides_nothing_until_another_handler_says_the_same(cast, beijing):
    """The contract has 200,000 at 25.00. Whoever writes 300,000 brings it under the band: alone that is no finding."""
    application = casework.submitted(
        cast, beijing, contract(cast, unit_price=Decimal("25"), quantity=Decimal("200000"))
    )
    lease, cheap = application.lease, {"compute": Decimal("4990000.00"), "storage": Decimal("10000.00")}
    for person in (cast.handler, cast.handler):  # saying it twice is not two persons
        split(cast, lease, cheap, by=person, quantity=Decimal("280000"))
        check = latest_price_check(lease)
        assert (check.consequence, check.reason) == ("review", "price.split_unconfirmed")
        assert "待另一名经办核对" in check.sentence
    split(cast, lease, cheap, by=cast.second_handler, quantity=Decimal("290000"))  # another figure is no yes
    assert latest_price_check(lease).consequence == "review"
    split(cast, lease, cheap, by=cast.handler, quantity=Decimal("290000"))
    check = latest_price_check(lease)
    assert (check.consequence, check.unit_price) == ("passed", Decimal("17.206897"))


@pytest.mark.parametrize("stated", [{}, PARTS], ids=["as-filed-whole", "as-the-enterprise-stated"])
def test_amounts_of_one_handler_decide_nothing_though_the_quantity_is_the_contracts(cast, beijing, stated):
    """25.00 in all, above the band; 20.00 of compute by one handler's amounts, within it. What the enterprise said is no second voice."""
    application = casework.submitted(
        cast, beijing, contract(cast, unit_price=Decimal("25"), quantity=Decimal("200000"), parts=stated)
    )
    lease = application.lease
    split(cast, lease)
    check = latest_price_check(lease)
    assert (check.consequence, check.reason) == ("review", "price.split_unconfirmed")
    assert check.sentence.startswith("合同价款由一名经办拆分（算力 4,000,000.00 元、")
    other = {**PARTS, "compute": Decimal("4100000.00"), "storage": Decimal("700000.00")}
    split(cast, lease, other, by=cast.second_handler)  # other amounts are no yes
    assert latest_price_check(lease).consequence == "review"
    split(cast, lease, other)
    check = latest_price_check(lease)
    assert (check.consequence, check.unit_price) == ("passed", Decimal("20.5"))


def test_who_split_alone_does_not_answer_the_price_check_and_an_answer_does_not_outlive_its_breakdown(
    cast, beijing
):
    application = casework.submitted(
        cast, beijing, contract(cast, unit_price=Decimal("25"), quantity=Decimal("200000"))
    )

    def the_check():
        return next(one for one in cases.checks_of(application) if one.code.startswith("fair_price"))

    def answer(by):
        with acting(by, "test"):
            cases.answer_check(the_check(), application, result="passed", sentence="见报价清单。", by=by)

    with acting(cast.handler, "test"):
        accept_application(application, by=cast.handler)
    split(cast, application.lease)
    application.refresh_from_db()
    with pytest.raises(Forbidden) as refused:
        answer(cast.handler)
    assert refused.value.code == "access.same_person"
    answer(cast.second_handler)
    assert the_check().result == "passed"
    split(cast, application.lease, {"compute": Decimal("4990000.00"), "storage": Decimal("10000.00")})
    application.refresh_from_db()
    assert (the_check().result, the_check().checked_by) == ("waiting", None)
    assert "fair_price" not in str(application.facts.get("attestations", {}))


def test_what_the_version_does_not_support_is_left_out_of_the_estimate_line_by_line(cast, beijing):
    whole = casework.drafted(cast, beijing, contract(cast))
    apart = casework.drafted(cast, beijing, contract(cast, contract_no="HT-2", parts=PARTS))
    rate = estimate(whole).amount / Decimal("5000000.00")
    excluded = {one for track in beijing.scheme.tracks for one in track.excluded_components}
    counted = sum(amount for part, amount in PARTS.items() if part not in {one.value for one in excluded})
    assert estimate(apart).amount == counted * rate
    lines = [line for line in estimate(apart).lines if line.operator == "exclude"]
    assert len(lines) == sum(part in {one.value for one in excluded} for part in PARTS)


@pytest.mark.parametrize(
    ("parts", "code"),
    [
        ({"compute": Decimal("4000000.00"), "storage": Decimal("999999.99")}, "lease.parts_sum"),
        ({"storage": Decimal("5000000.00")}, "lease.parts_compute"),
        ({"compute": Decimal("5100000.00"), "storage": Decimal("-100000.00")}, "lease.parts"),
        ({"compute": Decimal("4000000.00"), "cake": Decimal("1000000.00")}, "lease.parts"),
    ],
)
def test_parts_that_are_no_breakdown_of_the_price_are_refused_from_either_side(cast, beijing, parts, code):
    application = casework.submitted(cast, beijing, contract(cast))
    with pytest.raises(Problems) as refused:
        split(cast, application.lease, parts)
    assert code in {one.code for one in refused.value.problems}
    with pytest.raises(Problems) as refused:
        casework.drafted(cast, beijing, contract(cast, contract_no="HT-2", parts=parts))
    assert code in {one.code for one in refused.value.problems}
    assert not LeaseSplit.objects.exists()


def test_without_a_quantity_there_is_no_price_of_a_unit(cast, beijing):
    application = casework.submitted(cast, beijing, contract(cast, quantity=None))
    with pytest.raises(Problems) as refused:
        split(cast, application.lease)
    assert [one.code for one in refused.value.problems] == ["lease.parts_quantity"]
    made = split(cast, application.lease, quantity=Decimal("200000"))
    assert made.compute.unit_price == Decimal(20)


def test_only_a_handler_of_the_region_splits_and_never_without_a_reason(cast, beijing):
    lease = casework.submitted(cast, beijing, contract(cast)).lease
    for person in (cast.filer, cast.platform, cast.other_handler, cast.approver, cast.finance):
        with pytest.raises(Forbidden):
            split(cast, lease, by=person)
    with pytest.raises(Invalid) as refused:
        split(cast, lease, reason="  ")
    assert refused.value.code == "lease.split_reason"


def test_a_contract_that_is_not_filed_or_no_longer_stands_is_not_split(cast, beijing):
    lease = casework.drafted(cast, beijing, contract(cast)).lease
    with pytest.raises(NotNow) as refused:
        split(cast, lease)
    assert refused.value.code == "lease.split_closed"


def test_filing_the_same_again_leaves_the_offices_breakdown_and_other_parts_ask_anew(cast, beijing):
    application = casework.drafted(cast, beijing, contract(cast, parts=PARTS))
    lease = application.lease
    with acting(cast.filer, "test"):
        update_lease(lease, contract(cast, parts=PARTS), by=cast.filer)
        assert lease.splits.count() == 1
        other = {**PARTS, "storage": Decimal("900000.00"), "network": Decimal("100000.00")}
        update_lease(lease, contract(cast, parts=other), by=cast.filer)
        assert split_of(lease).revision == 2
        update_lease(lease, contract(cast), by=cast.filer)
        assert split_of(lease) is None  # taken back: the bundle is whole again
        cheaper = replace(contract(cast, parts=PARTS), bundled=False)
        update_lease(lease, cheaper, by=cast.filer)
        assert lease.bundled  # whoever tells the parts apart says that there are some
    assert [one.revision for one in lease.splits.all()] == [1, 2, 3, 4]


def test_a_breakdown_is_never_changed_nor_taken_away_not_even_past_the_application(cast, beijing):
    lease = casework.submitted(cast, beijing, contract(cast, parts=PARTS)).lease
    for statement in (
        "UPDATE applications_leasesplitline SET net_amount = 1",
        "DELETE FROM applications_leasesplitline",
        "UPDATE applications_leasesplit SET reason = 'x'",
        "DELETE FROM applications_leasesplit",
    ):
        with pytest.raises(ProgrammingError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)
    with pytest.raises(IntegrityError), transaction.atomic(), acting(cast.handler, "test"):
        LeaseSplit.objects.create(lease=lease, revision=9, source="office", reason="", made_by=cast.handler, made_at="2025-07-15T00:00Z")  # fmt: skip


def test_a_decision_that_was_made_stays_and_the_claim_rests_on_the_breakdown_of_its_own_day(cast, beijing):
    application = casework.submitted(cast, beijing, contract(cast, parts=PARTS))
    split_by_two(cast, application.lease)
    voucher = casework.issued(cast, application)
    application.refresh_from_db()
    decided = application.assessment
    lease = application.lease
    lease.refresh_from_db()
    claim = casework.claimed(
        cast,
        voucher,
        lease,
        [ItemFields(kind="invoice_line", net_amount=Decimal("1000000.00"), invoice=casework.invoice(lease, "1000000.00"), component="compute")],
    )  # fmt: skip
    before = claim.price_check
    assert before.unit_price == Decimal(16)
    other = {"compute": Decimal("4500000.00"), "storage": Decimal("500000.00")}
    split_by_two(cast, lease, other)
    claim = Claim.objects.get(pk=claim.pk)
    assert (claim.price_check.unit_price, claim.price_check.pk != before.pk) == (Decimal(18), True)
    application.refresh_from_db()
    assert application.assessment == decided
    casework.answer_all(cast, claim)
    with acting(cast.second_handler, "test"):
        verify_claim(claim, by=cast.second_handler)
    with acting(cast.approver, "test"):
        approve_claim(claim, by=cast.approver)
    split_by_two(cast, lease, PARTS)
    claim.refresh_from_db()
    assert claim.price_check.unit_price == Decimal(18)  # decided: what it was decided on is kept with it


def test_who_split_does_not_approve(cast, beijing):
    application = casework.submitted(cast, beijing, contract(cast))
    split(cast, application.lease, by=cast.second_handler)
    with acting(cast.handler, "test"):
        accept_application(application, by=cast.handler)
        casework.answer_all(cast, application)
    RoleGrant.objects.create(user=cast.expert, role=Role.HANDLER, region=cast.beijing, effective_from=SINCE)
    cast.expert.__dict__.pop("_grants_now", None)
    with acting(cast.expert, "test"):
        recommend_application(application, by=cast.expert)
    RoleGrant.objects.filter(user=cast.second_handler).delete()
    RoleGrant.objects.create(
        user=cast.second_handler, role=Role.APPROVER, region=cast.beijing, effective_from=SINCE
    )
    cast.second_handler.__dict__.pop("_grants_now", None)
    with acting(cast.second_handler, "test"), pytest.raises(Forbidden) as refused:
        approve_application(application, by=cast.second_handler)
    assert refused.value.code == "access.same_person"


def test_a_scheme_that_asks_for_no_price_is_left_alone(cast, beijing):
    application = casework.submitted(cast, beijing, contract(cast, parts=PARTS))
    free = replace(beijing.scheme, price=replace(beijing.scheme.price, above_band=AboveBand.NONE))
    from applications.actions.leases import check_lease_price

    assert check_lease_price(application.lease, free) is None
