"""The configuration's site: Django's admin, entered by role grants alone, through the same sign-in page as everything else.

Kept apart from ``vouchers.admin``, which registers its pages on this site and so cannot be loaded before it.
"""

from __future__ import annotations

from functools import update_wrapper
from typing import Any

from django.contrib.admin import AdminSite
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme, urlencode
from django.utils.translation import gettext_lazy as _

from vouchers.access import CONFIGURATION_ROLES, STAFF_ROLES, Role, has_role
from vouchers.errors import Forbidden
from vouchers.web.navigation import Surface, register_surface

# The groups of the front page, in the order in which a scheme is set up.
GROUPS: tuple[tuple[Any, tuple[str, ...]], ...] = (
    (_("政策"), ("Program", "PolicyVersion", "Publication")),
    (
        _("价格"),
        (
            "PriceIndexIssue",
            "PriceIndexRow",
            "PriceObservation",
            "PriceFile",
            "ReportingDuty",
            "PriceReport",
            "ChipModel",
            "FxRate",
            "PriceMethod",
        ),
    ),
    (
        _("单位"),
        (
            "Party",
            "ProviderAdmission",
            "PlatformConnection",
            "BankAccount",
            "Listing",
            "Shareholding",
            "DeclaredAffiliation",
        ),
    ),
    (_("信用"), ("SupervisionTable", "DebarmentList")),
    (_("拨付与追回"), ("PaymentBand", "RecoveryTerm")),
    (_("人员与权限"), ("User", "RoleGrant", "ApiCredential", "Webhook", "Region")),
)
LANDS_HERE = CONFIGURATION_ROLES | {Role.SECURITY_ADMIN, Role.FINANCE}


def register_configuration() -> None:
    """Called once by the app when it is ready."""
    register_surface(Surface("configuration", str(_("配置")), "admin:index", roles=LANDS_HERE, order=40))


class ConfigurationSite(AdminSite):
    """Whoever holds a role of the office may enter; what is seen there is each page's own rule. ``is_staff`` and
    ``is_superuser`` open nothing."""

    site_title = _("配置")
    index_title = _("配置")
    enable_nav_sidebar = True

    def has_permission(self, request: HttpRequest) -> bool:
        return has_role(request.user, *STAFF_ROLES)

    def admin_view(self, view: Any, cacheable: bool = False) -> Any:
        """Visitors sign in first; the signed-in without a role of the office are refused (403 ``configuration.staff_only``)."""
        inner = super().admin_view(view, cacheable)

        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            if request.user.is_authenticated and not self.has_permission(request):
                raise Forbidden(
                    "configuration.staff_only",
                    "配置页面供本机关工作人员使用。",
                    hint="如因岗位需要，请联系本机关安全管理员授权。",
                )
            return inner(request, *args, **kwargs)

        return update_wrapper(guarded, inner)

    def login(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """The one sign-in page of the whole site."""
        wanted = request.GET.get(REDIRECT_FIELD_NAME, "")
        if not url_has_allowed_host_and_scheme(wanted, {request.get_host()}):
            wanted = reverse("admin:index")
        if self.has_permission(request):
            return HttpResponseRedirect(wanted)
        query = urlencode({REDIRECT_FIELD_NAME: wanted})
        return HttpResponseRedirect(f"{reverse('accounts:login')}?{query}")

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        """The front page; who works on prices sees there what waits."""
        from vouchers.web.price_tasks import (
            shown_price_tasks,
        )  # models, which are not loaded yet when this module is

        return super().index(
            request, {"price_tasks": shown_price_tasks(request.user), **(extra_context or {})}
        )

    def password_change(self, request: HttpRequest, extra_context: Any = None) -> Any:
        return HttpResponseRedirect(reverse("accounts:password_change"))

    def password_change_done(self, request: HttpRequest, extra_context: Any = None) -> Any:
        return HttpResponseRedirect(reverse("accounts:password_change_done"))

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> list[Any]:
        """The pages by subject, each only to those who may see it."""
        found = {
            page["object_name"]: page
            for app in super().get_app_list(request, app_label)
            for page in app["models"]
        }
        groups = []
        for number, (name, members) in enumerate(GROUPS):
            pages = [found.pop(member) for member in members if member in found]
            if pages:
                groups.append(
                    {
                        "name": name,
                        "app_label": f"group-{number}",
                        "app_url": "",
                        "has_module_perms": True,
                        "models": pages,
                    }
                )
        if found:
            groups.append(
                {
                    "name": _("其他"),
                    "app_label": "group-other",
                    "app_url": "",
                    "has_module_perms": True,
                    "models": [*found.values()],
                }
            )
        return groups
