"""熔断: a rule whose soft flags are suddenly far more than usual goes into the shadow; a person puts it back.

Its hard flags always stay: a deterministic fact does not become less of one because there are many.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal

from audit.models import RuleStop, ScanRun
from audit.models.flags import ScanKind, ScanState
from audit.rules import RULES, SCORING
from audit.scan import Answers, Usual, Version
from vouchers import dates
from vouchers.access import Role, require_role
from vouchers.context import announce
from vouchers.errors import Invalid, NotNow
from vouchers.models import User

LEAST_RUNS = 3
"""Runs without which nothing is usual yet."""
HEADROOM = Decimal("1.5")
"""A rule that was put back stops again only well above the share that the person saw."""
_SIX = Decimal("0.000001")


def usual_shares(versions: Mapping[str, Version]) -> dict[str, Usual]:
    """What is usual of each rule: the mean share of claims with a soft flag in the runs of late, and what a person accepted
    of the version in force."""
    terms = versions[SCORING.id].parameters if SCORING.id in versions else SCORING.defaults
    since = dates.now() - timedelta(days=int(terms["breaker_days"]))
    shares: dict[str, list[Decimal]] = {}
    runs = ScanRun.objects.filter(
        state=ScanState.DONE, kind=ScanKind.NIGHTLY, started_at__gte=since, claims__gt=0
    ).values_list("claims", "rule_counts")
    for claims, counts in runs:
        for rule, counted in counts.items():
            shares.setdefault(rule, []).append(Decimal(counted["soft"]) / claims)
    accepted: dict[str, Decimal] = {}
    for stop in RuleStop.objects.filter(put_back_at__isnull=False).order_by("pk"):
        version = versions.get(stop.rule)
        if version is not None and version.row == stop.rule_version_id and stop.claims:
            accepted[stop.rule] = Decimal(stop.flagged) / stop.claims * HEADROOM
    return {
        rule: Usual(
            sum(some, Decimal(0)) / len(some) if len(some := shares.get(rule, [])) >= LEAST_RUNS else None,
            accepted.get(rule, Decimal(0)),
        )
        for rule in RULES
    }


def record_stops(run: ScanRun, answers: Answers, claims: int) -> list[RuleStop]:
    """Keep which rules stopped themselves in this run: until a person puts them back they stay in the shadow."""
    usual = usual_shares(answers.versions) if answers.broken else {}
    stops = []
    for rule in sorted(answers.broken):
        row = answers.versions[rule].row
        if row is None:
            continue
        announce("rule.stop", f"{rule}：{answers.stopped[rule]}")
        mean = usual[rule].mean
        stops.append(
            RuleStop.objects.create(
                rule=rule,
                rule_version_id=row,
                scan_run=run,
                claims=claims,
                flagged=answers.counted[rule].soft,
                usual_rate=None if mean is None else mean.quantize(_SIX),
                sentence=answers.stopped[rule],
                stopped_at=dates.now(),
            )
        )
    if stops:
        announce("scan.run", run.kind)
    return stops


def put_rule_back(rule: str, *, by: User, reason: str) -> RuleStop:
    """A person has looked: the rule counts again, from the next scan on. Raises ``Forbidden``, ``Invalid`` (``rule_stop.reason``),
    ``NotNow`` (``rule_stop.not_stopped``)."""
    announce("rule.put_back", reason)
    require_role(by, Role.AUDIT_ADMIN)
    if not reason.strip():
        raise Invalid(
            "rule_stop.reason",
            "请写明恢复的理由：核对了哪些数据，为何命中增多。",
            field="reason",
        )
    stop = RuleStop.objects.select_for_update().filter(rule=rule, put_back_at=None).first()
    if stop is None:
        raise NotNow("rule_stop.not_stopped", f"规则 {rule} 没有停用，无须恢复。")
    stop.put_back_by, stop.put_back_at, stop.put_back_reason = by, dates.now(), reason.strip()
    stop.save(update_fields=["put_back_by", "put_back_at", "put_back_reason"])
    return stop
