"""A computed price with all that it rests on: the row that is published, pinned to cases, and recomputed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from vouchers.policy.prices.cells import CHINA, TERMS, TIERS, Cell, instant_text
from vouchers.policy.prices.figures import text_of
from vouchers.policy.prices.method import canonical_json, sha256_of

NO_PRICE = "none"
LEVELS = {
    "L0": "本单元直接计算",
    "L1": "合并其他区域（按区域系数折算）",
    "L2": "合并其他租期（按租期系数折算）",
    "L3": "合并其他形态（按形态系数折算）",
    "L4": "借用相邻类别供应方（按类别系数折算）",
    "L5": "沿用上期价格并按同类变动调整",
    "L6": "同代芯片（按 FP16 稠密算力折算）",
    "L7": "专家意见",
    NO_PRICE: "可比价格不足",
}
BASES = {
    "transactions": "成交价",
    "mixed": "成交价与报价",
    "quotes": "报价",
    "experts": "专家意见",
    "carried": "沿用",
    "": "",
}
_DECIMALS = frozenset(
    {"base", "lower", "upper", "phi", "dispersion", "q25", "q75", "mad", "delta1", "delta2"}
)


@dataclass(frozen=True)
class PriceRow:
    """One cell's fair price as of a date with what was known at an instant.

    ``base`` and the bounds are in the market's currency per card-hour without VAT; ``phi``, ``dispersion``, ``delta1`` and
    ``delta2`` are fractions; ``mad`` is the median absolute deviation of the logarithms. ``steps`` is the ladder as it was
    walked: level and the number of groups found there. ``n_t`` and ``n_q`` count groups by what their vote rests on;
    ``n_observations`` the prices behind the votes. ``breakdown``: how many groups would have to collude to move the price
    at will. ``level`` ``none`` has no price: not testable, which is never a pass.
    """

    cell: Cell
    as_of: date
    known_at: datetime
    level: str
    basis: str = ""
    grade: str = ""
    base: Decimal | None = None
    lower: Decimal | None = None
    upper: Decimal | None = None
    phi: Decimal | None = None
    dispersion: Decimal | None = None
    q25: Decimal | None = None
    q75: Decimal | None = None
    mad: Decimal | None = None
    delta1: Decimal | None = None
    delta2: Decimal | None = None
    n_groups: int = 0
    n_t: int = 0
    n_q: int = 0
    n_observations: int = 0
    breakdown: int = 0
    under_confirmation: bool = False
    exclusions: Mapping[str, int] = field(default_factory=dict)
    left_out: tuple[str, ...] = ()
    steps: tuple[tuple[str, int], ...] = ()
    windows: tuple[int, int] = (90, 30)
    region_label: str = ""
    method: str = ""
    params_hash: str = ""
    chip_table: int = 0
    factors_hash: str = ""
    input_set_hash: str = ""
    output_hash: str = ""

    def record(self) -> dict[str, Any]:
        """Plain values, decimals as text: what is stored beside the row and hashed."""
        out: dict[str, Any] = {}
        for item in fields(self):
            value = getattr(self, item.name)
            if item.name in _DECIMALS:
                value = text_of(value)
            elif item.name == "cell":
                value = value.code
            elif item.name == "as_of":
                value = value.isoformat()
            elif item.name == "known_at":
                value = instant_text(value)
            elif item.name == "exclusions":
                value = dict(sorted(value.items()))
            elif item.name == "steps":
                value = [list(step) for step in value]
            elif isinstance(value, tuple):
                value = list(value)
            out[item.name] = value
        return out

    def computed_hash(self) -> str:
        """SHA-256 of the record without its own hash."""
        record = self.record()
        del record["output_hash"]
        return sha256_of(canonical_json(record))

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> PriceRow:
        """The row of a stored record."""
        given = dict(record)
        given["cell"] = Cell.parse(given["cell"])
        given["as_of"] = date.fromisoformat(given["as_of"])
        given["known_at"] = datetime.fromisoformat(given["known_at"])
        for name in _DECIMALS:
            if given.get(name) is not None:
                given[name] = Decimal(given[name])
        given["steps"] = tuple((level, count) for level, count in given["steps"])
        given["windows"] = tuple(given["windows"])
        given["left_out"] = tuple(given["left_out"])
        return cls(**given)

    @property
    def has_price(self) -> bool:
        """Whether there is a base price at all."""
        return self.base is not None

    @property
    def decides(self) -> bool:
        """Whether the row may cut or refuse: grades A to C, not under confirmation, in the deciding market."""
        return self.grade in ("A", "B", "C") and not self.under_confirmation and self.cell.market == CHINA

    @property
    def label(self) -> str:
        """The cell in words."""
        return self.cell.label(self.region_label or self.cell.region_group)

    @property
    def tier_label(self) -> str:
        """The provider's tier in words."""
        return TIERS.get(self.cell.tier, self.cell.tier)

    @property
    def term_label(self) -> str:
        """The term bucket in words."""
        return TERMS.get(self.cell.term, self.cell.term)
