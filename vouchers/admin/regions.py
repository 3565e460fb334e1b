"""行政区划: added and renamed by system administrators, read by every member of staff."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from vouchers.access import STAFF_ROLES, Role
from vouchers.actions import regions
from vouchers.admin.acts import Act, ActionOnlyAdmin
from vouchers.admin.scoped import rows_in_scope
from vouchers.models import Region

SYSTEM = (Role.SYSTEM_ADMIN,)


class NameForm(forms.Form):
    """A division's name."""

    name = forms.CharField(label=_("名称"), max_length=60)


class RegionForm(NameForm):
    """A new division."""

    code = forms.CharField(
        label=_("行政区划代码"), max_length=6, help_text=_("六位数字，按国家统计局统计用区划代码。")
    )
    parent = forms.ModelChoiceField(
        Region.objects.none(), label=_("上级"), required=False, help_text=_("省级和不属于所列地区的留空。")
    )
    field_order = ("code", "name", "parent")

    def for_person(self, request: HttpRequest) -> None:
        """Below the own regions."""
        self.fields["parent"].queryset = rows_in_scope(Region, request)  # type: ignore[attr-defined]


def _add_region(request: HttpRequest, obj: Any, given: dict[str, Any]) -> str:
    return f"已登记{regions.add_region(by=request.user, **given)}。"  # type: ignore[arg-type]


def _rename(request: HttpRequest, region: Region, given: dict[str, Any]) -> str:
    return f"已更名为{regions.rename_region(region, by=request.user, **given)}。"  # type: ignore[arg-type]


@admin.register(Region)
class RegionAdmin(ActionOnlyAdmin):
    """行政区划 are public knowledge: every member of staff reads them all."""

    public_key_fields = ("code",)

    read_roles = tuple(sorted(STAFF_ROLES))
    adding = Act(
        "add",
        _("登记行政区划"),
        _(
            "登记后由安全管理员授予角色，即可在该地区设立专项。没有上级的，先由安全管理员授予该地区的安全管理员。"
        ),
        SYSTEM,
        _add_region,
        form=RegionForm,
    )
    acts = (
        Act(
            "rename",
            _("更名"),
            _("只更改名称，代码不变。"),
            SYSTEM,
            _rename,
            form=NameForm,
            initial=lambda region: {"name": region.name},
        ),
    )
    list_display = ("code", "name", "above")
    list_select_related = ("parent",)
    search_fields = ("code", "name")
    fields = ("code", "name", "above")

    @admin.display(description=_("上级"), ordering="parent__code", empty_value="—")
    def above(self, obj: Region) -> Region | None:
        """The division that it lies in."""
        return obj.parent

    def region_of(self, obj: Region) -> Region:
        return obj

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_view_permission(request)
