"""影子运行: a version that is not in force yet, run beside those that are over a closed period; what would come out otherwise.

Asked for as a job. It reads everything as a scan does, records no flag, and holds nothing.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from django.db import connection

from audit import scoring
from audit.loading import DatabaseSource
from audit.models import RuleVersion, ShadowRun
from audit.models.flags import RuleState
from audit.rules import SCORING, VERSIONED
from audit.rules.base import HARD
from audit.rules.facts import Facts
from audit.scan import Answers, Standing, Version, ask, in_force, party_words, standings
from vouchers import dates
from vouchers.access import Role, require_role, scope_of
from vouchers.actions.job_runs import Run
from vouchers.actions.jobs import JobKind, JobResult, ask_job
from vouchers.context import announce
from vouchers.errors import Invalid, NotNow
from vouchers.models import Job, User
from vouchers.sheets import DAY, MONEY, Sheet, new_book, save

KIND = "shadow_run"
SHORTEST = timedelta(days=28)
LONGEST = timedelta(days=366 * 3)
EXAMPLES = 100
OUTCOME_WORDS = {
    scoring.BLOCK: "拦截",
    scoring.HOLD: "优先核查",
    scoring.REVIEW: "复核",
    scoring.PASS: "通过",
}
_COLUMNS = (
    ("变化", 12, ""), ("兑付编号", 22, ""), ("专项", 16, ""), ("地区", 10, ""), ("企业", 34, ""), ("统一社会信用代码", 22, ""),
    ("提交日", 12, DAY), ("金额（元）", 18, MONEY), ("现行结果", 12, ""), ("本版结果", 12, ""), ("现行得分", 10, MONEY), ("本版得分", 10, MONEY),
    ("现行提示", 60, ""), ("本版提示", 60, ""),
)  # fmt: skip


def ask_shadow_run(version: RuleVersion, *, from_on: date, to_on: date, by: User) -> Job:
    """Ask for a run over the claims submitted from ``from_on`` until the day before ``to_on``.

    Raises ``Forbidden``, ``Invalid`` (``shadow_run.period``), ``NotNow`` (``shadow_run.published``, ``job.under_way``)."""
    announce("shadow_run.ask", str(version))
    require_role(by, Role.AUDIT_ADMIN)
    if version.state not in (RuleState.DRAFT, RuleState.PROPOSED):
        raise NotNow("shadow_run.published", "本版已经发布，影子运行只用于尚未发布的版本。")
    if to_on > dates.today():
        raise Invalid(
            "shadow_run.period",
            "影子运行只能在已经结束的期间上进行：最后一日须早于今日。",
            field="last_on",
        )
    if not SHORTEST <= to_on - from_on <= LONGEST:
        raise Invalid(
            "shadow_run.period",
            f"期间应不少于 {SHORTEST.days} 天、不多于三年，您选择了 {(to_on - from_on).days} 天。",
            field="from_on",
        )
    job: Job = ask_job(
        KIND,
        label=f"影子运行：{version.rule} 第 {version.version} 版",
        params={
            "rule": version.rule,
            "version": version.version,
            "digest": version.digest,
            "from_on": from_on.isoformat(),
            "to_on": to_on.isoformat(),
        },
        by=by,
        key=f"{version.rule}@{version.version}",
        unit="条规则",
    )
    return job


@dataclass(frozen=True)
class Change:
    """A claim that stands otherwise under the version."""

    kind: str  # raised | cleared | outcome | score
    before: Standing
    after: Standing
    submitted_on: date


@dataclass
class Diff:
    """What would change: claims by outcome before and after, newly flagged and no longer flagged by the rule, by region and family."""

    claims: int = 0
    before: Counter[str] = field(default_factory=Counter)
    after: Counter[str] = field(default_factory=Counter)
    moves: Counter[tuple[str, str]] = field(default_factory=Counter)
    regions: dict[str, Counter[str]] = field(default_factory=dict)
    families: dict[str, Counter[str]] = field(default_factory=dict)
    changes: list[Change] = field(default_factory=list)


def compare(
    before: list[Standing],
    after: list[Standing],
    rule: str,
    chosen: dict[int, date],
    families: dict[str, str],
) -> Diff:
    """The claims of ``chosen`` (key → day of filing) before and after. ``families``: rule → family."""
    diff = Diff(claims=len(chosen))
    was = {one.identity: one for one in before if one.kind == "claim" and one.identity in chosen}
    for now in after:
        if now.kind != "claim" or now.identity not in chosen:
            continue
        then = was[now.identity]
        diff.before[then.outcome] += 1
        diff.after[now.outcome] += 1
        flagged = (_hits(then, rule), _hits(now, rule))
        moved = then.outcome != now.outcome
        kind = (
            "raised" if flagged[1] and not flagged[0]
            else "cleared" if flagged[0] and not flagged[1]
            else "outcome" if moved
            else "score" if then.score != now.score or flagged[0] != flagged[1]
            else ""
        )  # fmt: skip
        if not kind:
            continue
        if moved:
            diff.moves[then.outcome, now.outcome] += 1
        diff.regions.setdefault(now.region_code, Counter()).update([kind, *(["moved"] if moved else [])])
        for family in {families[name] for name, _hit in (*then.hits, *now.hits)}:
            diff.families.setdefault(family, Counter()).update([kind, *(["moved"] if moved else [])])
        diff.changes.append(Change(kind, then, now, chosen[now.identity]))
    order = {"raised": 0, "cleared": 1, "outcome": 2, "score": 3}
    diff.changes.sort(
        key=lambda one: (
            one.before.outcome == one.after.outcome,
            order[one.kind],
            -max(one.before.weight, one.after.weight),
            one.after.number,
        )
    )
    return diff


def _hits(standing: Standing, rule: str) -> tuple[tuple[str, str], ...]:
    return tuple(sorted((hit.severity, str(hit.points)) for name, hit in standing.hits if name == rule))


def run_shadow(run: Run) -> JobResult:
    """The job: both runs over the same facts, the diff kept, and the workbook of what the asker's regions may show."""
    params = run.job.params
    total = len(VERSIONED) + 4
    done = 0

    def step(_rule: str = "") -> None:
        nonlocal done
        done += 1
        run.progress(min(done, total), total, "步")

    with run.acting("shadow_run.record") as _context:
        announce("shadow_run.record", run.job.label)
        version = RuleVersion.objects.get(rule=params["rule"], version=params["version"])
        if version.digest != params["digest"]:
            raise NotNow(
                "shadow_run.changed",
                "提请之后本版的内容又改过，本次运行没有意义。",
                hint="请以现在的内容重新提请。",
            )
        with connection.cursor() as cursor:
            cursor.execute("SELECT transaction_timestamp()")
            (known_at,) = cursor.fetchone()
        versions = in_force()
        facts = Facts(DatabaseSource())
        before, after = answer(facts, versions, version, step)
        stand_before, stand_after = standings(facts, before), standings(facts, after)
        step()
        from_on, to_on = date.fromisoformat(params["from_on"]), date.fromisoformat(params["to_on"])
        families = {name: one.family for name, one in VERSIONED.items()}
        diff = compare(stand_before, stand_after, version.rule, submitted(facts, from_on, to_on), families)
        step()
        asker = run.job.asked_by
        assert asker is not None, "a shadow run is asked for by a person"
        words = party_words(facts, [one.after for one in diff.changes])
        result = told(diff, before, after, version.rule, words)
        path = run.new_file(".xlsx")
        regions = scope_of(asker, Role.AUDIT_ADMIN).regions
        write(path, diff, words, regions)
        step()
        kept = ShadowRun.objects.create(
            version=version,
            digest=version.digest,
            job_no=run.job.job_no,
            from_on=from_on,
            to_on=to_on,
            known_at=known_at,
            against={name: one.version for name, one in versions.items()},
            claims=diff.claims,
            changed=sum(diff.moves.values()),
            result=result,
            asked_by=asker,
        )
        run.check()
    moved = kept.changed
    return JobResult(
        result={"rule": version.rule, "version": version.version, "claims": diff.claims, "changed": moved},
        file=path,
        message=f"共 {diff.claims:,} 件，结果有变的 {moved:,} 件。",
    )


