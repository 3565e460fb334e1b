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
from audit.linking import LINKING, components
from audit.loading import DatabaseSource
from audit.rules import SCORING, VERSIONED
from audit.rules.base import HARD, Found, Hit, Rule
from audit.rules.facts import MISSING, Facts
from audit.scoring import Raised, Terms
from vouchers import dates

EXAMPLE = "EX-"
_NOTHING = Decimal("0.00")


@dataclass(frozen=True)
class Version:
    """A rule as it is in force: code with the points and parameters of its published version. ``row`` is that version's key;
    ``stopped`` says why the rule is in the shadow, where its soft flags do not count."""

    rule: Rule
    version: int
    points: Decimal | None
    parameters: Mapping[str, Any]
    row: int | None = None
    stopped: str = ""


def shipped() -> dict[str, Version]:
    """Version 1 of every rule and of the scoring, as shipped."""
    return {rule.id: Version(rule, 1, rule.points, rule.defaults) for rule in VERSIONED.values()}


def in_force(at: datetime | None = None) -> dict[str, Version]:
    """The version of every rule in force at the instant (now); the shipped one where none was published yet."""
    from audit.actions.rules import rows_in_force

    versions = shipped()
    for row in rows_in_force(at or dates.now()):
        rule = VERSIONED[row.rule]
        versions[row.rule] = Version(
            rule,
            row.version,
            row.points,
            {**rule.defaults, **row.parameters},
            row.pk,
            str(getattr(row, "stopped", None) or ""),
        )
    return versions


@dataclass(frozen=True)
class Usual:
    """What is usual of a rule: its mean share of flagged claims of late, and the share that a person put it back with."""

    mean: Decimal | None = None
    accepted: Decimal = Decimal(0)


@dataclass(frozen=True)
class Counted:
    """How many claims a rule flagged in a run, before any of them was set aside."""

    soft: int
    hard: int


@dataclass
class Answers:
    """What the rules answered over the same facts. ``broken`` are the rules that stopped themselves in this run; ``stopped`` all that are
    in the shadow, with the reason."""

    versions: Mapping[str, Version]
    found: dict[str, Found] = field(default_factory=dict)
    stopped: dict[str, str] = field(default_factory=dict)
    broken: set[str] = field(default_factory=set)
    counted: dict[str, Counted] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)

    @property
    def terms(self) -> Terms:
        """The terms of scoring among the versions."""
        version = self.versions.get(SCORING.id)
        return Terms.of(version.parameters) if version else scoring.SHIPPED

    def raised(self, hit: Hit, rule: str) -> Raised:
        """What scoring needs of the hit."""
        return Raised(rule, self.versions[rule].rule.family, hit.severity, hit.points)


def ask(
    facts: Facts,
    versions: Mapping[str, Version],
    *,
    at_screening: bool = False,
    progress: Callable[[str], None] | None = None,
    usual: Mapping[str, Usual] | None = None,
) -> Answers:
    """Every rule over the facts. Over everything, a rule that raises far too many soft flags goes into the shadow."""
    answers = Answers(versions)
    breaker = versions[SCORING.id].parameters if SCORING.id in versions else SCORING.defaults
    for version in versions.values():
        if at_screening and not version.rule.at_screening:
            continue
        if progress is not None:
            progress(version.rule.id)
        begun = time.perf_counter()
        found = version.rule.run(facts, version.parameters)
        answers.seconds[version.rule.id] = time.perf_counter() - begun
        why = version.stopped
        if facts.whole:
            counted = Counted(_flagged(found, hard=False), _flagged(found, hard=True))
            answers.counted[version.rule.id] = counted
            of_late = (usual or {}).get(version.rule.id, Usual())
            if not why and (why := _breaks(counted.soft, len(facts.claims), breaker, of_late)):
                answers.broken.add(version.rule.id)
        if why:
            answers.stopped[version.rule.id] = why
            found = _in_shadow(found, facts)
        answers.found[version.rule.id] = found
    return answers


def _flagged(found: Found, *, hard: bool) -> int:
    return len({hit.claim for hit in found.hits if hit.claim is not None and (hit.severity == HARD) is hard})


def _in_shadow(found: Found, facts: Facts) -> Found:
    """The hard flags alone; of everything else it says neither yes nor no."""
    return Found([hit for hit in found.hits if hit.severity == HARD], set(facts.claims.id.tolist()))


