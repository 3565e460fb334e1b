"""The sections of a version's page, in the ordinance's order."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext_lazy as _

from vouchers.access import STAFF_ROLES, Role
from vouchers.admin.scoped import PartInline
from vouchers.models import (
    PolicyApplicantClass,
    PolicyCap,
    PolicyDocument,
    PolicyExample,
    PolicyFloor,
    PolicyGate,
    PolicyOtherMoney,
    PolicyPaper,
    PolicyPriceRule,
    PolicyRate,
    PolicyReviewStep,
    PolicyRounding,
    PolicyScoreRate,
    PolicyTrack,
    PolicyTreasuryShare,
    PolicyVersion,
    PolicyVoucherKind,
    PolicyWayOfIssue,
    PolicyWindow,
    ValueCitation,
)

SOURCE = (
    _("出处"),
    {
        "fields": (("cite_document", "cite_article"), ("cite_confidence", "cite_note")),
        "classes": ("collapse",),
    },
)
TRACK_WORDS = {"track", "tracks"}
CLASS_WORDS = {"classes", "waived_for"}


class PolicyPartInline(PartInline):
    """A section. Codes of tracks and classes are chosen from what the version has."""

    what: tuple[Any, ...] = ()
    classes: tuple[str, ...] = ("collapse",)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        return ((None, {"fields": self.what}), SOURCE)

    def get_formset(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> Any:
        self._version = obj
        return super().get_formset(request, obj, **kwargs)

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        version: PolicyVersion | None = getattr(self, "_version", None)
        if version is not None and db_field.name in TRACK_WORDS | CLASS_WORDS:
            model = PolicyTrack if db_field.name in TRACK_WORDS else PolicyApplicantClass
            choices = [
                (row.code, f"{row.name}（{row.code}）") for row in model.objects.filter(version=version)
            ]
            common = {"label": db_field.verbose_name, "help_text": db_field.help_text, "choices": choices}
            if db_field.name == "track":
                return forms.ChoiceField(**common)
            return forms.MultipleChoiceField(
                widget=forms.CheckboxSelectMultiple(attrs={"class": "inline"}), required=False, **common
            )
        return super().formfield_for_dbfield(db_field, request, **kwargs)


class DocumentInline(PartInline):
    model = PolicyDocument
    classes = ("collapse",)
    fields = (("document_no", "title"), ("issuer", "issued_on", "position"), "note")


class TrackInline(PolicyPartInline):
    model = PolicyTrack
    classes = ()
    what = (
        ("name", "code", "position"),
        ("side", "pay_to"),
        "basis_kinds",
        ("tax_mode", "tier_mode", "tier_measure"),
        "excluded_components",
        ("counted_from", "counted_to", "day_count"),
    )


class ClassInline(PolicyPartInline):
    model = PolicyApplicantClass
    what = (("name", "code", "position"), ("registered_within_months", "sizes", "ownerships"))


class RateInline(PolicyPartInline):
    model = PolicyRate
    classes = ()
    what = (
        ("track", "code", "position"),
        ("rate", "kind"),
        ("chip_origins", "purposes"),
        "components",
        "classes",
        ("band_from", "band_to", "completion_from"),
    )


class ScoreRateInline(PolicyPartInline):
    model = PolicyScoreRate
    what = (("track", "code", "position"), ("score_from", "rate"))


class FloorInline(PolicyPartInline):
    model = PolicyFloor
    what = (("name", "code", "position"), ("measure", "amount", "switched_on"), "stages", "tracks")


class CapInline(PolicyPartInline):
    model = PolicyCap
    classes = ()
    what = (
        ("name", "code", "position"),
        ("subject", "period", "year_starts"),
        ("amount", "share"),
        ("counts_at", "switched_on"),
        "tracks",
        ("classes", "waived_for"),
    )


class GateInline(PolicyPartInline):
    model = PolicyGate
    classes = ()
    what = (
        ("text",),
        ("kind", "code", "position"),
        "cure",
        ("effect", "if_untestable", "switched_on"),
        "stages",
        "tracks",
        ("regions", "industries", "values"),
        ("months", "years", "from_on", "to_on"),
        "question",
        "review_reference",
    )


class WindowInline(PolicyPartInline):
    model = PolicyWindow
    what = (("name", "code", "stage", "position"), ("opens_at", "closes_at"))


class PaperInline(PolicyPartInline):
    model = PolicyPaper
    what = (("name", "code", "stage", "position"), ("required", "hint"))


class ReviewStepInline(PolicyPartInline):
    model = PolicyReviewStep
    what = (("name", "code", "stage", "position"), ("role", "working_days", "sets_rate", "amount_from"))

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "role":
            roles = [(role.value, role.label) for role in Role if role in STAFF_ROLES]
            return forms.ChoiceField(choices=roles, label=db_field.verbose_name)
        return super().formfield_for_dbfield(db_field, request, **kwargs)


class TreasuryShareInline(PolicyPartInline):
    model = PolicyTreasuryShare
    what = (("treasury", "code", "share", "position"),)


class PriceInline(PolicyPartInline):
    model = PolicyPriceRule
    what = (("above_band", "if_untestable"),)


class OtherMoneyInline(PolicyPartInline):
    model = PolicyOtherMoney
    what = (("mode", "level", "share", "switched_on"),)


class VoucherKindInline(PolicyPartInline):
    model = PolicyVoucherKind
    what = (("issues_voucher", "divisible", "many_uses"), ("validity_months", "valid_to"))


class WayOfIssueInline(PolicyPartInline):
    model = PolicyWayOfIssue
    what = (("way", "shortage", "notice_working_days"),)


class RoundingInline(PolicyPartInline):
    model = PolicyRounding
    what = (("mode", "unit", "when"),)


class CitationInline(PolicyPartInline):
    model = ValueCitation
    what = (("target", "field"),)


class ExampleInline(PartInline):
    model = PolicyExample
    classes = ("collapse",)
    fields = (("title", "code", "position"), "facts", "expected", "how_it_came_out")
    readonly_fields = ("how_it_came_out",)

    @admin.display(description=_("上次运算"))
    def how_it_came_out(self, row: PolicyExample) -> Any:
        """Passed, or each difference."""
        if not row.result:
            return _("尚未运算")
        if row.result.get("passed"):
            return _("✓ 与应得结果一致")
        differences = format_html_join(
            "", "<li>{}</li>", ((one,) for one in row.result.get("differences", []))
        )
        return format_html("<ul>{}</ul>", differences)


INLINES = (
    DocumentInline,
    TrackInline,
    ClassInline,
    RateInline,
    ScoreRateInline,
    FloorInline,
    CapInline,
    GateInline,
    WindowInline,
    PaperInline,
    ReviewStepInline,
    TreasuryShareInline,
    PriceInline,
    OtherMoneyInline,
    VoucherKindInline,
    WayOfIssueInline,
    RoundingInline,
    CitationInline,
    ExampleInline,
)
