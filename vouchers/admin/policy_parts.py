"""The rows of a version's page: which fields each kind has, in which section it stands, and what is said of it.

A new column of a part is a name in `what` (or in `more`, for what is rarely needed) and a sentence in `policy_help`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext_lazy as _

from vouchers.access import STAFF_ROLES, Role
from vouchers.admin import policy_fields as fields
from vouchers.admin.policy_forms import NOT_IN_THE_TEXT, PartForm, PartFormSet
from vouchers.admin.policy_gates import GateForm
from vouchers.admin.policy_help import help_for
from vouchers.admin.scoped import PartInline
from vouchers.admin.shown import LEVELS, is_amount, is_rate, shown
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
from vouchers.models.parties import Ownership, Size

SOURCE_FIELDS = (("cite_document", "cite_article"), ("cite_confidence", "cite_note"))
CODES_OF: dict[str, type[models.Model]] = {
    "track": PolicyTrack,
    "tracks": PolicyTrack,
    "classes": PolicyApplicantClass,
    "waived_for": PolicyApplicantClass,
}
"""Columns that name other rows of the same version by their codes."""


def document_choices(request: HttpRequest, version: PolicyVersion | None) -> list[tuple[str, str]]:
    """The version's documents, those typed on the page as well, and what stands for “not in the text”."""
    stored = [] if version is None else [row.document_no for row in version.policydocument_rows.all()]
    typed = [
        value
        for key, value in request.POST.items()
        if re.fullmatch(r"policydocument_rows-\d+-document_no", key)
    ]
    names = dict.fromkeys([*stored, *(name.strip() for name in typed if name.strip())])
    return [*((name, name) for name in names), (NOT_IN_THE_TEXT, str(_("本系统演示设定（文件未载明）")))]


def code_choices(
    request: HttpRequest, version: PolicyVersion, model: type[models.Model]
) -> list[tuple[str, str]]:
    """The rows of a kind by their codes: as stored, and as typed on the page."""
    rows = {row.code: str(row) for row in model._default_manager.filter(version=version)}  # type: ignore[attr-defined]
    prefix = f"{model._meta.model_name}_rows"
    for key, code in request.POST.items():
        match = re.fullmatch(rf"{prefix}-(\d+)-code", key)
        if match and code:
            rows.setdefault(code, request.POST.get(f"{prefix}-{match[1]}-name") or code)
    return [(code, f"{name}（{code}）" if name != code else code) for code, name in rows.items()]


