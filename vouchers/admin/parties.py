"""单位、服务商入库、平台接入. History is read; what is live is written by the actions."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.forms.models import fields_for_model
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from vouchers import dates
from vouchers.access import STAFF_ROLES, Role, scope_of
from vouchers.actions import register
from vouchers.actions.care import parties_in_care
from vouchers.admin.acts import DAY, Act, ActionOnlyAdmin, ReasonForm
from vouchers.models import (
    Party,
    PlatformConnection,
    Program,
    ProviderAdmission,
    Region,
)
from vouchers.models.parties import Tier
from vouchers.models.recorded import Origin

HANDLER = (Role.HANDLER,)
EDITOR = (Role.POLICY_EDITOR,)
# The register is one for all regions: whoever works for an office may look a company up.
REGISTER_READERS = tuple(sorted(STAFF_ROLES))


def _live(row: Any) -> bool:
    return bool(row.origin == Origin.LIVE)


# -- companies ------------------------------------------------------------------------------------------------------


class PartyForm(forms.Form):
    """What the register says of a company."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields.update(
            fields_for_model(Party, fields=register.CORRECTABLE, widgets={"registered_on": DAY})
        )
        self.order_fields(("uscc", *register.CORRECTABLE))


class NewPartyForm(PartyForm):
    """A company that is not in the register yet."""

    uscc = forms.CharField(
        label=_("统一社会信用代码"), max_length=24, help_text=_("18 位数字和大写字母；校验位不符只作提示。")
    )


def _said(party: Party, done: str) -> str:
    return f"{done}{register.code_warning(party.uscc)}"


def _register(request: HttpRequest, obj: Any, given: dict[str, Any]) -> str:
    party = register.register_party(by=request.user, **given)  # type: ignore[arg-type]
    return _said(party, f"已登记{party.name}（{party.uscc}）。")


def _correct(request: HttpRequest, party: Party, given: dict[str, Any]) -> str:
    register.correct_party(party, by=request.user, **given)  # type: ignore[arg-type]
    return _said(party, f"{party.name}的登记已更正。")


@admin.register(Party)
class PartyAdmin(ActionOnlyAdmin):
    """单位 in either role."""

    public_key_fields = ("uscc",)
    read_as = "party"

    read_roles = REGISTER_READERS
    adding = Act(
        "add",
        _("登记单位"),
        _("登记后可以为其授予账号角色、作为合同一方。代码登记后不能更改。"),
        HANDLER,
        _register,
        form=NewPartyForm,
    )
    acts = (
        Act(
            "correct",
            _("更正登记"),
            _("更正后的内容用于此后的审查；已作出的决定所依据的内容不变。"),
            HANDLER,
            _correct,
            _live,
            PartyForm,
            initial=lambda party: {name: getattr(party, name) for name in register.CORRECTABLE},
        ),
    )
    list_display = ("uscc", "name", "is_enterprise", "is_provider", "region_code", "status", "origin")
    list_filter = ("is_enterprise", "is_provider", "status", "origin")
    search_fields = ("uscc", "name")
    ordering = ("name", "pk")
    show_full_result_count = False
    fields = (
        ("uscc", "name"),
        ("is_enterprise", "is_provider", "status"),
        ("region_code", "address"),
        ("registered_on", "registered_capital"),
        ("ownership", "size", "industry_code"),
        "legal_rep_name",
        ("phone", "email"),
        ("origin", "recorded_at"),
    )
    readonly_fields = ("origin", "recorded_at")

    def get_search_results(self, request: HttpRequest, queryset: Any, search_term: str) -> Any:
        found, distinct = super().get_search_results(request, queryset, search_term)
        if request.GET.get("model_name") == "rolegrant":  # a role is granted for companies in care only
            found = found.filter(pk__in=parties_in_care(request.user, Role.SECURITY_ADMIN).values("pk"))  # type: ignore[arg-type]
        return found, distinct


# -- admitted providers ---------------------------------------------------------------------------------------------


class AdmissionForm(forms.Form):
    """Which provider on which program's list."""

    provider = forms.ModelChoiceField(Party.objects.none(), label=_("服务商"))
    program = forms.ModelChoiceField(Program.objects.none(), label=_("专项"))
    batch = forms.CharField(label=_("批次"), max_length=60)
    service_item = forms.CharField(label=_("服务事项"), max_length=100, required=False)
    tier = forms.ChoiceField(label=_("类别"), required=False, choices=[("", "—"), *Tier.choices])
    effective_from = forms.DateField(label=_("入库日"), initial=dates.today, widget=DAY)
    effective_to = forms.DateField(
        label=_("出库日"), required=False, widget=DAY, help_text=_("当日起不再有效。")
    )

    def for_person(self, request: HttpRequest) -> None:
        """The own regions' programs, and every provider of the register."""
        self.fields["provider"].queryset = Party.objects.filter(is_provider=True, origin=Origin.LIVE)  # type: ignore[attr-defined]
        self.fields["program"].queryset = Program.objects.all().visible_to(request.user, *EDITOR)  # type: ignore[attr-defined]


class EndForm(ReasonForm):
    """From when, and why."""

    on = forms.DateField(label=_("自何日起出库"), initial=dates.today, widget=DAY)
    field_order = ("on", "reason")


def _admit(request: HttpRequest, obj: Any, given: dict[str, Any]) -> str:
    admission = register.admit_provider(given.pop("provider"), given.pop("program"), by=request.user, **given)  # type: ignore[arg-type]
    return f"已入库：{admission}。"


def _end(request: HttpRequest, admission: ProviderAdmission, given: dict[str, Any]) -> str:
    register.end_admission(admission, by=request.user, **given)  # type: ignore[arg-type]
    return f"{admission}：自 {admission.effective_to} 起出库。"


