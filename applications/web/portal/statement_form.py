"""The statements that a scheme needs: only what its conditions ask for and no register tells."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from applications.grounds import ground_kinds, is_project, tracks_of
from applications.undertakings import counts_projects, must_name_project
from applications.web.portal.contract_form import QuantityField, short_number
from vouchers.policy.gate_scope import asks_for_party_kind
from vouchers.policy.rules import Scheme
from vouchers.policy.terms import GateKind, OtherMoneyMode, PartyKind
from vouchers.web.fields import DayField, MoneyField

YES_NO = (("yes", _("是")), ("no", _("否")))
LEVELS = (
    ("", _("请选择")),
    ("national", _("国家级")),
    ("provincial", _("省级")),
    ("municipal", _("市级")),
    ("district", _("区县级")),
)
# fact → the condition that asks for it, and the question
QUESTIONS = {
    "is_platform_traded": (GateKind.PLATFORM_TRADED, _("该合同是否通过算力交易平台达成并全程留痕？")),
    "is_own_built": (GateKind.NOT_OWN_BUILT, _("所用算力是否为本单位自建自用？")),
    "is_model_filed": (GateKind.MODEL_FILED, _("所训练或使用的模型是否已完成备案？")),
}
MONEY_ROWS = (1, 2, 3)


class StatementForm(forms.Form):
    """What the scheme has to know and no register tells: direction, other public money, and answers to its conditions."""

    def __init__(
        self, *args: Any, scheme: Scheme, facts: Mapping[str, Any] | None = None, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.scheme = scheme
        chosen = {track.code for track in tracks_of(scheme, dict(facts or {}))}
        gates = {
            gate.kind
            for gate in scheme.gates
            if gate.switched_on and (not gate.tracks or not chosen or chosen & set(gate.tracks))
        }
        # A project says itself when it was deployed; a contract does not.
        own = all(is_project(kind) for kind in ground_kinds(scheme, dict(facts or {})))
        if GateKind.PARTY_KIND in gates or asks_for_party_kind(scheme):
            self.fields["party_kind"] = forms.ChoiceField(
                label=_("贵单位的主体类型"),
                choices=PartyKind.pairs(),
                widget=forms.RadioSelect,
                initial=PartyKind.ENTERPRISE.value,
                error_messages={"required": _("请选择主体类型。")},
            )
        stated = [
            one
            for one in scheme.classes
            if one.registered_within_months is None and not one.sizes and not one.ownerships
        ]
        if stated:
            self.fields["classes"] = forms.MultipleChoiceField(
                label=_("贵单位是否属于以下类别"),
                required=False,
                choices=[(one.code, one.name) for one in stated],
                widget=forms.CheckboxSelectMultiple,
                help_text=_("勾选后由工作人员核对证明材料，核对前按此估算。"),
            )
        if any(
            gate.kind is GateKind.PROVIDER_ADMITTED and "service_item" in gate.values and gate.switched_on
            for gate in scheme.gates
        ):
            self.fields["service_item"] = forms.CharField(
                label=_("所购服务项目"),
                max_length=100,
                help_text=_("与服务商入库公布的服务项目名称一致。"),
                widget=forms.TextInput(attrs={"list": "service-items", "autocomplete": "off"}),
                error_messages={"required": _("请填写合同所购的服务项目。")},
            )
        if counts_projects(scheme):
            self._ask_project()
        for name, (kind, question) in QUESTIONS.items():
            if kind in gates:
                self.fields[name] = _yes_no(question)
                self.fields[name].help_text = _("由工作人员对照平台记录或备案材料核验后认定。")
        if GateKind.DEPLOYED_BY in gates and not own:
            self.fields["deployed_on"] = DayField(label=_("算力部署完成日"))
        if any(rate.completion_from is not None for rate in scheme.rates):
            self.fields["completion"] = QuantityField(
                label=_("目标任务完成率"), help_text=_("填写百分数，例如 85。"), minimum=Decimal(0)
            )
        if scheme.other_money.switched_on and scheme.other_money.mode is not OtherMoneyMode.NOT_STATED:
            self._ask_other_money()

    def _ask_project(self) -> None:
        """A cap per project counts all contracts of one project together."""
        self.fields["project_name"] = forms.CharField(
            label=_("合同所服务的项目名称"),
            max_length=200,
            required=must_name_project(self.scheme),
            help_text=_("几份合同服务于同一项目的，每次都填写相同的名称，单个项目的限额合并计算。"),
            error_messages={"required": _("请填写项目名称。")},
        )
        self.fields["project_registration"] = forms.CharField(
            label=_("项目立项或备案编号"),
            max_length=100,
            required=False,
            help_text=_("有立项批文或备案编号的请填写，同一编号视为同一项目；没有的留空。"),
        )

    def _ask_other_money(self) -> None:
        self.fields["other_money"] = _yes_no(_("该合同是否已经或正在申请其他财政资金支持？"))
        self.fields["other_money"].help_text = self.scheme.other_money.mode.label
        for row in MONEY_ROWS:
            self.fields[f"other_source_{row}"] = forms.CharField(
                label=_("资金名称 %(row)s") % {"row": row}, required=False, max_length=100
            )
            self.fields[f"other_amount_{row}"] = MoneyField(
                label=_("金额 %(row)s") % {"row": row}, required=False
            )
            self.fields[f"other_level_{row}"] = forms.ChoiceField(
                label=_("级次 %(row)s") % {"row": row}, required=False, choices=LEVELS
            )

    @property
    def asks(self) -> bool:
        """Whether the scheme needs any statement at all."""
        return bool(self.fields)

    def questions(self) -> list[forms.BoundField]:
        """All but the rows of other money."""
        return [field for field in self if not field.name.startswith("other_")]

    def money_rows(self) -> list[list[forms.BoundField]]:
        """Source, amount and level, a row each; empty where the scheme does not ask."""
        if "other_money" not in self.fields:
            return []
        return [[self[f"other_{part}_{row}"] for part in ("source", "amount", "level")] for row in MONEY_ROWS]

    def clean(self) -> dict[str, Any]:
        """Other money is named when it was had."""
        given = super().clean() or {}
        if given.get("other_money") == "yes":
            rows = [
                row
                for row in MONEY_ROWS
                if given.get(f"other_source_{row}") or given.get(f"other_amount_{row}")
            ]
            if not rows:
                self.add_error("other_source_1", _("请写明已申请的财政资金名称、金额和级次。"))
            for row in rows:
                if not given.get(f"other_source_{row}"):
                    self.add_error(f"other_source_{row}", _("请填写资金名称。"))
                if given.get(f"other_amount_{row}") is None and f"other_amount_{row}" not in self.errors:
                    self.add_error(f"other_amount_{row}", _("请填写金额。"))
        named = given.get("project_name") or given.get("project_registration")
        if "project_name" in self.fields and not named and "project_name" not in self.errors:
            if must_name_project(self.scheme, given.get("classes") or ()):
                self.add_error("project_name", _("所选类别按项目计算限额，请填写项目名称。"))
        completion = given.get("completion")
        if completion is not None and completion > 100:
            self.add_error("completion", _("完成率应在 0 至 100 之间。"))
        return given

    def facts(self) -> dict[str, Any]:
        """The answers as they are kept with the application (``applications.facts`` reads them)."""
        given = self.cleaned_data
        facts: dict[str, Any] = {}
        for name in ("party_kind", "service_item", "project_name", "project_registration"):
            if name in self.fields:
                facts[name] = given[name].strip()
        if "classes" in self.fields:
            facts["classes"] = list(given["classes"])
        for name in QUESTIONS:
            if name in self.fields:
                facts[name] = given[name] == "yes"
        if "deployed_on" in self.fields:
            facts["deployed_on"] = given["deployed_on"].isoformat()
        if "completion" in self.fields:
            facts["completion"] = str(given["completion"] / 100)
        if "other_money" in self.fields:
            facts["other_money"] = [
                {
                    "source": given[f"other_source_{row}"],
                    "amount": str(given[f"other_amount_{row}"]),
                    "level": given[f"other_level_{row}"],
                }
                for row in MONEY_ROWS
                if given["other_money"] == "yes" and given[f"other_source_{row}"]
            ]
        return facts

    def initial_of(self, facts: dict[str, Any]) -> dict[str, Any]:
        """The answers given before."""
        known: dict[str, Any] = {
            name: facts[name]
            for name in ("party_kind", "service_item", "classes", "project_name", "project_registration")
            if name in facts
        }
        for name in QUESTIONS:
            if facts.get(name) is not None:
                known[name] = "yes" if facts[name] else "no"
        if facts.get("deployed_on"):
            known["deployed_on"] = date.fromisoformat(facts["deployed_on"])
        if facts.get("completion"):
            known["completion"] = short_number(Decimal(facts["completion"]) * 100)
        if "other_money" in facts:
            known["other_money"] = "yes" if facts["other_money"] else "no"
            for row, one in zip(MONEY_ROWS, facts["other_money"], strict=False):
                known[f"other_source_{row}"] = one["source"]
                known[f"other_amount_{row}"] = Decimal(one["amount"])
                known[f"other_level_{row}"] = one.get("level", "")
        return known

    def answered(self, facts: dict[str, Any]) -> bool:
        """Whether everything that must be stated was."""
        asked = {name for name, field in self.fields.items() if field.required}
        return all(name in facts for name in asked)


def _yes_no(question: Any) -> forms.ChoiceField:
    return forms.ChoiceField(
        label=question,
        choices=YES_NO,
        widget=forms.RadioSelect,
        error_messages={"required": _("请选择“是”或“否”。")},
    )
