"""年度累计基数: a claim knows what the enterprise's claims before it rest on, so that bands of the year go on from there."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from applications.actions.basis_items import ItemFields
from applications.facts import application_facts, claim_facts
from applications.models import Application, Claim, Lease
from applications.year_basis import year_basis
from tests import casework
from vouchers import dates
from vouchers.models import Voucher
from vouchers.policy import assess, to_plain
from vouchers.policy.rules import Scheme
from vouchers.policy.terms import ChipOrigin, Component, TierMeasure, TierMode, TrackChoice

D = Decimal
DAY = date(2025, 8, 1)


@pytest.fixture
def voucher(cast):
    publication = casework.published(cast, "BJ-AIQ")
    casework.funded(cast, publication.program)
    casework.fit_for_beijing(cast.alpha)
    application = casework.submitted(cast, publication, casework.lease_fields(cast.provider, "5000000.00"))
    made = casework.issued(cast, application)
    with dates.fixed(DAY):
        yield made


def filed(cast, voucher: Voucher, amount: str, number: str) -> Claim:
    lease = Lease.objects.get()
    item = ItemFields(
        kind="invoice_line",
        net_amount=D(amount),
        invoice=casework.invoice(lease, amount, number=number),
    )
    return casework.claimed(cast, voucher, lease, [item])


def of_the_year(voucher: Voucher) -> Scheme:
    """Beijing's rule with 20 % of the year's first million and 10 % of what is beyond."""
    assert voucher.publication is not None
    scheme = voucher.publication.scheme
    (track,), (rate,) = scheme.tracks, scheme.rates
    million = D(1000000)
    return replace(
        scheme,
        tracks=(replace(track, tier_mode=TierMode.MARGINAL, tier_measure=TierMeasure.YEAR),),
        rates=(
            replace(rate, code="first", band_to=million),
            replace(rate, code="beyond", rate=D("0.1"), band_from=million),
        ),
    )


def test_the_second_claim_goes_on_where_the_first_ended(cast, voucher):
    first = filed(cast, voucher, "700000.00", "25112000000000000001")
    second = filed(cast, voucher, "500000.00", "25112000000000000002")
    scheme = of_the_year(voucher)
    assert year_basis(scheme, first, on=DAY) == {}
    assert year_basis(scheme, second, on=DAY) == {"rent": D(700000)}
    facts = [claim_facts(one, scheme, on=DAY) for one in (first, second)]
    assert [assess(scheme, one).computed_amount for one in facts] == [D(140000), D(80000)]


def test_what_belongs_to_another_year_does_not_count(cast, voucher):
    first = filed(cast, voucher, "700000.00", "25112000000000000001")
    second = filed(cast, voucher, "500000.00", "25112000000000000002")
    scheme = of_the_year(voucher)
    assert year_basis(scheme, second, on=date(2026, 1, 1)) == {}
    Claim.objects.filter(pk=first.pk).update(submitted_at=dates.now().replace(year=2024))
    assert year_basis(scheme, second, on=DAY) == {}


def test_a_scheme_that_asks_for_nothing_of_the_year_is_told_nothing(cast, voucher):
    filed(cast, voucher, "700000.00", "25112000000000000001")
    second = filed(cast, voucher, "500000.00", "25112000000000000002")
    assert year_basis(voucher.publication.scheme, second, on=DAY) == {}


def test_an_application_counts_the_applications_before_it(cast, voucher):
    (first,) = Application.objects.all()
    assert voucher.publication is not None
    second = casework.submitted(
        cast, voucher.publication, casework.lease_fields(cast.provider, "600000.00", contract_no="HT-2")
    )
    scheme = of_the_year(voucher)
    assert year_basis(scheme, first, on=DAY) == {}
    assert application_facts(second, scheme, on=DAY).used.year_basis == {"rent": D(5000000)}


def test_each_of_the_tracks_that_are_added_up_goes_on_from_its_own_base(cast, voucher):
    """The track of storage pays 5 % of storage alone; what it counted is not taken for the rent's base."""
    first = filed(cast, voucher, "700000.00", "25112000000000000001")
    second = filed(cast, voucher, "500000.00", "25112000000000000002")
    one = of_the_year(voucher)
    (rent,) = one.tracks
    storage = replace(rent, code="storage", name="存储", excluded_components=(Component.COMPUTE,))
    both = replace(
        one,
        track_choice=TrackChoice.SUM,
        tracks=(storage, rent),
        rates=(*one.rates, *(replace(rate, code=f"s_{rate.code}", track="storage") for rate in one.rates)),
        caps=(),
    )
    kept = assess(both, claim_facts(first, both, on=DAY))
    Claim.objects.filter(pk=first.pk).update(assessment=to_plain(kept))
    assert year_basis(both, second, on=DAY) == {"rent": D(700000)}
    assert assess(both, claim_facts(second, both, on=DAY)).computed_amount == D(80000)


def test_the_bands_of_each_chip_go_on_from_that_chips_base(cast, voucher):
    first = filed(cast, voucher, "700000.00", "25112000000000000001")
    second = filed(cast, voucher, "500000.00", "25112000000000000002")
    one = of_the_year(voucher)
    domestic = tuple(
        replace(rate, code=f"d_{rate.code}", chip_origins=(ChipOrigin.DOMESTIC,)) for rate in one.rates
    )
    laddered = replace(one, rates=(*domestic, *one.rates), caps=())
    facts = claim_facts(first, laddered, on=DAY)
    chip = next(contract.chip_origin for contract in facts.contracts)
    assert chip is ChipOrigin.FOREIGN
    Claim.objects.filter(pk=first.pk).update(assessment=to_plain(assess(laddered, facts)))
    assert year_basis(laddered, second, on=DAY) == {"rent": D(700000), "rent/*": D(700000)}
    assert assess(laddered, claim_facts(second, laddered, on=DAY)).computed_amount == D(80000)
