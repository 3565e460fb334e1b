"""A version of the method: its parameters, its factors, and what is known of the sources."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import date
from decimal import Decimal
from functools import cached_property
from typing import Any

from vouchers.policy.prices.cells import CHINA, REFERENCE
from vouchers.policy.prices.figures import text_of


def canonical_json(value: Any) -> str:
    """JSON with sorted keys, no spaces, no escapes: one spelling of one content. Decimals must be text already."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)


def sha256_of(text: str) -> str:
    """Hex SHA-256 of the UTF-8 bytes."""
    return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True)
class Factors:
    """Price relations between region groups, terms, form factors and tiers, each to a common reference (1).

    They come from matched pairs (at least ``factor_pairs_min``), are fitted once for a version or an issue, and never on
    the case. What has no factor is not pooled.
    """

    region: Mapping[str, Decimal] = field(default_factory=dict)
    term: Mapping[str, Decimal] = field(default_factory=dict)
    source: str = ""
    form: Mapping[str, Decimal] = field(default_factory=dict)
    tier: Mapping[str, Decimal] = field(default_factory=dict)

    def plain(self) -> dict[str, Any]:
        """As plain values; forms and tiers only where there are any, so that what was published before them stays as it is."""
        sides = {"region": self.region, "term": self.term}
        sides |= {name: side for name, side in (("form", self.form), ("tier", self.tier)) if side}
        return {
            **{
                name: {key: text_of(value) for key, value in sorted(side.items())}
                for name, side in sides.items()
            },
            "source": self.source,
        }

    @classmethod
    def from_plain(cls, value: Mapping[str, Any]) -> Factors:
        """Of plain values."""
        return cls(
            region={key: Decimal(item) for key, item in value.get("region", {}).items()},
            term={key: Decimal(item) for key, item in value.get("term", {}).items()},
            source=value.get("source", ""),
            form={key: Decimal(item) for key, item in value.get("form", {}).items()},
            tier={key: Decimal(item) for key, item in value.get("tier", {}).items()},
        )


FIRST_LADDER = ("L1", "L2", "L5", "L7")
"""The fallback of the first versions. It is not among their parameters, as it could not be chosen then."""
WHOLE_LADDER = ("L1", "L2", "L3", "L4", "L5", "L6", "L7")


@dataclass(frozen=True)
class Method:
    """A version of the fair price's method (一组一票中位数 + 逐级回退). Every threshold is here, none in the code.

    ``ladder`` are the steps of the fallback that the version takes, in their order. Days are calendar days, shares are fractions. ``transaction_evidence``: what a transaction must rest on to vote.
    ``waived`` names rules that the market's data cannot answer, and is printed with every row.
    """

    market: str = CHINA
    version: int = 1
    n_min: int = 5
    max_age_transaction_days: int = 90
    max_age_quote_days: int = 30
    max_age_expert_days: int = 180
    candidate_days: int = 180
    min_up_days: int = 14
    min_market_days: int = 60
    transaction_evidence: tuple[str, ...] = ("verified", "imported")
    outlier_min_groups: int = 7
    outlier_mads: Decimal = Decimal("5")
    outlier_ratio: Decimal = Decimal("2.5")
    outlier_max_share: Decimal = Decimal("0.2")
    band_floor: Decimal = Decimal("0.10")
    band_ceiling: Decimal = Decimal("0.30")
    spread_a: Decimal = Decimal("1")
    spread_b: Decimal = Decimal("1.25")
    spread_c: Decimal = Decimal("1.5")
    groups_for_a: int = 10
    groups_for_b: int = 7
    transactions_for_a: int = 5
    sensitivity_limit: Decimal = Decimal("0.10")
    jump_limit: Decimal = Decimal("0.15")
    carry_months: int = 6
    experts_min: int = 3
    factor_pairs_min: int = 8
    chip_table: int = 1
    region_table: int = 1
    source_table: int = 1
    waived: tuple[str, ...] = ()
    ladder: tuple[str, ...] = FIRST_LADDER

    def params(self) -> dict[str, Any]:
        """Every parameter as plain values, the version included; the ladder where it is not the first versions'."""
        out: dict[str, Any] = {}
        for item in fields(self):
            value = getattr(self, item.name)
            if item.name == "ladder" and value == FIRST_LADDER:
                continue
            if isinstance(value, Decimal):
                value = text_of(value)
            out[item.name] = list(value) if isinstance(value, tuple) else value
        return out

    @property
    def params_hash(self) -> str:
        """Of the canonical JSON of the parameters."""
        return sha256_of(canonical_json(self.params()))

    @classmethod
    def from_params(cls, params: Mapping[str, Any]) -> Method:
        """The version of stored parameters. Raises ``ValueError`` for a name that this code does not know."""
        known = {item.name: item for item in fields(cls)}
        strange = sorted(set(params) - set(known))
        if strange:
            raise ValueError(f"价格方法没有这些参数：{'、'.join(strange)}")
        given: dict[str, Any] = {}
        for name, value in params.items():
            default = known[name].default
            if isinstance(default, Decimal):
                value = Decimal(str(value))
            elif isinstance(default, tuple):
                value = tuple(value)
            given[name] = value
        return cls(**given)

    @property
    def name(self) -> str:
        """As it is printed."""
        return f"{self.market}-v{self.version}"


