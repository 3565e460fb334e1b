"""What may be done with a version: begin, clone, run its examples, propose, publish, suspend, terminate. Each by its action."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from vouchers.access import Role
from vouchers.actions import policies, policy_editing, policy_soundness
from vouchers.actions.policy_drafts import stamp_of
from vouchers.admin.acts import DAY, Act, DatedReasonForm, ReasonForm
from vouchers.admin.policy_help import help_for
from vouchers.admin.publishing import propose_beside, publish_beside
from vouchers.models import PolicyVersion, Program
from vouchers.policy.opening import closed_reasons
from vouchers.policy.terms import BasisKind, PayTo

WIDE = forms.TextInput(attrs={"class": "vLargeTextField"})


class BeginForm(forms.Form):
    """What a new version has to have from the start."""

    program = forms.ModelChoiceField(
        Program.objects.none(),
        label=_("专项"),
        empty_label=_("请选择"),
        help_text=_("还没有这个专项的，请先在“专项”中新增。"),
    )
    title = forms.CharField(
        label=_("政策名称"), max_length=300, widget=WIDE, help_text=help_for("policyversion", "title")
    )
    label = forms.CharField(label=_("版本名称"), max_length=60, help_text=help_for("policyversion", "label"))
    document_no = forms.CharField(
        label=_("依据文件的文号"),
        max_length=200,
        widget=WIDE,
        help_text=help_for("policydocument", "document_no"),
    )
    issued_on = forms.DateField(
        label=_("发文日期"), required=False, widget=DAY, help_text=help_for("policydocument", "issued_on")
    )
    pay_to = forms.ChoiceField(
        label=_("兑付方式"), choices=PayTo.pairs(), help_text=help_for("policytrack", "pay_to")
    )
    basis_kind = forms.ChoiceField(
        label=_("按什么算"),
        choices=BasisKind.pairs(),
        initial=BasisKind.INVOICE_LINE.value,
        help_text=help_for("policytrack", "basis_kinds"),
    )

    def for_person(self, request: HttpRequest) -> None:
        """The own regions' programs."""
        rows = Program.objects.visible_to(request.user, Role.POLICY_EDITOR)
        self.fields["program"].queryset = rows.filter(origin=Program.Origin.LIVE)  # type: ignore[attr-defined]


class AsShownForm(forms.Form):
    """What the page showed, so that nothing else is proposed or published in its place."""

    shown = forms.CharField(widget=forms.HiddenInput, required=False)


class CloneForm(forms.Form):
    """What the new version is called."""

    label = forms.CharField(label=_("新版本名称"), max_length=60)


def _run_examples(request: HttpRequest, version: PolicyVersion, given: dict[str, Any]) -> str:
    results = policy_soundness.run_examples(version, by=request.user)  # type: ignore[arg-type]
    passed = sum(result.passed for result in results)
    return f"共 {len(results)} 个算例，{passed} 个与应得结果一致，{len(results) - passed} 个不一致。"


def _propose(request: HttpRequest, version: PolicyVersion, given: dict[str, Any]) -> str:
    policies.propose_version(version, by=request.user, **given)  # type: ignore[arg-type]
    return f"“{version}”已提请发布，请另一位发布人员核对后发布。"


def _return(request: HttpRequest, version: PolicyVersion, given: dict[str, Any]) -> str:
    policies.return_version(version, by=request.user, reason=given["reason"])  # type: ignore[arg-type]
    return f"“{version}”已退回修改。"


def _publish(request: HttpRequest, version: PolicyVersion, given: dict[str, Any]) -> str:
    publication = policies.publish_version(version, by=request.user, **given)  # type: ignore[arg-type]
    note = (
        ""
        if publication.takes_applications
        else "暂不开放申领：" + "".join(closed_reasons(publication.scheme))
    )
    return (
        f"“{version}”已发布，发布编号 {publication.publication_no}，摘要 {publication.sha256[:12]}…。{note}"
    )


