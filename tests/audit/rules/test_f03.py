"""F03 购销方与租约不符."""

from __future__ import annotations

from datetime import date

import pytest

from audit.rules.facts import RELATIONS
from tests.audit.rules.rows import LESSOR, OTHER, claim, flagged, invoice, only, run

STRANGE = [invoice(seller=f"USCC{OTHER}", issued_on=date(2025, 3, 31))]


def link(relation: str, on: date, one: int = OTHER, other: int = LESSOR) -> list[dict]:
    return [{"id": 1, "party": one, "other": other, "relation": RELATIONS[relation], "declared_on": on}]


def test_another_seller_is_flagged():
    hit = only(run("F03", invoices=STRANGE))
    assert hit.severity == "hard" and "销方" in hit.sentence
    assert "party:party-3" in hit.evidence


def test_another_buyer_is_flagged():
    assert flagged(run("F03", invoices=[invoice(buyer=f"USCC{OTHER}")])) == [1]


def test_a_seller_that_no_register_knows_is_flagged():
    assert flagged(run("F03", invoices=[invoice(seller="UNKNOWN")])) == [1]


@pytest.mark.parametrize("relation", ["branch", "agent"])
@pytest.mark.parametrize("one,other", [(OTHER, LESSOR), (LESSOR, OTHER)])
def test_a_registered_branch_or_agent_explains_it(relation: str, one: int, other: int):
    assert not run("F03", invoices=STRANGE, declared=link(relation, date(2024, 1, 1), one, other)).hits


def test_a_relation_registered_after_the_day_of_issue_does_not():
    assert not run("F03", invoices=STRANGE, declared=link("branch", date(2025, 3, 31))).hits
    assert flagged(run("F03", invoices=STRANGE, declared=link("branch", date(2025, 4, 1)))) == [1]


def test_a_sister_does_not_explain_an_invoice():
    assert flagged(run("F03", invoices=STRANGE, declared=link("sister", date(2024, 1, 1)))) == [1]
    explained = {"explaining_relations": ["branch", "agent", "sister"]}
    assert not run("F03", explained, invoices=STRANGE, declared=link("sister", date(2024, 1, 1))).hits


def test_names_are_not_compared_a_renamed_firm_keeps_its_code():
    assert not run("F03").hits


def test_without_lease_or_invoice_it_is_not_testable():
    assert run("F03", claims=[claim(lease=None)]).untestable_claims == {1}
    assert run("F03", invoices=[]).untestable_claims == {1}
    assert run("F03", items=[]).untestable_claims == {1}


def test_where_no_declarations_were_handed_over_a_difference_is_not_testable():
    """A branch could have been declared; without the file nobody can say that it was not. Who agrees is tested all the same."""
    found = run("F03", invoices=STRANGE, declared=[])
    assert not found.hits and found.untestable_claims == {1}
    assert not run("F03", declared=[]).untestable_claims