METHOD_V1 = Method()
REFERENCE_V1 = Method(
    market=REFERENCE, min_up_days=0, min_market_days=0, waived=("quote.up_days", "group.market_days")
)
METHOD_V2 = replace(METHOD_V1, version=2, ladder=WHOLE_LADDER)
REFERENCE_V2 = replace(REFERENCE_V1, version=2, ladder=WHOLE_LADDER)
METHODS = {
    (method.market, method.version): method for method in (METHOD_V1, REFERENCE_V1, METHOD_V2, REFERENCE_V2)
}


@dataclass(frozen=True)
class Sources:
    """What is known of the sources at an instant: who is affiliated with whom, since when on the market, who is barred.

    ``group_of`` maps a source to its group (the smallest name of its connected component); a source that is not in it
    stands alone. ``since`` maps a source to its first day on the market. ``under_inquiry`` are sources in an open case.
    """

    group_of: Mapping[str, str] = field(default_factory=dict)
    since: Mapping[str, date] = field(default_factory=dict)
    under_inquiry: frozenset[str] = frozenset()

    def group(self, source: str) -> str:
        """The group that the source votes in."""
        return self.group_of.get(source, source)

    @cached_property
    def barred(self) -> frozenset[str]:
        """The groups with a member under inquiry: one vote a group, so none of it votes."""
        return frozenset(self.group(name) for name in self.under_inquiry)

    def plain(self) -> dict[str, Any]:
        """As plain values."""
        return {
            "group_of": dict(sorted(self.group_of.items())),
            "since": {key: value.isoformat() for key, value in sorted(self.since.items())},
            "under_inquiry": sorted(self.under_inquiry),
        }

    @classmethod
    def from_plain(cls, value: Mapping[str, Any]) -> Sources:
        """Of plain values."""
        return cls(
            group_of=dict(value.get("group_of", {})),
            since={key: date.fromisoformat(item) for key, item in value.get("since", {}).items()},
            under_inquiry=frozenset(value.get("under_inquiry", ())),
        )

    def only(self, names: Iterable[str]) -> Sources:
        """Reduced to some sources and their groups: what a snapshot of one case needs."""
        wanted = set(names)
        groups = {self.group(name) for name in wanted}
        members = {name for name, group in self.group_of.items() if group in groups} | wanted
        return Sources(
            group_of={name: group for name, group in self.group_of.items() if name in members},
            since={name: day for name, day in self.since.items() if name in members},
            under_inquiry=self.under_inquiry & members,
        )


def affiliated_groups(links: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Connected components of affiliated sources: each member to the smallest name of its component."""
    parent: dict[str, str] = {}

    def root(name: str) -> str:
        parent.setdefault(name, name)
        while parent[name] != name:
            parent[name] = parent[parent[name]]
            name = parent[name]
        return name

    for one, other in links:
        left, right = sorted((root(one), root(other)))
        parent[right] = left
    return {name: root(name) for name in sorted(parent)}


@dataclass(frozen=True)
class Carry:
    """What step L5 carries forward: the last base price of the cell, its age in whole months, the siblings' movement."""

    base: Decimal
    months: int
    sibling_ratio: Decimal
    from_issue: str = ""

    def plain(self) -> dict[str, Any]:
        """As plain values."""
        return {
            "base": text_of(self.base),
            "months": self.months,
            "sibling_ratio": text_of(self.sibling_ratio),
            "from_issue": self.from_issue,
        }

    @classmethod
    def from_plain(cls, value: Mapping[str, Any] | None) -> Carry | None:
        """Of plain values."""
        if not value:
            return None
        return cls(
            Decimal(value["base"]),
            value["months"],
            Decimal(value["sibling_ratio"]),
            value.get("from_issue", ""),
        )
