"""预检: whether one would be supported and with how much, without signing in. Nothing that is typed here is kept."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from vouchers import dates
from vouchers.actions.price_checks import ContractPrice, price_finding
from vouchers.actions.price_tables import chip_origin
from vouchers.errors import DomainError
from vouchers.models import ChipModel, Program
from vouchers.models.parties import Ownership, Size, Tier
from vouchers.policy.assess import assess
from vouchers.policy.assessment import Finding
from vouchers.policy.facts import (
    AdmissionFacts,
    ContractFacts,
    Facts,
    OtherMoneyFacts,
    PartyFacts,
    PriceVerdict,
    ProviderFacts,
)
from vouchers.policy.gate_scope import asks_for_party_kind
from vouchers.policy.rules import Scheme
from vouchers.policy.terms import (
    AboveBand,
    BasisKind,
    ChipOrigin,
    ContractKind,
    FindingResult,
    GateKind,
    OtherMoneyMode,
    PartyKind,
    Purpose,
    Stage,
    TrackChoice,
)
from vouchers.web.assessments import shown_counterfactuals, shown_findings, shown_lines
from vouchers.web.catalogue import offer_of, offers
from vouchers.web.fields import DayField, MoneyField, UnitPriceField
from vouchers.web.public.limits import count_question

UNITS = (
    ("card_hour", gettext_lazy("元/卡时")),
    ("card_month", gettext_lazy("元/卡月")),
    ("server_month", gettext_lazy("元/台月")),
    ("pflops_day", gettext_lazy("元/P·天")),
)
YES_NO = (("", gettext_lazy("不清楚")), ("yes", gettext_lazy("是")), ("no", gettext_lazy("否")))
FLAGS = {
    GateKind.PLATFORM_TRADED: ("is_platform_traded", gettext_lazy("经算力交易平台达成")),
    GateKind.NOT_OWN_BUILT: ("is_own_built", gettext_lazy("算力为本单位自建自用")),
    GateKind.MODEL_FILED: ("is_model_filed", gettext_lazy("模型已备案")),
    GateKind.PROVIDER_ADMITTED: ("is_admitted", gettext_lazy("服务商在该专项的入库名单")),
    GateKind.NON_AFFILIATED: ("is_affiliated", gettext_lazy("与服务商存在关联关系")),
    GateKind.NOT_A_PROVIDER: ("is_provider", gettext_lazy("本单位是入库服务商")),
    GateKind.APPLICANT_CONNECTED: ("is_connected", gettext_lazy("已接入监测调度平台")),
    GateKind.PROVIDER_CONNECTED: ("provider_connected", gettext_lazy("服务商已接入调度平台")),
}


# What the sum is called that a way of support rests on, where it is no contract's.
SUMS = {
    BasisKind.INVESTMENT_DOCUMENT: gettext_lazy("实际投资额（不含税）"),
    BasisKind.DEPLOYED_CAPACITY: gettext_lazy("部署投入金额（不含税）"),
    BasisKind.SETTLEMENT_LINE: gettext_lazy("结算金额（不含税）"),
    BasisKind.DATA_PRODUCT_LINE: gettext_lazy("成交金额（不含税）"),
}


OWN_PROJECTS = frozenset({BasisKind.INVESTMENT_DOCUMENT, BasisKind.DEPLOYED_CAPACITY})


class PrecheckForm(forms.Form):
    """Only what the scheme's conditions need; everything may be left open and is then said to be untested."""

    amount = MoneyField(label=gettext_lazy("合同金额（不含税）"))
    signed_on = DayField(label=gettext_lazy("合同签订日"), required=False)

    def __init__(self, *args: Any, scheme: Scheme, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        gates = {gate.kind for gate in scheme.gates if gate.switched_on}
        wants = self.fields
        bases = {kind for track in scheme.tracks for kind in track.basis_kinds}
        if len(bases) == 1:
            wants["amount"].label = SUMS.get(next(iter(bases)), wants["amount"].label)
        if bases <= OWN_PROJECTS and GateKind.SIGNED_BETWEEN not in gates:
            del wants["signed_on"]
        if any(track.counted_from or track.counted_to for track in scheme.tracks):
            wants["period_from"] = DayField(label=_("租期起（含当日）"), required=False)
            wants["period_last"] = DayField(label=_("租期止（含当日）"), required=False)
        scales = {track.scale_unit for track in scheme.tracks if track.scale_unit is not None}
        if scales:
            unit = next(iter(scales))
            wants["scale"] = UnitPriceField(
                label=_("算力规模（%(unit)s）") % {"unit": unit.label}, required=False
            )
            wants["amount"].required = any(track.scale_unit is None for track in scheme.tracks)
        if GateKind.DEPLOYED_BY in gates:
            wants["deployed_on"] = DayField(label=_("部署完成日"), required=False)
        if scheme.track_choice is TrackChoice.CHOICE and len(scheme.tracks) > 1:
            wants["track"] = forms.ChoiceField(
                label=_("补贴方向"), choices=[(track.code, track.name) for track in scheme.tracks]
            )
        kinds = [
            value for gate in scheme.gates if gate.kind is GateKind.CONTRACT_KIND for value in gate.values
        ]
        if len(kinds) > 1:
            wants["kind"] = forms.ChoiceField(
                label=_("合同种类"), choices=[(value, ContractKind(value).label) for value in kinds]
            )
        if GateKind.REGISTERED_IN in gates:
            wants["region_code"] = forms.RegexField(
                r"^\d{6}$",
                label=_("注册地行政区划代码"),
                required=False,
                help_text=_("统一社会信用代码的第 3 至 8 位，例如 110108。"),
                error_messages={"invalid": _("行政区划代码应为 6 位数字。")},
            )
        if GateKind.SECTOR in gates:
            wants["industry_code"] = forms.RegexField(
                r"^[A-T]?\d{2,4}$",
                label=_("行业代码"),
                required=False,
                help_text=_("国民经济行业分类，例如 6513。"),
                error_messages={"invalid": _("行业代码应为 2 至 4 位数字，前面可带一个字母。")},
            )
        if gates & {GateKind.AGE_AT_LEAST, GateKind.AGE_AT_MOST} or any(
            one.registered_within_months for one in scheme.classes
        ):
            wants["registered_on"] = DayField(label=_("成立日期"), required=False)
        if asks_for_party_kind(scheme):
            wants["party_kind"] = forms.ChoiceField(label=_("主体类型"), choices=PartyKind.pairs())
        if GateKind.OWNERSHIP in gates:
            wants["ownership"] = _choice(_("所有制"), Ownership.choices)
        if GateKind.SIZE in gates or any(one.sizes for one in scheme.classes):
            wants["size"] = _choice(_("企业规模"), Size.choices)
        stated = [
            one for one in scheme.classes if not (one.registered_within_months or one.sizes or one.ownerships)
        ]
        if stated:
            wants["classes"] = forms.MultipleChoiceField(
                label=_("单位类别"),
                required=False,
                choices=[(one.code, one.name) for one in stated],
                widget=forms.CheckboxSelectMultiple,
            )
        if GateKind.PURPOSE in gates or any(rate.purposes for rate in scheme.rates):
            wants["purpose"] = _choice(_("算力用途"), Purpose.pairs())
        if any(rate.chip_origins for rate in scheme.rates):
            wants["chip_origin"] = _choice(_("加速卡来源"), ChipOrigin.pairs())
        if scheme.price.above_band is not AboveBand.NONE:
            chips = ChipModel.objects.order_by("accelerator").values_list("accelerator", flat=True).distinct()
            wants["accelerator"] = _choice(_("加速卡型号"), [(one, one) for one in chips])
            factors = (
                ChipModel.objects.order_by("form_factor").values_list("form_factor", flat=True).distinct()
            )
            wants["form_factor"] = _choice(_("形态"), [(one, one) for one in factors if one])
            wants["unit_price"] = UnitPriceField(label=_("合同单价（不含税）"), required=False)
            wants["unit"] = forms.ChoiceField(label=_("计价单位"), choices=UNITS, required=False)
            wants["tier"] = _choice(_("服务商类别"), Tier.choices)
            wants["term_months"] = forms.IntegerField(
                label=_("租期（月）"), required=False, min_value=1, max_value=240,
                widget=forms.TextInput(attrs={"inputmode": "numeric"}),
            )  # fmt: skip
        for kind, (name, label) in FLAGS.items():
            if kind in gates:
                wants[name] = forms.ChoiceField(label=label, choices=YES_NO, required=False)
        if scheme.other_money.switched_on and scheme.other_money.mode is not OtherMoneyMode.NOT_STATED:
            wants["other_amount"] = MoneyField(
                label=_("已享受的其他财政资金"),
                required=False,
                minimum=Decimal(0),
                help_text=_("没有的填 0。"),
            )

    def clean(self) -> dict[str, Any]:
        """A lease does not end before it begins, and a card is made where its maker is."""
        given = super().clean() or self.cleaned_data
        first, last = given.get("period_from"), given.get("period_last")
        if first and last and last < first:
            self.add_error("period_last", _("租期止不能早于租期起。"))
        stated, known = given.get("chip_origin"), self._origin_of_model(given.get("accelerator", ""))
        if stated and known and stated != known:
            self.add_error(
                "chip_origin",
                _("%(model)s 按芯片表属于%(origin)s，与所填来源不一致，请核对其中一项。")
                % {"model": given["accelerator"], "origin": ChipOrigin(known).label},
            )
        return given

    @staticmethod
    def _origin_of_model(accelerator: str) -> str:
        return chip_origin(accelerator) or "" if accelerator else ""

    def flag(self, name: str) -> bool | None:
        """Yes, no, or not known."""
        return {"yes": True, "no": False}.get(self.cleaned_data.get(name, ""))

    def facts(self, scheme: Scheme) -> Facts:
        """What was typed, as the engine takes it."""
        given = self.cleaned_data
        today = dates.today()
        track = next((one for one in scheme.tracks if one.code == given.get("track")), scheme.tracks[0])
        other = given.get("other_amount")
        admitted = self.flag("is_admitted")
        admissions: tuple[AdmissionFacts, ...] | None = None
        if admitted is not None:
            admissions = (AdmissionFacts(from_on=given.get("signed_on") or today),) if admitted else ()
        origin = given.get("chip_origin") or self._origin_of_model(given.get("accelerator", ""))
        contract = ContractFacts(
            contract_no=_("（您填写的）"),
            kind=ContractKind(given.get("kind") or ContractKind.LEASE),
            net_amount=given["amount"] or Decimal(0),
            signed_on=given.get("signed_on"),
            deployed_on=given.get("deployed_on"),
            period_from=given.get("period_from"),
            period_to=given["period_last"] + timedelta(days=1) if given.get("period_last") else None,
            quantity=given.get("scale"),
            unit=track.scale_unit,
            precision=track.scale_precision,
            purpose=Purpose(given["purpose"]) if given.get("purpose") else None,
            chip_origin=ChipOrigin(origin) if origin else None,
            provider=ProviderFacts(
                uscc="",
                name="",
                admissions=admissions,
                affiliated=self.flag("is_affiliated"),
                affiliation_sentence=_("您填写与服务商存在关联关系"),
                is_platform_connected=self.flag("provider_connected"),
            ),
            price=self._price(scheme),
            is_platform_traded=self.flag("is_platform_traded"),
            is_own_built=self.flag("is_own_built"),
            is_model_filed=self.flag("is_model_filed"),
            other_money=None
            if other is None
            else (
                (OtherMoneyFacts(source=_("其他财政资金"), amount=other, level=scheme.other_money.level),)
                if other
                else ()
            ),
        )
        return Facts(
            stage=Stage.APPLICATION,
            on=today,
            filed_at=dates.now(),
            track=given.get("track", ""),
            applicant=PartyFacts(
                uscc="",
                name="",
                kind=PartyKind(given["party_kind"]) if given.get("party_kind") else None,
                region_code=given.get("region_code", ""),
                registered_on=given.get("registered_on"),
                ownership=given.get("ownership", ""),
                size=given.get("size", ""),
                industry_code=given.get("industry_code", ""),
                classes=tuple(given.get("classes", ())),
                is_registered_provider=self.flag("is_provider"),
                is_platform_connected=self.flag("is_connected"),
            ),
            contracts=(contract,),
        )

    def _price(self, scheme: Scheme) -> PriceVerdict | None:
        given = self.cleaned_data
        if (
            scheme.price.above_band is AboveBand.NONE
            or not given.get("unit_price")
            or not given.get("accelerator")
        ):
            return None
        contract = ContractPrice(
            subject_kind="precheck",
            subject_no="",
            lessee_uscc="",
            lessor_uscc="",
            accelerator=given["accelerator"],
            form_factor=given.get("form_factor", ""),
            region_code=scheme.region,
            unit=given.get("unit") or "card_hour",
            unit_price=given["unit_price"],
            signed_on=given.get("signed_on") or dates.today(),
            term_months=given.get("term_months") or 12,
            program_code=scheme.program,
            tier=given.get("tier", ""),
        )
        try:
            return price_finding(contract, above_band=scheme.price.above_band.value).facts()
        except DomainError:
            return None


def _choice(label: str, choices: Any) -> forms.ChoiceField:
    return forms.ChoiceField(label=label, required=False, choices=[("", _("未填")), *choices])


def precheck(request: HttpRequest) -> HttpResponse:
    """Choose the scheme, fill in what is known, read findings and working."""
    code = request.GET.get("program", "")
    if not code:
        return render(request, "public/precheck.html", {"offers": [one for one in offers() if one.scheme]})
    row = get_object_or_404(
        Program.objects.listed().filter(origin=Program.Origin.LIVE).select_related("region"), code=code
    )
    offer = offer_of(row)
    if offer.scheme is None:
        return render(request, "public/precheck.html", {"offers": [], "offer": offer})
    asked = len(request.GET) > 1
    form = PrecheckForm(request.GET if asked else None, scheme=offer.scheme)
    context: dict[str, Any] = {
        "offer": offer,
        "form": form,
        "crumbs": [
            (_("政策目录"), reverse("public:home")),
            (row.name, reverse("public:program", args=[code])),
        ],
    }
    if asked and form.is_valid():
        count_question(request, "precheck", most=60, seconds=60)
        facts = form.facts(offer.scheme)
        assessment = assess(
            offer.scheme, facts, scheme_sha256=offer.publication.sha256 if offer.publication else ""
        )
        context |= {
            "assessment": assessment,
            "outcome": assessment.outcome.value,
            "refused_by": assessment.refusals,
            "counterfactuals": shown_counterfactuals(assessment),
            "lines": shown_lines(assessment),
            "findings": _findings(assessment.findings),
            "open_questions": any(one.result is FindingResult.NOT_TESTABLE for one in assessment.findings),
            "price": _price_shown(facts.contracts[0].price),
        }
    return render(request, "public/precheck.html", context, status=422 if form.errors else 200)


def _findings(findings: Sequence[Finding]) -> list[dict[str, Any]]:
    """What is merely not judged here needs no cure yet: nothing is known to be wrong."""
    return [
        row | {"cure": row["cure"] if row["outcome"] == "not_met" else ""} for row in shown_findings(findings)
    ]


def _price_shown(price: PriceVerdict | None) -> dict[str, Any] | None:
    if price is None:
        return None
    return {
        "verdict": {"untestable": "untested"}.get(price.verdict.value, price.verdict.value),
        "lower": price.lower,
        "upper": price.upper,
        "price": price.unit_price,
        "benchmark": price.base,
        "grade": price.grade,
        "sentence": price.sentence,
    }


urlpatterns = [path("precheck/", precheck, name="precheck")]
