"""The nightly scan: flags kept and cleared, the queue renewed, holds on open cases, affiliations pushed down."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction

from applications.models import Claim
from applications.models.claims import ClaimState
from audit import scoring
from audit.actions.cases import gather_cases
from audit.actions.review_draws import draw_reviews
from audit.actions.rule_stops import record_stops
from audit.actions.rules import load_rules
from audit.affiliations import push
from audit.models import Flag, ScanRun, Suspicion
from audit.models.flags import ScanKind, ScanState, Severity
from audit.rules import RULES
from audit.rules.facts import Facts
from audit.scan import Answers, Standing, in_force, outcomes, party_words, scan
from vouchers import dates
from vouchers.actions.holds import screen
from vouchers.context import announce
from vouchers.models.holds import ScreeningMoment

OPEN_STATES = (ClaimState.SUBMITTED, ClaimState.RETURNED, ClaimState.VERIFIED, ClaimState.APPROVED)
BATCH = 1000


@dataclass(frozen=True)
class Scanned:
    """A recorded run with what it saw and found, for whoever writes it out."""

    run: ScanRun
    facts: Facts
    answers: Answers
    found: list[Standing]


def run_scan(kind: str = ScanKind.NIGHTLY) -> ScanRun:
    """Every rule over everything, recorded: what stands is kept, what is new is raised, what no longer holds is cleared."""
    return recorded_scan(kind).run


def recorded_scan(kind: str = ScanKind.NIGHTLY) -> Scanned:
    """As ``run_scan``, with the facts and answers of the run."""
    announce("scan.run", kind)
    load_rules()
    versions = in_force()
    with connection.cursor() as cursor:
        cursor.execute("SELECT transaction_timestamp()")
        (known_at,) = cursor.fetchone()
    run = ScanRun.objects.create(
        kind=kind,
        known_at=known_at,
        rule_versions={name: version.version for name, version in versions.items()},
        started_at=dates.now(),
    )
    facts, answers, found = scan(versions=versions)
    raised, cleared = record_flags(run, answers, found)
    record_stops(run, answers, len(facts.claims))
    record_suspicions(run, facts, found)
    push(facts, versions["F24"], dates.today())
    hold_open_cases(found)
    gather_cases(run)
    run.state, run.ended_at = ScanState.DONE, dates.now()
    run.claims, run.outcomes = len(facts.claims), outcomes(found)
    run.flags_raised, run.flags_cleared, run.stopped_rules = raised, cleared, answers.stopped
    run.rule_counts = {
        name: {"soft": one.soft, "hard": one.hard} for name, one in answers.counted.items() if name in RULES
    }
    run.not_testable = {
        name: len(one.untestable_claims) for name, one in answers.found.items() if one.untestable_claims
    }
    run.save()
    if kind == ScanKind.NIGHTLY:
        draw_reviews(run, facts, found, versions)
    return Scanned(run, facts, answers, found)


def _key(rule_version_id: int, claim_no: str, lease_no: str, input_hash: str) -> tuple[int, str, str, str]:
    return rule_version_id, claim_no, lease_no, input_hash


def record_flags(run: ScanRun, answers: Answers, found: list[Standing]) -> tuple[int, int]:
    """Raise what is new, clear what no longer holds: (raised, cleared). A flag that stands is not written again."""
    version_ids = {name: one.row for name, one in answers.versions.items() if one.row is not None}
    standing = {
        _key(version, claim_no, lease_no, digest): pk
        for pk, version, claim_no, lease_no, digest in Flag.objects.filter(cleared_at=None).values_list(
            "pk", "rule_version_id", "claim_no", "lease_no", "input_hash"
        )
    }
    lease_nos = _lease_numbers(found)
    fresh: dict[tuple[int, str, str, str], Flag] = {}
    kept: set[tuple[int, str, str, str]] = set()
    for one in found:
        claim_no = one.number if one.kind == "claim" else ""
        lease_no = lease_nos.get(one.lease, "")
        for rule, hit in one.hits:
            key = _key(version_ids[rule], claim_no, lease_no, hit.input_hash)
            kept.add(key)
            if key in standing or key in fresh:
                continue
            fresh[key] = Flag(
                rule=rule,
                rule_version_id=version_ids[rule],
                severity=Severity(hit.severity),
                points=hit.points,
                claim_no=claim_no,
                lease_no=lease_no,
                program_code=one.program_code,
                region_code=one.region_code,
                value=hit.value[:60],
                threshold=hit.threshold[:60],
                peers=hit.peers,
                sentence=hit.sentence,
                counterfactual=hit.counterfactual,
                evidence=list(hit.evidence),
                input_hash=hit.input_hash,
                known_at=run.known_at,
                scan_run=run,
            )
    Flag.objects.bulk_create(fresh.values(), batch_size=BATCH)
    # What a rule in the shadow raised before stays as it is, whatever its version.
    still = set(
        Flag.objects.filter(cleared_at=None, severity=Severity.SOFT, rule__in=answers.stopped).values_list(
            "pk", flat=True
        )
        if answers.stopped
        else ()
    )
    gone = [pk for key, pk in standing.items() if key not in kept and pk not in still]
    for start in range(0, len(gone), BATCH):
        Flag.objects.filter(pk__in=gone[start : start + BATCH]).update(cleared_at=dates.now())
    return len(fresh), len(gone)


def _lease_numbers(found: list[Standing]) -> dict[int, str]:
    from applications.models import Lease

    wanted = {one.lease for one in found if one.hits and one.lease > 0}
    return dict(Lease.objects.filter(pk__in=wanted).values_list("pk", "lease_no"))


def record_suspicions(run: ScanRun, facts: Facts, found: list[Standing]) -> None:
    """Renew the queue: every claim and unclaimed lease with a flag, in its order."""
    flagged = [one for one in found if one.hits]
    words = party_words(facts, flagged)
    lease_nos = _lease_numbers(flagged)
    leases = facts.leases
    lessors = facts.labels(
        "party", [int(leases.lessor[at]) for one in flagged if (at := leases.at(one.lease)) is not None]
    )

    def lessor(one: Standing) -> str:
        at = leases.at(one.lease)
        return "" if at is None else lessors.get(int(leases.lessor[at]), ("", ""))[1]

    rows = []
    for rank, one in enumerate(flagged, start=1):
        uscc, name = words.get(one.enterprise, ("", ""))
        rows.append(
            Suspicion(
                subject_kind=one.kind,
                subject_no=one.number,
                lease_no=lease_nos.get(one.lease, ""),
                program_code=one.program_code,
                region_code=one.region_code,
                enterprise_uscc=uscc,
                enterprise_name=name,
                lessor_name=lessor(one),
                amount=one.amount,
                case_no=one.case,
                outcome=one.outcome,
                score=one.score,
                weight=one.weight,
                rank=rank,
                rules=sorted({rule for rule, _hit in one.hits}),
                not_testable=list(one.not_testable),
                snoozed=list(one.snoozed),
                scan_run=run,
            )
        )
    with transaction.atomic():
        Suspicion.objects.all().delete()
        Suspicion.objects.bulk_create(rows, batch_size=BATCH)


def hold_open_cases(found: list[Standing]) -> int:
    """Screen every live claim that is still under way and blocked: the port keeps the screening and places the holds."""
    blocked = [one.number for one in found if one.kind == "claim" and one.outcome == scoring.BLOCK]
    numbers = Claim.objects.filter(claim_no__in=blocked, origin="live", state__in=OPEN_STATES).values_list(
        "claim_no", flat=True
    )
    for number in numbers:
        screen("claim", number, ScreeningMoment.NIGHTLY)
    return len(numbers)


def latest_run() -> ScanRun | None:
    """The last scan that was recorded whole."""
    return ScanRun.objects.filter(state=ScanState.DONE).order_by("-pk").first()


def flags_of(**subject: Any) -> Any:
    """The flags that stand on a claim (``claim_no``) or lease (``lease_no``)."""
    return (
        Flag.objects.filter(cleared_at=None, **subject)
        .select_related("rule_version")
        .order_by("severity", "rule")
    )
