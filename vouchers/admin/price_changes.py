"""The page on which a second person sees what an issue of prices changes: every cell beside another issue, and what moved it."""

from __future__ import annotations

from collections import Counter
from typing import Any

from django.contrib import admin
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext_lazy as _

from vouchers.actions.price_changes import (
    CHANGED,
    JUMPED,
    KINDS,
    CellChange,
    changes_between,
    compared_with,
    drivers_of,
)
from vouchers.actions.price_explorer import names_of
from vouchers.models import PriceIndexIssue
from vouchers.policy.fair_price import Cell
from vouchers.policy.prices.cells import UNIT_LABEL
from vouchers.policy.prices.regions import region_label
from vouchers.policy.prices.verdicts import percent_text
from vouchers.web.price_files import csv_attachment

PER_PAGE = 50
MOST_NAMED = 12  # groups named in a line; the explorer has all
FILE_COLUMNS = (
    "kind", "cell", "base_before", "base_after", "change", "lower_before", "upper_before", "lower_after", "upper_after",
    "grade_before", "grade_after", "level_before", "level_after", "groups_before", "groups_after",
)  # fmt: skip


def headline(issue: PriceIndexIssue, against: PriceIndexIssue) -> dict[str, Any]:
    """How many cells of each kind, the jumps by name, and the first person's text."""
    changes = changes_between(issue, against)
    return {
        "issue": issue,
        "against": against,
        "counts": _counts(changes),
        "jumps": [_row(one) for one in changes if one.kind == JUMPED],
        "address": reverse("admin:vouchers_priceindexissue_changes", args=[issue.issue_no]),
    }


def _counts(changes: list[CellChange]) -> list[dict[str, Any]]:
    counts = Counter(one.kind for one in changes)
    return [{"kind": kind, "word": word, "count": counts[kind]} for kind, word in KINDS.items()]


def _row(one: CellChange) -> dict[str, Any]:
    cell = Cell.parse(one.cell)
    return {
        "one": one,
        "kind": one.kind,
        "word": KINDS[one.kind],
        "label": cell.label(region_label(cell.market, cell.region_group)),
        "change": "—"
        if one.change is None
        else f"{'+' if one.change > 0 else '−' if one.change < 0 else ''}{percent_text(abs(one.change))}",
    }


def changes_view(request: HttpRequest, issue: PriceIndexIssue, *, back: str) -> HttpResponse:
    """Every cell, by kind; those that jumped, and the one asked for, with what moved them."""
    choices = compared_with(issue)
    wanted = request.GET.get("against", "")
    against = next((one for one in choices if one.issue_no == wanted), choices[0] if choices else None)
    context: dict[str, Any] = {
        **admin.site.each_context(request),
        "title": _("与前期比较"),
        "issue": issue,
        "against": against,
        "choices": choices,
        "back": back,
        "unit": UNIT_LABEL[issue.market],
    }
    if against is None:
        return TemplateResponse(request, "admin/vouchers/price_changes.html", context)
    changes = changes_between(issue, against)
    kind = request.GET.get("kind", "")
    kind = kind if kind in KINDS else ""
    shown = [one for one in changes if one.kind == kind] if kind else changes
    if request.GET.get("file") == "csv":
        name = f"{issue.issue_no}-{against.issue_no}.csv"
        return csv_attachment(
            request, name, FILE_COLUMNS, (_plain(one) for one in shown), "price_changes", issue.issue_no
        )
    page = Paginator(shown, PER_PAGE).get_page(request.GET.get("page"))
    asked = request.GET.get("cell", "")
    rows = []
    for one in page.object_list:
        drawn = _row(one)
        if one.kind == JUMPED or (one.cell == asked and one.kind == CHANGED):
            drawn["drivers"] = _drivers(issue, against, one.cell)
        rows.append(drawn)
    query = {"against": against.issue_no, "kind": kind}
    context |= {
        "counts": _counts(changes),
        "all": len(changes),
        "kind": kind,
        "page": page,
        "rows": rows,
        "query": urlencode(query),
        "csv": "?" + urlencode(query | {"file": "csv"}),
        "explorer": reverse("admin:vouchers_priceindexrow_explore"),
    }
    return TemplateResponse(request, "admin/vouchers/price_changes.html", context)


def _drivers(issue: PriceIndexIssue, against: PriceIndexIssue, cell: str) -> dict[str, Any]:
    found = drivers_of(issue, against, cell)
    names = names_of(name for group in (found.entered, found.left, found.moved) for name, *_prices in group)

    def told(pairs: list[Any]) -> list[dict[str, Any]]:
        return [
            {"name": names.get(name, name), "before": prices[0], "after": prices[-1]}
            for name, *prices in pairs[:MOST_NAMED]
        ]

    return {
        "entered": told(found.entered),
        "left": told(found.left),
        "moved": told(found.moved),
        "counts": (len(found.entered), len(found.left), len(found.moved), found.unmoved),
        "more": max(0, max(len(found.entered), len(found.left), len(found.moved)) - MOST_NAMED),
        "steady": found.steady,
    }


def _plain(one: CellChange) -> list[str]:
    def of(row: Any, name: str) -> str:
        value = getattr(row, name, None)
        return "" if value is None else str(value)

    before, after = one.before, one.after
    return [
        KINDS[one.kind], one.cell, of(before, "base"), of(after, "base"), "" if one.change is None else str(one.change),
        of(before, "lower"), of(before, "upper"), of(after, "lower"), of(after, "upper"), of(before, "grade"), of(after, "grade"),
        of(before, "level"), of(after, "level"), of(before, "n_groups"), of(after, "n_groups"),
    ]  # fmt: skip
