"""What the fair-price method says of a past year's leases, each as of its signing date, from the prices that are on record here.

The same computation as for a lease that is filed (``price_finding``), on grounds that remember. A finding is told without a
consequence: what follows from a price above the band is for the scheme that is tried, and a dry run tries two.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

from applications.sample_year import Row, SampleYear
from vouchers.actions.price_book import PriceBook
from vouchers.actions.price_checks import ContractPrice, price_finding
from vouchers.actions.price_grounds import TierSpan
from vouchers.errors import Invalid
from vouchers.policy.facts import PriceVerdict
from vouchers.policy.prices.normalise import months_between
from vouchers.policy.prices.quantities import Extent
from vouchers.policy.terms import AboveBand, Verdict

DAY = timedelta(days=1)


def contract_of_row(row: Row) -> ContractPrice:
    """The facts of a row of ``leases.csv``, as ``contract_of_lease`` has them of the lease that it becomes when imported."""
    starts_on, ends_before = date.fromisoformat(row["starts_on"]), date.fromisoformat(row["ends_on"]) + DAY
    return ContractPrice(
        subject_kind="lease",
        subject_no=row["lease_no"],
        lessee_uscc=row["lessee_uscc"],
        lessor_uscc=row["lessor_uscc"],
        accelerator=row["accelerator"],
        form_factor=row.get("form_factor", ""),
        region_code=row.get("region_code", ""),
        unit=row.get("unit", ""),
        unit_price=Decimal(row["unit_price"]) if row.get("unit_price") else None,
        signed_on=date.fromisoformat(row["signed_on"]),
        term_months=months_between(starts_on, ends_before),
        program_code=row.get("program_code", ""),
        vat_rate=Decimal(row["vat_rate"]) if row.get("vat_rate") else None,
        extent=Extent(
            Decimal(row["quantity"]) if row.get("quantity") else None,
            Decimal(row["amount"]),
            int(row["cards"]) if row.get("cards") else None,
            starts_on,
            ends_before,
        ),
    )


class SamplePrices:
    """The price verdicts of a year's leases; each lease is looked at once."""

    def __init__(self, year: SampleYear) -> None:
        self._book = PriceBook(tiers=_tiers(year))
        self._found: dict[str, PriceVerdict | None] = {}

    def of(self, row: Row) -> PriceVerdict | None:
        """What is known of the lease's price; None where no method was in force on the day."""
        number = row["lease_no"]
        if number not in self._found:
            self._found[number] = self._look(row)
        return self._found[number]

    def _look(self, row: Row) -> PriceVerdict | None:
        try:
            finding = price_finding(
                contract_of_row(row), above_band=AboveBand.REFUSE.value, grounds=self._book
            )
        except Invalid:  # no method was in force
            return None
        facts = finding.facts()
        return facts if facts.verdict is Verdict.UNTESTABLE else replace(facts, sentence="")


def _tiers(year: SampleYear) -> dict[str, list[TierSpan]]:
    """By provider, the tiers that the folder tells."""
    spans: dict[str, list[TierSpan]] = defaultdict(list)
    for uscc, rows in (year.admissions or {}).items():
        for row in rows:
            if row.get("tier"):
                ended = row["ended_on"]
                spans[uscc].append(
                    TierSpan(
                        row["program_code"],
                        date.fromisoformat(row["admitted_on"]),
                        date.fromisoformat(ended) + DAY if ended else None,
                        row["tier"],
                    )
                )
    return {uscc: sorted(found, key=lambda span: span.from_on) for uscc, found in spans.items()}
