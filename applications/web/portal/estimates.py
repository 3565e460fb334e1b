"""What a case would come to now, ready to be drawn: amount, findings, working, price, and what would change it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from applications.actions.assessments import assessed, facts_of, kept
from applications.lease_prices import price_check_of
from applications.models import Application, Claim
from applications.web.shown import shown_findings, shown_lines, shown_price
from vouchers.errors import DomainError
from vouchers.policy.assessment import Assessment
from vouchers.policy.facts import BasisItemFacts
from vouchers.web.assessments import shown_counterfactuals


def shown_assessment(assessment: Assessment) -> dict[str, Any]:
    """An assessment for the page."""
    return {
        "assessment": assessment,
        "outcome": assessment.outcome.value,
        "lines": shown_lines(assessment),
        "findings": shown_findings(assessment.findings),
        "counterfactuals": shown_counterfactuals(assessment),
        "refused_by": assessment.refusals,
    }


def shown_estimate(case: Application | Claim, more: BasisItemFacts | None = None) -> dict[str, Any]:
    """The case on its present facts, and one item more if given; nothing is stored. What cannot be computed yet is said,
    never guessed."""
    try:
        facts = facts_of(case)
        if more is not None:
            facts = replace(facts, items=(*facts.items, more))
        assessment = assessed(case, facts)
    except DomainError as refusal:
        return {"assessment": None, "unavailable": refusal}
    price = next((contract.price for contract in facts.contracts if contract.price is not None), None)
    return shown_assessment(assessment) | {"price": shown_price(price)}


#: While it is in these states something can still be mended.
OPEN = frozenset({"draft", "submitted", "returned", "accepted", "recommended", "verified"})


def shown_kept(case: Application | Claim) -> dict[str, Any]:
    """The assessment that the case stands on."""
    assessment = kept(case)
    check = case.price_check if isinstance(case, Claim) else price_check_of(case)
    price = shown_price(check)
    if assessment is None:
        return {"assessment": None, "price": price}
    shown = shown_assessment(assessment) | {"price": price}
    return shown if case.state in OPEN else shown | {"counterfactuals": ()}
