"""影响测算: what a version would cost, by replaying cases under it. Asked for as a job, computed here for the command too.

What is run is frozen when it is asked for: the scheme as canonical JSON with its hash stands in the job, so that the report
says exactly of what it speaks, also after the draft went on.
"""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from django.utils.translation import gettext as _

from vouchers import dates
from vouchers.access import Role, require_role, scope_of
from vouchers.actions import jobs
from vouchers.actions.case_sources import CaseQuery, CaseSource, cases_of, check_like, chosen_sources
from vouchers.actions.dry_run_workbook import DryRunBook
from vouchers.actions.job_runs import Run
from vouchers.actions.jobs import JobKind, JobResult, ask_job
from vouchers.actions.policies import find_publication_in_force
from vouchers.actions.policy_drafts import scheme_of
from vouchers.actions.policy_soundness import complete_scheme
from vouchers.errors import Invalid
from vouchers.models import Job, PolicyVersion, ProgramBudget, Publication, User
from vouchers.models.jobs import JobState
from vouchers.money import thousands
from vouchers.policy.canonical import digest
from vouchers.policy.case_rows import read_case
from vouchers.policy.dry_run import Each, dry_run
from vouchers.policy.dry_run_report import DryRunReport
from vouchers.policy.payment_caps import caps_of_payments
from vouchers.policy.payment_outlook import ASSUMED
from vouchers.policy.plain import SchemeError
from vouchers.policy.rules import Scheme, parse, render
from vouchers.policy.transposed import Transposed, transpose
from vouchers.policy.words import day_words

KIND = "dry_run"
ASKERS = (Role.POLICY_EDITOR, Role.PUBLISHER)
READERS = (Role.AUDITOR,)
RECORDED, IN_FORCE = "recorded", "in_force"
LONGEST_YEARS = 10
MANY = 20_000
"""Cases from which a second process pays."""
NAMED = 20
"""How many of the largest changes are named each way."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """One dry run, ready to go. `before` None: against what the cases were granted in fact."""

    scheme: Scheme
    before: Scheme | None
    query: CaseQuery
    sources: tuple[CaseSource, ...]
    budgets: Mapping[int, Decimal] = field(default_factory=dict)
    opening: Mapping[str, Decimal] = field(default_factory=dict)
    processes: int = 1

    def as_if(self, scheme: Scheme) -> Transposed:
        """A version as it is computed with: as if in force over the period."""
        return transpose(scheme, self.query.from_on, self.query.to_on)


def compute(
    plan: Plan, *, progress: Callable[[int], None] | None = None, each: Each | None = None
) -> DryRunReport:
    """Replay the plan's cases. Raises ``Invalid`` (``dry_run.no_cases``) when the period has none."""
    report = dry_run(
        plan.as_if(plan.scheme).scheme,
        cases_of(plan.sources, plan.query),
        read=read_case,
        before=plan.as_if(plan.before).scheme if plan.before is not None else None,
        budgets=plan.budgets,
        opening=plan.opening,
        progress=progress,
        processes=plan.processes,
        top=NAMED,
        each=each,
    )
    if not report.cases:
        raise Invalid(
            "dry_run.no_cases",
            "所选期间和来源中没有可以测算的案件。",
            field="sources",
            hint="请放宽期间，或加选“合成样本年度”。",
        )
    return report


def budgets_of(program_code: str) -> dict[int, Decimal]:
    """The budget of each year that has money appropriated."""
    rows = ProgramBudget.objects.filter(program__code=program_code, amount__gt=0)
    return dict(rows.values_list("year", "amount"))


def opening_of(sources: tuple[CaseSource, ...], query: CaseQuery) -> dict[str, Decimal]:
    """What was used of caps before the period, by every source that knows."""
    total: dict[str, Decimal] = {}
    for source in sources:
        for key, amount in source.opening(query).items():
            total[key] = total.get(key, Decimal(0)) + amount
    return total


def before_choices(version: PolicyVersion) -> list[tuple[str, str]]:
    """What a version can be held against: (code, words), the default first."""
    rivals = list(
        Publication.objects.filter(program=version.program)
        .exclude(version=version)
        .select_related("validity")
        .order_by("-published_at", "-pk")
    )
    current = find_publication_in_force(version.program, dates.today())
    rivals.sort(key=lambda one: one != current)
    words = []
    for one in rivals:
        name = _("现行版本") if one == current else _("已发布版本")
        words.append((one.publication_no, f"{name} {one.label}（{one.publication_no}）"))
    return [*words, (RECORDED, _("各案件实际核定的金额"))]


