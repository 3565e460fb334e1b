"""The published fair prices to take home: a month's rows, a cell's history, as CSV for spreadsheets and as JSON to recompute."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.urls import path
from django.views.decorators.http import require_safe

from vouchers.models import PriceIndexIssue, PriceIndexRow
from vouchers.policy.prices.cells import CURRENCY_OF, UNIT_LABEL
from vouchers.web.price_files import csv_answer
from vouchers.web.price_history import published_rows
from vouchers.web.public.prices import chosen_rows, market_asked

COLUMNS = (
    "issue_no", "month", "accelerator", "form_factor", "tier", "region_group", "term_bucket", "level", "basis", "grade",
    "base", "lower", "upper", "phi", "q25", "q75", "n_groups", "n_t", "n_q", "delta1", "delta2", "input_set_hash",
    "output_hash",
)  # fmt: skip


def _plain(row: PriceIndexRow) -> list[str]:
    own = [row.issue.issue_no, f"{row.issue.month:%Y-%m}"]
    values = (getattr(row, name) for name in COLUMNS[2:])
    unit = UNIT_LABEL[row.issue.market]
    return [*own, *("" if value is None else str(value) for value in values), unit]


@require_safe
def prices_csv(request: HttpRequest) -> HttpResponse:
    """The rows under the filter."""
    market, issue, rows, _form = chosen_rows(request)
    return csv_answer(_file_name(market, issue), [*COLUMNS, "unit"], (_plain(row) for row in rows))


@require_safe
def price_history_csv(request: HttpRequest) -> HttpResponse:
    """All published months of the ``cell`` in the address."""
    rows = _history(request)
    name = "price-history-" + "-".join(part for part in rows[0].cell.split("/") if part)
    return csv_answer(name, [*COLUMNS, "unit"], (_plain(row) for row in rows))


def _history(request: HttpRequest) -> list[PriceIndexRow]:
    cell = request.GET.get("cell", "")
    found: QuerySet[PriceIndexRow] = published_rows(market_asked(request)).filter(cell=cell)
    rows = list(found.select_related("issue").order_by("issue__month"))
    if not rows:
        raise Http404("没有该单元的公布价格")
    return rows


@require_safe
def prices_json(request: HttpRequest) -> HttpResponse:
    """The rows under the filter as JSON: each with its whole record, whose hash anybody can compute again."""
    market, issue, rows, _form = chosen_rows(request)
    content: dict[str, Any] = {
        "market": market,
        "currency": CURRENCY_OF[market],
        "unit": UNIT_LABEL[market],
        "rows": [],
    }
    if issue is not None:
        content |= {
            "issue_no": issue.issue_no,
            "month": f"{issue.month:%Y-%m}",
            "as_of": issue.as_of.isoformat(),
            "published_at": issue.published_at.isoformat() if issue.published_at else None,
            "method": issue.method.params,
            "rows_hash": issue.rows_hash,
            "snapshot_sha256": issue.snapshot.sha256,
            "rows": [{"record": row.record, "sentence": row.sentence} for row in rows],
        }
    return JsonResponse(content, json_dumps_params={"ensure_ascii": False})


def _file_name(market: str, issue: PriceIndexIssue | None) -> str:
    return issue.issue_no if issue is not None else f"PI-{market}"


urlpatterns = [
    path("prices.csv", prices_csv, name="prices_csv"),
    path("prices.json", prices_json, name="prices_json"),
    path("prices-history.csv", price_history_csv, name="price_history_csv"),
]
