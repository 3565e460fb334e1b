"""What each member asks of the pools, and what is left of each pool: the operands of a batch's sharing out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal

from applications.actions.assessments import assessed, facts_of, scheme_of
from applications.models import Application, IssueBatch
from applications.year_basis import year_basis
from vouchers import dates
from vouchers.actions.budgets import room_of
from vouchers.actions.caps import used_amounts
from vouchers.actions.treasury_parts import bearers_of
from vouchers.errors import NotNow
from vouchers.money import ZERO
from vouchers.policy.assessment import Assessment
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
    """What a member takes into the sharing out, in yuan, on which facts, and why it is less than it was approved for; what it
    counts in its enterprise's year."""

    amount: Decimal
    facts: Facts
    score: Decimal | None
    words: list[dict[str, str]]
    year_basis: dict[str, str]


def unheard(done: int) -> None:
    """Whoever wants to hear of no progress."""


@dataclass(slots=True)
class Fellows:
    """What the members of a batch take before one another, each in its turn, in the order of filing: of caps that two of them
    share, and of their enterprise's year. One rule for the sharing out, for the issue and, pure, for the dry run
    (``vouchers.policy.batches``): who is granted nothing takes nothing of either."""

    taken: dict[str, Decimal] = field(default_factory=dict)
    counted: dict[int, Mapping[str, Decimal]] = field(default_factory=dict)

    def assess(self, application: Application, on: date | None = None) -> tuple[Facts, Assessment]:
        """The next member, on top of those before it."""
        _publication, scheme = scheme_of(application)
        facts = facts_of(application, on=on)
        caps = dict(facts.used.caps)
        for key, amount in self.taken.items():
            caps[key] = caps.get(key, ZERO) + amount
        year = facts.used.year_basis
        if self.counted:
            year = year_basis(scheme, application, on=facts.on, fellows=self.counted)
        facts = replace(facts, used=replace(facts.used, caps=caps, year_basis=year))
        return facts, assessed(application, facts)

    def take(self, application: Application, assessment: Assessment, amount: Decimal) -> None:
        """It is granted so much, in yuan."""
        self.take_caps(assessment, amount)
        self.counted[application.pk] = assessment.added_to_year if amount else {}

    def take_caps(self, assessment: Assessment, amount: Decimal) -> None:
        """So much of its caps is taken; the year stays as the sharing out found it: for the issue, which grants that or nothing."""
        for use in assessment.cap_uses if amount else ():
            self.taken[use.key] = self.taken.get(use.key, ZERO) + min(use.amount, amount)

    def counts(self, application: Application) -> dict[str, str]:
        """What it adds to its enterprise's year, as it is kept."""
        return {key: str(amount) for key, amount in self.counted[application.pk].items() if amount}


def in_turn(applications: Iterable[Application]) -> list[Application]:
    """In the order of filing; of two at one moment the one that was begun first."""
    return sorted(applications, key=lambda one: (one.submitted_at or dates.now(), one.pk))


def asked_of(applications: Sequence[Application], step: Callable[[int], None] = unheard) -> dict[str, Asked]:
    """By application: the amount that it was approved for, as far as the rules still give it today.

    In the order of filing, each on top of those before it: caps of an enterprise or a group that two members share hold for
    both together, and bands of the year go on where the one before ended. ``step`` is told how many are done.
    """
    fellows = Fellows()
    found: dict[str, Asked] = {}
    for place, application in enumerate(in_turn(applications)):
        step(place)
        facts, assessment = fellows.assess(application)
        ceiling = application.approved_amount or ZERO
        amount = ZERO if assessment.outcome is Outcome.REFUSED else min(ceiling, assessment.amount)
        fellows.take(application, assessment, amount)
        words = []
        if amount < ceiling:
            why = "".join(finding.sentence for finding in assessment.refusals) or (
                "按今日的条件和限额（含本批在先的件）重新测算，"
            )
            sentence = f"{why}核准 {money(ceiling)}，参与分配 {money(amount)}。"
            words.append({"code": "asked", "asked": str(ceiling), "given": str(amount), "sentence": sentence})
        found[application.application_no] = Asked(
            amount, facts, facts.review.score, words, fellows.counts(application)
        )
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
