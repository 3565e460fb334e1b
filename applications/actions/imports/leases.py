"""leases (with their texts), lease_devices, metering."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

from applications.actions.imports import cells
from applications.actions.imports.cells import NULL
from applications.actions.imports.formats import Column, Format, Surroundings, Values, WrongRow, in_order
from applications.models.leases import PriceUnit, Purpose
from applications.models.metering import MeteringSource

LONGEST_DOCUMENT = 2 * 1024 * 1024

_leases = (
    Column("lease_no", cells.business_no()),
    Column("lessee_uscc", cells.uscc()),
    Column("lessor_uscc", cells.uscc()),
    Column("program_code", cells.program_code()),
    Column("region_code", cells.region()),
    Column("signed_on", cells.day()),
    Column("starts_on", cells.day()),
    Column("ends_on", cells.day()),
    Column("accelerator", cells.cached(cells.text(60)), header=False),
    Column("form_factor", cells.cached(cells.text(20)), header=False),
    Column("cards", cells.count(NULL), header=False),
    Column("unit", cells.one_of(PriceUnit.values, ""), header=False),
    Column("quantity", cells.number(14, 4, absent=NULL, what="数量"), header=False),
    Column("unit_price", cells.number(12, 6, absent=NULL, what="单价"), header=False),
    Column("vat_rate", cells.fraction("0"), header=False),
    Column("amount", cells.money()),
    Column("purpose", cells.one_of(Purpose.values, ""), header=False),
    Column("exclusive", cells.boolean("f"), header=False),
    Column("document_sha256", cells.sha256(), header=False),
    Column("document", cells.text(200), header=False, staged=False),
)
_SHA = next(i for i, column in enumerate(_leases) if column.name == "document_sha256")
_DOCUMENT = next(i for i, column in enumerate(_leases) if column.name == "document")
_text = cells.text(LONGEST_DOCUMENT)


def _document_text(values: Values, raw: Sequence[str], around: Surroundings) -> Sequence[str]:
    """The contract's text, from a file inside the folder and nowhere else."""
    name = values[_DOCUMENT]
    if not name:
        return ("",)
    path = Path(around.folder, name)
    root = around.folder.resolve()
    if root not in path.resolve().parents:
        raise WrongRow("document", "document.outside", f"“{cells.shown(name)}”不在文件夹之内")
    try:
        if path.stat().st_size > LONGEST_DOCUMENT:
            around.remark("document.too_large", "合同文本过大，未入库")
            return ("",)
        content = path.read_bytes()
    except OSError:
        around.remark("document.missing", "合同文本文件不存在（合同仍予入库）")
        return ("",)
    if values[_SHA] and hashlib.sha256(content).hexdigest() != values[_SHA].lower():
        around.remark("document.digest", "合同文本与摘要不符（合同仍予入库，文本未入库）")
        return ("",)
    try:
        return (_text(content.decode("utf-8-sig").replace("\x00", "")),)
    except (UnicodeDecodeError, cells.Wrong):
        around.remark("document.encoding", "合同文本不是 UTF-8 文本，未入库")
        return ("",)


LEASES = Format(
    name="leases.csv",
    stage="import_leases",
    columns=_leases,
    checks=(in_order(_leases, "starts_on", "ends_on", "合同结束日 {end} 早于开始日 {start}"),),
    derived=("document_text",),
    derive=_document_text,
    refers_to={"lessee_uscc": "parties.csv", "lessor_uscc": "parties.csv"},
)

_lease_devices = (
    Column("lease_no", cells.business_no()),
    Column("serial", cells.text(60, None)),
    Column("from_on", cells.day()),
    Column("to_on", cells.day(NULL), header=False),
    Column(
        "share",
        cells.cached(cells.positive(cells.number(1, 6, absent="1", what="份额"), "份额")),
        header=False,
    ),
)


def _share(values: Values) -> None:
    if values[4] not in ("1", "1.0") and not values[4].startswith("0"):
        raise WrongRow("share", "share.range", f"份额“{values[4]}”应大于 0、不超过 1")


LEASE_DEVICES = Format(
    name="lease_devices.csv",
    stage="import_lease_devices",
    columns=_lease_devices,
    checks=(in_order(_lease_devices, "from_on", "to_on", "结束日 {end} 早于开始日 {start}"), _share),
    refers_to={"lease_no": "leases.csv"},
)

METERING = Format(
    name="metering.csv",
    stage="import_metering",
    columns=(
        Column("lease_no", cells.cached(cells.business_no())),
        Column("day", cells.day()),
        Column("card_hours", cells.number(10, 4, what="卡时")),
        Column("source", cells.one_of(MeteringSource.values)),
    ),
    refers_to={"lease_no": "leases.csv"},
)
