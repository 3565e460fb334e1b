"""Where the desk's people read a case that a page of the lower floor names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.urls import reverse

from applications.models import Application, Claim
from vouchers.access import DESK_ROLES, has_role
from vouchers.models import Clawback


def desk_links(user: Any, numbers: Sequence[str]) -> dict[str, str]:
    """The desk's pages of those cases that are in the person's scope."""
    if not has_role(user, *DESK_ROLES):
        return {}
    links: dict[str, str] = {}
    for model, column, page in (
        (Application, "application_no", "desk:application"),
        (Claim, "claim_no", "desk:claim"),
        (Clawback, "clawback_no", "desk:clawback"),
    ):
        rows = model.objects.visible_to(user, *DESK_ROLES).filter(**{f"{column}__in": numbers})
        links |= {number: reverse(page, args=[number]) for number in rows.values_list(column, flat=True)}
    return links
