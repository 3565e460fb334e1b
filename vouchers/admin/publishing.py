"""What the second person reads before publishing: every change, what it does to caps and open cases, what it would cost."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from vouchers import dates
from vouchers.actions.caps import CapChange, cap_changes
from vouchers.actions.policy_reach import Reached, count_reached, reach_of
from vouchers.actions.policy_soundness import scheme_to_read
from vouchers.admin.differences import compared, predecessor_of
from vouchers.admin.dry_runs import impact_beside
from vouchers.admin.version_pages import version_address
from vouchers.errors import Problems
from vouchers.models import PolicyVersion, Publication
from vouchers.policy.opening import closed_reasons


def publish_beside(request: HttpRequest, version: PolicyVersion) -> dict[str, Any]:
    """For `Act.beside`."""
    panel: dict[str, Any] = {"impact": impact_beside(request, version), "first": False}
    before = predecessor_of(version)
    try:
        scheme = scheme_to_read(version)
        panel["closed"] = closed_reasons(scheme)
        if before is None:
            panel["first"] = True
        else:
            panel["comparison"] = compared(before, version)
            panel["address"] = f"{version_address(version, 'compare')}?to={before.number}"
            panel["caps"] = _caps(version, before)
        reach = reach_of(version.program, scheme)
        panel |= {"reach": reach, "reached": count_reached(reach) if reach else Reached()}
    except Problems as refusal:
        panel["incomplete"] = refusal
    return _beside(version, _("发布前请核对"), panel)


def propose_beside(request: HttpRequest, version: PolicyVersion) -> dict[str, Any]:
    """For `Act.beside` of proposing: what would keep it closed, and what it would cost."""
    panel: dict[str, Any] = {"impact": impact_beside(request, version)}
    try:
        panel["closed"] = closed_reasons(scheme_to_read(version))
    except Problems as refusal:
        panel["incomplete"] = refusal
    return _beside(version, _("提请前请核对"), panel)


def _beside(version: PolicyVersion, title: Any, panel: dict[str, Any]) -> dict[str, Any]:
    return {
        "title": title,
        "template": "admin/vouchers/parts/before_publishing.html",
        "panel": panel
        | {"text": version_address(version, "text"), "examples": version_address(version, "examples")},
        "styles": ("css/components.css", "css/version-pages.css"),
    }


def _caps(version: PolicyVersion, before: PolicyVersion) -> list[CapChange]:
    scheme = scheme_to_read(version)
    return cap_changes(scheme_to_read(before), scheme, scheme.effective_from or dates.today())


def reached_by(publication: Publication) -> dict[str, Any] | None:
    """How many cases a published version's reach concerns now; None where its text does not reach back."""
    reach = reach_of(publication.program, publication.scheme, publication)
    return None if reach is None else {"reach": reach, "reached": count_reached(reach)}
