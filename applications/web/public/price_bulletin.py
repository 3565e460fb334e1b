"""The published fair prices on paper: a month, or a cell over the months, as PDF; without signing in."""

from __future__ import annotations

from hashlib import sha256

from django.conf import settings
from django.core.cache import cache
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import path
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from applications.documents.price_bulletin import (
    BulletinContent,
    HistoryContent,
    bulletin_pdf,
    history_pdf,
)
from vouchers import dates
from vouchers.models.prices import Market
from vouchers.policy.prices.cells import UNIT_LABEL
from vouchers.policy.prices.regions import region_groups
from vouchers.policy.prices.verdicts import percent_text
from vouchers.web.price_history import PriceHistory, published_rows, suppliers_text
from vouchers.web.public.limits import count_question
from vouchers.web.public.prices import chosen_rows, market_asked

MOST_ROWS = 600  # some twenty pages
KEPT_SECONDS = 3600
NARROWING = ("accelerator", "tier", "region_group", "term_bucket", "grade")


def _office() -> str:
    return str(getattr(settings, "OFFICE_NAME", "") or _("算力券主管部门"))


def _answer(pdf: bytes, name: str) -> HttpResponse:
    answer = HttpResponse(pdf, content_type="application/pdf")
    answer["Content-Disposition"] = f'attachment; filename="{name}.pdf"'
    return answer


def _kept(request: HttpRequest, name: str) -> tuple[str, bytes | None]:
    """Published rows do not change, and drawing a page costs: the same question is drawn once in a while, by few."""
    asked = "&".join(f"{key}={value}" for key, value in sorted(request.GET.items()))
    key = f"price-pdf:{name}:{sha256(f'{asked}|{dates.demo_date()}'.encode()).hexdigest()}"
    found: bytes | None = cache.get(key)
    if found is None:
        count_question(request, "price-pdf", most=12, seconds=60)
    return key, found


@require_safe
def prices_pdf(request: HttpRequest) -> HttpResponse:
    """The rows of an issue under the filter, with the method in words."""
    market, issue, rows, form = chosen_rows(request)
    if issue is None:
        raise Http404("尚未公布价格")
    key, pdf = _kept(request, issue.issue_no)
    if pdf is None:
        told = list(rows.exclude(base=None)[: MOST_ROWS + 1])
        count = rows.exclude(base=None).count() if len(told) > MOST_ROWS else len(told)
        labels = [
            f"{form[name].label}：{dict(form.fields[name].choices).get(value, value)}"  # type: ignore[attr-defined]
            for name, value in form.chosen().items()
            if name in NARROWING
        ]
        pdf = bulletin_pdf(
            BulletinContent(
                office=_office(),
                issue=issue,
                unit=UNIT_LABEL[market],
                reference=market == Market.REFERENCE,
                rows=told[:MOST_ROWS],
                regions=region_groups(market),
                narrowed="；".join(labels),
                left_over=max(0, count - MOST_ROWS),
                untold=rows.filter(base=None).count(),
                demo_date=dates.demo_date(),
            )
        )
        cache.set(key, pdf, KEPT_SECONDS)
    return _answer(pdf, issue.issue_no)


@require_safe
def price_history_pdf(request: HttpRequest) -> HttpResponse:
    """All published months of the ``cell`` in the address, with the chart."""
    cell = request.GET.get("cell", "")
    found = published_rows(market_asked(request)).filter(cell=cell)
    rows = list(found.select_related("issue__method").order_by("issue__month"))
    if not rows:
        raise Http404("没有该单元的公布价格")
    key, pdf = _kept(request, f"{rows[-1].issue.issue_no}:{len(rows)}")
    if pdf is None:
        history = PriceHistory(rows)
        latest = next((row for row in reversed(rows) if row.base is not None), None)
        pdf = history_pdf(
            HistoryContent(
                office=_office(),
                label=history.label,
                unit=history.unit,
                reference=history.cell.market == Market.REFERENCE,
                rows=[
                    {
                        "row": row,
                        "phi": percent_text(row.phi) if row.phi is not None else "",
                        "suppliers": suppliers_text(row),
                    }
                    for row in reversed(rows)
                ],
                sentence=latest.sentence if latest else "",
                method=rows[-1].issue.method,
                chart=history.chart(),
                demo_date=dates.demo_date(),
            )
        )
        cache.set(key, pdf, KEPT_SECONDS)
    return _answer(pdf, "price-history-" + "-".join(part for part in cell.split("/") if part))


urlpatterns = [
    path("prices.pdf", prices_pdf, name="prices_pdf"),
    path("prices-history.pdf", price_history_pdf, name="price_history_pdf"),
]
