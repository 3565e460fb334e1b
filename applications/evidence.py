"""Which number an evidence document goes by, however it is spelled, and who holds it: one live claim, one live application.

The same number may be filed twice, so that the second use can be seen and answered; only one case can hold it and be decided.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from django.db import connection
from django.db.models import Q

from applications.case_reads import DATABASE, CaseReads
from applications.models import Application, BasisItem, Claim, Paper
from applications.models.applications import ApplicationState
from applications.models.claims import ClaimKind
from applications.models.projects import ProjectKind
from vouchers.errors import NotNow
from vouchers.policy.terms import BasisKind

_SIGNS = re.compile(r"[\W_]+")
_REMARK = re.compile(r"\([^()0-9]*\)\s*$")
_NOT_FILED = (ApplicationState.DRAFT, ApplicationState.WITHDRAWN, ApplicationState.REJECTED)


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", text).upper().strip()


def number_as_meant(text: str) -> str:
    """The number whatever its spelling: width, case, spaces, dashes of any kind. A sign between two digits stays one, for line
    12-3 is not line 1-23."""
    folded = _folded(text)

    def sign(found: re.Match[str]) -> str:
        before, after = folded[found.start() - 1 : found.start()], folded[found.end() : found.end() + 1]
        return "-" if before.isdigit() and after.isdigit() else ""

    return _SIGNS.sub(sign, folded)


def likeness(text: str) -> str:
    """What similar numbers have in common: no sign at all, and no remark behind it (…（上半年）). Alike is not yet the same."""
    folded = _folded(text)
    return (_SIGNS.sub("", _REMARK.sub("", folded)) or _SIGNS.sub("", folded))[:200]


def is_evidence(item: BasisItem) -> bool:
    """Whether the item rests on a document that counts once; an invoice has its own rules, a filed contract is no evidence."""
    return item.invoice_id is None and item.kind not in (
        BasisKind.INVOICE_LINE.value,
        BasisKind.CONTRACT_AMOUNT.value,
    )


def key_of(item: BasisItem) -> str:
    """The key under which the item holds its document for its claim."""
    claim = item.claim
    # A platform's own line numbers are its own: two platforms may both have a line 1.
    issuer = claim.provider.uscc if claim.kind == ClaimKind.SETTLEMENT and claim.provider else ""
    return f"{claim.enterprise.uscc}/{issuer}/{number_as_meant(item.reference)}"[:200]


def _wait_for_others(key: str) -> None:
    """Of several at once with the same document, one at a time until its transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 5))", [f"evidence:{key}"])


def hold_evidence(claim: Claim, items: list[BasisItem] | None = None) -> list[BasisItem]:
    """Take the claim's documents for it, in all programs; those that another claim holds already are given back.
    ``items`` are the claim's, where they are known."""
    if items is None:
        items = list(claim.items.select_related("claim__enterprise", "claim__provider"))
    wanted = [(key_of(item), item) for item in items if is_evidence(item) and number_as_meant(item.reference)]
    taken = []
    for key, item in sorted(wanted, key=lambda pair: (pair[0], pair[1].position)):
        if item.evidence_key == key:
            continue
        _wait_for_others(f"{item.kind}:{key}")
        if BasisItem.objects.filter(kind=item.kind, evidence_key=key).exists():
            taken.append(item)
            continue
        item.evidence_key = key
        item.save(update_fields=["evidence_key"])
    return taken


def require_evidence(claim: Claim, items: list[BasisItem] | None = None) -> None:
    """Before it is paid: nothing that it rests on is held by another claim (409 ``claim.evidence_used``)."""
    for item in hold_evidence(claim, items):
        raise NotNow(
            "claim.evidence_used",
            f"凭证 {item.reference} 已在其他兑付中使用，本件不能核准。",
            hint="可退回补正，或作出不予支持的决定。",
        )


def free_evidence(case: Claim | Application) -> None:
    """The case is over without money: what it held may be used again."""
    if isinstance(case, Claim):
        case.items.exclude(evidence_key="").update(evidence_key="")
    elif case.evidence_key:
        case.evidence_key = ""
        case.save(update_fields=["evidence_key"])