def answer(
    facts: Facts, versions: dict[str, Version], version: RuleVersion, step: Any = None
) -> tuple[Answers, Answers]:
    """The answers of the versions in force, and with the new one in the place of its predecessor; the other rules are asked once."""
    rule = VERSIONED[version.rule]
    new = Version(rule, version.version, version.points, {**rule.defaults, **version.parameters}, version.pk)
    before = ask(facts, versions, progress=step)
    if step is not None:
        step()
    alone = ask(facts, {SCORING.id: versions[SCORING.id], version.rule: new})
    changed = {**versions, version.rule: new}
    after = replace(
        before,
        versions=changed,
        found={**before.found, **alone.found},
        stopped={**{k: v for k, v in before.stopped.items() if k != version.rule}, **alone.stopped},
        counted={**before.counted, **alone.counted},
    )
    return before, after


def submitted(facts: Facts, from_on: date, to_on: date) -> dict[int, date]:
    """The live claims submitted in the period: key → day."""
    from audit.rules.facts import as_date, days

    claims = facts.claims
    rows = np.flatnonzero((claims.submitted_on >= days(from_on)) & (claims.submitted_on < days(to_on)))
    return {int(claims.id[row]): as_date(int(claims.submitted_on[row])) for row in rows.tolist()}


def told(
    diff: Diff, before: Answers, after: Answers, rule: str, words: dict[int, tuple[str, ...]]
) -> dict[str, Any]:
    """The diff as it is kept and shown: counts, and the first examples with their region."""
    kinds = Counter(one.kind for one in diff.changes)
    counted = {"before": before.counted.get(rule), "after": after.counted.get(rule)}
    return {
        "kinds": dict(kinds),
        "before": dict(diff.before),
        "after": dict(diff.after),
        "moves": [[a, b, count] for (a, b), count in sorted(diff.moves.items())],
        "regions": {code: dict(counts) for code, counts in sorted(diff.regions.items())},
        "families": {code: dict(counts) for code, counts in sorted(diff.families.items())},
        "counted": {
            name: {"soft": one.soft, "hard": one.hard} for name, one in counted.items() if one is not None
        },
        "stopped": after.stopped.get(rule, ""),
        "examples": [
            {
                "kind": one.kind,
                "claim_no": one.after.number,
                "region": one.after.region_code,
                "program": one.after.program_code,
                "enterprise": words.get(one.after.enterprise, ("", ""))[1],
                "on": one.submitted_on.isoformat(),
                "amount": str(one.after.amount),
                "before": one.before.outcome,
                "after": one.after.outcome,
                "sentence": _sentence(one, rule),
            }
            for one in _spread(diff.changes)
        ],
    }


