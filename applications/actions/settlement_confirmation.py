"""即时抵扣: a settlement that its platform confirms is approved by the machine, and becomes a payable: its rows in one statement,
then the ledger's call, which comes last."""

from __future__ import annotations

import uuid
from functools import cache
from typing import Any

from django.db.models import Model

from applications.actions import cases
from applications.actions.assessments import beneath, kept, scheme_of
from applications.actions.claim_grounds import require_lease_stands, settles_instantly
from applications.actions.claims import Also, payment_terms_of
from applications.actions.reservations import keep_for_review, require_in_time
from applications.actions.rows import as_json, columns_of, row_of
from applications.case_reads import DATABASE
from applications.confirmation_reads import Standing
from applications.evidence import hold_evidence, is_evidence, key_of, number_as_meant, require_evidence
from applications.models import Claim, Review
from applications.models.reviews import CheckResult
from applications.own_checks import own_checks, stop_instantly
from vouchers import dates
from vouchers.actions import ledger
from vouchers.actions.holds import require_clear_for_party, screen
from vouchers.actions.payments import payable_of
from vouchers.actions.spending import spend
from vouchers.context import announce
from vouchers.errors import DomainError, NotNow
from vouchers.models import Payment
from vouchers.models.holds import ScreeningMoment
from vouchers.money import ZERO
from vouchers.numbers import number_of
from vouchers.policy.terms import Outcome
from vouchers.prepared import ask
from vouchers.states import not_now

VERB = "settle_instantly"


def _insert(model: type[Model], name: str) -> str:
    columns = [column for _attname, column in columns_of(model) if column not in ("id", "recorded_at")]
    return (
        f"INSERT INTO {model._meta.db_table} ({', '.join(columns)}) "  # noqa: S608 (names of our own columns)
        f"SELECT {', '.join(f'x.{column}' for column in columns)} "
        f"FROM moved, jsonb_populate_record(NULL::{model._meta.db_table}, %({name})s::jsonb) AS x"
    )


@cache
def _stand() -> str:
    """The claim is approved where it still stands in the state that was read; then, and only then, all that goes with it. Who is
    told to follow the ledger waits for this transaction, as ``vouchers.actions.outbox`` has it."""
    return f"""
    WITH moved AS (
        UPDATE applications_claim AS c SET state = m.state, state_since = m.state_since, due_on = m.due_on,
            approved_amount = m.approved_amount, decided_at = m.decided_at, decision_reason = m.decision_reason
        FROM jsonb_populate_record(NULL::applications_claim, %(claim)s::jsonb) AS m
        WHERE c.id = m.id AND c.state = %(before)s RETURNING c.id
    ), review AS ({_insert(Review, "review")}
    ), payable AS ({_insert(Payment, "payable")}
    ), told AS (
        INSERT INTO vouchers_outboxmessage (task, payload, key, attempts, last_error)
        SELECT 'applications.notify', %(message)s::jsonb, '', 0, '' FROM moved
    ), follows AS (
        INSERT INTO vouchers_outboxmessage (task, payload, key, attempts, last_error)
        SELECT 'vouchers.follow_ledger', jsonb_build_object('voucher_no', %(voucher)s::text), %(voucher)s, 0, '' FROM moved
        ON CONFLICT (task, key) WHERE done_at IS NULL AND key <> '' DO UPDATE SET key = excluded.key
    )
    SELECT count(*) FROM moved
    """  # noqa: S608


