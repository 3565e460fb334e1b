"""F24 关联租赁."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from audit.rules.facts import RELATIONS
from tests.audit.rules.rows import LESSEE, LESSOR, OTHER, THIRD, flagged, holding, lease, only, party, run

SIGNED = date(2025, 2, 20)


def declared(relation: str, on: date) -> list[dict]:
    return [{"id": 1, "party": LESSEE, "other": LESSOR, "relation": RELATIONS[relation], "declared_on": on}]


def parties(**both) -> list[dict]:
    return [
        party(LESSEE, **both),
        party(LESSOR, **both),
        party(OTHER),
        party(THIRD),
        *(party(n) for n in range(10, 40)),
    ]


def test_a_quarter_is_control_and_less_is_not():
    assert flagged(run("F24", shareholdings=[holding(1, LESSEE, "USCC2", "25")])) == [1]
    assert not flagged(run("F24", shareholdings=[holding(1, LESSEE, "USCC2", "24.9999")]))
    assert flagged(
        run("F24", {"share_percent": "24.9"}, shareholdings=[holding(1, LESSEE, "USCC2", "24.9999")])
    ) == [1]


def test_a_common_holder_of_a_quarter_in_both_is_control():
    both = [holding(1, LESSEE, "person", "25"), holding(2, LESSOR, "person", "60")]
    hit = only(run("F24", shareholdings=both))
    assert hit.severity == "hard" and len([e for e in hit.evidence if e.startswith("shareholding:")]) == 2


def test_a_holding_through_a_company_counts_up_to_three_steps():
    chain = [
        holding(1, LESSEE, "USCC3", "35"),
        holding(2, OTHER, "person", "51"),
        holding(3, LESSOR, "person", "100"),
    ]
    assert flagged(run("F24", shareholdings=chain)) == [1]
    assert not flagged(run("F24", {"path_length": 2}, shareholdings=chain))
    weak = [*chain[:1], holding(2, OTHER, "person", "24"), chain[2]]
    assert not flagged(run("F24", shareholdings=weak))


def test_a_holding_that_ended_before_the_signing_is_past():
    past = [holding(1, LESSEE, "USCC2", "60", ends=SIGNED)]
    assert not run("F24", shareholdings=past).hits
    assert flagged(run("F24", shareholdings=[holding(1, LESSEE, "USCC2", "60", ends=date(2025, 2, 21))])) == [
        1
    ]
    assert not run("F24", shareholdings=[holding(1, LESSEE, "USCC2", "60", starts=date(2025, 2, 21))]).hits


def test_the_state_as_common_holder_makes_no_affiliation():
    state = [holding(n, one, "USCC9", "60", public_body=True) for n, one in ((1, LESSEE), (2, LESSOR))]
    assert not run("F24", shareholdings=state).hits


def test_a_platform_with_more_than_eight_companies_is_a_hub_and_a_person_is_not():
    def held_by(holder: str, companies: int) -> list[dict]:
        return [
            holding(n, one, holder, "60")
            for n, one in enumerate([LESSEE, LESSOR, *range(10, 8 + companies)], 1)
        ]

    assert flagged(run("F24", parties=parties(), shareholdings=held_by("USCC9", 8))) == [1]
    assert not flagged(run("F24", parties=parties(), shareholdings=held_by("USCC9", 9)))
    assert flagged(run("F24", {"hub_cap": 9}, parties=parties(), shareholdings=held_by("USCC9", 9))) == [1]
    assert flagged(run("F24", parties=parties(), shareholdings=held_by("person", 9))) == [1]


def test_the_same_legal_representative_is_control_and_a_namesake_is_not():
    same = [party(LESSEE, legal_rep="digest"), party(LESSOR, legal_rep="digest")]
    assert flagged(run("F24", parties=same)) == [1]
    assert not run("F24").hits


def test_a_representative_of_very_many_is_a_placeholder():
    crowd = [party(n, legal_rep="digest") for n in range(1, 32)]
    assert not flagged(run("F24", parties=crowd))
    assert flagged(run("F24", parties=crowd[:30])) == [1]


@pytest.mark.parametrize("relation", ["parent", "subsidiary", "sister", "branch", "spouse"])
def test_a_declared_relation_of_control_counts_from_its_day(relation: str):
    assert flagged(run("F24", declared=declared(relation, SIGNED))) == [1]
    assert not run("F24", declared=declared(relation, date(2025, 2, 21))).hits


@pytest.mark.parametrize("relation", ["agent", "other"])
def test_an_agent_is_no_affiliate(relation: str):
    assert not run("F24", declared=declared(relation, date(2024, 1, 1))).hits


def test_shared_attributes_of_six_points_are_soft():
    assert not run("F24", parties=parties(phone="1")).hits
    found = run("F24", parties=parties(phone="1", email="a@b", address="5-501"))
    assert flagged(found, "soft") == [1] and not flagged(found)
    assert only(found).points is not None and only(found).points >= 6


def test_what_more_than_eight_share_says_nothing():
    crowd = [party(n, phone="1", email="a@b", address="x") for n in (LESSEE, LESSOR, *range(10, 17))]
    assert not run("F24", parties=crowd).hits
    small = [*crowd[:-1], *(party(n) for n in range(20, 400))]
    assert flagged(run("F24", parties=small), "soft") == [1]


def test_without_representative_and_holders_on_file_for_both_sides_it_is_not_testable():
    known = [holding(1, LESSEE, "a", "100"), holding(2, LESSOR, "b", "100")]
    assert not run("F24", shareholdings=known).untestable_claims
    half = run("F24", shareholdings=known[:1])
    assert (half.hits, half.untestable_leases, half.untestable_claims) == ([], {1}, {1})
    unknown = [party(LESSEE), party(LESSOR, legal_rep=None)]
    assert run("F24", parties=unknown, shareholdings=known, leases=[lease()]).untestable_claims == {1}


def test_a_person_who_represents_a_company_above_the_one_and_holds_the_other_is_soft():
    hidden = [party(OTHER, legal_rep="she"), party(LESSEE), party(LESSOR), *(party(n) for n in range(10, 40))]
    chain = [holding(1, LESSEE, f"USCC{OTHER}", "35"), holding(2, LESSOR, "she", "100")]
    hit = only(run("F24", parties=hidden, shareholdings=chain))
    assert hit.severity == "soft" and "party:party-3" in hit.evidence
    assert len([one for one in hit.evidence if one.startswith("shareholding:")]) == 2
    weak = [holding(1, LESSEE, f"USCC{OTHER}", "24"), chain[1]]
    assert not run("F24", parties=hidden, shareholdings=weak).hits


def test_a_small_common_holder_is_soft_with_the_address_and_alone_says_little():
    both = [holding(1, LESSEE, "person", "19"), holding(2, LESSOR, "person", "23")]
    assert not run("F24", parties=parties(), shareholdings=both).hits
    hit = only(run("F24", parties=parties(address="5-501", phone="1"), shareholdings=both))
    assert hit.severity == "soft" and len(hit.evidence) == 5
    below = [holding(1, LESSEE, "person", "4.9999"), both[1]]
    assert not run("F24", parties=parties(address="5-501", phone="1"), shareholdings=below).hits


def test_a_third_firm_that_shares_an_account_with_the_one_and_a_person_with_the_other_is_soft():
    """Nothing joins the two themselves: the third firm has the lessee's account and the lessor's representative."""

    def found(**third):
        account = [
            {"id": n, "party": who, "account": "622202"} for n, who in enumerate((LESSEE, OTHER), start=1)
        ]
        rows = [
            party(LESSEE),
            party(LESSOR, legal_rep="boss"),
            party(OTHER, **{"legal_rep": "boss", **third}),
            *(party(n) for n in range(10, 400)),
        ]
        return run("F24", parties=rows, accounts=account)

    hit = only(found())
    assert hit.severity == "soft" and hit.points == Decimal("6.25")
    assert any(one.startswith("party:") and "3" in one for one in hit.evidence), "the third is named"
    assert not found(legal_rep="somebody else").hits


def test_two_firms_that_only_know_a_third_by_a_person_are_not_told():
    """The same person in all three is a link of its own; by telephone or address alone nobody is joined through a third."""
    rows = [
        party(LESSEE, phone="1"),
        party(OTHER, phone="1", address="2"),
        party(LESSOR, address="2"),
        *(party(n) for n in range(10, 400)),
    ]
    assert not run("F24", parties=rows).hits


def test_an_account_of_more_than_eight_joins_nobody_through_a_third():
    shared = [{"id": n, "party": n, "account": "622202"} for n in (LESSEE, OTHER, *range(10, 17))]
    rows = [
        party(LESSEE),
        party(LESSOR, legal_rep="boss"),
        party(OTHER, legal_rep="boss"),
        *(party(n) for n in range(10, 400)),
    ]
    assert not run("F24", {"flag_from": 4}, parties=rows, accounts=shared).hits
    assert run("F24", {"flag_from": 4}, parties=rows, accounts=shared[:-1]).hits