def _spread(changes: list[Change]) -> list[Change]:
    """The first ones of each region, so that a reader of any region finds some."""
    seen: Counter[str] = Counter()
    kept = []
    for one in changes:
        if seen[one.after.region_code] < EXAMPLES:
            seen[one.after.region_code] += 1
            kept.append(one)
    return kept[: EXAMPLES * 20]


def _sentence(change: Change, rule: str) -> str:
    for standing in (change.after, change.before):
        for name, hit in standing.hits:
            if name == rule:
                return hit.sentence
    return ""


def write(path: Path, diff: Diff, words: dict[int, tuple[str, ...]], regions: frozenset[str]) -> None:
    """Every change in the reader's regions; text stays text."""
    book = new_book()
    sheet = Sheet(book, "结果变化", _COLUMNS)
    kinds = {"raised": "新命中", "cleared": "不再命中", "outcome": "结果变化", "score": "得分变化"}
    for one in diff.changes:
        if one.after.region_code not in regions:
            continue
        uscc, name = (*words.get(one.after.enterprise, ("", "")), "", "")[:2]
        sheet.add(
            kinds[one.kind], one.after.number, one.after.program_code, one.after.region_code, name, uscc, one.submitted_on,
            one.after.amount, OUTCOME_WORDS[one.before.outcome], OUTCOME_WORDS[one.after.outcome], one.before.score,
            one.after.score, _listed(one.before), _listed(one.after),
        )  # fmt: skip
    save(book, path)


def _listed(standing: Standing) -> str:
    return "；".join(
        f"{rule} {'硬性' if hit.severity == HARD else f'{hit.points} 分'}：{hit.sentence}"
        for rule, hit in standing.hits
    )


def last_closed_period(today: date) -> tuple[date, date]:
    """What is offered first: the twelve months before this one, both days counted."""
    end = today.replace(day=1)
    return end.replace(year=end.year - 1), end - timedelta(days=1)


def start_of(day: date) -> datetime:
    """The first instant of a day of office."""
    return datetime.combine(day, time(), dates.SHANGHAI)


SHADOW_RUNS = JobKind(KIND, "影子运行", run_shadow)

__all__ = [
    "KIND",
    "SHADOW_RUNS",
    "ask_shadow_run",
    "compare",
    "last_closed_period",
    "run_shadow",
    "start_of",
]
