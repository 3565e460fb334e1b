"""The named checks of the casework itself: what an applicant says of itself, and what each kind of basis has to be held
against, is looked at by a person before it counts."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from django.db.models import Q, Sum

from applications.case_reads import DATABASE, CaseReads
from applications.components import certain, suggested
from applications.evidence import document_use, use_of
from applications.grounds import tracks_of
from applications.invoice_checks import invoice_checks
from applications.invoice_prices import price_check_of_invoices
from applications.models import Application, BasisItem, Check, Claim
from applications.models.claims import DEAD_STATES, ClaimKind
from applications.models.reviews import CheckResult
from applications.undertakings import undertaking_checks
from vouchers.money import ZERO, thousands
from vouchers.policy.rules import Scheme
from vouchers.policy.terms import BasisKind, Component, PartyKind

#: What staff hold an item of each kind against.
HELD_AGAINST = {
    BasisKind.SETTLEMENT_LINE.value: ("结算单与平台记录一致", "请向平台调取结算记录，核对单号、期间和金额。"),
    BasisKind.DATA_PRODUCT_LINE.value: (
        "数据产品已在平台成交并交付",
        "请向交易平台核对订单、交付和结算记录。",
    ),
    BasisKind.INVESTMENT_DOCUMENT.value: (
        "投资凭证真实并属于本项目",
        "请核对发票、付款和资产台账，剔除与本项目无关的支出。",
    ),
    BasisKind.DEPLOYED_CAPACITY.value: (
        "已部署规模经核实",
        "请按平台监测数据或现场核查，核对型号、卡数、规模、精度、部署完成日和可调度情况。",
    ),
    BasisKind.CONTRACT_AMOUNT.value: ("合同金额与备案合同一致", "请核对备案合同及补充协议。"),
    BasisKind.CONTRACT_PART.value: ("已发生部分有验收或结算文件", "请核对验收、结算文件与合同约定的进度。"),
    BasisKind.PAYMENT.value: ("实付金额与银行回单一致", "请核对银行回单的付款人、收款人、日期和金额。"),
    BasisKind.METERED_USE.value: ("用量账单与平台计量一致", "请核对平台计量的用量、单价和期间。"),
    BasisKind.PROJECT_COST.value: ("成本凭证真实并属于本项目", "请核对项目台账，剔除与本项目无关的支出。"),
}


def _check(case: Application | Claim, code: str, label: str, sentence: str, **more: Any) -> Check:
    application = isinstance(case, Application)
    values = {"by_machine": False, "result": CheckResult.WAITING} | more
    return Check(
        subject_kind="application" if application else "claim",
        subject_no=case.application_no if isinstance(case, Application) else case.claim_no,
        code=code[:40],
        label=label[:100],
        sentence=sentence,
        **values,
    )


def _machine(case: Application | Claim, code: str, label: str, faults: Iterable[str]) -> Check:
    found = [fault for fault in faults if fault]
    result = CheckResult.FAILED if found else CheckResult.PASSED
    return _check(case, code, label, "；".join(found) or f"{label}。", by_machine=True, result=result)


def _unused(case: Application | Claim, code: str, label: str, uses: Iterable[tuple[str, str]]) -> Check:
    """Failed where a document is used twice for certain; a number that is only alike, or missing, waits for a person."""
    answers = list(uses)
    faults, doubts = [one for one, _ in answers if one], [one for _, one in answers if one]
    if doubts and not faults:
        return _check(case, code, label, "；".join(doubts) + "。")
    return _machine(case, code, label, faults)


#: What applicants say of themselves: it stops nothing, for it does not count before a person attested it.
_STATED = ("class.", "stated.")


def stop_instantly(checks: Iterable[Check]) -> list[Check]:
    """The checks of the casework that have to be passed before anything is granted or paid without a person."""
    return [one for one in checks if one.result != CheckResult.PASSED and not one.code.startswith(_STATED)]


def own_checks(case: Application | Claim, reads: CaseReads = DATABASE) -> list[Check]:
    """The checks beside the findings of the rules."""
    if isinstance(case, Application):
        assert case.publication is not None
        return application_checks(case, case.publication.scheme)
    return claim_checks(case, reads)


def application_checks(case: Application, scheme: Scheme) -> list[Check]:
    """A class, a kind or a degree of completion that the applicant states for itself counts once a person has seen papers."""
    names = {one.code: one.name for one in scheme.classes}
    checks = [
        _check(
            case,
            f"class.{code}",
            f"申领单位属于“{names[code]}”",
            "申领单位自述，须核对证明材料。",
        )
        for code in case.facts.get("classes", ())
        if code in names
    ]
    kind = case.facts.get("party_kind", "")
    if kind and kind != PartyKind.ENTERPRISE.value:
        label = PartyKind(kind).label
        checks.append(
            _check(case, "stated.party_kind", f"申领单位为“{label}”", "申领单位自述，须核对登记或设立证明。")
        )
    if case.facts.get("completion"):
        percent = (Decimal(case.facts["completion"]) * 100).normalize()
        checks.append(
            _check(
                case, "stated.completion", f"目标任务完成率为 {percent:f}%", "申领单位自述，须核对完成证明。"
            )
        )
    if case.project is not None and case.project.document_no:
        checks.append(
            _unused(case, "project_unused", "结算单或项目文件未在其他申领中使用", [document_use(case)])
        )
    return checks + undertaking_checks(case, scheme)


def claim_checks(claim: Claim, reads: CaseReads = DATABASE) -> list[Check]:
    """The invoices' checks, and one for each other kind of basis; what a platform's own call reported is its record."""
    items = reads.items(claim)
    checks: list[Check] = []
    if any(item.invoice_id is not None for item in items):
        items = list(claim.items.select_related("invoice", "claim").prefetch_related("invoice__lines"))
        checks = [*invoice_checks(claim), *_component_checks(claim, items)]
        assert claim.publication is not None
        priced = price_check_of_invoices(claim, claim.publication.scheme)
        if priced is not None:
            checks.append(priced)
    others = [item for item in items if item.invoice is None]
    if not others:
        return checks
    uses = [use_of(item, reads) for item in others]
    checks.append(_unused(claim, "item_unused", "凭证未在其他兑付中使用", uses))
    over = _over_ground(claim, reads)
    checks.append(_machine(claim, "within_ground", "累计申报不超过合同或项目金额", [over]))
    if claim.kind != ClaimKind.CLAIM:
        return checks
    for kind in dict.fromkeys(item.kind for item in others):
        if kind in HELD_AGAINST:
            label, sentence = HELD_AGAINST[kind]
            checks.append(_check(claim, f"item.{kind}", label, sentence))
    return checks


def _over_ground(claim: Claim, reads: CaseReads) -> str:
    """More claimed under the voucher's contract or project than it comes to; a project that is paid by scale has no sum."""
    if claim.lease is not None:
        limit, total = claim.lease.amount, reads.claimed_under(claim.lease, claim)
    else:
        application = (
            Application.objects.filter(application_no=claim.voucher.application_no)
            .select_related("project")
            .first()
        )
        project = application.project if application is not None else None
        if project is None or not project.amount:
            return ""
        limit = project.amount
        rows = BasisItem.objects.filter(claim__voucher=claim.voucher)
        counted = rows.filter(Q(claim=claim) | ~Q(claim__state__in=DEAD_STATES))
        total = counted.aggregate(total=Sum("net_amount"))["total"] or ZERO
    if total <= limit:
        return ""
    return f"累计申报 {thousands(total)} 元，超过申领所依据的金额 {thousands(limit)} 元"