def publication_before(version: PolicyVersion, before: str) -> Publication | None:
    """The publication to hold it against; None for what was recorded. Raises ``Invalid`` (``dry_run.before``)."""
    codes = [code for code, _words in before_choices(version)]
    if before == IN_FORCE:
        before = codes[0]
    if before not in codes:
        raise Invalid(
            "dry_run.before",
            f"不能与“{before}”比较：不是本专项已发布的版本。",
            field="before",
            hint=f"可以选择：{'、'.join(codes)}。",
        )
    if before == RECORDED:
        return None
    found: Publication = Publication.objects.get(publication_no=before)
    return found


def check_period(from_on: date, to_on: date) -> None:
    """Raises ``Invalid`` (``dry_run.period``). `to_on` is the day after the last."""
    if to_on <= from_on:
        raise Invalid("dry_run.period", "期间的结束日不能早于开始日。", field="to_on")
    if (to_on - from_on).days > 366 * LONGEST_YEARS:
        raise Invalid("dry_run.period", f"期间最长 {LONGEST_YEARS} 年，请分段测算。", field="to_on")


def ask_dry_run(
    version: PolicyVersion,
    *,
    from_on: date,
    to_on: date,
    sources: list[str],
    before: str = IN_FORCE,
    like: str = "",
    by: User,
) -> Job:
    """Ask for a dry run of the version as it stands now; a draft that is not proposed yet will do.

    Raises ``Problems`` (``policy.incomplete``) while the draft is no scheme yet, ``Invalid`` (``dry_run.…``),
    ``Forbidden`` (``access.role``), and ``NotNow`` (``job.under_way``) while one of the same version is on its way."""
    program = version.program
    require_role(by, *ASKERS, region=program.region)
    check_period(from_on, to_on)
    chosen = chosen_sources(sources)
    published = Publication.objects.filter(version=version).first()
    scheme = published.scheme if published else complete_scheme(version)
    against = publication_before(version, before)
    query = CaseQuery(
        program=program.code,
        region=program.region.code,
        from_on=from_on,
        to_on=to_on,
        like=like,
        regions=regions_for(by),
    )
    check_like(chosen, query)
    if not any(source.count(query) for source in chosen):
        raise Invalid(
            "dry_run.no_cases",
            "所选期间和来源中没有可以测算的案件。",
            field="sources",
            hint="请放宽期间，或加选“合成样本年度”。",
        )
    document = render(scheme)
    return ask_job(
        KIND,
        label=_("影响测算：%(version)s") % {"version": version},
        params={
            "version_no": version.version_no,
            "program": program.code,
            "region": program.region.code,
            "label": version.label,
            "state": version.state,
            "from_on": from_on.isoformat(),
            "to_on": to_on.isoformat(),
            "sources": [source.code for source in chosen],
            "like": like,
            "before": against.publication_no if against else RECORDED,
            "before_label": against.label if against else "",
            "scheme": document,
            "scheme_sha256": digest(document),
        },
        by=by,
        region=program.region.code,
        case_regions=frozenset().union(*(source.regions(query) for source in chosen)),
        key=version.version_no,
        unit="件",
    )


def regions_for(user: User) -> frozenset[str]:
    """The regions whose cases a dry run of this person may read."""
    return scope_of(user, *ASKERS).regions


def plan_of(params: Mapping[str, Any], case_regions: Collection[str]) -> Plan:
    """The plan that a job's parameters say, of cases from the regions that the job is marked with and of no others."""
    against = params["before"]
    before = None if against == RECORDED else Publication.objects.get(publication_no=against).scheme
    query = CaseQuery(
        program=params["program"],
        region=params["region"],
        from_on=date.fromisoformat(params["from_on"]),
        to_on=date.fromisoformat(params["to_on"]),
        like=params.get("like", ""),
        regions=frozenset(case_regions),
    )
    sources = tuple(chosen_sources(params["sources"]))
    return Plan(
        scheme=parse(params["scheme"]),
        before=before,
        query=query,
        sources=sources,
        budgets=budgets_of(params["program"]),
        opening=opening_of(sources, query),
    )


def told_sources(plan: Plan) -> list[dict[str, Any]]:
    """Each source with its number of cases and what they rest on."""
    return [
        {
            "code": source.code,
            "label": source.label,
            "cases": source.count(plan.query),
            "note": source.note(plan.query),
            "synthetic": source.synthetic,
        }
        for source in plan.sources
    ]


