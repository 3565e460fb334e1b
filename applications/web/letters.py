"""决定书 of a case as a download, for the enterprise and for the office.

It is made from what the case keeps, so the same case gives the same letter whenever it is asked for; each reading is told to
the trail. An application is decided when its voucher is issued (until then the public notice may change the outcome) or when it
is refused; a claim when it is approved or refused. An instant deduction is decided by no office, and history that was brought
along was decided elsewhere: neither has a letter here.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any
from urllib.parse import quote

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from applications.actions.assessments import kept
from applications.actions.cases import check_code, checks_of, kind_of, number_of, region_of
from applications.documents import DecisionLetterContent, decision_letter_pdf
from applications.models import Application, Claim
from applications.models.applications import ApplicationState
from applications.models.claims import ClaimKind, ClaimState
from applications.reads import note_read
from vouchers import dates
from vouchers.errors import NotNow
from vouchers.models import User, Voucher
from vouchers.models.recorded import Origin
from vouchers.money import thousands
from vouchers.policy.assessment import Assessment
from vouchers.policy.terms import FindingResult
from vouchers.web.assessments import shown_findings, shown_lines
from vouchers.web.wording import date_text, local_date

DECIDED = {
    "application": (ApplicationState.ISSUED, ApplicationState.REJECTED),
    "claim": (ClaimState.APPROVED, ClaimState.PAID, ClaimState.REJECTED),
}


def has_letter(case: Application | Claim) -> bool:
    """Whether the case is decided, by an office, in this system."""
    if case.origin != Origin.LIVE or case.publication is None:
        return False
    if isinstance(case, Claim) and case.kind != ClaimKind.CLAIM:
        return False
    return case.state in DECIDED[kind_of(case)]


def letter_of(case: Application | Claim) -> DecisionLetterContent:
    """What stands on the letter. Raises ``letter.not_yet`` while nothing is decided."""
    if not has_letter(case):
        raise NotNow(
            "letter.not_yet",
            "本件还没有作出决定，或者不在本系统作出决定，没有可以下载的决定书。",
            hint="决定作出后，您可以在本件页面下载决定书。",
        )
    assert case.publication is not None
    number, scheme = number_of(case), case.publication.scheme
    assessment = kept(case)
    refused = case.state == "rejected"
    asked = case.requested_amount if isinstance(case, Application) else case.claimed_amount
    granted = None if refused else case.approved_amount
    outcome = "refused" if refused else "granted"
    if granted is not None and asked is not None and granted < asked:
        outcome = "partly_granted"
    voucher = voucher_of(case)
    direct = voucher is not None and voucher.is_entitlement
    matter = "申领" if isinstance(case, Application) else "拨付" if direct else "兑付"
    return DecisionLetterContent(
        letter_no=f"决定-{number}",
        office=scheme.office or (case.publication.program.office if case.publication.program else ""),
        recipient_name=case.enterprise.name,
        recipient_uscc=case.enterprise.uscc,
        subject=f"{matter}{'不予支持' if refused else '准予支持'}决定书",
        case_no=number,
        program_name=scheme.title,
        outcome=outcome,
        sentence=_sentence(case, outcome, asked, granted),
        decided_on=_day(case, voucher),
        amount=granted,
        findings=tuple(_findings(case, assessment)) if assessment else (),
        lines=tuple(shown_lines(assessment)) if assessment and not refused else (),
        next_steps=_next_steps(case, voucher, refused=refused),
        publication_hash=case.publication.sha256,
        demo_date=getattr(settings, "DEMO_DATE", None),
    )


def _findings(case: Application | Claim, assessment: Assessment) -> list[dict[str, Any]]:
    """What was found, as it was decided: where no machine could judge and a person answered, the answer, not the question. The
    person's own words stay with the office."""
    answers = {check.code: check for check in checks_of(case) if check.checked_by_id}
    told = {"passed": ("met", "符合条件"), "failed": ("not_met", "不符合条件")}
    findings = []
    for finding in assessment.findings:
        check = answers.get(check_code(finding))
        (row,) = shown_findings([finding])
        if check is not None and finding.result is FindingResult.NOT_TESTABLE and check.result in told:
            outcome, words = told[check.result]
            row |= {"outcome": outcome, "title": f"{check.label}。经本机关核实，{words}。", "fact": ""}
        findings.append(row)
    return sorted(findings, key=lambda row: ("not_met", "not_testable", "met").index(row["outcome"]))


def voucher_of(case: Application | Claim) -> Voucher | None:
    """The voucher or entitlement that was granted or is drawn on."""
    if isinstance(case, Claim):
        return case.voucher
    return Voucher.objects.filter(voucher_no=case.voucher_no).first() if case.voucher_no else None


def _day(case: Application | Claim, voucher: Voucher | None) -> date:
    """When it was decided: what is granted after a public notice is granted when it is issued."""
    if isinstance(case, Claim):
        return local_date(case.decided_at) or dates.today()
    if case.state == ApplicationState.ISSUED and voucher is not None:
        return voucher.issued_on
    return case.decided_on or dates.today()


def _sentence(case: Application | Claim, outcome: str, asked: Decimal | None, granted: Decimal | None) -> str:
    """What the enterprise reads first; a refusal is read as it was written when the case was decided."""
    if outcome == "refused":
        return case.decision_reason
    assert granted is not None
    said = f"本次申请符合规定的条件，核定支持金额 {thousands(granted)} 元。"
    if outcome == "partly_granted" and asked is not None:
        said = (
            f"本次申请符合规定的条件，按测算为 {thousands(asked)} 元，核定支持金额 {thousands(granted)} 元。"
        )
    return f"{said}{case.decision_reason}"


def _next_steps(case: Application | Claim, voucher: Voucher | None, *, refused: bool) -> tuple[str, ...]:
    """What the recipient can do now."""
    object_to = "对本决定有异议的，可以在企业端本件页面提出异议。"
    if refused:
        return (object_to, "补齐所缺的条件或者材料后，在申报期内可以重新提出申请。")
    if isinstance(case, Claim):
        payee = case.payee.name if case.payee is not None and case.payee != case.enterprise else "您单位"
        return (f"款项将拨付至{payee}已确认的收款账户；拨付进度可在企业端本件页面查看。", object_to)
    if voucher is None:
        return (object_to,)
    end = date_text(voucher.expires_on)
    if voucher.is_entitlement:
        return (f"核定额度编号 {voucher.voucher_no}，请于 {end}前凭依据申请拨付。", object_to)
    return (
        f"算力券 {voucher.voucher_no} 已发放，{end}前有效；请在有效期内凭发票等依据申请兑付。",
        object_to,
    )


def letter_response(request: HttpRequest, case: Application | Claim) -> HttpResponse:
    """The letter as a file; that it was read is told to the trail, under its case."""
    by: Any = request.user
    assert isinstance(by, User)
    content = letter_of(case)
    kind, number = kind_of(case), number_of(case)
    note_read(
        "decision_letter",
        content.letter_no,
        by=by,
        region_code=region_of(case),
        facts={"subject_kind": kind, "subject_no": number},
    )
    response = HttpResponse(decision_letter_pdf(content), content_type="application/pdf")
    response["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(f'决定书-{number}.pdf')}"
    response["X-Content-Type-Options"] = "nosniff"
    response["Cache-Control"] = "private, no-store"
    return response
