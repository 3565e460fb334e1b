"""What each member asks of the pools, and what is left of each pool: the operands of a batch's sharing out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from applications.actions.assessments import assessed, facts_of
from applications.models import Application, IssueBatch
from vouchers import dates
from vouchers.actions.budgets import room_of
from vouchers.actions.caps import used_amounts
from vouchers.actions.treasury_parts import bearers_of
from vouchers.errors import NotNow
from vouchers.money import ZERO
from vouchers.policy.batching import SHARED, Room
from vouchers.policy.caps import cap_keys
from vouchers.policy.facts import Facts
from vouchers.policy.shortage import Contender
from vouchers.policy.terms import Outcome
from vouchers.policy.working import money

BUDGET = "budget"
_SHARED_KINDS = frozenset(kind.value for kind in SHARED)


@dataclass(frozen=True, slots=True)
class Asked:
    """What a member takes into the sharing out, in yuan, on which facts, and why it is less than it was approved for."""

    amount: Decimal
    facts: Facts
    score: Decimal | None
    words: list[dict[str, str]]


def asked_of(applications: Sequence[Application]) -> dict[str, Asked]:
    """By application: the amount that it was approved for, as far as the rules still give it today.

    In the order of filing, each on top of those before it: caps of an enterprise or a group that two members share hold for
    both together.
    """
    taken: dict[str, Decimal] = {}
    found: dict[str, Asked] = {}
    for application in sorted(applications, key=lambda one: (one.submitted_at or dates.now(), one.pk)):
        facts = facts_of(application)
        used = dict(facts.used.caps)
        for key, amount in taken.items():
            used[key] = used.get(key, ZERO) + amount
        assessment = assessed(application, replace(facts, used=replace(facts.used, caps=used)))
        ceiling = application.approved_amount or ZERO
        amount = ZERO if assessment.outcome is Outcome.REFUSED else min(ceiling, assessment.amount)
        for use in assessment.cap_uses:
            taken[use.key] = taken.get(use.key, ZERO) + min(use.amount, amount)
        words = []
        if amount < ceiling:
            why = "".join(finding.sentence for finding in assessment.refusals) or (
                "按今日的条件和限额（含本批在先的件）重新测算，"
            )
            sentence = f"{why}核准 {money(ceiling)}，参与分配 {money(amount)}。"
            words.append({"code": "asked", "asked": str(ceiling), "given": str(amount), "sentence": sentence})
        found[application.application_no] = Asked(amount, facts, facts.review.score, words)
    return found


def contender_of(application: Application, asked: Asked) -> Contender:
    """The member as the rule sees it."""
    return Contender(
        case_no=application.application_no,
        amount=asked.amount,
        filed_at=application.submitted_at,
        score=asked.score,
    )


def rooms_of(batch: IssueBatch, applications: Sequence[Application], asked: dict[str, Asked]) -> list[Room]:
    """What the ledger has left: of the year's budget, and of every pool and batch cap that counts when it is issued.

    Raises ``NotNow`` (``issue_batch.no_budget``) when the year has no budget yet.
    """
    scheme = batch.publication.scheme
    program = batch.program
    everyone = frozenset(one.application_no for one in applications)
    year = dates.today().year
    budget = room_of(program, year, scheme)
    if budget is None:
        raise NotNow("issue_batch.no_budget", "本年度预算指标尚未下达，不能分配。")
    # Each voucher's cost is split to the fen by itself: who takes the rest may bear a fen more of each for every other treasury.
    spare = Decimal(len(everyone) * max(len(bearers_of(scheme)) - 1, 0)).scaleb(-2)
    kept = f"（另留 {money(spare)}备各级财政分担的尾差）" if spare else ""
    left = max(budget - spare, ZERO)
    rooms = [Room(code=BUDGET, name=f"{year} 年度预算{kept}", left=left, members=everyone)]
    drawing: dict[str, set[str]] = {}
    pools: dict[str, tuple[str, str, Decimal]] = {}
    used: dict[str, Decimal] = {}
    for number, one in asked.items():
        facts = replace(one.facts, batch_no=batch.batch_no)
        keys = [key for key in cap_keys(scheme, facts) if key.subject_kind in _SHARED_KINDS]
        unknown = [key.key for key in keys if key.key not in used]
        if unknown:
            amounts = used_amounts(scheme, facts)
            used |= {key: amounts.of(key) for key in unknown}
        for key in keys:
            pools[key.key] = (key.code, key.name, key.limit)
            drawing.setdefault(key.key, set()).add(number)
    for account, (code, name, limit) in pools.items():
        left = max(limit - used[account], ZERO)
        rooms.append(Room(code=code, name=name, left=left, members=frozenset(drawing[account])))
    return rooms
