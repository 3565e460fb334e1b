"""What every case shares: the record of who did what, the people who had a hand in it, deadlines, and its checks."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.db.models import Q

from applications.lease_prices import split_by_one
from applications.models import Application, Check, Claim, Review
from applications.models.reviews import CheckResult
from vouchers import dates
from vouchers.access import Role, require_role
from vouchers.context import announce, current
from vouchers.errors import Forbidden, Invalid, NotNow
from vouchers.models import User
from vouchers.policy.assessment import Assessment, Finding
from vouchers.policy.terms import FindingResult
from vouchers.states import Lifecycle, advance

Case = Application | Claim
PRICE_CHECK = "fair_price"
"""The check of a contract's price, by the engine's code of its finding."""

_RESULTS = {
    FindingResult.MET: CheckResult.PASSED,
    FindingResult.NOT_MET: CheckResult.FAILED,
    FindingResult.NOT_TESTABLE: CheckResult.WAITING,
}


def kind_of(case: Case) -> str:
    """``application`` or ``claim``."""
    return "application" if isinstance(case, Application) else "claim"


def number_of(case: Case) -> str:
    """The public business number."""
    return case.application_no if isinstance(case, Application) else case.claim_no


def region_of(case: Case) -> str:
    """The code of the region whose staff decide."""
    if isinstance(case, Application):
        assert case.program is not None
        return case.program.region.code
    return case.program_region_code


def due_after(lifecycle: Lifecycle, state: str, on: date) -> date | None:
    """When the next deed in this state is due: the nearest of its deadlines, in working days."""
    days = [t.working_days for t in lifecycle.transitions if state in t.sources and t.working_days]
    return dates.add_working_days(on, min(days)) if days else None


def as_it_stands(case: Case) -> None:
    """Wait for whoever else acts on the case, and go on with it as it stands then. What was changed and not saved is lost."""
    case.refresh_from_db(from_queryset=type(case)._default_manager.select_for_update(no_key=True))


def move(
    case: Case,
    verb: str,
    *,
    by: User | None,
    reason: str = "",
    party: Any = None,
    amount: Decimal | None = None,
    internal: bool = False,
    update: dict[str, Any] | None = None,
    acting_as_staff: bool = True,
) -> None:
    """Advance a case and write the deed into its time line."""
    before = case.state
    transition = case.lifecycle.find(verb, before)
    target = transition.target if transition else before
    advance(
        case,
        verb,
        by=by,
        region=region_of(case) if acting_as_staff else None,
        party=party,
        update={
            "state_since": dates.now(),
            "due_on": due_after(case.lifecycle, target, dates.today()),
            **(update or {}),
        },
    )
    record(
        case, verb, by=by, before=before, after=case.state, reason=reason, amount=amount, internal=internal
    )


def record(
    case: Case,
    verb: str,
    *,
    by: User | None,
    before: str = "",
    after: str = "",
    reason: str = "",
    amount: Decimal | None = None,
    internal: bool = False,
) -> Review:
    """One row of the time line."""
    row = review_of(
        case, verb, by=by, before=before, after=after, reason=reason, amount=amount, internal=internal
    )
    row.save(force_insert=True)
    return row


def review_of(
    case: Case,
    verb: str,
    *,
    by: User | None,
    before: str = "",
    after: str = "",
    reason: str = "",
    amount: Decimal | None = None,
    internal: bool = False,
) -> Review:
    """The row of the time line, not saved."""
    context = current()
    return Review(
        subject_kind=kind_of(case),
        subject_no=number_of(case),
        region_code=region_of(case),
        verb=verb,
        from_state=before,
        to_state=after,
        actor=by,
        actor_name=by.display_name if by else (context.actor.display_name if context else ""),
        reason=reason,
        amount=amount,
        internal=internal,
        done_at=dates.now(),
    )


def hands(case: Case, *verbs: str) -> set[int]:
    """The persons who had a hand in the case, by these verbs or by any."""
    rows = Review.objects.filter(subject_kind=kind_of(case), subject_no=number_of(case), actor__isnull=False)
    if verbs:
        rows = rows.filter(verb__in=verbs)
    return set(rows.values_list("actor_id", flat=True))


#: Deeds whose reason is written for the enterprise; what one officer writes to the next stays in the office.
REASONS_TOLD = frozenset(
    {
        "return",
        "reject",
        "approve",
        "withdraw",
        "uphold_objection",
        "repin",
        "recall_notice",
        "pay_back",
        "payment_returned",
        "leave_unfunded",
        "unlist",
        "readmit",
        "share_again",
    }
)
#: States in which the office looks at a case.
UNDER_REVIEW = frozenset({"submitted", "accepted", "recommended", "verified"})


# The engine's own conditions, in the office's words; a gate's words are the version's.
FINDING_LABELS = {
    "in_force": "政策在施行期内",
    "window": "在申报期内",
    "fair_price": "签约价格在公允区间内",
    "voucher": "算力券可用余额",
    "papers": "材料齐全",
    "other_money": "未重复享受财政资金",
    "rate_published": "补贴比例已公布",
    "basis": "有可计入的补贴基数",
    "basis_kind": "补贴基数种类符合",
}


def finding_label(code: str, titles: dict[str, str]) -> str:
    """What a condition is called; empty for one without a name of its own."""
    if code.startswith("cap."):
        return "限额"
    if code.startswith("floor."):
        return "起补线"
    return titles.get(code, "") or FINDING_LABELS.get(code, "")


def check_code(finding: Finding) -> str:
    """The code of the check in which a finding is answered."""
    return f"{finding.code}:{finding.subject}"[:40] if finding.subject else finding.code[:40]


def checks_from(case: Case, assessment: Assessment, more: Iterable[Check] = ()) -> dict[str, Check]:
    """One named check a finding, and those of the casework itself, by code; not saved."""
    kind, number = kind_of(case), number_of(case)
    titles = {gate.code: gate.text for gate in case.publication.scheme.gates} if case.publication else {}
    wanted: dict[str, Check] = {}
    for finding in assessment.findings:
        code = check_code(finding)
        result = _RESULTS[finding.result]
        if finding.result is FindingResult.NOT_MET and not finding.refuses:
            result = CheckResult.WAITING if finding.asks_for_a_person else CheckResult.PASSED
        wanted[code] = Check(
            subject_kind=kind,
            subject_no=number,
            code=code,
            label=finding_label(finding.code, titles)[:100] or finding.sentence[:100],
            by_machine=result != CheckResult.WAITING,
            result=result,
            sentence=finding.sentence + (f"（{finding.article}）" if finding.article else ""),
            evidence=[finding.fact] if finding.fact else [],
        )
    for check in more:
        wanted[check.code] = check
    return wanted


def write_checks(case: Case, assessment: Assessment, more: Iterable[Check] = ()) -> list[Check]:
    """Keep the case's checks (``checks_from``). A person's answer is kept while the finding stays open."""
    rows = Check.objects.filter(subject_kind=kind_of(case), subject_no=number_of(case))
    known = {check.code: check for check in rows}
    wanted = checks_from(case, assessment, more)
    for code, check in wanted.items():
        old = known.pop(code, None)
        if old is not None:
            check.pk = old.pk
            if old.checked_by_id and check.result in (CheckResult.WAITING, old.result):
                check.result, check.sentence = old.result, old.sentence
                check.checked_by_id, check.checked_at, check.by_machine = (
                    old.checked_by_id,
                    old.checked_at,
                    False,
                )
        check.save()
    for gone in known.values():
        gone.delete()
    return list(wanted.values())


def checks_of(case: Case) -> list[Check]:
    """The case's checks: the failed and waiting ones first."""
    order = {
        CheckResult.FAILED: 0,
        CheckResult.WAITING: 1,
        CheckResult.NOT_TESTABLE: 2,
        CheckResult.PASSED: 3,
    }
    rows = Check.objects.filter(subject_kind=kind_of(case), subject_no=number_of(case)).select_related(
        "checked_by"
    )
    return sorted(rows, key=lambda check: (order[CheckResult(check.result)], check.pk))


