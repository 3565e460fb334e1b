"""What may be compared with what: the cell of a price, and one observation in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any, NamedTuple

from vouchers.policy.prices.figures import text_of

CHINA = "china"
REFERENCE = "reference"
CURRENCY_OF = {CHINA: "CNY", REFERENCE: "USD"}
UNIT_LABEL = {CHINA: "元/卡时", REFERENCE: "美元/卡时"}

TIERS = {"cloud": "云厂商", "specialist": "智算中心/专业商", "marketplace": "闲散/撮合"}
TERMS = {
    "on_demand": "按需",
    "to_1m": "1个月以内",
    "1_6m": "1—6个月",
    "6_24m": "6—24个月",
    "over_24m": "24个月以上",
    "spot": "竞价",
}
ADMITTED = "admitted"


def term_bucket(term_months: int, *, spot: bool = False) -> str:
    """The bucket of a term: on demand (0), up to 1 month, over 1 to 6, over 6 to 24, over 24; spot is its own."""
    if spot:
        return "spot"
    if term_months <= 0:
        return "on_demand"
    if term_months <= 1:
        return "to_1m"
    if term_months <= 6:
        return "1_6m"
    if term_months <= 24:
        return "6_24m"
    return "over_24m"


class Cell(NamedTuple):
    """Chip model with memory and form, tier of the provider, region group, term bucket; within one market."""

    market: str
    accelerator: str
    form_factor: str
    tier: str
    region_group: str
    term: str

    @property
    def code(self) -> str:
        """The cell as text, such as ``china/H20/SXM/specialist/east/1_6m``."""
        return code_of(self)

    @classmethod
    def parse(cls, code: str) -> Cell:
        """The cell of a code; raises ``ValueError`` when it has not six parts."""
        parts = code.split("/")
        if len(parts) != 6:
            raise ValueError(f"“{code}”不是价格单元")
        return cls(*parts)

    @property
    def family(self) -> tuple[str, str, str, str]:
        """What stays the same on the fallback's first two steps: all but region group and term."""
        return self[:4]

    def label(self, region_name: str) -> str:
        """The cell in words, for the auditor's sentence."""
        chip = f"{self.accelerator} {self.form_factor}".strip()
        return f"{chip}／{TIERS.get(self.tier, self.tier)}／{region_name}／{TERMS.get(self.term, self.term)}"


@dataclass(frozen=True, slots=True)
class Observation:
    """One normalised price. ``unit_price`` is in the market's currency per card-hour without VAT, six places.

    ``kind`` is transaction, quote or expert. ``state`` other than ``admitted`` carries its ``reason`` and never votes;
    it is passed in so that the count of exclusions is honest. ``set_aside_at`` takes effect from that instant on only, so
    that an earlier decision stays what it was. ``carried_from``: the day the price was last really seen.
    """

    observation_no: str
    source: str
    kind: str
    cell: Cell
    region: str
    sku: str
    unit_price: Decimal | None
    observed_on: date
    known_at: datetime
    bookable_since: date | None = None
    carried_from: date | None = None
    evidence: str = ""
    state: str = ADMITTED
    reason: str = ""
    set_aside_at: datetime | None = None
    revision: int = 1

    def record(self) -> list[Any]:
        """The observation as plain values in a fixed order: its canonical form."""
        return [
            self.observation_no,
            self.revision,
            self.source,
            self.kind,
            self.cell.code,
            self.region,
            self.sku,
            text_of(self.unit_price),
            self.observed_on.isoformat(),
            instant_text(self.known_at),
            self.bookable_since.isoformat() if self.bookable_since else None,
            self.carried_from.isoformat() if self.carried_from else None,
            self.evidence,
            self.state,
            self.reason,
            instant_text(self.set_aside_at) if self.set_aside_at else None,
        ]

    @classmethod
    def from_record(cls, record: Sequence[Any]) -> Observation:
        """The observation of its canonical form."""
        (no, revision, source, kind, cell, region, sku, price, observed, known, since, carried, *rest) = (
            record
        )
        evidence, state, reason, aside = rest
        return cls(
            observation_no=no,
            revision=revision,
            source=source,
            kind=kind,
            cell=Cell.parse(cell),
            region=region,
            sku=sku,
            unit_price=None if price is None else Decimal(price),
            observed_on=date.fromisoformat(observed),
            known_at=datetime.fromisoformat(known),
            bookable_since=date.fromisoformat(since) if since else None,
            carried_from=date.fromisoformat(carried) if carried else None,
            evidence=evidence,
            state=state,
            reason=reason,
            set_aside_at=datetime.fromisoformat(aside) if aside else None,
        )

    def line(self) -> str:
        """The line that goes into the hash of the input set: the values of ``record``, in its order."""
        price = "" if self.unit_price is None else text_of(self.unit_price)
        since = day_text(self.bookable_since) if self.bookable_since else ""
        carried = day_text(self.carried_from) if self.carried_from else ""
        aside = instant_text(self.set_aside_at) if self.set_aside_at else ""
        return (
            f"{self.observation_no}|{self.revision}|{self.source}|{self.kind}|{code_of(self.cell)}|{self.region}|{self.sku}"
            f"|{price}|{day_text(self.observed_on)}|{instant_text(self.known_at)}|{since}|{carried}|{self.evidence}"
            f"|{self.state}|{self.reason}|{aside}"
        )


@lru_cache(maxsize=8192)
def code_of(cell: Cell) -> str:
    """The cell's code; observations share few cells."""
    return "/".join(cell)


@lru_cache(maxsize=8192)
def day_text(day: date) -> str:
    """The day in ISO 8601."""
    return day.isoformat()


@lru_cache(maxsize=8192)
def instant_text(moment: datetime) -> str:
    """An aware instant in UTC, one spelling. Raises ``ValueError`` for a naive one."""
    if moment.tzinfo is None:
        raise ValueError("时间须带时区")
    return moment.astimezone(UTC).isoformat()
