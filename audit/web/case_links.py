"""Where auditors read a case that a page of the lower floors names: its whole story in the trail."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.urls import reverse

from applications.models import Application, Claim
from vouchers.access import AUDIT_ROLES, has_role


def story_links(user: Any, numbers: Sequence[str]) -> dict[str, str]:
    """The stories of those cases that are in the person's scope."""
    if not has_role(user, *AUDIT_ROLES):
        return {}
    links: dict[str, str] = {}
    for model, kind in ((Application, "application"), (Claim, "claim")):
        column = f"{kind}_no"
        rows = model.objects.visible_to(user, *AUDIT_ROLES).filter(**{f"{column}__in": numbers})
        links |= {
            number: reverse("audit:trail-story", args=[kind, number])
            for number in rows.values_list(column, flat=True)
        }
    return links


def story_link(user: Any, kind: str, number: str) -> str:
    """The story of a case that a page of the lower floors shows; the page itself has looked whether the case is in the person's scope."""
    if not number or not has_role(user, *AUDIT_ROLES):
        return ""
    return reverse("audit:trail-story", args=[kind, number])
