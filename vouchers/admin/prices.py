"""Observed prices in the configuration: the quarantine to work off, one by one or many, and what experts and the office enter.
The issues stand in ``price_issues``, files and reports in ``price_intake``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext_lazy as _

from vouchers.access import Role, has_role
from vouchers.actions import prices
from vouchers.actions.price_quarantine import Settled
from vouchers.admin.acts import Act, ActionOnlyAdmin
from vouchers.admin.price_forms import AsideForm, EntryForm, NoteForm, SettleForm
from vouchers.admin.price_tables import PRICE_PUBLISHER, PRICE_READERS, ReadOnlyAdmin
from vouchers.models import PriceObservation, User
from vouchers.models.prices import ObservationState, PriceKind
from vouchers.policy.fair_price import REASONS

ENTERERS = (Role.PRICE_PUBLISHER, Role.EXPERT)


def _settle(request: HttpRequest, observation: PriceObservation, given: dict[str, Any]) -> str:
    note = given.pop("note")
    corrections = {name: str(value) for name, value in given.items() if value not in (None, "")}
    settled = prices.admit_observation(observation, by=request.user, corrections=corrections, note=note)  # type: ignore[arg-type]
    if settled.proposal is not None:
        return (
            f"{settled.observation_no} 采用后，所在单元的基准价将由 {settled.proposal['before'] or '无'} 变为 {settled.proposal['after'] or '无'}，"
            "超过阈值或从无到有，已提请另一位价格发布人员复核；复核前不参与测算。"
        )
    return f"{settled.observation_no} 已采用，折算 {settled.normalised_price} {settled.currency}/卡时。"


def _set_aside(request: HttpRequest, observation: PriceObservation, given: dict[str, Any]) -> str:
    number = observation.observation_no
    if not prices.set_aside_observations(by=request.user, observation_no=number, **given):  # type: ignore[arg-type]
        return f"{number} 剔除后，所在单元的基准价变动超过阈值或不再有价格，已提请另一人复核；复核前照常参与测算。"
    return f"{observation.observation_no} 自此不再进入测算；此前的认定不变。"


def _confirm(request: HttpRequest, observation: PriceObservation, given: dict[str, Any]) -> str:
    if "set_aside" in (observation.proposal or {}):
        prices.confirm_removal(observation, by=request.user)  # type: ignore[arg-type]
        return f"{observation.observation_no} 自此不再进入测算；此前的认定不变。"
    settled = prices.confirm_admission(observation, by=request.user)  # type: ignore[arg-type]
    return f"{settled.observation_no} 已采用，折算 {settled.normalised_price} {settled.currency}/卡时。"


def _decline(request: HttpRequest, observation: PriceObservation, given: dict[str, Any]) -> str:
    prices.decline_admission(observation, by=request.user, **given)  # type: ignore[arg-type]
    if observation.state == ObservationState.ADMITTED:
        return f"{observation.observation_no} 不予剔除，照常参与测算。"
    return f"{observation.observation_no} 的更正已退回，仍待核对。"


def _dismiss(request: HttpRequest, observation: PriceObservation, given: dict[str, Any]) -> str:
    prices.dismiss_observation(observation, by=request.user, **given)  # type: ignore[arg-type]
    return f"{observation.observation_no} 不予采用。"


def _enter(request: HttpRequest, nothing: Any, given: dict[str, Any]) -> PriceObservation:
    user = request.user
    assert isinstance(user, User)
    fields = {name: str(value) for name, value in given.items() if value not in (None, "", False, True)}
    fields["tax_included"] = "true" if given["tax_included"] else "false"
    if not has_role(user, *PRICE_PUBLISHER):
        fields["kind"] = PriceKind.EXPERT.value
    if fields["kind"] == PriceKind.EXPERT and (
        not has_role(user, *PRICE_PUBLISHER) or not fields.get("source")
    ):
        fields["source"] = f"专家 {user.display_name}（{user.username}）"[:120]
    return prices.record_observation(fields, by=user, feed="entry")


class ReasonFilter(admin.AllValuesFieldListFilter):
    """By reason, in words."""

    def choices(self, changelist: Any) -> Iterator[Any]:
        """The same choices; a code is told by its word."""
        for one in super().choices(changelist):
            yield {**one, "display": REASONS.get(str(one["display"]), one["display"])}


BULK = 2_000
VERBS = {"admit": _("采用"), "decline": _("退回更正"), "dismiss": _("不予采用"), "set_aside": _("剔除")}


@admin.register(PriceObservation)
class PriceObservationAdmin(ActionOnlyAdmin, ReadOnlyAdmin):
    """价格采集; filter by 待人工核对 to work the quarantine off."""

    public_key_fields = ("observation_no",)
    read_roles = (*PRICE_READERS, Role.EXPERT)
    adding = Act(
        "add",
        _("录入价格"),
        _(
            "录入专家意见或公开报价，均由录入人以外的人核对后采用。专家意见对照签名的意见书；只在其他数据都不足时、且至少三家互不关联单位的专家时才用于末级测算。"
        ),
        ENTERERS,
        _enter,
        form=EntryForm,
    )

    acts = (
        Act(
            "settle",
            _("核对后采用"),
            _("填写核实后的内容并采用；原始记录保留不变。自此刻起参与测算，不影响此前的认定。"),
            PRICE_PUBLISHER,
            _settle,
            lambda item: item.state == ObservationState.QUARANTINED and item.proposal is None,
            SettleForm,
        ),
        Act(
            "confirm",
            _("复核同意"),
            _(
                "该更正或剔除使所在单元的基准价变动超过阈值、从无到有或从有到无，由提出人以外的人复核；同意后自此刻起生效，不影响此前的认定。"
            ),
            PRICE_PUBLISHER,
            _confirm,
            lambda item: item.proposal is not None,
        ),
        Act(
            "decline",
            _("退回"),
            _("不同意该更正或剔除：待核对的仍待核对，已采用的照常参与测算。"),
            PRICE_PUBLISHER,
            _decline,
            lambda item: item.proposal is not None,
            NoteForm,
        ),
        Act(
            "dismiss",
            _("不予采用"),
            _("核对后确定不能采用，从待核对中移出，不再办理；原始记录保留。"),
            PRICE_PUBLISHER,
            _dismiss,
            lambda item: item.state == ObservationState.QUARANTINED,
            AsideForm,
        ),
        Act(
            "set-aside",
            _("剔除"),
            _("自此刻起不再参与测算；此前已公布的价格与已作出的认定不变。"),
            (Role.PRICE_PUBLISHER, Role.INVESTIGATOR),
            _set_aside,
            lambda item: (
                item.state == ObservationState.ADMITTED
                and item.set_aside_at is None
                and item.proposal is None
            ),
            AsideForm,
        ),
    )
    list_display = (
        "observation_no", "reason_word", "observed_on", "source", "accelerator", "as_written", "normalised_price", "state", "note",
    )  # fmt: skip
    list_filter = ("state", "market", "kind", ("reason", ReasonFilter), "tier", "accelerator")
    search_fields = ("observation_no", "source", "reference", "note")
    show_full_result_count = False
    fieldsets = (
        (None, {"fields": ("observation_no", "state", "reason_word", "note", "waiting")}),
        (
            _("价格"),
            {"fields": (
                "kind", "observed_on", "as_written", "cards", "precision", "vat_rate", "tax_included", "normalised_price",
                "bookable_since", "carried_from",
            )},
        ),
        (
            _("比较单元"),
            {"fields": ("market", "accelerator", "form_factor", "tier", "region_code", "region_group", "term_months", "term_bucket", "sku")},
        ),
        (
            _("来源与知悉"),
            {"fields": ("source", "source_key", "evidence", "reference", "feed", "row_no", "known_at")},
        ),
        (_("原始记录与处理"), {"fields": ("handed_in", "revision", "set_aside_at", "judgements")}),
    )  # fmt: skip
    readonly_fields = ("reason_word", "as_written", "handed_in", "waiting", "judgements")
    actions = ("admit_chosen", "dismiss_chosen")

    class Media:
        css = {"all": ("css/price-lists.css",)}

    @admin.action(description=_("核对后采用所选各条"), permissions=["settle"])
    def admit_chosen(self, request: HttpRequest, chosen: QuerySet[PriceObservation]) -> HttpResponse | None:
        """The same correction of all chosen ones that wait."""
        return self._many(request, chosen, "admit_chosen", _("核对后采用"), SettleForm)

    @admin.action(description=_("不予采用所选各条"), permissions=["settle"])
    def dismiss_chosen(self, request: HttpRequest, chosen: QuerySet[PriceObservation]) -> HttpResponse | None:
        """All chosen ones that wait are put away for one reason."""
        return self._many(request, chosen, "dismiss_chosen", _("不予采用"), AsideForm)

    def has_settle_permission(self, request: HttpRequest) -> bool:
        """Who works the quarantine off."""
        return has_role(request.user, *PRICE_PUBLISHER)

    def _many(
        self,
        request: HttpRequest,
        chosen: QuerySet[PriceObservation],
        action: str,
        label: Any,
        form_class: type[forms.Form],
    ) -> HttpResponse | None:
        """Ask once for all, then each for itself; those that are refused stay, and are told."""
        rows = list(chosen.order_by("pk")[: BULK + 1])
        waiting = [row for row in rows if row.state == ObservationState.QUARANTINED and row.proposal is None]
        if len(rows) > BULK or not waiting:
            told = (
                _("一次至多办理 %(n)d 条，请缩小范围。") % {"n": BULK}
                if waiting
                else _("所选各条都不在待核对之列。")
            )
            messages.warning(request, told)
            return None
        form = form_class(request.POST if "sure" in request.POST else None)
        if form.is_bound and form.is_valid():
            given, by = dict(form.cleaned_data), request.user
            note = given.pop("note")
            if action == "admit_chosen":
                corrections = {name: str(value) for name, value in given.items() if value not in (None, "")}
                done = prices.admit_many(waiting, by=by, corrections=corrections, note=note)  # type: ignore[arg-type]
            else:
                done = prices.dismiss_many(waiting, by=by, note=note, **given)  # type: ignore[arg-type]
            self._tell(request, done, label)
            return None
        context = {
            **self.admin_site.each_context(request),
            "title": label,
            "opts": self.opts,
            "form": form,
            "rows": waiting,
            "words": REASONS,
            "passed_over": len(rows) - len(waiting),
            "action": action,
            "back": self.address("changelist"),
        }
        status = 422 if form.is_bound else 200
        return TemplateResponse(request, "admin/vouchers/price_bulk.html", context, status=status)

    def _tell(self, request: HttpRequest, done: list[Settled], label: Any) -> None:
        refused = [one for one in done if one.refusal is not None]
        proposed = [one for one in done if one.refusal is None and one.observation.proposal is not None]
        messages.success(
            request,
            _("%(label)s：%(n)d 条已办理。")
            % {"label": label, "n": len(done) - len(refused) - len(proposed)},
        )
        if proposed:
            messages.info(request, _("%(n)d 条使单元价格变动超过阈值，待另一人复核。") % {"n": len(proposed)})
        for one in refused[:20]:
            messages.warning(request, f"{one.observation.observation_no}：{one.refusal}")
        if len(refused) > 20:
            messages.warning(request, _("另有 %(n)d 条未能办理，仍待核对。") % {"n": len(refused) - 20})

    @admin.display(description=_("原始单价"), ordering="unit_price")
    def as_written(self, observation: PriceObservation) -> str:
        """Figure, currency and unit as handed in."""
        if observation.unit_price is None:
            return "—"
        unit = observation.get_unit_display() or _("单位不明")
        return f"{observation.unit_price.normalize():f} {observation.currency} · {unit}"

    @admin.display(description=_("待复核的更正"))
    def waiting(self, observation: PriceObservation) -> str:
        """What was proposed, by whom, and what it would do to its cell."""
        proposal = observation.proposal
        if proposal is None:
            return "—"
        if "set_aside" in proposal:
            changed = f"剔除（{REASONS.get(proposal['set_aside'], proposal['set_aside'])}）"
        else:
            changed = "、".join(f"{name}＝{value}" for name, value in sorted(proposal["corrections"].items()))
        return format_html(
            "<div>{}：{}</div><div>基准价 {} → {}{}</div><div>{}</div>",
            observation.proposed_by,
            changed or "—",
            proposal["before"] or "无",
            proposal["after"] or "无",
            f"（连同此前单人办理的 {proposal['alone']} 条）" if proposal.get("alone") else "",
            proposal["note"],
        )

    @admin.display(description=_("历次处理"))
    def judgements(self, observation: PriceObservation) -> str:
        """Every judgement with who, when, why and what it changed."""
        rows = observation.judgements.select_related("judged_by", "proposed_by")
        if not rows:
            return "—"
        return format_html_join(
            "\n",
            "<div>修订 {}｜{}｜{}{}｜{}{}</div>",
            (
                (
                    row.revision,
                    VERBS.get(row.verb, row.verb),
                    row.judged_by or _("系统"),
                    f"（{row.proposed_by} 提出）" if row.proposed_by else "",
                    row.note or REASONS.get(row.reason, ""),
                    "；".join(["", *(f"{name}：{old} → {new}" for name, (old, new) in row.changes.items())]),
                )
                for row in rows
            ),
        )

    @admin.display(description=_("原因"))
    def reason_word(self, observation: PriceObservation) -> str:
        """The reason in words."""
        reason = observation.set_aside_reason or observation.reason
        return REASONS.get(reason, reason) if reason else "—"

    @admin.display(description=_("原始记录"))
    def handed_in(self, observation: PriceObservation) -> str:
        """What was handed in, to the letter."""
        return format_html_join("\n", "<div><code>{}</code>：{}</div>", sorted(observation.original.items()))
