"""The rows of a version's page: which fields each kind has, in which section it stands, and what is said of it.

A new column of a part is a name in `what` (or in `more`, for what is rarely needed) and a sentence in `policy_help`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from vouchers.access import STAFF_ROLES, Role
from vouchers.admin import policy_fields as fields
from vouchers.admin.policy_examples import ExamplePart
from vouchers.admin.policy_gates import GatePart
from vouchers.admin.policy_rows import TermsPart, VersionPart
from vouchers.admin.shown import LEVELS, shown
from vouchers.admin.version_places import citation_words, field_choices, target_choices
from vouchers.models import (
    PolicyApplicantClass,
    PolicyCap,
    PolicyDocument,
    PolicyFloor,
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
from vouchers.policy.terms import Border, Repeats, TierMode


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
    more = (
        ("counted_from", "counted_to", "day_count"),
        ("tier_base", "band_border"),
        ("scale_unit", "scale_precision"),
        ("code", "position"),
    )
    gist = ("side", "pay_to", "basis_kinds", "tax_mode", "tier_mode")

    def in_short(self, row: Any, codes: dict[str, str]) -> str:
        words = [super().in_short(row, codes)]
        if row.tier_mode != TierMode.NONE.value:
            words.append(str(_("按%(measure)s分档") % {"measure": row.get_tier_measure_display()}))
        if row.counted_from is not None:
            words.append(str(_("自 %(day)s 起计") % {"day": shown(row, "counted_from")}))
        if row.counted_to is not None:
            words.append(str(_("%(day)s 零时起不计") % {"day": shown(row, "counted_to")}))
        return " · ".join(words)


class ClassPart(VersionPart):
    model = PolicyApplicantClass
    section = "for_what"
    stem = "class"
    intro = _("只有比例或限额因企业而异（如初创企业更高）时才填；否则留空。")
    what = ("name", ("registered_within_months", "border"), "sizes", "ownerships")
    more = (("code", "position"),)
    gist = ("sizes", "ownerships")

    def in_short(self, row: Any, codes: dict[str, str]) -> str:
        words = [super().in_short(row, codes)]
        if row.registered_within_months is not None:
            most = _("成立不满 %(months)s 个月")
            if row.border == Border.INCLUDED.value:
                most = _("成立不超过 %(months)s 个月")
            words.insert(0, str(most % {"months": row.registered_within_months}))
        return " · ".join(word for word in words if word) or str(_("由办件人员逐户认定"))

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
    more = ("components", ("completion_from", "unit_amount"), ("code", "position"))
    gist = ("kind", "chip_origins", "purposes", "classes", "track")

    def called(self, row: Any) -> str:
        if row.rate is None and row.unit_amount is None:
            return str(_("比例未公布（%(code)s）") % {"code": row.code})
        if row.rate is None:
            return str(_("每单位 %(amount)s 元") % {"amount": shown(row, "unit_amount")})
        return str(shown(row, "rate"))

    def in_short(self, row: Any, codes: dict[str, str]) -> str:
        band = ""
        if row.band_from is not None or row.band_to is not None:
            low = shown(row, "band_from") if row.band_from is not None else "0"
            band = f"{low} — {shown(row, 'band_to')}" if row.band_to is not None else f"{low}{_('以上')}"
        words = [str(shown(row, name, codes)) for name in self.gist]
        return " · ".join(word for word in [band, *words] if word not in ("", "—"))


class ScoreRatePart(VersionPart):
    model = PolicyScoreRate
    section = "how_much"
    stem = "score"
    intro = _("只有“由评审按评分确定比例”时才填：多少分对应多少比例。")
    what = (("track", "score_from", "rate"),)
    more = (("code", "position"),)
    gist = ("rate", "track")

    def called(self, row: Any) -> str:
        return str(_("%(score)s 分起") % {"score": shown(row, "score_from")})


class FloorPart(VersionPart):
    model = PolicyFloor
    section = "how_far"
    stem = "floor"
    intro = _("达不到就不予支持的最低数，例如“年租用算力 50 万元以上”。文件没有规定的不填。")
    what = ("name", ("measure", "amount"), "stages")
    more = ("tracks", ("border", "switched_on"), ("code", "position"))
    gist = ("amount", "measure", "stages")


class CapPart(VersionPart):
    model = PolicyCap
    section = "how_far"
    stem = "cap"
    intro = _("各种“最高不超过”：单次、合同、企业每年、资金总量等，一种一条。")
    what = ("name", ("subject", "period"), ("amount", "share"), ("counts_at",))
    more = (
        "tracks",
        "classes",
        "waived_for",
        ("year_starts", "year_by"),
        ("switched_on",),
        ("code", "position"),
    )
    gist = ("subject", "period", "amount", "share", "counts_at")

    def special_field(self, db_field: Any, common: dict[str, Any]) -> forms.Field | None:
        return fields.MonthDayField(**common) if db_field.name == "year_starts" else None

    def in_short(self, row: Any, codes: dict[str, str]) -> str:
        words = [super().in_short(row, codes)]
        if row.classes:
            words.append(str(_("只适用于%(who)s") % {"who": shown(row, "classes", codes)}))
        if row.waived_for:
            words.append(str(_("%(who)s不受此限") % {"who": shown(row, "waived_for", codes)}))
        return " · ".join(words)


class WindowPart(VersionPart):
    model = PolicyWindow
    section = "how"
    stem = "window"
    intro = _("只在规定的时间内受理的，每个申报期一条；随时受理的不填。")
    what = (("name", "stage"), ("opens_at", "closes_at"), ("repeats", "repeats_until"))
    more = (("code", "position"),)
    gist = ("stage", "opens_at", "closes_at")

    def in_short(self, row: Any, codes: dict[str, str]) -> str:
        words = [super().in_short(row, codes)]
        if row.repeats != Repeats.NONE.value:
            words.append(str(_("%(often)s重复") % {"often": row.get_repeats_display()}))
        if row.repeats_until is not None:
            words.append(str(_("至 %(day)s 以前") % {"day": shown(row, "repeats_until")}))
        return " · ".join(words)


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
        if row.amount_from is not None:
            words.append(str(_("补贴 %(amount)s以上的办理") % {"amount": shown(row, "amount_from")}))
        if row.sets_rate:
            words.append(str(_("在此确定比例")))
        return " · ".join(words)


class TreasurySharePart(VersionPart):
    model = PolicyTreasuryShare
    section = "how_far"
    stem = "treasury"
    intro = _("资金由几级财政分担的，各级一条，合计 100%；一级负担的不填。")
    what = (("treasury", "share", "takes_rest"),)
    more = (("code", "position"),)
    gist = ("share",)

    def called(self, row: Any) -> str:
        return str(row.treasury)


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
    what = (
        ("issues_voucher", "divisible", "many_uses"),
        ("validity_months", "valid_to"),
        ("reservation_days",),
    )
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

    def called(self, row: Any) -> str:
        return citation_words(row)

    def get_queryset(self, request: HttpRequest) -> Any:
        """The source of the whole version stands on the version itself."""
        return super().get_queryset(request).exclude(target="", field="")

    def special_field(self, db_field: Any, common: dict[str, Any]) -> forms.Field | None:
        version: PolicyVersion | None = getattr(self, "_version", None)
        if version is None or db_field.name not in ("target", "field"):
            return None
        choices = target_choices(version) if db_field.name == "target" else field_choices()
        return fields.OpenChoiceField(choices=[("", "—"), *choices], required=False, **common)


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
