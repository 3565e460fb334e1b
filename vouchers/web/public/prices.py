"""The published fair prices for everybody: the table of a month, a chip over time, all issues, and the method in words."""

from __future__ import annotations

from datetime import date
from typing import Any

from django import forms
from django.core.paginator import Paginator
from django.db.models import Count, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import path, reverse
from django.utils.http import urlencode
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from vouchers.models import ChipModel, PriceIndexIssue, PriceIndexRow, PriceMethod
from vouchers.models.parties import Tier
from vouchers.models.prices import IssueState, Market, TermBucket
from vouchers.policy.prices.cells import UNIT_LABEL
from vouchers.policy.prices.regions import region_groups
from vouchers.policy.prices.verdicts import percent_text
from vouchers.web.price_history import PriceHistory, cell_label, published_rows, suppliers_text

PER_PAGE = 50
GRADES = (
    ("A", _("A 级")),
    ("B", _("B 级")),
    ("C", _("C 级")),
    ("D", _("D 级（回退）")),
    ("E", _("E 级（专家）")),
)
OUT = (IssueState.PUBLISHED, IssueState.SUPERSEDED)


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


def market_asked(request: HttpRequest) -> str:
    """The market of the address; what is none is passed over."""
    wanted = request.GET.get("market", "")
    return wanted if wanted in Market.values else Market.CHINA


def _published(market: str) -> QuerySet[PriceIndexIssue]:
    return PriceIndexIssue.objects.filter(market=market, state=IssueState.PUBLISHED).order_by("-month")


def chosen_rows(
    request: HttpRequest,
) -> tuple[str, PriceIndexIssue | None, QuerySet[PriceIndexRow], PriceFilter]:
    """The market, the issue, its rows under the filter, and the filter itself. An ``issue`` in the address names one that was
    published and may have been replaced since; else it is the one that holds in the ``month``, the latest by default."""
    market = market_asked(request)
    issues = list(_published(market))
    rows: QuerySet[PriceIndexRow] = PriceIndexRow.objects.none()
    issue = issues[0] if issues else None
    wanted = request.GET.get("month", "")
    issue = next((item for item in issues if f"{item.month:%Y-%m}" == wanted), issue)
    if named := request.GET.get("issue", ""):
        issue = get_object_or_404(PriceIndexIssue, issue_no=named, market=market, state__in=OUT)
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
    market, issue, rows, form = chosen_rows(request)
    page = Paginator(rows.exclude(base=None), PER_PAGE).get_page(request.GET.get("page"))
    untold = rows.filter(base=None).count() if issue is not None else 0
    context: dict[str, Any] = {
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
            {
                key: str(value)
                for key, value in request.GET.items()
                if (key in form.fields or key == "issue") and value
            }
            | {"market": market}
        ),
    }
    if replaced_by := _replaced_by(issue):
        context["replaced_by"] = replaced_by
        context["replaced_url"] = (
            f"{reverse('public:prices')}?{urlencode({'market': market, 'issue': replaced_by.issue_no})}"
        )
    return render(request, "public/prices.html", context)


def _method(market: str) -> PriceMethod | None:
    return PriceMethod.objects.filter(market=market).order_by("-version").first()


def _replaced_by(issue: PriceIndexIssue | None) -> PriceIndexIssue | None:
    if issue is None or issue.state != IssueState.SUPERSEDED:
        return None
    return _published(issue.market).filter(month=issue.month).first()


