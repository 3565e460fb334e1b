"""Running the rules: over everything, each claim with its score, outcome and case; or over one case in its moment."""

from __future__ import annotations

import json
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

import numpy as np

from audit import scoring
from audit.linking import components
from audit.loading import DatabaseSource
from audit.rules import RULES
from audit.rules.base import HARD, Found, Hit, Rule
from audit.rules.facts import MISSING, Facts
from audit.scoring import Raised

# A rule that fires on more of a batch than this stops itself and tells its owner; small batches say nothing.
BREAKER_SHARE, BREAKER_LEAST = Decimal("0.15"), 200
EXAMPLE = "EX-"


@dataclass(frozen=True)
class Version:
    """A rule as it is in force: code with the points and parameters of its published version."""

    rule: Rule
    version: int
    points: Decimal | None
    parameters: Mapping[str, Any]


def shipped() -> dict[str, Version]:
    """Version 1 of every rule, as shipped."""
    return {rule.id: Version(rule, 1, rule.points, rule.defaults) for rule in RULES.values()}


def in_force() -> dict[str, Version]:
    """The published version of every rule; the shipped one where none was published yet."""
    from audit.models import RuleVersion
    from audit.models.flags import RuleState

    versions = shipped()
    for row in RuleVersion.objects.filter(state=RuleState.PUBLISHED, rule__in=list(RULES)):
        versions[row.rule] = Version(
            RULES[row.rule], row.version, row.points, {**RULES[row.rule].defaults, **row.parameters}
        )
    return versions


@dataclass
class Answers:
    """What the rules answered over the same facts."""

    versions: Mapping[str, Version]
    found: dict[str, Found] = field(default_factory=dict)
    stopped: dict[str, str] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)

    def raised(self, hit: Hit, rule: str) -> Raised:
        """What scoring needs of the hit."""
        return Raised(rule, self.versions[rule].rule.family, hit.severity, hit.points)


def ask(
    facts: Facts,
    versions: Mapping[str, Version],
    *,
    at_screening: bool = False,
    progress: Callable[[str], None] | None = None,
) -> Answers:
    """Every rule over the facts. Over everything, a rule that fires on too many claims stops itself."""
    answers = Answers(versions)
    for version in versions.values():
        if at_screening and not version.rule.at_screening:
            continue
        if progress is not None:
            progress(version.rule.id)
        begun = time.perf_counter()
        found = version.rule.run(facts, version.parameters)
        answers.seconds[version.rule.id] = time.perf_counter() - begun
        if facts.whole and (why := _breaks(found, len(facts.claims))):
            answers.stopped[version.rule.id] = why
            found = Found(untestable_claims=set(facts.claims.id.tolist()))
        answers.found[version.rule.id] = found
    return answers


def _breaks(found: Found, claims: int) -> str:
    flagged = len({hit.claim for hit in found.hits if hit.claim is not None})
    if claims < BREAKER_LEAST or flagged <= claims * BREAKER_SHARE:
        return ""
    return f"本批 {claims} 件中命中 {flagged} 件，超过 15%，规则已自行停用，请规则负责人核对数据与参数。"


@dataclass(frozen=True)
class Standing:
    """Where one claim (or one unclaimed lease) stands."""

    kind: str  # claim | lease
    identity: int
    number: str
    lease: int
    program_code: str
    region_code: str
    enterprise: int
    amount: Decimal
    case: str
    outcome: str
    score: Decimal
    weight: Decimal
    hits: tuple[tuple[str, Hit], ...]
    not_testable: tuple[str, ...]