def run_dry_run(run: Run) -> JobResult:
    """The job's handler: replay, count, and write the workbook while the cases go by."""
    with run.acting("dry_run.compute"):
        plan = plan_of(run.job.params, run.job.case_regions)
        told = told_sources(plan)
        total = sum(one["cases"] for one in told)
        run.progress(0, total, "件")
        path = run.new_file(".xlsx")
        book = DryRunBook(path, total)
        if book.beside is not None:
            run.files.append(book.beside)
        if total >= MANY:
            plan = replace(plan, processes=2)
        report = compute(plan, progress=lambda done: run.progress(min(done, total), total), each=book.each)
        basis = basis_of(plan, told)
        book.save(report, basis=basis, job_no=run.job.job_no, scheme_sha256=run.job.params["scheme_sha256"])
        if book.beside is not None:
            path = _together(run.new_file(".zip"), path, book.beside)
    words = _("共测算 %(cases)s 件。") % {"cases": f"{report.cases:,}"}
    return JobResult({"report": report.as_json(), "sources": told, "basis": basis}, path, words)


def _together(target: Path, *parts: Path) -> Path:
    """One file of several, which go away."""
    with zipfile.ZipFile(target, "x", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for part in parts:
            archive.write(part, part.name)
            part.unlink()
    return target


def basis_of(plan: Plan, told: list[dict[str, Any]]) -> list[str]:
    """How it was calculated, in sentences: what the report must not be read without."""
    last = plan.query.to_on - timedelta(days=1)
    words = [
        _("期间：%(from)s至%(to)s，按各件的决定日（尚未决定的按提交日）。")
        % {"from": day_words(plan.query.from_on), "to": day_words(last)}
    ]
    words += [f"{one['label']}：{one['cases']:,} 件。{one['note']}" for one in told]
    if plan.before is None:
        words.append(_("比较对象：各件实际核定的金额。尚未决定的案件不列入比较，另行列出。"))
    else:
        words.append(_("比较对象：“%(label)s”，同样的案件按该版本重新核算。") % {"label": plan.before.label})
    for name, scheme in (("本版本", plan.scheme), ("比较版本", plan.before)):
        if scheme is not None and (years := plan.as_if(scheme).years):
            words.append(
                f"{name}自 {scheme.effective_from} 起施行，与所选期间不重合：其中的各项日期{'前' if years < 0 else '后'}移 "
                f"{abs(years)} 年后测算。"
            )
    words.append(_("视为各版本在所选期间一直施行，各企业都在申报期内提交，并按规则可得的金额申请。"))
    words.append(
        _(
            "案件按决定的先后依次核算，限额、券面余额和资金池随之扣减；需人工核实的案件按核实后可得的金额计入。"
        )
    )
    if plan.budgets:
        budgets = "、".join(
            f"{year} 年 {thousands(amount)} 元" for year, amount in sorted(plan.budgets.items())
        )
        words.append(_("年度预算指标：%(budgets)s；其他年度未下达指标，不设总额。") % {"budgets": budgets})
    else:
        words.append(_("本专项尚未下达预算指标，不设总额；版本自身规定的资金池照常计算。"))
    if any(one is not None and caps_of_payments(one) for one in (plan.scheme, plan.before)):
        words.append(ASSUMED)
    if plan.opening:
        words.append(_("期间以前已经占用的限额，按当时的核算结果先行扣除。"))
    return words


# -- finding them again ---------------------------------------------------------------------------------------------


def dry_runs_of(version: PolicyVersion, *, by: User) -> Any:
    """The version's dry runs that the person may see, the last first."""
    return (
        jobs.visible_jobs(by)
        .filter(kind=KIND, params__version_no=version.version_no)
        .select_related("asked_by")
        .order_by("-pk")
    )


def latest_dry_run(version: PolicyVersion, *, by: User) -> Job | None:
    """The last one that was finished."""
    job: Job | None = dry_runs_of(version, by=by).filter(state=JobState.DONE).first()
    return job


def changed_since(job: Job, version: PolicyVersion) -> bool:
    """Whether the version says something else now than what was run."""
    published = Publication.objects.filter(version=version).first()
    if published is not None:
        return bool(published.sha256 != job.params["scheme_sha256"])
    try:
        return bool(digest(render(scheme_of(version))) != job.params["scheme_sha256"])
    except SchemeError:
        return True


DRY_RUNS = JobKind(KIND, "影响测算", run_dry_run, roles=ASKERS, readers=READERS)

__all__ = [
    "ASKERS",
    "DRY_RUNS",
    "IN_FORCE",
    "KIND",
    "READERS",
    "RECORDED",
    "Plan",
    "ask_dry_run",
    "basis_of",
    "before_choices",
    "budgets_of",
    "changed_since",
    "check_period",
    "compute",
    "dry_runs_of",
    "latest_dry_run",
    "opening_of",
    "plan_of",
    "publication_before",
    "regions_for",
    "run_dry_run",
    "told_sources",
]
