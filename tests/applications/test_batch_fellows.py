"""Cases of one enterprise in one batch: bands of the year go on among them as the dry run has it, to the fen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

import pytest

from applications.actions.assessments import kept, recompute
from applications.models import Application, IssueBatch
from applications.year_basis import year_basis
from tests import casework
from tests.applications.batch_office import decided, filed, issued, noticed, shared_out, with_pool
from tests.cast import Cast
from vouchers import dates
from vouchers.models import Publication, Voucher
from vouchers.policy import assess
from vouchers.policy.documents import shipped_scheme
from vouchers.policy.dry_run import replay
from vouchers.policy.examples import Example, Expected
from vouchers.policy.facts import Facts, UsedAmounts
from vouchers.policy.plain import from_plain
from vouchers.policy.replay import ReplayCase
from vouchers.policy.rules import Cap, Scheme
from vouchers.policy.terms import CapPeriod, CapSubject, Shortage, TierMeasure, TierMode

D = Decimal


def of_the_year(first: str, beyond: str, pool: str) -> Callable[[Scheme], Scheme]:
    """Beijing's, with one rate for the year's first 2 million and another beyond, 200,000 a project, and a pool."""

    def change(scheme: Scheme) -> Scheme:
        (track,), (rate,) = scheme.tracks, scheme.rates
        project = Cap(
            cite=scheme.cite,
            code="project",
            name="单个项目限额",
            subject=CapSubject.PROJECT,
            amount=D(200000),
            period=CapPeriod.TOTAL,
        )
        return with_pool(
            replace(
                scheme,
                tracks=(replace(track, tier_mode=TierMode.MARGINAL, tier_measure=TierMeasure.YEAR),),
                rates=(
                    replace(rate, code="first", rate=D(first), band_to=D(2000000)),
                    replace(rate, code="beyond", rate=D(beyond), band_from=D(2000000)),
                ),
                caps=(*scheme.caps, project),
            ),
            Shortage.PRO_RATA,
            pool,
        )

    return change


def as_computed(change: Callable[[Scheme], Scheme]) -> Callable[[Example], Example]:
    def retell(example: Example) -> Example:
        facts = replace(example.facts, project_no="P", batch_no="2025-1")
        answer = assess(change(shipped_scheme("BJ-AIQ")), facts)
        return replace(example, facts=facts, expected=Expected(amount=answer.amount, outcome=answer.outcome))

    return retell


def opened(cast: Cast, change: Callable[[Scheme], Scheme]) -> Publication:
    publication = casework.published(cast, "BJ-AIQ", change, as_computed(change))
    casework.funded(cast, publication.program)
    for party in (cast.alpha, cast.beta):
        type(party).objects.filter(pk=party.pk).update(region_code="110108")
        casework.fit_for_beijing(party)
    return publication


def approved(cast: Cast, publication: Publication, number: str, project: str, rent: str) -> Application:
    """甲公司's, for a project."""
    stated = {"project_name": project}
    return decided(cast, filed(cast, publication, rent, number, facts=stated))


def dry(scheme: Scheme, cases: list[Application]) -> dict[str, Decimal]:
    """What a dry run gives them, on the facts that each was approved on."""
    rows = []
    for one in cases:
        facts = from_plain(Facts, one.facts["assessed"])
        rows.append(
            ReplayCase(
                case_no=one.application_no,
                on=facts.on,
                facts=replace(facts, used=UsedAmounts(), batch_no=""),
            )
        )
    return {one.case_no: one.amount for one in replay(scheme, rows).outcomes}


@pytest.mark.parametrize("pool", ["2500000.00", "250000.01"])
@pytest.mark.parametrize(("first", "beyond"), [("0.2", "0.4"), ("0.2", "0.1")])
def test_the_batch_gives_each_of_an_enterprises_cases_what_the_dry_run_gives_it(
    cast: Cast, first: str, beyond: str, pool: str
):
    publication = opened(cast, of_the_year(first, beyond, pool))
    cases = [
        approved(cast, publication, "HT-1", "昆仑", "1000000.00"),
        approved(cast, publication, "HT-2", "昆仑", "1500000.00"),
        approved(cast, publication, "HT-3", "太行", "400000.07"),
        approved(cast, publication, "HT-4", "秦岭", "450000.00"),
    ]
    batch = issued(cast, noticed(cast, shared_out(cast, publication)))
    live = dict(batch.members.values_list("application__application_no", "allotted_amount"))
    assert live == dry(publication.scheme, cases)
    vouchers = dict(Voucher.objects.values_list("application_no", "face_value"))
    assert vouchers == {number: amount for number, amount in live.items() if amount}
    for one in cases:
        one.refresh_from_db()
        assert one.state == "rejected" or recompute(one) == kept(one)


def test_who_asks_for_nothing_as_its_project_has_had_its_share_counts_nothing_in_the_year(cast: Cast):
    publication = opened(cast, of_the_year("0.2", "0.4", "2500000.00"))
    whole = approved(cast, publication, "HT-1", "昆仑", "1000000.00")
    nothing = approved(cast, publication, "HT-2", "昆仑", "1500000.00")
    after = approved(cast, publication, "HT-3", "太行", "400000.00")
    assert after.approved_amount == D(
        "160000.00"
    )  # 40 %: the second was filed before it, and not decided with it
    batch = shared_out(cast, publication)
    members = {one.application_id: one for one in batch.members.all()}
    assert [members[one.pk].asked_amount for one in (whole, nothing)] == [D("200000.00"), D("0.00")]
    assert (members[whole.pk].year_basis, members[nothing.pk].year_basis) == ({"rent": "1000000.00"}, {})
    # 1 million of the first 2 was left for the third: 20 %, as if the second had never been filed.
    assert members[after.pk].asked_amount == D("80000.00")
    assert kept_base(after, batch) == {"rent": D(1000000)}


def kept_base(case: Application, batch: IssueBatch) -> dict[str, Decimal]:
    """The year's base before it, as it is read once the batch holds it."""
    case.refresh_from_db()
    assert case.batch == batch and case.publication is not None
    return year_basis(case.publication.scheme, case, on=dates.today())
