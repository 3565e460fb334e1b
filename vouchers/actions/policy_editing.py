"""Editing a draft by hand: how it begins, that no editor overwrites another unseen, and what is still wrong in it."""

from __future__ import annotations

from datetime import date

from django.db import transaction

from vouchers.access import Role, require_role
from vouchers.actions.policies import create_draft
from vouchers.actions.policy_drafts import (
    LISTS,
    NOT_STATED,
    SINGLES,
    as_stored,
    note_editor,
    read_document,
    stamp_of,
)
from vouchers.context import announce
from vouchers.errors import Invalid, NotNow
from vouchers.models import (
    PolicyDocument,
    PolicyPaper,
    PolicyRate,
    PolicyReviewStep,
    PolicyTrack,
    PolicyVersion,
    Program,
    User,
    ValueCitation,
)
from vouchers.policy import terms
from vouchers.policy.plain import Problem
from vouchers.policy.unfinished import problems_of

__all__ = ["begin_draft", "begin_edit", "cite_version", "find_problems", "rename_document", "stamp_of"]

_PAPERS = (
    ("truth_statement", "申报表及真实性承诺书", terms.Stage.APPLICATION),
    ("contract", "算力租用合同", terms.Stage.APPLICATION),
    ("other_public_money", "其他财政资金情况说明", terms.Stage.APPLICATION),
    ("invoice", "发票", terms.Stage.CLAIM),
    ("payment_proof", "银行付款凭证", terms.Stage.CLAIM),
)
_STEPS = (
    ("acceptance", "受理", Role.HANDLER, terms.Stage.APPLICATION),
    ("recommendation", "初审", Role.HANDLER, terms.Stage.APPLICATION),
    ("approval", "核准", Role.APPROVER, terms.Stage.APPLICATION),
    ("verification", "核验", Role.HANDLER, terms.Stage.CLAIM),
    ("claim_approval", "兑付核准", Role.APPROVER, terms.Stage.CLAIM),
)
_USUAL = NOT_STATED | {"cite_note": "按常见做法预列，请对照文件增减"}


@transaction.atomic
def begin_draft(
    program: Program,
    *,
    by: User,
    title: str,
    label: str,
    document_no: str,
    issued_on: date | None = None,
    pay_to: str = terms.PayTo.REIMBURSE_APPLICANT.value,
    basis_kind: str = terms.BasisKind.INVOICE_LINE.value,
) -> PolicyVersion:
    """A draft to be filled in by hand: with its document, one way of support whose rate is still open, and the papers and
    review steps that are usual, marked as not stated in the text. Where the money is paid without a voucher none is issued."""
    if program.versions.filter(label=label).exists():
        raise Invalid("policy.label_taken", f"本专项已有名为“{label}”的版本，请换一个名称。", field="label")
    version = create_draft(program, by=by, title=title, label=label)
    source = {"cite_document": document_no, "cite_confidence": terms.Confidence.TEXT.value}
    PolicyDocument.objects.create(
        version=version, document_no=document_no, title=title, issuer=program.office, issued_on=issued_on
    )
    ValueCitation.objects.create(version=version, **source)
    PolicyTrack.objects.create(
        version=version,
        code="support",
        name="算力费用补贴",
        side=version.side,
        pay_to=pay_to,
        basis_kinds=[basis_kind],
        **source,
    )
    PolicyRate.objects.create(version=version, code="rate", track="support", **source)
    if pay_to == terms.PayTo.DIRECT_SUBSIDY:
        version.policyvoucherkind_row.issues_voucher = False
        version.policyvoucherkind_row.save(update_fields=["issues_voucher"])
    PolicyPaper.objects.bulk_create(
        PolicyPaper(version=version, position=place, code=code, name=name, stage=stage.value, **_USUAL)
        for place, (code, name, stage) in enumerate(_PAPERS, start=1)
    )
    PolicyReviewStep.objects.bulk_create(
        PolicyReviewStep(
            version=version,
            position=place,
            code=code,
            name=name,
            role=role.value,
            stage=stage.value,
            working_days=5,
            **_USUAL,
        )
        for place, (code, name, role, stage) in enumerate(_STEPS, start=1)
    )
    return version


def begin_edit(version: PolicyVersion, stamp: str, *, by: User) -> None:
    """Take the draft for the rest of the transaction. Raises NotNow: `policy.not_a_draft` once it is proposed,
    `policy.edited_meanwhile` when it is not any more what the person saw."""
    announce("policy_version.edit")
    require_role(by, Role.POLICY_EDITOR, region=version.program.region)
    current = PolicyVersion.objects.select_for_update().get(pk=version.pk)
    if not current.editable:
        raise NotNow("policy.not_a_draft", "该版本已提请发布，不能再修改。", hint="如需修改，请先退回修改。")
    if stamp != stamp_of(current):
        raise NotNow(
            "policy.edited_meanwhile",
            "在您打开本页之后，另一位工作人员修改了这份草稿，您的内容尚未保存。",
            hint="您填写的内容仍在本页。与现存草稿不同之处已逐项注明，请核对后再次保存；再次保存时以您填写的为准。",
        )
    note_editor(current, by)


def find_problems(version: PolicyVersion) -> list[Problem]:
    """Every gap and contradiction of the draft as it is stored."""
    return problems_of(read_document(as_stored(version)))


def cite_version(
    version: PolicyVersion, *, document_no: str, article: str = "", confidence: str, note: str = ""
) -> None:
    """The source of the version as a whole."""
    ValueCitation.objects.update_or_create(
        version=version,
        target="",
        field="",
        defaults={
            "cite_document": document_no,
            "cite_article": article,
            "cite_confidence": confidence,
            "cite_note": note,
        },
    )


def rename_document(version: PolicyVersion, old: str, new: str) -> None:
    """A document was given another number: whatever cited it cites it still."""
    for model in (*(one for one, _part in LISTS.values()), *(one for one, _part in SINGLES.values())):
        model._default_manager.filter(version=version, cite_document=old).update(cite_document=new)
    ValueCitation.objects.filter(version=version, cite_document=old).update(cite_document=new)