def standings(facts: Facts, answers: Answers) -> list[Standing]:
    """All claims, and the leases without one that are flagged: the most suspicious first."""
    claims, leases = facts.claims, facts.leases
    by_claim: dict[int, list[tuple[str, Hit]]] = defaultdict(list)
    by_lease: dict[int, list[tuple[str, Hit]]] = defaultdict(list)
    untestable: dict[int, list[str]] = defaultdict(list)
    for rule, found in answers.found.items():
        for hit in found.hits:
            if hit.claim is not None:
                by_claim[hit.claim].append((rule, hit))
            elif hit.lease is not None:
                by_lease[hit.lease].append((rule, hit))
        for claim in found.untestable_claims - {h.claim for h in found.hits}:
            untestable[claim].append(rule)
    ties = [hit.ties for found in answers.found.values() for hit in found.hits]
    linked = components(facts, ties)

    words = facts.labels("claim", claims.id)
    rows: list[tuple[Any, ...]] = []
    for at_claim, claim in enumerate(claims.id.tolist()):
        no, program, region = words[claim][:3]
        amount = Decimal(max(0, int(claims.amount[at_claim]))) / 100
        rows.append(
            ("claim", claim, no, int(claims.lease[at_claim]), program, region, int(claims.enterprise[at_claim]), amount,
             tuple(by_claim.get(claim, ())), tuple(sorted(untestable.get(claim, ()))))
        )  # fmt: skip
    lease_words = facts.labels("lease", by_lease)
    for lease, hits in by_lease.items():
        at = leases.at(lease)
        no, program, region = lease_words[lease]
        amount = Decimal(int(leases.amount[at])) / 100
        rows.append(
            ("lease", lease, no, lease, program, region, int(leases.lessee[at]), amount, tuple(hits), ())
        )

    placed = []
    for row in rows:
        total, outcome = Decimal("0.00"), scoring.PASS
        if row[8]:
            raised = [answers.raised(hit, rule) for rule, hit in row[8]]
            (total, _families), outcome = scoring.score(raised), scoring.outcome(raised)
        placed.append((scoring.OUTCOMES.index(outcome), -scoring.weight(total, row[7]), row[2], row, total))
    placed.sort(key=lambda one: one[:3])
    numbers: dict[int, str] = {}
    result = []
    for order, negative, _no, row, total in placed:
        root = linked.find(row[6])
        case = numbers.setdefault(root, f"K-{len(numbers) + 1:06d}")
        kind, identity, no, lease, program, region, enterprise, amount, hits, not_tested = row
        result.append(
            Standing(
                kind,
                identity,
                no,
                lease,
                program,
                region,
                enterprise,
                amount,
                case=case,
                outcome=scoring.OUTCOMES[order],
                score=total,
                weight=-negative,
                hits=hits,
                not_testable=not_tested,
            )
        )
    return result


def scan(
    known_at: datetime | None = None,
    versions: Mapping[str, Version] | None = None,
    progress: Callable[[str], None] | None = None,
) -> tuple[Facts, Answers, list[Standing]]:
    """Every rule over everything, as known at the instant."""
    facts = Facts(DatabaseSource(known_at=known_at))
    answers = ask(facts, versions or in_force(), progress=progress)
    return facts, answers, standings(facts, answers)


def line(facts_of_party: Mapping[int, tuple[str, ...]], answers: Answers, standing: Standing) -> str:
    """One claim as the line of dataset-format.md."""
    flags = sorted(
        standing.hits, key=lambda one: (one[1].severity != HARD, -(one[1].points or Decimal(0)), one[0])
    )
    return json.dumps(
        {
            "claim_no": standing.number,
            "program_code": standing.program_code.removeprefix(EXAMPLE),
            "enterprise_uscc": facts_of_party.get(standing.enterprise, ("",))[0],
            "case": standing.case,
            "outcome": standing.outcome,
            "score": float(standing.score),
            "flags": [
                {
                    "id": rule,
                    "class": hit.severity,
                    "points": None if hit.points is None else float(hit.points),
                    "sentence": hit.sentence,
                    "rule_version": answers.versions[rule].version,
                    "evidence": list(hit.evidence),
                    "value": hit.value,
                    "threshold": hit.threshold,
                    "counterfactual": hit.counterfactual,
                }
                for rule, hit in flags
            ],
            "not_testable": list(standing.not_testable),
        },
        ensure_ascii=False,
    )


def outcomes(found: list[Standing]) -> dict[str, int]:
    """How many claims came to which outcome."""
    counted = Counter(one.outcome for one in found if one.kind == "claim")
    return {name: counted.get(name, 0) for name in scoring.OUTCOMES}


def party_words(facts: Facts, found: list[Standing]) -> dict[int, tuple[str, ...]]:
    """Code and name of the enterprises."""
    return facts.labels(
        "party", np.unique([one.enterprise for one in found if one.enterprise != MISSING]).tolist()
    )
