"""A deduction decided from what was read at once, and written at once (``applications/sql/settlement_filing.sql``).

What is asked, found and kept is what ``claims.submit_claim`` asks, finds and keeps of every claim, by the same functions; only
that the rows are made here and saved by the call that ends with the ledger's.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from applications.actions import cases
from applications.actions.assessments import assessed, columns, facts_of
from applications.actions.basis_items import ItemFields, items_of
from applications.actions.claim_grounds import (
    may_settle_instantly,
    payee_of,
    require_lease,
    require_lease_stands,
    require_voucher,
)
from applications.actions.leases import check_lease_price
from applications.actions.reservations import expires_on, held_until
from applications.actions.rows import as_json, row_of
from applications.evidence import key_of
from applications.models import BasisItem, Claim
from applications.models.claims import ClaimKind
from applications.own_checks import own_checks
from applications.settlement_reads import Ground
from applications.stopping import require_claim_not_stopped
from vouchers import dates
from vouchers.actions import ledger
from vouchers.actions.caps import caps_of
from vouchers.actions.holds import screen
from vouchers.actions.ledger_chains import NOT_NOW, result_of
from vouchers.actions.payment_caps import require_payable_amount
from vouchers.actions.vouchers import budget_of
from vouchers.context import current
from vouchers.errors import Invalid, NotNow, TryLater
from vouchers.models import Party, User
from vouchers.models.holds import ScreeningMoment
from vouchers.numbers import number_of
from vouchers.policy.payment_caps import payment_terms
from vouchers.prepared import ask

_FILE = """
SELECT settlement_file(%(context)s::text, %(claim)s::jsonb, %(moved)s::jsonb, %(item)s::jsonb, %(review)s::jsonb, %(checks)s::jsonb,
                       %(answer)s::text, %(chain)s::jsonb, %(line)s::bigint)
"""


def begun(ground: Ground, *, provider: Party, key: str, facts: dict[str, Any], by: User) -> Claim:
    """The claim in the making, on a voucher and a contract that it may rest on; nothing is saved."""
    lease, voucher, reads = ground.lease, ground.voucher, ground.reads
    assert lease is not None and voucher is not None and reads is not None
    require_voucher(voucher, filed_before=False, reads=reads)
    require_lease(lease, voucher)
    assert voucher.program is not None and voucher.publication is not None
    return Claim(
        claim_no=number_of("S", dates.today(), ground.number),
        kind=ClaimKind.SETTLEMENT,
        voucher=voucher,
        publication=voucher.publication,
        program_code=voucher.program.code,
        program_region_code=voucher.program.region.code,
        enterprise=voucher.enterprise,
        provider=provider,
        payee=payee_of(voucher, reads.application(voucher.application_no), provider),
        lease=lease,
        filer=by,
        idempotency_key=key,
        facts=facts,
    )


def with_item(claim: Claim, item: ItemFields, ground: Ground, *, number_key: str) -> BasisItem:
    """The one item that it rests on. Raises ``Problems`` (``claim.items``)."""
    assert ground.reads is not None
    (row,) = items_of(claim, [item])
    row.number_key = number_key
    ground.reads.item = row
    return row


def file_at_once(
    claim: Claim, ground: Ground, *, by: User, answer: Callable[[Claim], str], line: int | None = None
) -> str:
    """Assess it, check it, and file it with its reservation: the ledger's answer is final. Gives the first answer's text.

    ``line`` is the line of a batch that it is done for. Raises ``NotNow`` or ``Invalid`` (``ledger.…``, to be kept) when the ledger refuses,
    ``NotNow`` (``claim.lease_not_filed``) where the contract was taken back meanwhile.
    """
    reads = ground.reads
    assert reads is not None and reads.item is not None and claim.lease is not None
    assert claim.publication is not None and claim.payee is not None
    scheme = claim.publication.scheme
    require_claim_not_stopped(claim, scheme)
    checked = check_lease_price(claim.lease, scheme)
    unscreened = reads.screened is None
    if unscreened:
        screen("lease", claim.lease.lease_no, ScreeningMoment.FILING)
    if unscreened or checked is not None:
        reads.anew()
    claim.price_check = reads.price_check(claim.lease)
    facts = facts_of(claim, reads=reads)
    assessment = assessed(claim, facts)
    require_payable_amount(payment_terms(scheme, facts), assessment.amount)
    own = own_checks(claim, reads)
    today, now = dates.today(), dates.now()
    claim.claimed_amount = assessment.amount
    for name, value in columns(claim, facts, assessment).items():
        setattr(claim, name, value)
    claim.band = {"instant": may_settle_instantly(claim, scheme, assessment, own)}
    claim.submitted_at = claim.state_since = claim.created_at = now
    reads.item.evidence_key = key_of(reads.item)
    row, item = row_of(claim), row_of(reads.item)
    transition = claim.lifecycle.find("submit", claim.state)
    assert transition is not None
    claim.state, before = transition.target, claim.state
    claim.due_on = held_until(claim, scheme, today)
    review = cases.review_of(
        claim, "submit", by=by, before=before, after=claim.state, amount=assessment.amount
    )
    checks = cases.checks_from(claim, assessment, own).values()
    chain = None
    if assessment.amount > 0:
        # A deduction that the rules refuse may be filed, for a formal decision; it reserves nothing.
        chain = ledger.reserve_chain(
            budget_of(claim.voucher),
            claim.voucher.voucher_no,
            assessment.amount,
            payee_uscc=claim.payee.uscc,
            claim_no=claim.claim_no,
            on=today,
            id=claim.reserve_id,
            caps=caps_of(scheme, facts, assessment),
            expires_on=expires_on(claim),
        ).body()
    context = current()
    body = answer(claim)
    found = ask(
        _FILE,
        {
            "context": replace(context, verb="claim.submit").as_json() if context else "",
            "claim": as_json(row),
            "moved": as_json({"state": claim.state, "due_on": claim.due_on}),
            "item": as_json(item),
            "review": as_json(row_of(review)),
            "checks": as_json([row_of(check) for check in checks]),
            "answer": body,
            "chain": None if chain is None else as_json(chain),
            "line": line,
        },
    )
    assert found is not None
    told = json.loads(found[0])
    if "lease" in told:  # taken back since it was read
        require_lease_stands(*told["lease"])
    if "claim" in told:
        claim.pk = told["claim"]
        claim._state.adding, claim._state.db = False, "default"
        return body
    kept = result_of(told["ledger"])
    if kept.accepted:
        raise TryLater("ledger.raced", "额度刚刚发生变化，请重新提交一次。")
    kind = NotNow if kept.code in NOT_NOW else Invalid
    raise kind(f"ledger.{kept.code}", kept.message, keep=True, detail={"account": kept.account})


__all__ = ["begun", "file_at_once", "with_item"]
