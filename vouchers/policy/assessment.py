"""What an assessment says: findings, working lines, the amount, the caps it would use, and what would change it.

All of it has a plain form (`plain.to_plain` / `from_plain`) that is kept with the case.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from vouchers.policy.terms import Confidence, FindingResult, GateEffect, Outcome, Stage, Untestable

ENGINE_VERSION = "1.3.0"
"""Changes whenever the same facts under the same publication could give another fen."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One condition held against one fact (审查意见).

    `code` is the gate's code or one of the engine's own (`fair_price`, `rate_published`, `basis`, `voucher`, `window`,
    `in_force`, `papers`, `other_money`, `floor.<code>`, `cap.<code>`); `subject` the contract or item it is about.
    """

    code: str
    result: FindingResult
    sentence: str
    fact: str = ""
    subject: str = ""
    article: str = ""
    confidence: Confidence = Confidence.TEXT
    cure: str = ""
    effect: GateEffect = GateEffect.REFUSE
    if_untestable: Untestable = Untestable.REVIEW

    @property
    def refuses(self) -> bool:
        """Whether this alone refuses the case."""
        return (self.result is FindingResult.NOT_MET and self.effect is GateEffect.REFUSE) or (
            self.result is FindingResult.NOT_TESTABLE and self.if_untestable is Untestable.REFUSE
        )

    @property
    def asks_for_a_person(self) -> bool:
        """Whether a person has to look."""
        return (self.result is FindingResult.NOT_MET and self.effect is GateEffect.REVIEW) or (
            self.result is FindingResult.NOT_TESTABLE and self.if_untestable is Untestable.REVIEW
        )


@dataclass(frozen=True, kw_only=True)
class Operand:
    """A number of a line: what it is, its value, its unit, and the line it was taken from (0: from facts or rules)."""

    name: str
    value: Decimal
    unit: str = "元"
    line: int = 0


@dataclass(frozen=True, kw_only=True)
class Line:
    """One step of the working (计算过程).

    `operator` says how `result` follows from the operands in order: `sum`, `difference` (first minus the others),
    `product`, `pro_rata` (first × second ÷ third, truncated to the fen; `pro_rata_half_up` and `pro_rata_half_even` round so,
    `pro_rata_scale` truncates to six places), `minimum`, `maximum`, `tier` (amounts of the bands added up, the base last), `round_down` / `round_half_up` / `round_half_even` (to the unit of the second operand), `exclude` (nothing counts),
    `zero` (refused).
    """

    number: int
    code: str
    operator: str
    operands: tuple[Operand, ...]
    result: Decimal
    sentence: str
    article: str = ""
    confidence: Confidence = Confidence.TEXT

    @property
    def unit(self) -> str:
        """What the result is counted in: a scale as long as it is only added up or cut, yuan once a rate was held to it."""
        if self.operator in ("product", "tier", "zero") or not self.operands:
            return "元"
        return self.operands[0].unit or "元"


@dataclass(frozen=True, kw_only=True)
class Counterfactual:
    """What would change the outcome, told to the one whom it helps.

    `amount` is what is missing or left, where there is a number: yuan (`floor.`, `band.`, `cap.`, `voucher_balance`), units of
    the track's scale, a unit price (`fair_price`), or a degree as a fraction (`completion.`).
    """

    code: str
    sentence: str
    amount: Decimal | None = None


@dataclass(frozen=True, kw_only=True)
class CapKey:
    """One cap for one subject and period: an account in the ledger. `limit` in yuan; `event` is `issue` or `claim`.

    `key` is `program:cap:event:subject:period`, the same across versions of a program, so that a change of version in
    mid-year does not give the cap twice.
    """

    key: str
    code: str
    name: str
    subject_kind: str
    subject: str
    period: str
    event: str
    limit: Decimal


@dataclass(frozen=True, kw_only=True)
class CapUse:
    """How much of a cap this case takes when it is granted."""

    key: str
    limit: Decimal
    amount: Decimal


@dataclass(frozen=True, kw_only=True)
class TreasuryPart:
    """What one treasury bears of the amount, in yuan; the parts of an assessment add up to its amount."""

    code: str
    treasury: str
    share: Decimal
    amount: Decimal


@dataclass(frozen=True, kw_only=True)
class Assessment:
    """The answer of `assess`. `amount` is what may be granted (0.00 when refused); `computed_amount` what the arithmetic
    gave before refusal; `basis_amount` the base that counted, `basis_quantity` where that is a scale. `year_basis` is what the
    case adds to the year's base (`facts.UsedAmounts.year_basis`) where that is not all of `basis_amount` under `track`:
    track by track, and ladder by ladder. Same facts, same scheme, same engine: same answer."""

    engine_version: str
    scheme_sha256: str
    facts_sha256: str
    stage: Stage
    track: str
    outcome: Outcome
    amount: Decimal
    computed_amount: Decimal
    basis_amount: Decimal
    findings: tuple[Finding, ...]
    lines: tuple[Line, ...] = ()
    counterfactuals: tuple[Counterfactual, ...] = ()
    cap_uses: tuple[CapUse, ...] = ()
    basis_quantity: Decimal = Decimal(0)
    treasury_parts: tuple[TreasuryPart, ...] = ()
    year_basis: Mapping[str, Decimal] = field(default_factory=dict)

    @property
    def added_to_year(self) -> Mapping[str, Decimal]:
        """What the case adds to the year's base when it is granted, by the keys of `UsedAmounts.year_basis`."""
        return self.year_basis or {self.track: self.basis_amount}

    @property
    def refusals(self) -> tuple[Finding, ...]:
        """The findings that refuse the case."""
        return tuple(finding for finding in self.findings if finding.refuses)

    @property
    def open_points(self) -> tuple[Finding, ...]:
        """The findings that a person has to settle."""
        return tuple(finding for finding in self.findings if finding.asks_for_a_person)

    def finding(self, code: str) -> Finding | None:
        """The first finding of that code."""
        return next((finding for finding in self.findings if finding.code == code), None)
