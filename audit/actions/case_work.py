"""What people do in a case: who works it, what was done, what of each flag was found, and that another person stands behind it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

from django.db.models import Count, Q, QuerySet

from audit.models import Case, CaseConclusion, CaseStep, CaseSubject, Flag
from audit.models.cases import CaseState, ConclusionResult, StepKind
from vouchers import dates
from vouchers.access import Role, has_role, require_other_person, require_role
from vouchers.context import announce
from vouchers.errors import Forbidden, Invalid, NotNow
from vouchers.models import User
from vouchers.states import advance, not_now

LONGEST_WORDS = 4000


def assign_case(case: Case, to: User, *, by: User) -> Case:
    """Give it to an investigator of its region; one that is worked may be given to another.

    Raises ``Invalid`` (``case.assignee``) for somebody who is no investigator there, ``NotNow`` (``case.not_now``) once concluded."""
    announce("case.assign", f"承办人：{to}")
    require_role(by, Role.INVESTIGATOR, region=case.region_code)
    held = _held(case)
    if not to.is_active or not has_role(to, Role.INVESTIGATOR, region=held.region_code):
        raise Invalid("case.assignee", f"{to} 不是本地区的核查人员，不能承办本案。", field="to")
    if held.state == CaseState.WORKING:
        held.assigned_to, held.assigned_at = to, dates.now()
        held.save(update_fields=["assigned_to", "assigned_at"])
    else:
        advance(
            held,
            "assign",
            by=by,
            region=held.region_code,
            update={"assigned_to": to, "assigned_at": dates.now()},
        )
    return held


def add_step(case: Case, kind: str, words: str, *, done_on: date, by: User, reference: str = "") -> CaseStep:
    """Write down what was done. Raises ``Invalid`` (``case.step_kind``, ``case.step_words``, ``case.step_day``), ``NotNow`` once merged."""
    announce("case.step", str(StepKind(kind).label) if kind in StepKind.values else kind)
    require_role(by, Role.INVESTIGATOR, region=case.region_code)
    held = _held(case)
    if kind not in StepKind.values:
        raise Invalid("case.step_kind", "请选择事项。", field="kind")
    words = words.strip()
    if not words or len(words) > LONGEST_WORDS:
        raise Invalid("case.step_words", f"请写明经过，不超过 {LONGEST_WORDS} 字。", field="words")
    if done_on > dates.today():
        raise Invalid("case.step_day", "日期不能晚于今天。", field="done_on")
    if held.state == CaseState.MERGED:
        raise NotNow("case.not_now", f"本案已并入 {held.merged_into}，请在该案中记录。")
    if held.state == CaseState.CLOSED and kind != StepKind.CONSEQUENCE:
        raise NotNow("case.closed", "本案已办结，只能登记后续处理。")
    return CaseStep.objects.create(
        case=held,
        kind=kind,
        done_on=done_on,
        words=words,
        reference=reference.strip()[:40],
        made_by=by,
        made_at=dates.now(),
    )


def conclude_flag(case: Case, flag: Flag, result: str, *, reason: str, by: User) -> CaseConclusion:
    """Say what the case found of a flag; said again while it is worked, the last word holds.

    Raises ``Forbidden`` (``case.not_mine``), ``NotNow`` (``case.not_now``), ``Invalid`` (``case.flag``, ``case.result``, ``case.reason``)."""
    announce("case.conclude", reason)
    held = _mine(case, by)
    if not flags_of_case(held).filter(pk=flag.pk).exists():
        raise Invalid("case.flag", "该预警不属于本案。", field="flag")
    if result not in ConclusionResult.values:
        raise Invalid("case.result", "请选择结论：属实、材料瑕疵或不成立。", field="result")
    if not reason.strip():
        raise Invalid("case.reason", "请写明得出结论的依据。", field="reason")
    said, _new = CaseConclusion.objects.update_or_create(
        case=held,
        flag=flag,
        defaults={"result": result, "reason": reason.strip(), "made_by": by, "made_at": dates.now()},
    )
    return said


def propose_conclusion(case: Case, *, summary: str, by: User) -> Case:
    """Put the case before another person: every flag that stands has its conclusion. Raises ``NotNow`` (``case.flags_open``)."""
    announce("case.propose", summary)
    held = _mine(case, by)
    if not summary.strip():
        raise Invalid("case.summary", "请写明核查的总体结论和建议的处理。", field="summary")
    missing = open_flags(held)
    if missing:
        first = missing[0]
        raise NotNow(
            "case.flags_open",
            f"还有 {len(missing)} 条预警没有结论，例如 {first}。",
            hint="请逐条作出结论后再提出。",
        )
    if not held.conclusions.exists():
        raise NotNow("case.nothing_found", "本案没有预警结论，不能提出。")
    advance(
        held,
        "propose",
        by=by,
        region=held.region_code,
        update={"summary": summary.strip(), "proposed_by": by, "proposed_at": dates.now()},
    )
    return held


def return_case(case: Case, *, reason: str, by: User) -> Case:
    """Back to its investigator, with what is missing. By another person than proposed it."""
    announce("case.return", reason)
    require_role(by, Role.INVESTIGATOR, region=case.region_code)
    held = _held(case)
    require_other_person(by, {held.proposed_by_id}, "退回再查")
    if not reason.strip():
        raise Invalid("case.reason", "请写明还须查明什么。", field="reason")
    advance(held, "return", by=by, region=held.region_code, update={"proposed_by": None, "proposed_at": None})
    CaseStep.objects.create(
        case=held,
        kind=StepKind.NOTE,
        done_on=dates.today(),
        words=f"退回再查：{reason.strip()}",
        made_by=by,
        made_at=dates.now(),
    )
    return held


def close_case(case: Case, *, by: User) -> Case:
    """Stand behind the conclusions: the case is frozen. By another person than proposed them."""
    announce("case.close")
    require_role(by, Role.INVESTIGATOR, region=case.region_code)
    held = _held(case)
    require_other_person(by, {held.proposed_by_id, held.assigned_to_id}, "复核办结")
    advance(held, "close", by=by, region=held.region_code, update={"closed_by": by, "closed_at": dates.now()})
    CaseSubject.objects.filter(case=held, frozen=False).update(frozen=True)
    return held


def flags_of_case(case: Case) -> QuerySet[Flag]:
    """The flags that stand on the case's matters."""
    subjects = list(case.subjects.values_list("subject_kind", "subject_no"))
    claims = [number for kind, number in subjects if kind == "claim"]
    leases = [number for kind, number in subjects if kind == "lease"]
    return Flag.objects.filter(cleared_at=None).filter(
        Q(claim_no__in=claims) | Q(claim_no="", lease_no__in=leases)
    )