@require_safe
def price_chip(request: HttpRequest, accelerator: str) -> HttpResponse:
    """One chip over the months: the cell asked for, or the one with the most published prices."""
    market = market_asked(request)
    cells: dict[str, list[PriceIndexRow]] = {}
    for row in _rows_of(accelerator, market).order_by("cell", "issue__month"):
        cells.setdefault(row.cell, []).append(row)
    if not cells:
        return _untold_chip(request, accelerator, market)
    ranked = sorted(cells, key=lambda code: (-_weight(cells[code]), code))
    cell = request.GET.get("cell", "")
    cell = cell if cell in cells else ranked[0]
    shown = cells[cell]
    last = _published(market).values_list("month", flat=True).first()
    history = PriceHistory(shown, until=last)
    chart = history.chart()
    context = {
        "accelerator": accelerator,
        "market": market,
        "reference": market == Market.REFERENCE,
        "unit": UNIT_LABEL[market],
        "cell": cell,
        "label": history.label,
        "choices": [{"code": code, "label": cell_label(cells[code][0])} for code in ranked],
        "chart": chart,
        "figures": history.figures() if chart else None,
        "seen": len(history.seen),
        "rows": [
            {
                "row": row,
                "phi": percent_text(row.phi) if row.phi is not None else "",
                "suppliers": suppliers_text(row),
            }
            for row in reversed(shown)
        ],
        "latest": next((row for row in reversed(shown) if row.base is not None), None),
        "method": shown[-1].issue.method,
        "list_url": f"{reverse('public:prices')}?{urlencode({'market': market})}",
        "query": urlencode({"market": market, "cell": cell}),
    }
    return render(request, "public/price_chip.html", context)


def _untold_chip(request: HttpRequest, accelerator: str, market: str) -> HttpResponse:
    """A chip that the table knows and of which nothing is published in the market: said so, with the way to where it is."""
    elsewhere = [
        {
            "label": label,
            "url": f"{reverse('public:price_chip', args=[accelerator])}?{urlencode({'market': other})}",
        }
        for other, label in Market.choices
        if other != market and _rows_of(accelerator, other).exists()
    ]
    if not elsewhere and not ChipModel.objects.filter(accelerator=accelerator).exists():
        raise Http404("没有该加速卡")
    context = {
        "accelerator": accelerator,
        "reference": market == Market.REFERENCE,
        "elsewhere": elsewhere,
        "list_url": f"{reverse('public:prices')}?{urlencode({'market': market})}",
    }
    return render(request, "public/price_chip_untold.html", context)


def _rows_of(accelerator: str, market: str) -> QuerySet[PriceIndexRow]:
    return (
        published_rows(market)
        .filter(accelerator=accelerator)
        .select_related("issue__method")
        .defer("record", "issue__factors", "issue__jumps")
    )


def _weight(rows: list[PriceIndexRow]) -> int:
    """How much a cell's history tells: prices that may decide count four times."""
    return sum(4 if row.grade in ("A", "B", "C") else 1 for row in rows if row.base is not None)


@require_safe
def price_issues(request: HttpRequest) -> HttpResponse:
    """Every issue that was ever published, those replaced by a correction too, with what was said of large changes."""
    market = market_asked(request)
    issues = (
        PriceIndexIssue.objects.filter(market=market, state__in=OUT)
        .select_related("method")
        .defer("factors")
        .annotate(cells=Count("rows"))
        .order_by("-month", "-revision")
    )
    context = {
        "market": market,
        "reference": market == Market.REFERENCE,
        "page": Paginator(issues, PER_PAGE).get_page(request.GET.get("page")),
        "list_url": f"{reverse('public:prices')}?{urlencode({'market': market})}",
    }
    return render(request, "public/price_issues.html", context)


@require_safe
def price_method(request: HttpRequest, market: str, version: int) -> HttpResponse:
    """A version of the method: in words, with its parameters as they are hashed, and the versions beside it."""
    method = get_object_or_404(PriceMethod, market=market, version=version)
    context = {
        "method": method,
        "market": market,
        "parameters": sorted(method.params.items()),
        "versions": PriceMethod.objects.filter(market=market).order_by("-version"),
        "list_url": f"{reverse('public:prices')}?{urlencode({'market': market})}",
    }
    return render(request, "public/price_method_page.html", context)


urlpatterns = [
    path("prices/", prices, name="prices"),
    path("prices/issues/", price_issues, name="price_issues"),
    path("prices/method/<slug:market>/<int:version>/", price_method, name="price_method"),
    path("prices/<str:accelerator>/", price_chip, name="price_chip"),
]
