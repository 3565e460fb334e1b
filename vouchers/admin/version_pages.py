"""The pages and panels that stand on a policy version's page: each registers itself, the version's page shows them.

A page has an address of its own under the version's (`…/policyversion/BJ-AIQ-1/dry-run/`) and a link on the version's page.
A panel is a part of the version's page itself: a template with a context. Register when the app is ready or when the
admin's modules are imported; both are before the addresses are built.

    register_version_page(VersionPage("dry-run", _("测算影响"), dry_run_view, roles=(Role.POLICY_EDITOR,)))

    def dry_run_view(request, version):            # the version is found in the viewer's scope already
        context = version_context(request, version, _("测算影响")) | {"report": ...}
        return TemplateResponse(request, "admin/vouchers/dry_run.html", context)

Its address is `version_address(version, "dry-run")`, named `admin:vouchers_policyversion_dry-run`. A page of several
addresses registers several; those with an empty label have no link (`route="dry-run/<slug:job_no>/"`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse

from vouchers.access import has_role
from vouchers.admin.scoped import admin_address
from vouchers.models import PolicyVersion


def _always(version: PolicyVersion) -> bool:
    return True


@dataclass(frozen=True)
class VersionPage:
    """A page of a version. `view(request, version, **from_the_route)` answers; `roles` are held for the version's region,
    empty means whoever may read the version. `ready(version)` says whether its link is shown now. Give `route` the suffix
    of the address where it is not simply the name."""

    name: str
    label: Any
    view: Callable[..., HttpResponse]
    route: str = ""
    roles: tuple[str, ...] = ()
    ready: Callable[[PolicyVersion], bool] = _always
    help: Any = ""
    order: int = 50

    @property
    def suffix(self) -> str:
        """What follows the version's address."""
        return self.route or f"{self.name}/"

    def open_to(self, request: HttpRequest, version: PolicyVersion) -> bool:
        """Whether this person may open it."""
        return not self.roles or has_role(request.user, *self.roles, region=version.program.region)


@dataclass(frozen=True)
class VersionPanel:
    """A part of the version's page, drawn by `template` with what `context(request, version)` gives; None: not shown now.

    It stands after the section whose key is `section` (`vouchers.admin.version_sections`), or below all of them. It stands
    outside of the version's form: it may have forms of its own.
    """

    name: str
    title: Any
    template: str
    context: Callable[[HttpRequest, PolicyVersion], dict[str, Any] | None]
    roles: tuple[str, ...] = ()
    order: int = 50


@dataclass
class _Registered:
    pages: dict[str, VersionPage] = field(default_factory=dict)
    panels: dict[str, VersionPanel] = field(default_factory=dict)


_registered = _Registered()


def register_version_page(page: VersionPage) -> VersionPage:
    """Add a page; the same name again replaces it."""
    _registered.pages[page.name] = page
    return page


def register_version_panel(panel: VersionPanel) -> VersionPanel:
    """Add a panel; the same name again replaces it."""
    _registered.panels[panel.name] = panel
    return panel


def version_pages() -> list[VersionPage]:
    """In their order."""
    return sorted(_registered.pages.values(), key=lambda page: page.order)


def version_panels() -> list[VersionPanel]:
    """In their order."""
    return sorted(_registered.panels.values(), key=lambda panel: panel.order)


def version_address(version: PolicyVersion, page: str = "change", *more: Any) -> str:
    """The address of a version's page; `more` is what its route takes beside the version."""
    return admin_address(version, page, *more)


def version_context(request: HttpRequest, version: PolicyVersion, title: Any) -> dict[str, Any]:
    """What a page of a version needs for its head: who, where, and the way back."""
    return {
        **admin.site.each_context(request),
        "title": title,
        "opts": PolicyVersion._meta,
        "original": version,
        "version": version,
        "back": version_address(version),
    }
