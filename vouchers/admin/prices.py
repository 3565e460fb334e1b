"""Observed prices in the configuration: the quarantine to work off. The issues stand in ``price_issues``."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.utils.html import format_html_join
from django.utils.translation import gettext_lazy as _

from vouchers.access import Role
from vouchers.actions import prices
from vouchers.admin.acts import Act, ActingAdmin
from vouchers.admin.price_tables import PRICE_PUBLISHER, ReadOnlyAdmin
from vouchers.models import PriceObservation
from vouchers.models.parties import Tier
from vouchers.models.prices import ObservationState, PriceUnit
from vouchers.policy.fair_price import REASONS

# -- observations ---------------------------------------------------------------------------------------------------


class SettleForm(forms.Form):
    """What the person found out; what is left empty stays as it was handed in."""

    unit = forms.ChoiceField(label=_("计价单位"), required=False, choices=[("", "—"), *PriceUnit.choices])
    cards = forms.IntegerField(label=_("每单位卡数"), required=False, min_value=1, max_value=1024)
    unit_price = forms.CharField(label=_("单价"), required=False, max_length=30)
    accelerator = forms.CharField(label=_("加速卡"), required=False, max_length=40)
    form_factor = forms.CharField(label=_("形态"), required=False, max_length=12)
    tier = forms.ChoiceField(label=_("供应方类别"), required=False, choices=[("", "—"), *Tier.choices])
    precision = forms.CharField(label=_("精度"), required=False, max_length=10)
    vat_rate = forms.CharField(label=_("税率（如 0.06）"), required=False, max_length=8)
    note = forms.CharField(label=_("核对依据"), widget=forms.Textarea(attrs={"rows": 3}), max_length=300)


class AsideForm(forms.Form):
    """Why it no longer counts."""

    reason = forms.ChoiceField(
        label=_("原因"),
        choices=[(code, f"{word}（{code}）") for code, word in sorted(REASONS.items())],
        initial="withdrawn",
    )
    note = forms.CharField(label=_("说明"), widget=forms.Textarea(attrs={"rows": 3}), max_length=300)


def _settle(request: HttpRequest, observation: PriceObservation, given: dict[str, Any]) -> str:
    note = given.pop("note")
    corrections = {name: str(value) for name, value in given.items() if value not in (None, "")}
    settled = prices.admit_observation(observation, by=request.user, corrections=corrections, note=note)  # type: ignore[arg-type]
    return f"{settled.observation_no} 已采用，折算 {settled.normalised_price} {settled.currency}/卡时。"


def _set_aside(request: HttpRequest, observation: PriceObservation, given: dict[str, Any]) -> str:
    prices.set_aside_observations(by=request.user, observation_no=observation.observation_no, **given)  # type: ignore[arg-type]
    return f"{observation.observation_no} 自此不再进入测算；此前的认定不变。"


@admin.register(PriceObservation)
class PriceObservationAdmin(ActingAdmin, ReadOnlyAdmin):
    """价格采集; filter by 待人工核对 to work the quarantine off."""

    public_key_fields = ("observation_no",)

    acts = (
        Act(
            "settle",
            _("核对后采用"),
            _("填写核实后的内容并采用；原始记录保留不变。自此刻起参与测算，不影响此前的认定。"),
            PRICE_PUBLISHER,
            _settle,
            lambda item: item.state == ObservationState.QUARANTINED,
            SettleForm,
        ),
        Act(
            "set-aside",
            _("剔除"),
            _("自此刻起不再参与测算；此前已公布的价格与已作出的认定不变。"),
            (Role.PRICE_PUBLISHER, Role.INVESTIGATOR),
            _set_aside,
            lambda item: item.state == ObservationState.ADMITTED and item.set_aside_at is None,
            AsideForm,
        ),
    )
    list_display = (
        "observation_no", "observed_on", "source", "accelerator", "form_factor", "normalised_price", "state", "reason_word",
    )  # fmt: skip
    list_filter = ("state", "market", "kind", "reason", "tier", "accelerator")
    search_fields = ("observation_no", "source", "reference", "note")
    show_full_result_count = False
    exclude = ("digest", "original", "party", "region", "decided_by")
    readonly_fields = ("handed_in",)

    @admin.display(description=_("原因"))
    def reason_word(self, observation: PriceObservation) -> str:
        """The reason in words."""
        reason = observation.set_aside_reason or observation.reason
        return REASONS.get(reason, reason) if reason else "—"

    @admin.display(description=_("原始记录"))
    def handed_in(self, observation: PriceObservation) -> str:
        """What was handed in, to the letter."""
        return format_html_join("\n", "<div><code>{}</code>：{}</div>", sorted(observation.original.items()))