def use_of(item: BasisItem, reads: CaseReads = DATABASE) -> tuple[str, str]:
    """How the item's document was used elsewhere: what is certain, and what a person has to look at. Empty: nothing."""
    if not is_evidence(item):
        return "", ""
    platform = item.claim.kind == ClaimKind.SETTLEMENT
    number = number_as_meant(item.reference)
    if not number:
        return "", "" if platform else f"第 {item.position} 项没有凭证号，无法核对是否已使用"
    doubt = ""
    for other in reads.alike(item, likeness(item.reference)):
        same, own = (
            number_as_meant(other.reference) == number,
            other.enterprise_id == item.claim.enterprise_id,
        )
        other_platform = (
            platform
            and other.claim_kind == ClaimKind.SETTLEMENT
            and other.provider_id != item.claim.provider_id
        )
        if own and same and not other_platform and not (item.evidence_key and not other.evidence_key):
            return f"凭证 {item.reference} 已在兑付 {other.claim_no} 中使用", ""
        if not platform and not doubt and not (own and same):
            where = f"兑付 {other.claim_no}" if own else f"其他单位的兑付（{other.program_code}）"
            doubt = (
                f"凭证 {item.reference} 与{where}所用的 {other.reference} 号码相同或相近，请核对是否同一凭证"
            )
    return "", doubt


def _document_key(application: Application) -> str:
    project = application.project
    if project is None or project.kind != ProjectKind.SETTLEMENT or not number_as_meant(project.document_no):
        return ""
    return f"{application.enterprise.uscc}/{number_as_meant(project.document_no)}"[:200]


def hold_document(application: Application) -> bool:
    """Take the statement of settlements that the application rests on; False when another live application holds it."""
    key = _document_key(application)
    if application.evidence_key == key:
        return True
    if key:
        _wait_for_others(f"application:{key}")
        if Application.objects.filter(evidence_key=key).exclude(pk=application.pk).exists():
            key = ""
    application.evidence_key = key
    application.save(update_fields=["evidence_key"])
    return bool(key) or not _document_key(application)


def require_document(application: Application) -> None:
    """Before it is decided or granted: its statement is held by no other application (409 ``application.evidence_used``)."""
    if not hold_document(application):
        assert application.project is not None
        raise NotNow(
            "application.evidence_used",
            f"结算单 {application.project.document_no} 已在其他申领中使用，本件不能核准。",
            hint="可退回补正，或作出不予支持的决定。",
        )


def document_use(application: Application) -> tuple[str, str]:
    """``use_of`` for the project's statement or document at the application."""
    project = application.project
    if project is None or not likeness(project.document_no):
        return "", ""
    others: Iterable[Application] = (
        Application.objects.filter(project__kind=project.kind)
        .filter(
            Q(project__document_key=likeness(project.document_no))
            | Q(project__document_no=project.document_no)
        )
        .exclude(state__in=_NOT_FILED)
        .exclude(pk=application.pk)
        .select_related("project")
        .order_by("pk")
    )
    doubt = ""
    for other in others:
        assert other.project is not None
        own = other.enterprise_id == application.enterprise_id
        same = number_as_meant(other.project.document_no) == number_as_meant(project.document_no)
        if own and same and _document_key(application):
            if application.evidence_key and not other.evidence_key:
                continue
            return f"结算单 {project.document_no} 已在申领 {other.application_no} 中使用", ""
        if not doubt:
            where = f"申领 {other.application_no}" if own else f"其他单位的申领（{other.program_code}）"
            doubt = f"{project.document_no} 与{where}所用的 {other.project.document_no} 号码相同或相近，请核对是否同一文件"
    return "", doubt


def keep_document(application: Application) -> None:
    """The contract knows the digest of its text: the same text filed elsewhere is found by it."""
    paper = (
        Paper.objects.filter(
            subject_kind="application",
            subject_no=application.application_no,
            kind="contract",
            removed_at=None,
        )
        .order_by("pk")
        .last()
    )
    lease = application.lease
    if paper is not None and lease is not None:
        lease.document_sha256 = paper.sha256
        lease.save(update_fields=["document_sha256"])
