"""Who is affiliated with whom in a folder of the bulk format, as of a day."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from applications.sample_links import Links, links_of_register, read_links
from vouchers.actions.groups import top_of
from vouchers.models import DeclaredAffiliation, Party, Shareholding

A, B, C = "91110000MA00AAAA0X", "91110000MA00BBBB0X", "91110000MA00CCCC0X"
SHARES = "company_uscc,holder_kind,holder_id,holder_name,percent,from_on,to_on\n"
DECLARED = "uscc,other_uscc,relation,declared_on\n"
ON = date(2025, 3, 1)


def links(tmp_path: Path, shares: str = "", declared: str = "", **parties: dict[str, str]) -> Links:
    (tmp_path / "shareholdings.csv").write_text(SHARES + shares, encoding="utf-8")
    (tmp_path / "declared_affiliations.csv").write_text(DECLARED + declared, encoding="utf-8")
    found = read_links(tmp_path, {A: parties.get("a", {}), B: parties.get("b", {}), C: {}})
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("shares", "affiliated"),
    [
        (f"{A},company,{B},乙,25.00,2020-01-01,\n", True),
        (f"{A},company,{B},乙,24.99,2020-01-01,\n", False),
        (f"{B},company,{A},甲,60,2020-01-01,\n", True),
        (f"{A},company,{B},乙,60,2025-03-02,\n", False),  # from the day after
        (f"{A},company,{B},乙,60,2020-01-01,2025-02-28\n", False),  # until the day before
        (f"{A},company,{B},乙,60,2020-01-01,2025-03-01\n", True),  # the last day counts
        (f"{A},person,P1,某人,30,,\n{B},person,P1,某人,40,,\n", True),
        (f"{A},person,P1,某人,30,,\n{B},person,P1,某人,20,,\n", False),
        (f"{A},person,P1,某人,many,,\n{B},person,P1,某人,40,,\n", False),  # cannot be read
    ],
)
def test_a_quarter_of_the_shares_is_control(tmp_path, shares, affiliated):
    assert bool(links(tmp_path, shares).between(A, B, ON)) is affiliated


def test_what_one_declared_counts_for_both_from_that_day(tmp_path):
    found = links(tmp_path, declared=f"{B},{A},sister,2025-01-15\n")
    assert found.between(A, B, date(2025, 1, 15))
    assert not found.between(A, B, date(2025, 1, 14))
    assert not found.between(A, C, ON)


def test_one_legal_representative(tmp_path):
    found = links(tmp_path, a={"legal_rep_id": "f0"}, b={"legal_rep_id": "f0"})
    assert "同一人" in found.between(A, B, ON)
    assert not links(tmp_path, a={"legal_rep_id": ""}, b={"legal_rep_id": ""}).between(A, B, ON)


def test_what_was_not_collected_is_not_known(tmp_path):
    assert read_links(tmp_path, {}) is None


def test_the_top_of_a_group_is_the_one_that_the_register_gives_on_each_day(db: Any):
    """Read at once for cases of any year, or asked of the register for one party and day: one answer."""
    usccs = [f"9111010800000{number:05d}" for number in range(7)]
    a, b, c, d, e, f, g = (Party.objects.create(uscc=uscc, name=uscc, region_code="110108") for uscc in usccs)
    for holder, company, percent, from_on, to_on in (
        (a, b, 60, date(2024, 1, 1), date(2025, 3, 1)),
        (b, c, 100, date(2024, 1, 1), None),
        (d, b, 51, date(2025, 3, 1), None),
        (a, e, 50, date(2024, 1, 1), None),  # half is no control
        (g, f, 80, date(2024, 1, 1), None),
        (f, g, 70, date(2024, 1, 1), None),  # a ring
    ):
        Shareholding.objects.create(
            company=company,
            holder_kind="company",
            holder_id=holder.uscc,
            percent=Decimal(percent),
            effective_from=from_on,
            effective_to=to_on,
        )
    DeclaredAffiliation.objects.create(party=e, other=d, relation="parent", declared_on=date(2025, 6, 1))
    register = links_of_register()
    for day in (date(2023, 6, 1), date(2025, 2, 28), date(2025, 3, 1), date(2025, 6, 1)):
        assert {u: register.top(u, day) for u in usccs} == {u: top_of(u, day) for u in usccs}, day
    assert register.top(c.uscc, date(2025, 2, 28)) == a.uscc
    assert register.top(c.uscc, date(2025, 3, 1)) == d.uscc
    assert register.top(e.uscc, date(2025, 6, 1)) == d.uscc
