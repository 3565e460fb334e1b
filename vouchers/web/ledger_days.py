"""日结与核对: the pages that finance and auditors share: every day's trial balance, and every night's look at the ledger."""

from __future__ import annotations

from datetime import date
from itertools import groupby
from typing import Any

from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from vouchers.models import DayClose, LedgerCheck, Program
from vouchers.models.ledger import AccountKind, Ledger

PAGE = 31
CHECKS = 10
KINDS = {kind: place for place, kind in enumerate(AccountKind.values)}


def days(request: HttpRequest, surface: str) -> HttpResponse:
    """The closes, the newest first, and the last checks."""
    checks = list(LedgerCheck.objects.order_by("-pk")[:CHECKS])
    page = Paginator(DayClose.objects.order_by("-day"), PAGE).get_page(request.GET.get("page"))
    context = {"page": page, "checks": checks, "last": checks[0] if checks else None, "surface": surface}
    return render(request, "desk/ledger_days.html", context)


def day(request: HttpRequest, surface: str, day: str) -> HttpResponse:
    """One close with its lines. Lines of programs that the reader has nothing to do with are summed up, not shown."""
    try:
        row = DayClose.objects.filter(day=date.fromisoformat(day)).first()
    except ValueError:
        row = None
    if row is None:
        raise Http404
    programs = dict(Program.objects.visible_to(request.user).values_list("code", "name"))
    ledgers = []
    shown = sorted(row.lines.all(), key=lambda line: (line.ledger != Ledger.MONEY, line.ledger))
    for ledger, lines in groupby(shown, key=lambda line: line.ledger):
        ledgers.append({"label": Ledger(ledger).label, "lines": _lines(list(lines), programs)})
    context = {
        "row": row,
        "ledgers": ledgers,
        "surface": surface,
        "crumbs": [(_("台账日结"), reverse(f"{surface}:ledger_days"))],
        "previous": DayClose.objects.filter(day__lt=row.day).order_by("-day").first(),
        "following": DayClose.objects.filter(day__gt=row.day).order_by("day").first(),
    }
    return render(request, "desk/ledger_day.html", context)


COUNTERS = (
    "moved_debits_posted",
    "moved_credits_posted",
    "debits_pending",
    "debits_posted",
    "credits_pending",
    "credits_posted",
)


def _lines(lines: list[Any], programs: dict[str, str]) -> list[dict[str, Any]]:
    """By kind and program; those of other programs together."""

    def whose(line: Any) -> str:
        if not line.program_code:
            return ""
        return line.program_code if line.program_code in programs else "…"

    lines.sort(key=lambda line: (KINDS[line.kind], whose(line)))
    return [
        {
            "kind": AccountKind(kind).label,
            "program": {"": _("各专项共用"), "…": _("其他专项合计")}.get(who, who),
            **{name: sum(getattr(line, name) for line in group) for name in COUNTERS},
        }
        for (kind, who), rows in groupby(lines, key=lambda line: (line.kind, whose(line)))
        for group in [list(rows)]
    ]