def settle_instantly(standing: Standing, also: Also | None = None) -> Claim:
    """即时抵扣: only where the version has no reviewer's step; a fresh screening must be clear all the same. ``also`` is written
    with it, before the ledger is called."""
    announce("claim.settle_instantly")
    claim, items = standing.claim, standing.items
    _publication, scheme = scheme_of(claim)
    if not settles_instantly(scheme):
        raise NotNow(
            "claim.reviewed_scheme",
            "按本专项的政策，抵扣须经工作人员核验、核准，平台不能自行确认。金额已为企业预占，请等候办理结果。",
        )
    if claim.lifecycle.find(VERB, claim.state) is None or claim.origin != "live":
        raise not_now(claim, VERB)
    require_in_time(claim, dates.today())
    assert claim.lease is not None  # whose row is held since the claim's is (``hold_standing``)
    require_lease_stands(claim.lease.lease_no, claim.lease.state)
    screened = screen("claim", claim.claim_no, ScreeningMoment.APPROVAL)
    below = beneath(claim, payments=standing.payments)
    require_clear_for_party("claim", claim.claim_no, screened=screened, beneath=below)
    assessment = kept(claim)
    if assessment is None or assessment.outcome is not Outcome.ELIGIBLE:
        raise NotNow(
            "claim.needs_review", "本次使用有需人工核验的事项，不能即时抵扣，已转人工审核。", keep=True
        )
    held = all(
        item.evidence_key == key_of(item)
        for item in items
        if is_evidence(item) and number_as_meant(item.reference)
    )
    hold_evidence(claim, items)
    # Whoever had to wait for a document knows less than the database does by now.
    own = own_checks(claim, standing.reads if held else DATABASE)
    stops = stop_instantly(own)
    if stops:
        # Nothing is posted; what is reserved stays until staff decided, or the platform releases it.
        cases.write_checks(claim, assessment, own)
        claim.band = {**claim.band, "instant": False}
        claim.save(update_fields=["band"])
        keep_for_review(claim, dates.today())
        failed = next((one for one in stops if one.result == CheckResult.FAILED), stops[0])
        raise NotNow(
            "claim.needs_review",
            f"本次使用有需人工核验的事项，不能即时抵扣，已转人工审核：{failed.sentence.rstrip('。')}。",
            hint="如数据有误，请先释放本笔，更正后重新提交。",
            keep=True,
        )
    return _confirm(standing, also)


def _confirm(standing: Standing, also: Also | None) -> Claim:
    claim = standing.claim
    granted = claim.claimed_amount or ZERO
    terms = payment_terms_of(claim, granted)
    resolve_id = uuid.uuid4()

    def change() -> Claim:
        require_evidence(claim, standing.items)
        _stand_as_approved(standing, terms)
        if also is not None:
            also(claim)
        return claim

    try:
        made, _result = spend(
            change,
            lambda made: ledger.confirm(
                made.reserve_id, claim_no=made.claim_no, on=dates.today(), id=resolve_id, amount=granted
            ),
        )
    except DomainError:
        claim.refresh_from_db()
        raise
    return made


def _stand_as_approved(standing: Standing, terms: Any) -> None:
    """Approve it, write the deed into its time line, make the payable, tell who asked to be told."""
    claim, today, now = standing.claim, dates.today(), dates.now()
    granted = claim.claimed_amount or ZERO
    transition = claim.lifecycle.find(VERB, claim.state)
    assert transition is not None and standing.payment is not None and claim.payee is not None
    changed: dict[str, Any] = {
        "state": transition.target,
        "state_since": now,
        "due_on": cases.due_after(claim.lifecycle, transition.target, today),
        "approved_amount": granted,
        "decided_at": now,
        "decision_reason": "",
    }
    review = cases.review_of(
        claim, VERB, by=None, before=claim.state, after=transition.target, amount=granted
    )
    payable = payable_of(
        number_of("P", today, standing.payment),
        standing.account,
        claim_no=claim.claim_no,
        voucher=claim.voucher,
        payee=claim.payee,
        amount=granted,
        participants=standing.hands,
        on=today,
        terms=terms,
    )
    row = ask(
        _stand(),
        {
            "claim": as_json({"id": claim.pk, **changed}),
            "before": claim.state,
            "review": as_json(row_of(review)),
            "payable": as_json(row_of(payable)),
            "message": as_json({"message": "claim_approved", "claim_no": claim.claim_no}),
            "voucher": claim.voucher.voucher_no,
        },
    )
    if row is None or row[0] != 1:
        claim.refresh_from_db(fields=["state"])
        raise not_now(claim, VERB)
    for name, value in changed.items():
        setattr(claim, name, value)


__all__ = ["settle_instantly"]