def asks_component(claim: Claim) -> bool:
    """Whether it matters which component an item pays for: the track leaves some out, or has rates of their own for some."""
    assert claim.publication is not None
    scheme = claim.publication.scheme
    application = Application.objects.filter(application_no=claim.voucher.application_no).first()
    tracks = tracks_of(scheme, application.facts if application else {}) or scheme.tracks
    codes = {track.code for track in tracks}
    return any(track.excluded_components for track in tracks) or any(
        rate.components for rate in scheme.rates if rate.track in codes
    )


def _component(item: BasisItem) -> Component:
    return Component(item.component or Component.COMPUTE.value)


def _component_checks(claim: Claim, items: list[BasisItem]) -> list[Check]:
    """What each invoice says it bills against the component that it is claimed under. The machine only says yes where every
    line says the same; otherwise a person reads the invoice."""
    invoices = [item for item in items if item.invoice is not None]
    if not invoices or not asks_component(claim):
        return []
    doubts = []
    # An invoice and a component of it once, however many items it is split into, here and in other claims.
    for invoice, claimed in dict.fromkeys((item.invoice, _component(item)) for item in invoices):
        assert invoice is not None
        lines = list(invoice.lines.all())
        billed = sum((line.net_amount for line in lines if certain(line.description) is claimed), ZERO)
        live = BasisItem.objects.filter(number_key=invoice.number_key).exclude(number_key="")
        live = live.filter(Q(claim=claim) | ~Q(claim__state__in=DEAD_STATES))
        asked = sum((item.net_amount for item in live if _component(item) is claimed), ZERO)
        number = invoice.invoice_no
        if not lines:
            doubts.append(f"发票 {number} 没有可读取的项目明细，按“{claimed.label}”申报")
        elif billed < asked:
            others = sorted({suggested(line.description).label for line in lines} - {claimed.label})
            unclear = [line.description for line in lines if certain(line.description) is None]
            doubts.append(
                f"发票 {number} 按“{claimed.label}”申报 {thousands(asked)} 元，明细中可确认为该类的为 {thousands(billed)} 元"
                + (f"，另有{'、'.join(others)}" if others else "")
                + (f"，名称不能确定种类的有{'、'.join(unclear[:5])}" if unclear else "")
            )
    label = "费用种类与发票项目相符"
    if not doubts:
        return [_machine(claim, "item_component", label, ())]
    return [_check(claim, "item_component", label, "；".join(doubts) + "。请对照发票和合同核对。")]
