"""The leases of a past year are held against the fair price of their signing date, as a lease that is filed is."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from applications.actions.imports import import_folder
from applications.models import Lease
from applications.past_cases import read_past
from applications.sample_cases import read_sample
from applications.sample_prices import SamplePrices
from applications.sample_year import SHIPPED, year_in
from vouchers import dates
from vouchers.actions import prices
from vouchers.actions.case_sources import SOURCES, CaseQuery
from vouchers.actions.dry_runs import Plan, compute
from vouchers.context import Actor, acting
from vouchers.models import PriceObservation
from vouchers.policy.documents import shipped_scheme
from vouchers.policy.entered import Entered
from vouchers.policy.facts import PriceVerdict
from vouchers.policy.replay import CaseOutcome, ReplayCase
from vouchers.policy.rules import Scheme
from vouchers.policy.terms import AboveBand, Verdict

BEIJING = CaseQuery(program="BJ-AIQ", region="110000", from_on=date(2024, 1, 1), to_on=date(2027, 1, 1))
ABOVE = {"L-2025-801521", "L-2025-802173", "L-2025-802271", "L-2025-802605"}
BY_POWER = "L-2025-801939"  # by P·天, and no precision is declared


@pytest.fixture
def beijing() -> Scheme:
    return shipped_scheme("BJ-AIQ")


@pytest.fixture
def imported(db, tmp_path):
    with acting(Actor.service("test"), "test"):
        import_folder(SHIPPED, out=tmp_path)
        yield


def verdicts(cases) -> dict[str, PriceVerdict | None]:
    return {one.contract_no: one.price for case in cases for one in case.facts.contracts}


def one_by_one(lease: Lease) -> PriceVerdict:
    return prices.price_finding(prices.contract_of_lease(lease), above_band="refuse").facts()


def untold(verdict: PriceVerdict) -> PriceVerdict:
    """Without the sentence, which names the consequence under one scheme; why nothing can be said holds under any."""
    return verdict if verdict.verdict is Verdict.UNTESTABLE else replace(verdict, sentence="")


def test_each_lease_has_the_verdict_that_it_has_one_by_one(imported, cast):
    # months that are published lend their factors to thin cells; what was set aside later still counted on the day
    with dates.fixed(date(2025, 4, 1)):
        issue = prices.compute_index(date(2025, 4, 1), by=cast.policy_editor)
        prices.propose_index(issue, by=cast.policy_editor, jump_text="样本结构所致。")
        prices.publish_index(issue, by=cast.price_publisher, confirmation="样本结构所致，已核对。")
    sources = (
        PriceObservation.objects.filter(state="admitted").order_by("source").values_list("source", flat=True)
    )
    for source in list(sources.distinct())[::9]:
        prices.set_aside_observations(source=source, reason="withdrawn", by=None)

    year = year_in(SHIPPED)
    leases = {row.lease_no: row for row in Lease.objects.select_related("lessee", "lessor")}
    looked_at = sorted({*list(leases)[::6], *ABOVE, BY_POWER})
    book = SamplePrices(year)
    found = {number: book.of(year.leases[number]) for number in looked_at}
    different = [number for number in looked_at if found[number] != untold(one_by_one(leases[number]))]
    assert different == []
    assert {one.verdict for one in found.values() if one} == set(Verdict)
    assert found[BY_POWER].verdict is Verdict.UNTESTABLE


def test_a_lease_above_its_band_is_refused_and_passes_where_no_band_is_asked_for(imported, beijing):
    free = replace(beijing, price=replace(beijing.price, above_band=AboveBand.NONE))
    cases = {case.case_no: case for case in read_sample(BEIJING)}
    seen: list[tuple[ReplayCase, CaseOutcome, CaseOutcome]] = []

    def each(case: Entered, before: CaseOutcome | None, after: CaseOutcome) -> None:
        assert before is not None
        seen.append((cases[case.case_no], before, after))

    plan = Plan(scheme=free, before=beijing, query=BEIJING, sources=(SOURCES["sample"],))
    report = compute(plan, each=each)
    refused = {one.contract_no for case, before, _ in seen if "fair_price" in before.failed
               for one in case.facts.contracts if one.price and one.price.verdict is Verdict.ABOVE}  # fmt: skip
    assert refused == ABOVE
    assert not any("fair_price" in (*after.failed, *after.open) for _, _, after in seen)
    won = [
        case.case_no
        for case, before, after in seen
        if before.failed == ("fair_price",) and after.amount > before.amount
    ]
    assert won
    applications = [number for number in won if number.startswith("A-")]
    (shift,) = [one for one in report.commitments.shifts if one.code == "fair_price"]
    assert shift.gained == len(applications)
    assert report.commitments.total.after > report.commitments.total.before


def test_imported_history_says_the_same_and_asks_no_more_for_more_leases(imported):
    with CaptureQueriesContext(connection) as asked:
        files = verdicts(read_sample(BEIJING))
    assert verdicts(read_past(BEIJING)) == files
    chips = {(row["accelerator"], row["form_factor"]) for row in year_in(SHIPPED).leases.values()}
    assert len(files) > 3 * len(chips)
    assert len(asked) < 12 + 3 * len(chips)


def test_where_no_price_is_on_record_nothing_can_be_said(db):
    assert set(verdicts(read_sample(BEIJING)).values()) == {None}  # not even a method
    with acting(Actor.service("test"), "test"):
        prices.load_price_tables()
    without = verdicts(read_sample(BEIJING)).values()
    assert {one.verdict for one in without if one} == {Verdict.UNTESTABLE}
    assert all(one and one.sentence.startswith("合同") for one in without)


def test_to_count_cases_no_price_is_looked_at(imported):
    with CaptureQueriesContext(connection) as asked:
        number = SOURCES["sample"].count(BEIJING)
        SOURCES["history"].count(BEIJING)
    assert number == len(list(read_sample(BEIJING)))
    assert not any("vouchers_priceobservation" in query["sql"] for query in asked)
