"""公允价格公报: a published month's rows with the method in words, or one cell over the months with its chart; as PDF."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from applications.documents.rendering import render_pdf
from vouchers.models import PriceIndexIssue, PriceIndexRow, PriceMethod
from vouchers.web.charts import PriceChart


def printed_method(method: PriceMethod) -> list[str]:
    """The method's paragraphs in signs that the typeface of the documents has."""
    prose = method.prose.replace("⌈p·n⌉ 个", "p·n 个（向上取整）").replace("−", "－")
    return prose.splitlines()


@dataclass(frozen=True)
class BulletinContent:
    """A month. ``rows`` are those of the issue under a filter, told in ``narrowed``; ``left_over`` how many did not fit."""

    office: str
    issue: PriceIndexIssue
    unit: str
    reference: bool
    rows: Sequence[PriceIndexRow]
    regions: dict[str, str]
    narrowed: str = ""
    left_over: int = 0
    untold: int = 0
    demo_date: date | None = None


@dataclass(frozen=True)
class HistoryContent:
    """A cell over the months: each of ``rows`` with its words, the latest first."""

    office: str
    label: str
    unit: str
    reference: bool
    rows: Sequence[dict[str, Any]]
    sentence: str
    method: PriceMethod
    chart: PriceChart | None = None
    demo_date: date | None = None


def bulletin_pdf(content: BulletinContent) -> bytes:
    """The month as PDF. Raises ``Invalid`` (``document.character``) when a character is in no font."""
    return render_pdf(
        "documents/price_bulletin.html", {"c": content, "method": printed_method(content.issue.method)}
    )


def history_pdf(content: HistoryContent) -> bytes:
    """The cell as PDF, with the drawing that the page has. Raises as ``bulletin_pdf``."""
    return render_pdf(
        "documents/price_history.html",
        {"c": content, "chart": content.chart, "method": printed_method(content.method)},
    )
