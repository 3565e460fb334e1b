"""A year of one enterprise tried out by hand (全年试算): several contracts and what is paid on them, one after the other.

What each got of caps, ladders and vouchers is what the next finds used, as a replay keeps it (`turns`): the same engine, and
for each case the whole assessment with its lines.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal, localcontext

from vouchers.policy.assess import PRECISION
from vouchers.policy.assessment import Assessment, CapKey
from vouchers.policy.caps import cap_keys
from vouchers.policy.entered import Weigher
from vouchers.policy.payment_outlook import PaymentOutlook, PaymentOutlooks
from vouchers.policy.replay import ReplayCase
from vouchers.policy.rules import Scheme
from vouchers.policy.terms import Stage
from vouchers.policy.turns import Turn

ZERO = Decimal(0)


@dataclass(frozen=True)
class Drawn:
    """A cap at the time of a case, in yuan: what was used before it and what it took."""

    cap: CapKey
    before: Decimal
    taken: Decimal

    @property
    def left(self) -> Decimal:
        """What is left of it after the case; nothing, where a version lowered it below what was used."""
        return max(self.cap.limit - self.before - self.taken, ZERO)


@dataclass(frozen=True)
class YearBase:
    """The year's base of a track or ladder at the time of a case: before it, and what it added. Of applications and of claims
    each has its own."""

    key: str
    year: int
    before: Decimal
    added: Decimal

    @property
    def after(self) -> Decimal:
        """With what the case added."""
        return self.before + self.added


@dataclass(frozen=True)
class Step:
    """A case, how it came out, and what stood in its accounts."""

    case: ReplayCase
    assessment: Assessment
    caps: tuple[Drawn, ...]
    bases: tuple[YearBase, ...]

    @property
    def is_application(self) -> bool:
        """Whether it asks for a voucher (or an entitlement), not for money on one."""
        return self.case.facts.stage is Stage.APPLICATION

    @property
    def capped_by(self) -> tuple[str, ...]:
        """Codes of the caps that left it less than was computed, each once."""
        held = (
            line.code.removeprefix("cap.")
            for line in self.assessment.lines
            if line.code.startswith("cap.") and line.operands and line.result < line.operands[0].value
        )
        return tuple(dict.fromkeys(held))


@dataclass(frozen=True)
class YearTrial:
    """All steps, in their order."""

    steps: tuple[Step, ...]
    payment: PaymentOutlook | None = None
    """What caps that count at payment would hold back; None where the scheme has none."""

    @property
    def granted(self) -> Decimal:
        """Yuan granted on applications."""
        return sum((one.assessment.amount for one in self.steps if one.is_application), ZERO)

    @property
    def paid(self) -> Decimal:
        """Yuan on claims and settlements."""
        return sum((one.assessment.amount for one in self.steps if not one.is_application), ZERO)

    @property
    def caps_at_end(self) -> tuple[Drawn, ...]:
        """Every cap that a case drew on, as its last case left it."""
        last: dict[str, Drawn] = {}
        for step in self.steps:
            last |= {one.cap.key: one for one in step.caps}
        return tuple(last[key] for key in sorted(last))


def try_year(scheme: Scheme, cases: Iterable[ReplayCase]) -> YearTrial:
    """The cases under the scheme, by (`on`, `case_no`). Shortage over a batch is not shared out: that takes the others' cases."""
    weigher = Weigher([scheme], None, None)
    turn = Turn(weigher.versions[0], 0)
    steps, outlooks = [], PaymentOutlooks(scheme)
    with localcontext(PRECISION):
        for case in sorted(cases, key=lambda one: (one.on, one.case_no)):
            entered = weigher.enter(case)
            _outcome, decided = turn.decide(entered)
            known = turn.facts_before(entered, case.facts, decided)
            assessment = turn.explainer(entered, case.facts, decided)()
            taken = {use.key: use.amount for use in assessment.cap_uses}
            caps = tuple(
                Drawn(cap, known.used.of(cap.key), taken.get(cap.key, ZERO))
                for cap in cap_keys(scheme, known)
            )
            added = assessment.added_to_year if assessment.amount else {}
            keys = dict.fromkeys([*known.used.year_basis, *added])
            bases = tuple(
                YearBase(key, case.on.year, known.used.year_basis.get(key, ZERO), added.get(key, ZERO))
                for key in keys
            )
            outlooks.add(case.facts, case.on, assessment.amount)
            steps.append(Step(case, assessment, caps, bases))
    return YearTrial(tuple(steps), outlooks.outlook())
