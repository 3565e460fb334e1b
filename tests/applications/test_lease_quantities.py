"""The applicant does not choose the price that is checked: what it tells stands with a quantity that its cards can run."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from applications.actions import cases
from applications.actions.applications import accept_application, recommend_application
from applications.actions.assessments import estimate
from applications.actions.leases import check_lease_price
from applications.facts import latest_price_check
from applications.invoice_prices import billed_prices
from applications.lease_prices import priced_contract
from applications.models import Lease
from tests import casework
from tests.applications.test_invoice_prices import billed, claim_on
from tests.applications.test_lease_splits import beijing, finding, split_by_two  # noqa: F401 - a fixture
from vouchers.actions.price_checks import price_finding
from vouchers.context import acting
from vouchers.errors import NotNow, Problems
from vouchers.models import PriceCheck

SIGNED = date(2025, 6, 25)


def quarter(cast, amount="22500000.00", **more):
    """128 H800 for the 92 days from 2025-06-25, which is 282,624 card-hours; the fair range is 17.10 to 20.90."""
    given = {
        "signed_on": SIGNED,
        "starts_on": SIGNED,
        "ends_on": date(2025, 9, 24),
        "cards": 128,
        "unit_price": Decimal(19),
        **more,
    }
    return casework.lease_fields(cast.provider, amount, **given)


def checked(cast, publication, fields) -> PriceCheck:
    application = casework.submitted(cast, publication, fields)
    check = latest_price_check(application.lease)
    assert check is not None
    return check


def test_what_is_told_honestly_passes_or_is_refused_as_before(cast, beijing):  # noqa: F811
    fair = quarter(cast, "5369856.00", quantity=Decimal(282624))
    assert checked(cast, beijing, fair).consequence == "passed"
    dear = quarter(cast, unit_price=Decimal("79.611073"), quantity=Decimal(282624))
    assert finding(casework.drafted(cast, beijing, dear)).sentence.startswith("合同签订价 79.61 元/卡时")
    found = estimate(casework.drafted(cast, beijing, dear))
    assert [one.code for one in found.findings if one.result == "not_met"].count("fair_price") == 1


@pytest.mark.parametrize(
    ("quantity", "reason", "told"),
    [
        (None, "price.quantity_missing", "合同未填写数量"),
        (Decimal("1184210.5263"), "price.over_capacity", "最多可提供的 282,624 卡时"),
    ],
)
def test_a_dear_contract_does_not_pass_by_the_price_it_tells(cast, beijing, quantity, reason, told):  # noqa: F811
    application = casework.submitted(cast, beijing, quarter(cast, quantity=quantity))
    check = latest_price_check(application.lease)
    assert (check.position, check.consequence, check.reason) == ("unknown", "review", reason)
    assert check.recognised_price is None
    assert told in check.sentence and "每卡时仍合 79.61 元" in check.sentence
    with acting(cast.handler, "test"):
        accept_application(application, by=cast.handler)
    (waiting,) = [one for one in cases.checks_of(application) if one.code.startswith("fair_price")]
    assert waiting.result == "waiting" and told in waiting.sentence
    with acting(cast.second_handler, "test"), pytest.raises(NotNow, match="还有核验项未作结论"):
        recommend_application(application, by=cast.second_handler)


def test_the_enterprise_reads_before_it_files_what_to_give(cast, beijing):  # noqa: F811
    application = casework.drafted(cast, beijing, quarter(cast, quantity=None))
    assert "请按合同补填数量（卡时）" in finding(application).sentence
    assert not PriceCheck.objects.exists()


def test_a_figure_that_contradicts_itself_is_still_refused_when_it_is_typed(cast, beijing):  # noqa: F811
    with pytest.raises(Problems) as refused:
        casework.drafted(cast, beijing, quarter(cast, quantity=Decimal(282624)))
    assert [one.code for one in refused.value.problems] == ["lease.arithmetic"]


def test_a_contract_of_before_without_a_quantity_is_read_and_looked_at(cast, beijing):  # noqa: F811
    """Filed before quantities were asked for: what was kept of it stands; a new look asks a person."""
    application = casework.submitted(cast, beijing, quarter(cast, "5369856.00", quantity=Decimal(282624)))
    kept = latest_price_check(application.lease)
    Lease.objects.filter(pk=application.lease.pk).update(quantity=None, cards=None)
    application.lease.refresh_from_db()
    kept.refresh_from_db()
    assert kept.facts().verdict == "within"
    with acting(cast.handler, "test"):
        again = check_lease_price(application.lease, beijing.scheme)
    assert (again.reason, again.consequence) == ("price.quantity_missing", "review")


def test_where_the_version_cuts_a_doubtful_quantity_is_not_cut_by(cast, beijing):  # noqa: F811
    """25.00 told, 79.61 paid: cut to the bound it would still be paid three times the fair price."""
    fields = quarter(cast, unit_price=Decimal(25), quantity=Decimal(900000))
    application = casework.drafted(cast, beijing, fields)
    contract = priced_contract(application.lease)
    assert price_finding(contract, above_band="cut").reason == "price.over_capacity"
    assert price_finding(contract, above_band="refuse").consequence == "refused"
    assert price_finding(contract, above_band="none").consequence == "passed"


def test_a_breakdown_is_held_against_the_cards_by_the_computes_own_figures(cast, beijing):  # noqa: F811
    parts = {"compute": Decimal("5000000.00"), "storage": Decimal("1250000.00")}
    fields = quarter(cast, "6250000.00", unit_price=Decimal(25), quantity=Decimal(250000), bundled=True)
    application = casework.submitted(cast, beijing, fields)
    split_by_two(cast, application.lease, parts)
    assert latest_price_check(application.lease).consequence == "passed"  # 20.00 for each of 250,000 hours
    split_by_two(cast, application.lease, parts, quantity=Decimal(290000))
    check = latest_price_check(application.lease)
    assert (check.reason, check.consequence) == ("price.over_capacity", "review")


def test_a_bills_line_is_no_contract_and_needs_no_quantity_of_one(cast, beijing):  # noqa: F811
    application = casework.submitted(cast, beijing, quarter(cast, "5369856.00", quantity=Decimal(282624)))
    voucher = casework.issued(cast, application)
    application.lease.refresh_from_db()
    bill = billed(application.lease, ("算力服务费", "卡时", "50000", "950000.00"))
    (one,) = billed_prices(claim_on(cast, (voucher, application.lease), bill))
    assert one.contract.extent is None
    assert price_finding(one.contract, above_band="refuse").consequence == "passed"