def _clone(request: HttpRequest, version: PolicyVersion, given: dict[str, Any]) -> PolicyVersion:
    return policies.clone_version(version, by=request.user, label=given["label"])  # type: ignore[arg-type]


def _begin(request: HttpRequest, obj: Any, given: dict[str, Any]) -> PolicyVersion:
    return policy_editing.begin_draft(given.pop("program"), by=request.user, **given)  # type: ignore[arg-type]


def _suspend(request: HttpRequest, version: PolicyVersion, given: dict[str, Any]) -> str:
    policies.suspend_version(version.publication, by=request.user, **given)  # type: ignore[arg-type]
    return f"“{version}”自 {given['on']} 起暂停受理。"


def _resume(request: HttpRequest, version: PolicyVersion, given: dict[str, Any]) -> str:
    policies.resume_version(version.publication, by=request.user, **given)  # type: ignore[arg-type]
    return f"“{version}”自 {given['on']} 起恢复受理。"


def _terminate(request: HttpRequest, version: PolicyVersion, given: dict[str, Any]) -> str:
    policies.terminate_version(version.publication, by=request.user, **given)  # type: ignore[arg-type]
    return f"“{version}”自 {given['on']} 起终止。"


def _allowed(verb: str) -> Any:
    return lambda version: version.lifecycle.find(verb, version.state) is not None


EDITOR, PUBLISHER = (Role.POLICY_EDITOR,), (Role.PUBLISHER,)
BEGIN = Act(
    "add",
    _("新建政策版本"),
    _(
        "回答以下几项后即建立草稿，随后在一页中逐节填写。草稿可以随时保存、分几次写完，提请发布前不产生任何效力。"
        "与已有版本大体相同的，请到该版本的页面使用“复制为新版本”。"
    ),
    EDITOR,
    _begin,
    form=BeginForm,
)
ACTS = (
    Act(
        "run-examples",
        _("运算算例"),
        _("逐个运算本版本的算例，结果记在各算例之下，不改变版本状态。"),
        (*EDITOR, *PUBLISHER),
        _run_examples,
    ),
    Act(
        "propose",
        _("提请发布"),
        _("提请后内容不能再改；内容须完整、无矛盾，且全部算例与应得结果一致。"),
        EDITOR,
        _propose,
        _allowed("propose"),
        AsShownForm,
        lambda version: {"shown": stamp_of(version)},
        beside=propose_beside,
    ),
    Act(
        "return",
        _("退回修改"),
        _("退回后可以继续修改，须重新提请。"),
        (*EDITOR, *PUBLISHER),
        _return,
        _allowed("return_to_draft"),
        ReasonForm,
    ),
    Act(
        "publish",
        _("发布"),
        _(
            "发布后生成不可更改的发布件，自施行日期起适用；同一专项的前一版本同日失效。发布人须未曾起草、编辑或提请本版本。"
        ),
        PUBLISHER,
        _publish,
        _allowed("publish"),
        AsShownForm,
        lambda version: {"shown": version.proposed_sha256},
        beside=publish_beside,
    ),
    Act(
        "suspend",
        _("暂停"),
        _("暂停期间不受理新的申领；已办结的事项不受影响。"),
        PUBLISHER,
        _suspend,
        _allowed("suspend"),
        DatedReasonForm,
    ),
    Act(
        "resume",
        _("恢复"),
        _("恢复受理新的申领。"),
        PUBLISHER,
        _resume,
        _allowed("resume"),
        DatedReasonForm,
    ),
    Act(
        "terminate",
        _("终止"),
        _("自所填日期起不再适用，不能恢复；已办结的事项不受影响。"),
        PUBLISHER,
        _terminate,
        _allowed("terminate"),
        DatedReasonForm,
    ),
    Act(
        "clone",
        _("复制为新版本"),
        _("以本版本的内容和算例起草新的版本。"),
        EDITOR,
        _clone,
        form=CloneForm,
    ),
)
