"""The programs of history: of their own (``EX-`` and the file's code), so that they neither use up nor contradict published ones."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from pathlib import Path

import yaml

from vouchers.models import Program, Region

PREFIX = "EX-"
_TABLE = Path(__file__).parent / "programs.yaml"


@dataclass(frozen=True)
class HistoryProgram:
    """How the claims of a past year were calculated. ``inspection_from``: contract amount from which a review on the spot is
    due; ``windows``: (first month, last month) in which applications were taken, empty for all year. Amounts in yuan."""

    code: str
    region: str
    region_name: str
    name: str
    side: str
    rate: Decimal
    cap: Decimal
    inspection_from: Decimal
    windows: tuple[tuple[int, int], ...]


@cache
def history_programs() -> dict[str, HistoryProgram]:
    """The known programs of history by the file's code."""
    rows = yaml.safe_load(_TABLE.read_text(encoding="utf-8"))
    return {
        row["code"]: HistoryProgram(
            code=row["code"],
            region=row["region"],
            region_name=row["region_name"],
            name=row["name"],
            side=row["side"],
            rate=Decimal(row["rate"]),
            cap=Decimal(row["cap"]),
            inspection_from=Decimal(row["inspection_from"]),
            windows=tuple((first, last) for first, last in row["windows"]),
        )
        for row in rows
    }


def ensure_programs(codes: Iterable[tuple[str, str]]) -> tuple[list[tuple[str, int, str, bool]], list[str]]:
    """Make the programs of history that the files name; ``codes`` are (code, region to use when the code is not known).

    Returns (code, primary key, region code, supply side) for each, and the codes whose parameters nobody gave.
    """
    known, found, unknown = history_programs(), [], []
    for code, guess in sorted(codes):
        given = known.get(code)
        region_code = given.region if given else guess
        region, _ = Region.objects.get_or_create(
            code=region_code, defaults={"name": given.region_name if given else region_code}
        )
        program, _ = Program.objects.get_or_create(
            code=f"{PREFIX}{code.upper()}",
            defaults={
                "name": given.name if given else f"{code}（历史）",
                "region": region,
                "side": given.side if given else "demand",
                "summary": "历史数据所属专项：仅供查询与稽核，不再受理，不占用现行专项的预算。",
                "listed_publicly": False,
                "origin": Program.Origin.IMPORTED,
            },
        )
        if given is None:
            unknown.append(code)
        found.append((code, program.pk, program.region.code, program.side == "supply"))
    return found, unknown


__all__ = ["PREFIX", "HistoryProgram", "ensure_programs", "history_programs"]