def open_flags(case: Case) -> Sequence[Flag]:
    """Those of them without a conclusion, here or in a closed case before."""
    settled = CaseConclusion.objects.filter(Q(case=case) | Q(case__state=CaseState.CLOSED))
    return list(
        flags_of_case(case).exclude(pk__in=settled.values("flag_id")).order_by("severity", "rule", "pk")
    )


def precision_of(rule: str) -> tuple[dict[str, int], Decimal | None]:
    """How many of a rule's flags were found what, in closed cases; and the share that was confirmed, in percent (None: none yet)."""
    rows = CaseConclusion.objects.filter(flag__rule=rule, case__state=CaseState.CLOSED)
    counts = dict(rows.values_list("result").annotate(count=Count("pk")))
    found = {name: counts.get(name, 0) for name in ConclusionResult.values}
    total = sum(found.values())
    if not total:
        return found, None
    share = Decimal(100 * found[ConclusionResult.CONFIRMED]) / total
    return found, share.quantize(Decimal("0.1"), ROUND_HALF_UP)


def precision_words(rule: str) -> str:
    """The same as a sentence; empty while nothing was concluded."""
    found, share = precision_of(rule)
    if share is None:
        return ""
    parts = "、".join(f"{ConclusionResult(name).label} {count} 条" for name, count in found.items())
    return f"已办结案件中核查 {sum(found.values())} 条：{parts}；属实的占 {share} %。"


def _held(case: Case) -> Case:
    """The case as it stands, kept until the transaction ends."""
    return Case.objects.select_for_update(of=("self",)).get(pk=case.pk)


def _mine(case: Case, by: User) -> Case:
    require_role(by, Role.INVESTIGATOR, region=case.region_code)
    held = _held(case)
    if held.state != CaseState.WORKING:
        raise not_now(held, "propose")
    if held.assigned_to_id != by.pk:
        raise Forbidden(
            "case.not_mine",
            "本案由他人承办，结论由承办人作出。",
            hint="确需更换的，请先把案件分派给您。",
        )
    return held
