"""拨付审批权限 and 追缴依据: what documents say of approving payments and of charging on what is clawed back."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from vouchers import dates
from vouchers.access import Role, scope_of
from vouchers.actions.payment_bands import MOST_APPROVERS, confirm_band, enter_band
from vouchers.actions.recovery_terms import confirm_term, enter_term
from vouchers.admin.acts import DAY, Act, ActionOnlyAdmin
from vouchers.models import PaymentBand, Program, RecoveryTerm
from vouchers.models.recorded import Origin
from vouchers.models.recovery_terms import RecoveryKind
from vouchers.web.fields import PlainDecimalField

EDITOR = (Role.POLICY_EDITOR,)
PUBLISHER = (Role.PUBLISHER,)


class OfProgramForm(forms.Form):
    """For which of the own programs, by which document, from when."""

    program = forms.ModelChoiceField(Program.objects.none(), label=_("专项"), empty_label=None)
    document_no = forms.CharField(label=_("依据文号"), max_length=100)
    effective_from = forms.DateField(label=_("自"), initial=dates.today, widget=DAY)

    def for_person(self, request: HttpRequest) -> None:
        """The programs of the own regions."""
        regions = scope_of(request.user, *EDITOR).regions
        self.fields["program"].queryset = Program.objects.filter(  # type: ignore[attr-defined]
            region__code__in=regions, origin=Origin.LIVE
        ).order_by("code")


class BandForm(OfProgramForm):
    """From which sum, how many."""

    amount_from = PlainDecimalField(
        label=_("批次合计自（元，含）"), max_digits=18, decimal_places=2, min_value=0
    )
    approvers = forms.IntegerField(label=_("批准人数"), min_value=1, max_value=MOST_APPROVERS)
    field_order = ("program", "amount_from", "approvers", "document_no", "effective_from")


def _enter_band(request: HttpRequest, obj: Any, given: dict[str, Any]) -> PaymentBand:
    return enter_band(given.pop("program"), by=request.user, **given)  # type: ignore[arg-type]


def _confirm_band(request: HttpRequest, band: PaymentBand, given: dict[str, Any]) -> str:
    confirm_band(band, by=request.user)  # type: ignore[arg-type]
    return f"已确认：自 {band.effective_from} 起，批次合计 {band.amount_from} 元及以上须 {band.approvers} 人批准。"


class OfDocumentAdmin(ActionOnlyAdmin):
    """Rows that one person enters and another confirms, for a region's program."""

    list_select_related = ("program__region", "entered_by", "confirmed_by")
    readonly_fields = ("recorded_at",)

    def region_of(self, obj: Any) -> Any:
        return obj.program.region


@admin.register(PaymentBand)
class PaymentBandAdmin(OfDocumentAdmin):
    """拨付审批权限: how many approve a batch, by its sum."""

    public_key_fields = ("program__code", "amount_from", "effective_from")
    adding = Act(
        "add",
        _("录入审批权限"),
        _("经另一人（政策发布）确认后生效。批次报批时按合计金额确定批准人数；没有载明的，由一人批准。"),
        EDITOR,
        _enter_band,
        form=BandForm,
    )
    acts = (
        Act(
            "confirm",
            _("确认"),
            _("请对照依据文件核对。确认后，自所填日期起报批的批次按此办理，同一起始金额的前一档随之停用。"),
            PUBLISHER,
            _confirm_band,
            lambda band: band.confirmed_by_id is None,
        ),
    )
    list_display = (
        "program",
        "amount_from",
        "approvers",
        "document_no",
        "effective_from",
        "effective_to",
        "confirmed_by",
    )
    fields = (
        "program",
        ("amount_from", "approvers"),
        "document_no",
        ("effective_from", "effective_to"),
        ("entered_by", "confirmed_by", "recorded_at"),
    )


class TermForm(OfProgramForm):
    """Which charge, at what rate, by which article."""

    kind = forms.ChoiceField(label=_("种类"), choices=RecoveryKind.choices)
    rate_low = PlainDecimalField(
        label=_("下限（%）"), max_digits=7, decimal_places=4, min_value=0, max_value=100
    )
    rate_high = PlainDecimalField(
        label=_("上限（%）"),
        max_digits=7,
        decimal_places=4,
        min_value=0,
        max_value=100,
        help_text=_("年利率的上下限填写相同的数。"),
    )
    article = forms.CharField(label=_("条款"), max_length=60, help_text=_("例如“第十四条”。"))
    field_order = (
        "program",
        "kind",
        "rate_low",
        "rate_high",
        "document_no",
        "article",
        "effective_from",
    )


def _enter_term(request: HttpRequest, obj: Any, given: dict[str, Any]) -> RecoveryTerm:
    given["rate_low"], given["rate_high"] = given["rate_low"] / 100, given["rate_high"] / 100
    return enter_term(given.pop("program"), by=request.user, **given)  # type: ignore[arg-type]


def _confirm_term(request: HttpRequest, term: RecoveryTerm, given: dict[str, Any]) -> str:
    confirm_term(term, by=request.user)  # type: ignore[arg-type]
    return f"已确认：{term}，自 {term.effective_from} 起适用。"


@admin.register(RecoveryTerm)
class RecoveryTermAdmin(OfDocumentAdmin):
    """追缴依据: without one in force, neither interest nor penalty is charged."""

    public_key_fields = ("program__code", "kind", "effective_from")
    adding = Act(
        "add",
        _("录入追缴依据"),
        _("经另一人（政策发布）确认后生效。没有依据的，追回时不计收资金占用费和罚款。"),
        EDITOR,
        _enter_term,
        form=TermForm,
    )
    acts = (
        Act(
            "confirm",
            _("确认"),
            _("请对照依据文件核对条款和比例。确认后，此后草拟的追回按此计算。"),
            PUBLISHER,
            _confirm_term,
            lambda term: term.confirmed_by_id is None,
        ),
    )
    list_display = (
        "program",
        "kind",
        "rate_low",
        "rate_high",
        "document_no",
        "article",
        "effective_from",
        "effective_to",
        "confirmed_by",
    )
    list_filter = ("kind",)
    fields = (
        ("program", "kind"),
        ("rate_low", "rate_high"),
        ("document_no", "article"),
        ("effective_from", "effective_to"),
        ("entered_by", "confirmed_by", "recorded_at"),
    )