@admin.register(ProviderAdmission)
class ProviderAdmissionAdmin(ActionOnlyAdmin):
    """服务商入库, by program."""

    public_key_fields = ("entry_no",)
    read_roles = REGISTER_READERS
    adding = Act(
        "add",
        _("服务商入库"),
        _("入库后其算力合同可以作为该专项的补贴基数，其平台可以办理即时抵扣。"),
        EDITOR,
        _admit,
        form=AdmissionForm,
    )
    acts = (
        Act(
            "end",
            _("出库"),
            _("自所填日期起签订的合同不再计入；此前的不受影响。"),
            EDITOR,
            _end,
            lambda row: _live(row) and (row.effective_to is None or row.effective_to > dates.today()),
            EndForm,
        ),
    )
    list_display = (
        "entry_no",
        "provider",
        "program_code",
        "batch",
        "service_item",
        "effective_from",
        "effective_to",
    )
    list_filter = ("tier", "origin")
    list_select_related = ("provider",)
    search_fields = ("=entry_no", "provider__name", "provider__uscc", "program_code", "batch")
    fields = (
        ("provider", "program_code"),
        ("batch", "service_item", "tier"),
        ("effective_from", "effective_to"),
        ("origin", "recorded_at"),
    )
    readonly_fields = ("origin", "recorded_at")

    def region_of(self, obj: ProviderAdmission) -> Any:
        program = Program.objects.filter(code=obj.program_code).select_related("region").first()
        return program.region if program is not None else None

    def get_queryset(self, request: HttpRequest) -> QuerySet[ProviderAdmission]:
        programs = Program.objects.all().visible_to(request.user, *self.read_roles)
        return ProviderAdmission.objects.filter(program_code__in=programs.values("code"))


# -- who is connected to a platform ------------------------------------------------------------------------------------


class ConnectionForm(forms.Form):
    """Which party on which platform, by which document."""

    party = forms.ModelChoiceField(Party.objects.none(), label=_("单位"))
    platform = forms.CharField(
        label=_("平台名称"), max_length=120, help_text=_("例如：和林格尔集群算力监测调度平台。")
    )
    region = forms.ModelChoiceField(Region.objects.none(), label=_("平台所属地区"))
    program = forms.ModelChoiceField(
        Program.objects.none(), label=_("专项"), required=False, help_text=_("留空即适用于该地区的各专项。")
    )
    effective_from = forms.DateField(label=_("接入日"), initial=dates.today, widget=DAY)
    effective_to = forms.DateField(
        label=_("断开日"), required=False, widget=DAY, help_text=_("当日起不再接入；仍在接入的留空。")
    )
    document_no = forms.CharField(
        label=_("接入依据"), max_length=100, help_text=_("平台出具的接入通知、协议或验收文件的文号。")
    )

    def for_person(self, request: HttpRequest) -> None:
        """Every live party of the register; the own regions and their programs."""
        regions = Region.objects.filter(code__in=scope_of(request.user, *HANDLER).regions)
        self.fields["party"].queryset = Party.objects.filter(origin=Origin.LIVE).order_by("name")  # type: ignore[attr-defined]
        self.fields["region"].queryset = regions  # type: ignore[attr-defined]
        self.fields["program"].queryset = Program.objects.filter(region__in=regions, origin=Origin.LIVE)  # type: ignore[attr-defined]


class DisconnectForm(ReasonForm):
    """From when, and why."""

    on = forms.DateField(label=_("自何日起断开"), initial=dates.today, widget=DAY)
    field_order = ("on", "reason")


def _connect(request: HttpRequest, obj: Any, given: dict[str, Any]) -> str:
    row = register.connect_platform(given.pop("party"), by=request.user, **given)  # type: ignore[arg-type]
    return f"已登记接入：{row}，自 {row.effective_from} 起。"


def _disconnect(request: HttpRequest, row: PlatformConnection, given: dict[str, Any]) -> str:
    register.end_connection(row, by=request.user, **given)  # type: ignore[arg-type]
    return f"{row}：自 {row.effective_to} 起断开。"


@admin.register(PlatformConnection)
class PlatformConnectionAdmin(ActionOnlyAdmin):
    """平台接入: the record that conditions of connection rest on. What an applicant says of itself never enters here."""

    public_key_fields = ("entry_no",)
    read_roles = REGISTER_READERS
    adding = Act(
        "add",
        _("登记平台接入"),
        _("登记后，政策中“已接入平台”的条件按此核对；此前已作出的决定不变。"),
        HANDLER,
        _connect,
        form=ConnectionForm,
    )
    acts = (
        Act(
            "end",
            _("登记断开"),
            _("自所填日期起不再视为接入；此前的不受影响。"),
            HANDLER,
            _disconnect,
            lambda row: _live(row) and (row.effective_to is None or row.effective_to > dates.today()),
            DisconnectForm,
        ),
    )
    list_display = (
        "entry_no",
        "party",
        "platform",
        "program_code",
        "effective_from",
        "effective_to",
        "document_no",
    )
    list_filter = ("region_code", "origin")
    list_select_related = ("party",)
    search_fields = ("=entry_no", "party__name", "party__uscc", "platform", "program_code", "document_no")
    fields = (
        ("party", "platform"),
        ("region_code", "program_code"),
        ("effective_from", "effective_to"),
        "document_no",
        ("origin", "recorded_at"),
    )
    readonly_fields = ("origin", "recorded_at")

    def region_of(self, obj: PlatformConnection) -> Any:
        return Region.objects.filter(code=obj.region_code).first()

    def get_queryset(self, request: HttpRequest) -> QuerySet[PlatformConnection]:
        regions = scope_of(request.user, *self.read_roles).regions
        return PlatformConnection.objects.filter(region_code__in=regions)
