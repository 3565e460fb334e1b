"""Tables of prices as CSV: for spreadsheets, and never a formula."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable

from django.http import HttpRequest, HttpResponse

from vouchers.web.downloads import attachment

CSV_TYPE = "text/csv; charset=utf-8"


_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?", re.ASCII)


def no_formula(text: str) -> str:
    """Text that no spreadsheet takes for a formula; a plain number stays one."""
    if _NUMBER.fullmatch(text):
        return text
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text


def csv_bytes(header: Iterable[str], rows: Iterable[Iterable[str]]) -> bytes:
    """The table in UTF-8 with a byte order mark, by which spreadsheets know it."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(header)
    writer.writerows([no_formula(value) for value in row] for row in rows)
    return ("\ufeff" + text.getvalue()).encode()


def csv_answer(name: str, header: Iterable[str], rows: Iterable[Iterable[str]]) -> HttpResponse:
    """A file of what is public: nobody is noted down for taking it."""
    response = HttpResponse(csv_bytes(header, rows), content_type=CSV_TYPE)
    response["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    return response


def csv_attachment(
    request: HttpRequest,
    name: str,
    header: Iterable[str],
    rows: Iterable[Iterable[str]],
    kind: str,
    number: str,
) -> HttpResponse:
    """A file of the office's own, told to the trail."""
    return attachment(request, csv_bytes(header, rows), name, CSV_TYPE, kind, number)