class VersionPart(PartInline):
    """What all kinds of rows share. `what` are the lines of fields, `more` those rarely needed, `gist` what a row says in short."""

    form = PartForm
    formset = PartFormSet
    section = ""
    stem = "item"
    intro: Any = ""
    what: tuple[Any, ...] = ()
    more: tuple[Any, ...] = ()
    gist: tuple[str, ...] = ()
    once = False
    formfield_overrides = {
        models.DateField: {"widget": fields.DAY},
        models.DateTimeField: {"form_class": forms.DateTimeField, "widget": fields.MOMENT},
    }

    def get_extra(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> int:
        """One more empty row, when it was asked for without script."""
        return int(request.GET.get("add") == f"{self.model._meta.model_name}_rows")

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        lines = [(None, {"fields": self.what})]
        if self.more:
            lines.append((_("少用的各项"), {"fields": self.more, "classes": ("more",)}))
        if "cite_document" in {field.name for field in self.model._meta.fields}:
            lines.append((_("出处"), {"fields": SOURCE_FIELDS, "classes": ("source",)}))
        return lines

    def get_formset(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> Any:
        self._version = obj
        formset = super().get_formset(request, obj, **kwargs)
        formset.stem = self.stem
        return formset

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        name = db_field.name
        said = help_for(self.model._meta.model_name or "", name, db_field.help_text)
        common: dict[str, Any] = {"label": db_field.verbose_name, "help_text": said}
        version: PolicyVersion | None = getattr(self, "_version", None)
        if name == "cite_document":
            choices = document_choices(request, version)
            return fields.OpenChoiceField(choices=choices, initial=choices[0][0], required=False, **common)
        if version is not None and name in CODES_OF:
            choices = code_choices(request, version, CODES_OF[name])
            if name == "track":
                first = choices[0][0] if choices else ""
                return fields.OpenChoiceField(choices=choices, initial=first, required=False, **common)
            return fields.OpenWordChoicesField(choices=choices, **common)
        special = self.special_field(db_field, common)
        if special is not None:
            return special
        if isinstance(db_field, ArrayField) and db_field.base_field.choices:
            return fields.WordChoicesField(choices=db_field.base_field.choices, **common)
        if is_rate(db_field) or is_amount(db_field):
            kind = fields.RateField if is_rate(db_field) else fields.AmountField
            return kind(
                required=not db_field.blank,
                max_digits=db_field.max_digits,
                decimal_places=db_field.decimal_places,
                **common,
            )
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if field is not None:
            field.help_text = said
        return field

    def special_field(self, db_field: Any, common: dict[str, Any]) -> forms.Field | None:
        """A field of this kind alone; None for the usual one."""
        return None

    def in_short(self, row: Any, codes: dict[str, str]) -> str:
        """The row in one line."""
        words = [str(shown(row, name, codes)) for name in self.gist]
        return " · ".join(word for word in words if word != "—")


class DocumentPart(VersionPart):
    model = PolicyDocument
    section = "documents"
    intro = _("本版本依据的文件，每份一条。先填这一张表：以下各条的出处都从这里选。")
    what = (("document_no", "title"), ("issuer", "issued_on"))
    more = (("note", "position"),)
    gist = ("document_no", "issuer", "issued_on")


class TrackPart(VersionPart):
    model = PolicyTrack
    section = "for_what"
    stem = "track"
    intro = _("文件给几类补贴，就填几条；大多数文件只有一类。这里说清给谁、按什么金额算、钱怎么付。")
    what = (
        "name",
        ("side", "pay_to"),
        "basis_kinds",
        "excluded_components",
        ("tax_mode", "tier_mode", "tier_measure"),
    )
    more = (("counted_from", "counted_to", "day_count"), ("code", "position"))
    gist = ("side", "pay_to", "basis_kinds", "tax_mode", "tier_mode")


class ClassPart(VersionPart):
    model = PolicyApplicantClass
    section = "for_what"
    stem = "class"
    intro = _("只有比例或限额因企业而异（如初创企业更高）时才填；否则留空。")
    what = ("name", ("registered_within_months",), "sizes", "ownerships")
    more = (("code", "position"),)
    gist = ("registered_within_months", "sizes", "ownerships")

    def special_field(self, db_field: Any, common: dict[str, Any]) -> forms.Field | None:
        lists: dict[str, Iterable[Any]] = {"sizes": Size.choices, "ownerships": Ownership.choices}
        if db_field.name in lists:
            return fields.WordChoicesField(choices=lists[db_field.name], **common)
        return None


class RatePart(VersionPart):
    model = PolicyRate
    section = "how_much"
    stem = "rate"
    intro = _(
        "按从上到下的次序，第一条符合的就是适用的比例；有条件的写在前，无条件的写在最后。分档的每档一条。"
    )
    what = (
        ("track", "rate", "kind"),
        ("band_from", "band_to"),
        "chip_origins",
        "purposes",
        "classes",
    )
    more = ("components", ("completion_from",), ("code", "position"))
    gist = ("rate", "kind", "band_from", "band_to", "chip_origins", "purposes", "classes", "track")


class ScoreRatePart(VersionPart):
    model = PolicyScoreRate
    section = "how_much"
    stem = "score"
    intro = _("只有“由评审按评分确定比例”时才填：多少分对应多少比例。")
    what = (("track", "score_from", "rate"),)
    more = (("code", "position"),)
    gist = ("score_from", "rate", "track")


class FloorPart(VersionPart):
    model = PolicyFloor
    section = "how_far"
    stem = "floor"
    intro = _("达不到就不予支持的最低数，例如“年租用算力 50 万元以上”。文件没有规定的不填。")
    what = ("name", ("measure", "amount"), "stages")
    more = ("tracks", ("switched_on", "code", "position"))
    gist = ("amount", "measure", "stages")


class CapPart(VersionPart):
    model = PolicyCap
    section = "how_far"
    stem = "cap"
    intro = _("各种“最高不超过”：单次、合同、企业每年、资金总量等，一种一条。")
    what = ("name", ("subject", "period"), ("amount", "share"), ("counts_at",))
    more = ("tracks", "classes", "waived_for", ("year_starts", "switched_on"), ("code", "position"))
    gist = ("subject", "period", "amount", "share", "counts_at")


class GatePart(VersionPart):
    model = PolicyGate
    form = GateForm
    section = "who"
    stem = "gate"
    intro = _("谁、什么合同可以申领，一个条件一条。先照原文写出条件，再选本机关怎么核对它。")
    what = (
        "text",
        ("kind",),
        ("regions", "industries"),
        "values",
        ("months", "years", "from_on", "to_on"),
        "question",
        ("effect", "if_untestable"),
        "cure",
    )
    more = ("stages", "tracks", ("review_reference", "switched_on"), ("code", "position"))
    gist = (
        "kind",
        "regions",
        "values",
        "months",
        "years",
        "from_on",
        "to_on",
        "effect",
    )

    def special_field(self, db_field: Any, common: dict[str, Any]) -> forms.Field | None:
        if db_field.name == "regions":
            return fields.RegionsField(required=False, **common)
        if db_field.name == "industries":
            return fields.IndustriesField(required=False, **common)
        if db_field.name == "text":
            return forms.CharField(
                max_length=500, required=False, widget=forms.Textarea(attrs={"rows": 2}), **common
            )
        if db_field.name == "values":
            return GateForm.values_field(common)
        return None


class WindowPart(VersionPart):
    model = PolicyWindow
    section = "how"
    stem = "window"
    intro = _("只在规定的时间内受理的，每个申报期一条；随时受理的不填。")
    what = (("name", "stage"), ("opens_at", "closes_at"))
    more = (("code", "position"),)
    gist = ("stage", "opens_at", "closes_at")


class PaperPart(VersionPart):
    model = PolicyPaper
    section = "papers"
    stem = "paper"
    what = (("name", "stage"), ("required", "hint"))
    more = (("code", "position"),)
    gist = ("stage", "required")

    def in_short(self, row: Any, codes: dict[str, str]) -> str:
        return f"{row.get_stage_display()} · {_('必交') if row.required else _('有则提供')}"


class ReviewStepPart(VersionPart):
    model = PolicyReviewStep
    section = "steps"
    stem = "step"
    what = (("name", "stage"), ("role", "working_days"), ("sets_rate", "amount_from"))
    more = (("code", "position"),)
    gist = ("stage", "role")

    def special_field(self, db_field: Any, common: dict[str, Any]) -> forms.Field | None:
        if db_field.name != "role":
            return None
        roles = [("", "—"), *((role.value, role.label) for role in Role if role in STAFF_ROLES)]
        return forms.ChoiceField(choices=roles, required=False, **common)

    def in_short(self, row: Any, codes: dict[str, str]) -> str:
        words = [super().in_short(row, codes)]
        if row.working_days is not None:
            words.append(str(_("%(days)s 个工作日") % {"days": row.working_days}))
        if row.sets_rate:
            words.append(str(_("在此确定比例")))
        return " · ".join(words)


class TreasurySharePart(VersionPart):
    model = PolicyTreasuryShare
    section = "how_far"
    stem = "treasury"
    intro = _("资金由几级财政分担的，各级一条，合计 100%；一级负担的不填。")
    what = (("treasury", "share"),)
    more = (("code", "position"),)
    gist = ("share",)


class TermsPart(VersionPart):
    """A part that every version has once; it is there from the start and cannot be removed."""

    once = True
    can_delete = False
    max_num = 1

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(super().has_add_permission(request, obj)) and not self._there(obj)

    def _there(self, version: PolicyVersion | None) -> bool:
        return version is not None and self.model._default_manager.filter(version=version).exists()

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class PricePart(TermsPart):
    model = PolicyPriceRule
    section = "how_far"
    intro = _("签约价格与公允市场价格的关系。文件没有提到价格的不必改。")
    what = (("above_band", "if_untestable"),)
    gist = ("above_band", "if_untestable")


class OtherMoneyPart(TermsPart):
    model = PolicyOtherMoney
    section = "how_far"
    intro = _("同时享受其他财政资金的，怎么办。")
    what = (("mode", "level", "share"),)
    more = (("switched_on",),)
    gist = ("mode", "level", "share")

    def special_field(self, db_field: Any, common: dict[str, Any]) -> forms.Field | None:
        if db_field.name != "level":
            return None
        return forms.ChoiceField(choices=[("", "—"), *LEVELS], required=False, **common)


class VoucherKindPart(TermsPart):
    model = PolicyVoucherKind
    section = "how"
    intro = _("券一律不得转让、不得兑换现金，这里不必写。")
    what = (("issues_voucher", "divisible", "many_uses"), ("validity_months", "valid_to"))
    gist = ("issues_voucher", "divisible", "many_uses", "validity_months", "valid_to")


class WayOfIssuePart(TermsPart):
    model = PolicyWayOfIssue
    section = "how"
    what = (("way", "shortage", "notice_working_days"),)
    gist = ("way", "shortage", "notice_working_days")


class RoundingPart(TermsPart):
    model = PolicyRounding
    section = "how_far"
    intro = _("文件一般不写；默认舍去分以下尾数，使金额不超过文件规定的比例。")
    what = (("mode", "unit", "when"),)
    gist = ("mode", "unit", "when")


class CitationPart(VersionPart):
    model = ValueCitation
    section = "sources"
    intro = _("某一条里有个别数值的出处与该条不同时才填，例如限额出自文件，而“按自然年计”是本机关设定。")
    what = (("target", "field"),)
    gist = ("cite_document", "cite_article", "cite_confidence", "cite_note")

    def get_queryset(self, request: HttpRequest) -> Any:
        """The source of the whole version stands on the version itself."""
        return super().get_queryset(request).exclude(target="", field="")

    def special_field(self, db_field: Any, common: dict[str, Any]) -> forms.Field | None:
        version: PolicyVersion | None = getattr(self, "_version", None)
        if version is None or db_field.name not in ("target", "field"):
            return None
        from vouchers.admin.version_places import field_choices, target_choices

        choices = target_choices(version) if db_field.name == "target" else field_choices()
        return fields.OpenChoiceField(choices=[("", "—"), *choices], required=False, **common)


class ExamplePart(VersionPart):
    model = PolicyExample
    section = "examples"
    stem = "example"
    intro = _("文件所附的或主管部门核定的例子：案情和应得的金额。全部算得一致，才能提请发布。")
    what = ("title", "facts", "expected", "how_it_came_out")
    more = (("code", "position"),)
    readonly_fields = ("how_it_came_out",)

    def special_field(self, db_field: Any, common: dict[str, Any]) -> forms.Field | None:
        if isinstance(db_field, models.JSONField):
            return forms.JSONField(widget=forms.Textarea(attrs={"rows": 8, "class": "plain"}), **common)
        return None

    def in_short(self, row: Any, codes: dict[str, str]) -> str:
        if not row.result:
            return str(_("尚未运算"))
        return str(_("✓ 与应得结果一致") if row.result.get("passed") else _("✕ 与应得结果不一致"))

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
    DocumentPart,
    GatePart,
    TrackPart,
    ClassPart,
    RatePart,
    ScoreRatePart,
    FloorPart,
    CapPart,
    PricePart,
    OtherMoneyPart,
    TreasurySharePart,
    RoundingPart,
    WayOfIssuePart,
    VoucherKindPart,
    WindowPart,
    PaperPart,
    ReviewStepPart,
    CitationPart,
    ExamplePart,
)
