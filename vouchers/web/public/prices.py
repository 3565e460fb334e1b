"""The published fair prices for everybody: the table of a month, a chip over time, the method in words, and the files."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from datetime import date
from typing import Any

from django import forms
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import path, reverse
from django.utils.http import urlencode
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from vouchers.models import PriceIndexIssue, PriceIndexRow, PriceMethod
from vouchers.models.parties import Tier
from vouchers.models.prices import IssueState, Market, TermBucket
from vouchers.policy.prices.cells import CURRENCY_OF, UNIT_LABEL
from vouchers.policy.prices.regions import region_groups, region_label
from vouchers.policy.prices.verdicts import percent_text
from vouchers.web.charts import ChartPoint, price_chart

PER_PAGE = 50
GRADES = (
    ("A", _("A 级")),
    ("B", _("B 级")),
    ("C", _("C 级")),
    ("D", _("D 级（回退）")),
    ("E", _("E 级（专家）")),
)
COLUMNS = (
    "issue_no", "month", "accelerator", "form_factor", "tier", "region_group", "term_bucket", "level", "basis", "grade",
    "base", "lower", "upper", "phi", "q25", "q75", "n_groups", "n_t", "n_q", "delta1", "delta2", "input_set_hash",
    "output_hash",
)  # fmt: skip


class PriceFilter(forms.Form):
    """What to show. Every field may be left out; a value that is no choice is passed over, not refused."""

    accelerator = forms.ChoiceField(label=_("加速卡"), required=False)
    month = forms.ChoiceField(label=_("月份"), required=False)
    tier = forms.ChoiceField(label=_("供应方类别"), required=False, choices=[("", _("全部")), *Tier.choices])
    region_group = forms.ChoiceField(label=_("区域组"), required=False)
    term_bucket = forms.ChoiceField(
        label=_("租期"), required=False, choices=[("", _("全部")), *TermBucket.choices[:-1]]
    )
    grade = forms.ChoiceField(label=_("评级"), required=False, choices=[("", _("全部")), *GRADES])
    market = forms.ChoiceField(
        label=_("市场"),
        required=False,
        choices=[(Market.CHINA, _("国内")), (Market.REFERENCE, _("境外参考"))],
    )

    def __init__(self, *args: Any, market: str, months: list[date], chips: list[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        own: dict[str, Any] = {
            "accelerator": [("", _("全部")), *((chip, chip) for chip in chips)],
            "month": [(f"{month:%Y-%m}", f"{month.year}年{month.month}月") for month in months],
            "region_group": [("", _("全部")), *region_groups(market).items()],
        }
        for name, choices in own.items():
            self.fields[name] = forms.ChoiceField(
                label=self.fields[name].label, required=False, choices=choices
            )

    def chosen(self) -> dict[str, str]:
        """The sound choices by name."""
        self.is_valid()
        return {name: value for name, value in self.cleaned_data.items() if value}


def _market(request: HttpRequest) -> str:
    wanted = request.GET.get("market", "")
    return wanted if wanted in Market.values else Market.CHINA


def _published(market: str) -> QuerySet[PriceIndexIssue]:
    return PriceIndexIssue.objects.filter(market=market, state=IssueState.PUBLISHED).order_by("-month")


def _chosen_rows(
    request: HttpRequest,
) -> tuple[str, PriceIndexIssue | None, QuerySet[PriceIndexRow], PriceFilter]:
    """The market, the issue, its rows under the filter, and the filter itself."""
    market = _market(request)
    issues = list(_published(market))
    rows: QuerySet[PriceIndexRow] = PriceIndexRow.objects.none()
    issue = issues[0] if issues else None
    wanted = request.GET.get("month", "")
    issue = next((item for item in issues if f"{item.month:%Y-%m}" == wanted), issue)
    chips: list[str] = []
    if issue is not None:
        rows = issue.rows.all()
        chips = list(rows.order_by("accelerator").values_list("accelerator", flat=True).distinct())
    initial = {**request.GET.dict(), "market": market, "month": f"{issue.month:%Y-%m}" if issue else ""}
    form = PriceFilter(initial, market=market, months=[item.month for item in issues], chips=chips)
    chosen = form.chosen()
    for name in ("accelerator", "tier", "region_group", "term_bucket", "grade"):
        if chosen.get(name):
            rows = rows.filter(**{name: chosen[name]})
    return market, issue, rows.select_related("issue"), form


@require_safe
def prices(request: HttpRequest) -> HttpResponse:
    """The published rows of a month, the latest by default."""
    market, issue, rows, form = _chosen_rows(request)
    page = Paginator(rows.exclude(base=None), PER_PAGE).get_page(request.GET.get("page"))
    untold = rows.filter(base=None).count() if issue is not None else 0
    context = {
        "issue": issue,
        "page": page,
        "form": form,
        "untold": untold,
        "regions": region_groups(market),
        "unit": UNIT_LABEL[market],
        "market": market,
        "reference": market == Market.REFERENCE,
        "method": issue.method if issue is not None else _method(market),
        "query": urlencode(
            {key: str(value) for key, value in request.GET.items() if key in form.fields and value}
            | {"market": market}
        ),
    }
    return render(request, "public/prices.html", context)


def _method(market: str) -> PriceMethod | None:
    return PriceMethod.objects.filter(market=market).order_by("-version").first()


@require_safe
def price_chip(request: HttpRequest, accelerator: str) -> HttpResponse:
    """One chip over the months: the cell asked for, or the one with the most published prices."""
    market = _market(request)
    rows = PriceIndexRow.objects.filter(
        accelerator=accelerator, issue__market=market, issue__state=IssueState.PUBLISHED
    ).select_related("issue")
    cells: dict[str, list[PriceIndexRow]] = {}
    for row in rows.order_by("cell", "issue__month"):
        cells.setdefault(row.cell, []).append(row)
    if not cells:
        raise Http404("没有该加速卡的公布价格")
    ranked = sorted(cells, key=lambda code: (-_weight(cells[code]), code))
    cell = request.GET.get("cell", "")
    cell = cell if cell in cells else ranked[0]
    shown = cells[cell]
    months = list(_published(market).order_by("month").values_list("month", flat=True))
    by_month = {row.issue.month: row for row in shown}
    points = [_point(month, by_month.get(month)) for month in months]
    context = {
        "accelerator": accelerator,
        "market": market,
        "reference": market == Market.REFERENCE,
        "unit": UNIT_LABEL[market],
        "cell": cell,
        "label": _label(shown[0]),
        "choices": [{"code": code, "label": _label(cells[code][0])} for code in ranked],
        "chart": price_chart(points, unit=UNIT_LABEL[market]),
        "rows": [
            {"row": row, "phi": percent_text(row.phi) if row.phi is not None else ""}
            for row in reversed(shown)
        ],
        "latest": next((row for row in reversed(shown) if row.base is not None), None),
        "method": shown[-1].issue.method,
        "list_url": f"{reverse('public:prices')}?{urlencode({'market': market})}",
    }
    return render(request, "public/price_chip.html", context)


def _weight(rows: list[PriceIndexRow]) -> int:
    """How much a cell's history tells: prices that may decide count four times."""
    return sum(4 if row.grade in ("A", "B", "C") else 1 for row in rows if row.base is not None)