def _breaks(flagged: int, claims: int, breaker: Mapping[str, Any], usual: Usual) -> str:
    if claims < int(breaker["breaker_least"]):
        return ""
    share, percent, times = (
        Decimal(flagged) / claims,
        int(breaker["breaker_percent"]),
        int(breaker["breaker_times"]),
    )
    if share <= usual.accepted:
        return ""
    told = f"本批 {claims} 件中提示 {flagged} 件"
    rest = "规则已自行停用，转入影子状态：提示不计分，硬性预警照常。请规则负责人核对数据与参数后恢复。"
    if share * 100 > percent:
        return f"{told}，超过 {percent}%，{rest}"
    if usual.mean is not None and flagged >= int(breaker["breaker_flags"]) and share > usual.mean * times:
        mean = (usual.mean * 100).quantize(Decimal("0.01"))
        return f"{told}，超过近 {int(breaker['breaker_days'])} 天平均占比 {mean}% 的 {times} 倍，{rest}"
    return ""


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
    snoozed: tuple[str, ...] = ()


# (rule, party, region): the rule's soft flags do not count for the party's cases in the region.
Snoozed = frozenset[tuple[str, int, str]]


def standings(facts: Facts, answers: Answers, snoozed: Snoozed = frozenset()) -> list[Standing]:
    """All claims, and the leases without one that are flagged: the most suspicious first."""
    terms = answers.terms
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
    ties = [hit.ties for rule in LINKING & answers.found.keys() for hit in answers.found[rule].hits]
    linked = components(facts, ties)
    rare = {
        rule: scoring.rarity(len({hit.claim for hit in found.hits if hit.claim is not None}), len(claims))
        for rule, found in answers.found.items()
    }

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
        total = order_by = weight = _NOTHING
        outcome = scoring.PASS
        asleep = _asleep(facts, row, snoozed) if snoozed and row[8] else ()
        if row[8]:
            raised = [
                answers.raised(hit, rule)
                for rule, hit in row[8]
                if hit.severity == HARD or rule not in asleep
            ]
            (total, _families), outcome = scoring.score(raised, terms), scoring.outcome(raised, terms)
            order_by, _ = scoring.score([one.fainter(rare[one.rule]) for one in raised], terms)
        if order_by:
            weight = scoring.weight(order_by, row[7], terms)
        placed.append((scoring.OUTCOMES.index(outcome), -weight, row[2], row, total, asleep))
    placed.sort(key=lambda one: one[:3])
    numbers: dict[tuple[int, str, int], str] = {}
    years = _years(facts)
    result = []
    for order, negative, _no, row, total, asleep in placed:
        # A case: linked enterprises in one programme year.
        linked_year = (linked.find(row[6]), row[4], years[row[0], row[1]])
        case = numbers.setdefault(linked_year, f"K-{len(numbers) + 1:06d}")
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
                snoozed=asleep,
            )
        )
    return result


def _years(facts: Facts) -> dict[tuple[str, int], int]:
    """(kind, id) → the year in which the claim was submitted, or the lease signed; 0 where nobody knows."""
    years: dict[tuple[str, int], int] = {}
    for kind, table, days in (
        ("claim", facts.claims, facts.claims.submitted_on),
        ("lease", facts.leases, facts.leases.signed_on),
    ):
        known = np.where(days == MISSING, 0, days)
        of = known.astype("datetime64[D]").astype("datetime64[Y]").astype(np.int64) + 1970
        for identity, year in zip(table.id.tolist(), np.where(days == MISSING, 0, of).tolist(), strict=True):
            years[kind, identity] = year
    return years


def _asleep(facts: Facts, row: tuple[Any, ...], snoozed: Snoozed) -> tuple[str, ...]:
    """The rules whose soft flags do not count for this row: its enterprise or its lessor is snoozed in its region."""
    at = facts.leases.at(row[3])
    parties = [row[6], *([] if at is None else [int(facts.leases.lessor[at])])]
    rules = {rule for rule, hit in row[8] if hit.severity != HARD}
    return tuple(sorted(rule for rule in rules if any((rule, one, row[5]) in snoozed for one in parties)))


def scan(
    known_at: datetime | None = None,
    versions: Mapping[str, Version] | None = None,
    progress: Callable[[str], None] | None = None,
) -> tuple[Facts, Answers, list[Standing]]:
    """Every rule over everything, as known at the instant."""
    from audit.actions.rule_stops import usual_shares
    from audit.actions.snoozes import snoozed_on

    facts = Facts(DatabaseSource(known_at=known_at))
    versions = versions or in_force()
    answers = ask(facts, versions, progress=progress, usual=usual_shares(versions))
    return facts, answers, standings(facts, answers, snoozed_on(dates.today()))


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
