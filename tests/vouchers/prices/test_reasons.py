"""Every reason for which a price does not vote: something produces it, and a test does too. A word without either is a promise."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from tests.vouchers.prices.test_normalise import WRITTEN
from vouchers.policy.fair_price import REASONS
from vouchers.policy.prices.chips import ChipTable, shipped_chips
from vouchers.policy.prices.normalise import OPEN_RATE_DAYS, Rate, RateTable, Unreadable, normalise

ROOT = Path(__file__).parents[3]
CHOSEN = {"withdrawn", "lease.false"}
"""What a person chooses when a price is taken out, from the list of all reasons."""


def quoted(folder: Path, *besides: Path) -> str:
    return "\n".join(path.read_text() for path in sorted(folder.rglob("*.py")) if path not in besides)


def test_every_reason_is_produced_by_the_code():
    eligibility = ROOT / "vouchers/policy/prices/eligibility.py"
    _dictionary, _brace, rest = eligibility.read_text().partition("\n}\n")
    code = (
        rest + quoted(ROOT / "vouchers", eligibility) + quoted(ROOT / "applications") + quoted(ROOT / "audit")
    )
    assert {reason for reason in REASONS if f'"{reason}"' not in code} <= CHOSEN


def test_every_reason_is_seen_in_a_test():
    tests = quoted(ROOT / "tests")  # as it is, or after ``price.`` as people are told
    seen = {reason for reason in REASONS if f'"{reason}"' in tests or f'"price.{reason}"' in tests}
    assert set(REASONS) - seen == set()


def test_a_name_that_means_two_chips_is_asked_back():
    """Two makers' cards may share a short name: which one was meant is not guessed."""
    a10, l4 = (next(iter(shipped_chips().forms(name).values())) for name in ("A10", "L4"))
    table = ChipTable([replace(a10, aliases=("T8",)), replace(l4, aliases=("T8",))], 1)
    with pytest.raises(Unreadable) as problem:
        normalise(replace(WRITTEN, accelerator="T8", form_factor=""), chips=table)
    assert (problem.value.code, problem.value.field) == ("chip.ambiguous", "accelerator")
    assert "A10" in problem.value.message and "L4" in problem.value.message


@pytest.mark.parametrize(
    ("days", "code"),
    [(OPEN_RATE_DAYS - 1, ""), (OPEN_RATE_DAYS, "currency.rate_stale"), (-1, "currency.no_rate")],
)
def test_a_rate_whose_end_is_not_set_holds_so_long_and_is_stale_then(days, code):
    began = date.fromordinal(WRITTEN.observed_on.toordinal() - days)
    rates = RateTable([Rate("USD", began, None, Decimal("7.1"))])
    written = replace(WRITTEN, currency="USD", unit_price="2")
    if not code:
        assert normalise(written, rates=rates).unit_price == Decimal("14.200000")
        return
    with pytest.raises(Unreadable) as problem:
        normalise(written, rates=rates)
    assert (problem.value.code, problem.value.field) == (code, "currency")