def answer_check(check: Check, case: Case, *, result: str, sentence: str, by: User) -> Check:
    """A handler or expert answers, in words, a check that no machine could, while the case is under review.

    Raises ``Forbidden`` (``access.role``; ``access.same_person`` for the price of a contract that the person broke down alone),
    ``NotNow`` (``check.closed``, ``check.for_reviewers``, ``check.by_machine``) and ``Invalid``.
    """
    announce(f"{kind_of(case)}.answer_check")
    require_role(by, Role.HANDLER, Role.EXPERT, region=region_of(case))
    as_it_stands(case)
    if case.state not in UNDER_REVIEW or case.origin != "live":
        raise NotNow("check.closed", "本件不在审查中，核验结论不能再更改。")
    check.refresh_from_db()
    if check.code.split(":")[0] == PRICE_CHECK and split_by_one(case.lease) == by.pk:
        raise Forbidden(
            "access.same_person",
            "合同价款由您拆分，其价格核验须由另一名经办作出结论。",
            hint="请另一名经办对照合同核对拆分，或给出核验结论。",
        )
    if check.is_for_reviewers:
        raise NotNow(
            "check.for_reviewers",
            "补贴比例由评审环节确定，不能以核验代替。",
            hint="请评审人员在提出评审意见时填写比例或得分。",
        )
    if check.by_machine and check.result != CheckResult.WAITING:
        raise NotNow("check.by_machine", f"“{check.label}”由系统核验，不能手工更改结论。")
    if result not in (CheckResult.PASSED, CheckResult.FAILED):
        raise Invalid("check.result", "请选择“相符”或“不符”。", field="result")
    if not sentence.strip():
        raise Invalid("check.sentence", "请写明核验所依据的材料和结论，审计时会查看。", field="sentence")
    check.result = result
    check.sentence = sentence.strip()
    check.checked_by = by
    check.checked_at = dates.now()
    check.save()
    # The answer is a fact of the case from now on: the engine's attested conditions read it.
    attested = {**case.facts.get("attestations", {}), check.code: result == CheckResult.PASSED}
    case.facts = {**case.facts, "attestations": attested}
    case.save(update_fields=["facts"])
    record(
        case,
        "answer_check",
        by=by,
        before=case.state,
        after=case.state,
        reason=f"{check.label}：{sentence}",
        internal=True,
    )
    return check


