"""The chip table: which accelerator is meant, in which form, with how much dense computing power, and where it comes from."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from unicodedata import normalize

from vouchers.policy.prices.figures import CONTEXT
from vouchers.policy.prices.regions import table


@dataclass(frozen=True)
class Chip:
    """One accelerator in one form factor. Figures are dense TFLOPS (TOPS for INT8); None where nobody published one."""

    accelerator: str
    form_factor: str
    memory_gb: int | None
    cards_per_server: int
    fp16_tflops: Decimal | None
    fp8_tflops: Decimal | None
    int8_tops: Decimal | None
    origin: str
    architecture: str = ""
    aliases: tuple[str, ...] = ()

    def pflops(self, precision: str) -> Decimal | None:
        """Dense PFLOPS at the declared precision; precisions are never converted into each other."""
        figure = {
            "fp16": self.fp16_tflops,
            "bf16": self.fp16_tflops,
            "fp8": self.fp8_tflops,
            "int8": self.int8_tops,
        }.get(precision.strip().lower())
        return None if figure is None else CONTEXT.scaleb(figure, -3)


def _key(name: str) -> str:
    text = normalize("NFKC", name).upper()
    for vendor in ("NVIDIA", "AMD", "HUAWEI", "INSTINCT"):
        text = text.replace(vendor, "")
    return re.sub(r"[\s\-_/·]", "", text)


class ChipTable:
    """Looks chips up by any spelling of the name."""

    def __init__(self, chips: Iterable[Chip], version: int) -> None:
        self.version = version
        self.chips = tuple(chips)
        self._names: dict[str, set[str]] = {}
        self._forms: dict[str, dict[str, Chip]] = {}
        for chip in self.chips:
            self._forms.setdefault(chip.accelerator, {})[chip.form_factor.upper()] = chip
            for name in (chip.accelerator, *chip.aliases):
                self._names.setdefault(_key(name), set()).add(chip.accelerator)

    def accelerators(self, name: str) -> set[str]:
        """The accelerators that the name may mean: none, one, or several when it is ambiguous."""
        return self._names.get(_key(name), set())

    def forms(self, accelerator: str) -> dict[str, Chip]:
        """The accelerator's forms."""
        return self._forms.get(accelerator, {})

    def origin(self, name: str) -> str | None:
        """``domestic`` or ``foreign``; None when the table does not know the name."""
        found = self.accelerators(name)
        if len(found) != 1:
            return None
        return next(iter(self._forms[next(iter(found))].values())).origin


def _number(text: str) -> Decimal | None:
    return Decimal(text) if text else None


@lru_cache(maxsize=4)
def shipped_chips(version: int = 1) -> ChipTable:
    """The table that comes with the program."""
    return ChipTable(
        (
            Chip(
                accelerator=row["accelerator"],
                form_factor=row["form_factor"],
                memory_gb=int(row["memory_gb"]) if row["memory_gb"] else None,
                cards_per_server=int(row["cards_per_server"]),
                fp16_tflops=_number(row["fp16_tflops"]),
                fp8_tflops=_number(row["fp8_tflops"]),
                int8_tops=_number(row["int8_tops"]),
                origin=row["origin"],
                architecture=row["architecture"],
                aliases=tuple(filter(None, row["aliases"].split(";"))),
            )
            for row in table("chips.csv")
            if int(row["table_version"]) == version
        ),
        version,
    )