def _point(month: date, row: PriceIndexRow | None) -> ChartPoint:
    if row is None or row.base is None:
        return ChartPoint(month, None)
    return ChartPoint(month, row.base, row.lower, row.upper, row.grade in ("D", "E"), f"{row.grade} 级")


def _label(row: PriceIndexRow) -> str:
    parts = [
        f"{row.accelerator} {row.form_factor}".strip(),
        row.get_tier_display(),
        region_label(row.issue.market, row.region_group),
        row.get_term_bucket_display(),
    ]
    return "／".join(str(part) for part in parts)


def _plain(row: PriceIndexRow) -> dict[str, str]:
    values = {"issue_no": row.issue.issue_no, "month": f"{row.issue.month:%Y-%m}"}
    for name in COLUMNS[2:]:
        value = getattr(row, name)
        values[name] = "" if value is None else str(value)
    return values


@require_safe
def prices_csv(request: HttpRequest) -> HttpResponse:
    """The rows under the filter as CSV (UTF-8 with byte order mark, for spreadsheets)."""
    market, issue, rows, _form = _chosen_rows(request)
    response = HttpResponse(content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{_file_name(market, issue)}.csv"'
    response.write("\ufeff")
    writer = csv.writer(response)
    writer.writerow([*COLUMNS, "unit"])
    for values in _each(rows):
        writer.writerow([*(_safe(values[name]) for name in COLUMNS), UNIT_LABEL[market]])
    return response


@require_safe
def prices_json(request: HttpRequest) -> HttpResponse:
    """The rows under the filter as JSON: each with its whole record, whose hash anybody can compute again."""
    market, issue, rows, _form = _chosen_rows(request)
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


def _each(rows: QuerySet[PriceIndexRow]) -> Iterator[dict[str, str]]:
    for row in rows:
        yield _plain(row)


def _safe(text: str) -> str:
    """Text that no spreadsheet takes for a formula."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@") else text


def _file_name(market: str, issue: PriceIndexIssue | None) -> str:
    return issue.issue_no if issue is not None else f"PI-{market}"


urlpatterns = [
    path("prices/", prices, name="prices"),
    path("prices.csv", prices_csv, name="prices_csv"),
    path("prices.json", prices_json, name="prices_json"),
    path("prices/<str:accelerator>/", price_chip, name="price_chip"),
]