def forget_answers(case: Case, code: str) -> None:
    """What persons said to this check no longer holds, for what it is about has changed: it is asked anew when the case is
    assessed next."""
    rows = Check.objects.filter(
        subject_kind=kind_of(case), subject_no=number_of(case), checked_by__isnull=False
    )
    rows.filter(Q(code=code) | Q(code__startswith=f"{code}:")).delete()
    attested = {
        key: value for key, value in case.facts.get("attestations", {}).items() if key.split(":")[0] != code
    }
    if attested != case.facts.get("attestations", {}):
        case.facts = {**case.facts, "attestations": attested}
        case.save(update_fields=["facts"])


def require_answered(case: Case) -> None:
    """Refuse to go on while a check waits or has failed (409)."""
    for check in checks_of(case):
        if check.result == CheckResult.WAITING:
            raise NotNow(
                "check.waiting",
                f"还有核验项未作结论：{check.label}",
                hint="请在核验清单中逐项给出结论后再办理。",
            )
        if check.result == CheckResult.FAILED:
            raise NotNow(
                "check.failed",
                f"核验不符：{check.sentence or check.label}",
                hint="可退回补正，或作出不予支持的决定。",
            )


def since(moment: datetime | None) -> datetime:
    """The instant a case entered its state, or now for one that has none yet."""
    return moment or dates.now()
