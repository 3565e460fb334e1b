"""All cells of a market at one instant: every observation judged once, every cell answered by the same ladder."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from copy import copy
from datetime import date, datetime
from decimal import Decimal
from functools import cached_property
from typing import Any

from vouchers.policy.prices.cells import Cell, Observation
from vouchers.policy.prices.eligibility import candidates, known_sources, market_days, refusal
from vouchers.policy.prices.figures import lower_median, multiply, six
from vouchers.policy.prices.ladder import (
    POOLED,
    Family,
    Generations,
    Reach,
    generation_of,
    pool_of,
    shipped_generations,
)
from vouchers.policy.prices.method import (
    Carry,
    Factors,
    Method,
    Sources,
    canonical_json,
    sha256_of,
)
from vouchers.policy.prices.regions import region_label
from vouchers.policy.prices.rows import NO_PRICE, PriceRow
from vouchers.policy.prices.tally import Judged, Tally
from vouchers.policy.prices.votes import (
    Ballot,
    Vote,
    band_of,
    counts_of,
    drop_outliers,
    grade_of,
    group_votes,
    latest_per_sku,
    spread_of,
)

NO_FACTORS = Factors()


class Market:
    """All candidates as of a date with what was known at an instant, judged once; ``price`` then answers for any cell.

    ``left_out`` names sources whose whole groups do not vote (the parties of the lease under review).
    Without ``sources`` every source stands alone and is as old as its first observation here. ``hashed`` False: rows without
    the hashes of their input and output, for answers that nobody keeps.
    """

    def __init__(
        self,
        observations: Iterable[Observation],
        *,
        as_of: date,
        known_at: datetime,
        method: Method,
        sources: Sources | None = None,
        factors: Factors | None = None,
        left_out: Collection[str] = (),
        carries: Mapping[str, Carry] | None = None,
        chips: Generations | None = None,
        hashed: bool = True,
    ) -> None:
        self.hashed = hashed
        self.as_of = as_of
        self.known_at = known_at
        self.method = method
        self.factors = factors or NO_FACTORS
        self.carries = carries or {}
        self.chips = chips if chips is not None else shipped_generations(method)
        observations = observations if isinstance(observations, list) else list(observations)
        self.sources = sources if sources is not None else known_sources(observations, known_at=known_at)
        self.left_out = frozenset(self.sources.group(name) for name in left_out)
        self._since: Mapping[str, date] | None = None
        self._found: dict[Cell, list[Observation]] = {}
        self._judged: dict[Cell, list[Judged]] = {}
        self._families: dict[Family, set[Cell]] = {}
        self._told: list[Tally] | None = None
        for item in candidates(observations, as_of=as_of, known_at=known_at, method=method):
            found = self._found.get(item.cell)
            if found is None:
                found = self._found[item.cell] = []
                self._families.setdefault(item.cell.family, set()).add(item.cell)
            found.append(item)

    def without(self, sources: Collection[str]) -> Market:
        """The same market with the groups of these sources left out too: as one made so, without sorting everything anew."""
        other = copy(self)
        other.left_out = self.left_out | {self.sources.group(name) for name in sources}
        other._judged = {}
        return other

    def by(self, factors: Factors, carries: Mapping[str, Carry] | None = None) -> Market:
        """The same market with other factors and what may be carried: as one made so, without judging everything anew."""
        other = copy(self)
        other.factors, other.carries = factors, carries or {}
        other.__dict__.pop("_factors_hash", None)
        return other

    def _of(self, cell: Cell) -> list[Judged]:
        """The cell's candidates, judged when they are first asked for."""
        held = self._judged.get(cell)
        if held is None:
            held = self._judged[cell] = [self._judge(item) for item in self._found.get(cell, ())]
        return held

    def _judge(self, item: Observation) -> Judged:
        if self._since is None:
            self._since = market_days(self.sources, ())
        group = self.sources.group(item.source)
        reason = refusal(
            item,
            group=group,
            as_of=self.as_of,
            known_at=self.known_at,
            method=self.method,
            sources=self.sources,
            group_since=self._since,
            left_out=self.left_out,
        )
        return Judged(item, group, reason)

    def cells(self) -> list[Cell]:
        """The cells with at least one observation that may vote, in order; spot never is one."""
        return sorted(
            cell
            for cell in self._found
            if cell.term != "spot" and any(not item.reason for item in self._of(cell))
        )

    def dry_cells(self) -> list[Cell]:
        """The cells without one, whose published price may still be carried (L5): they keep a row for as long."""
        if "L5" not in self.method.ladder:
            return []
        carried = {
            Cell.parse(code)
            for code, carry in self.carries.items()
            if carry.months <= self.method.carry_months
        }
        return sorted(carried.difference(self.cells()))

    def priced_cells(self) -> list[Cell]:
        """The cells that an issue has a row for, in order."""
        return sorted([*self.cells(), *self.dry_cells()])

    def observations(self) -> list[Observation]:
        """The candidates, in the order of their numbers: what a snapshot keeps."""
        every = [item for found in self._found.values() for item in found]
        return sorted(every, key=lambda item: (item.observation_no, item.revision))

    def of(self, cell: Cell) -> list[Observation]:
        """The cell's candidates, whether they may vote or not."""
        return list(self._found.get(cell, ()))

    @cached_property
    def _params_hash(self) -> str:
        return self.method.params_hash

    @cached_property
    def _factors_hash(self) -> str:
        return sha256_of(canonical_json(self.factors.plain()))

    def votes(self, cell: Cell) -> list[Vote]:
        """The cell's own votes, sorted by price, before any outlier pass: what factors are fitted on and charts are drawn of."""
        ballots = [
            Ballot(item.group, item.observation.unit_price, item.observation)
            for item in self._of(cell)
            if not item.reason
            and item.observation.kind != "expert"
            and item.observation.unit_price is not None
        ]
        return group_votes(latest_per_sku(ballots)[0], self.method)[0]

    def price(self, cell: Cell) -> PriceRow:
        """The cell's row: the first step of the ladder that succeeds, with all steps tried."""
        steps: list[tuple[str, int]] = []
        pool: dict[Cell, Decimal] = {cell: Decimal(1)}
        row = self._count(cell, "L0", pool, steps)
        for level in self.method.ladder:
            if row is not None:
                return row
            if level in POOLED:
                wider = pool_of(level, cell, self._cells_of(level, cell), self.factors)
                if len(wider) > len(pool):
                    pool = wider
                    row = self._count(cell, level, pool, steps)
            elif level == "L6":
                others = generation_of(cell, self._cells_of(level, cell), self.factors, self.chips)
                if not others.keys() <= pool.keys():
                    row = self._count(cell, level, others, steps)
                    pool = others | pool
            elif level == "L5" and (carry := self.carries.get(cell.code)) is not None:
                steps.append(("L5", carry.months))
                if carry.months <= self.method.carry_months:
                    return self._carried(cell, pool, steps, carry)
        return row or self._experts(cell, pool, steps)

    def told(self, cell: Cell) -> tuple[PriceRow, list[Tally]]:
        """The cell's row as ``price`` gives it, and every step that was counted on the way."""
        other = copy(self)
        other._told = []
        return other.price(cell), other._told

    # -- the ladder ---------------------------------------------------------------------------------------------

    def _cells_of(self, level: str, cell: Cell) -> list[Cell]:
        """The cells of the families that the step may look into."""
        reach = Reach((level,), cell, self.chips)
        return [other for family, cells in self._families.items() if family in reach for other in cells]

    def looks_beyond(self, cell: Cell) -> bool:
        """Whether the ladder may look into any other cell, by what there are factors for and what is known of the chip."""
        factors, ladder = self.factors, self.method.ladder
        return (
            cell.region_group in factors.region
            or cell.term in factors.term
            or ("L3" in ladder and cell.form_factor in factors.form)
            or ("L4" in ladder and cell.tier in factors.tier)
            or ("L6" in ladder and (cell.accelerator, cell.form_factor) in self.chips)
        )

    def _count(
        self, cell: Cell, level: str, pool: Mapping[Cell, Decimal], steps: list[tuple[str, int]]
    ) -> PriceRow | None:
        ballots: list[Ballot] = []
        exclusions: Counter[str] = Counter()
        for member, factor in pool.items():
            for item in self._of(member):
                if item.reason:
                    exclusions[item.reason] += 1
                elif item.observation.kind == "expert":
                    exclusions["expert"] += 1
                else:
                    price = item.observation.unit_price
                    assert price is not None
                    ballots.append(
                        Ballot(
                            item.group,
                            price if factor == 1 else six(multiply(price, factor)),
                            item.observation,
                        )
                    )
        ballots, replaced = latest_per_sku(ballots)
        if replaced:
            exclusions["superseded"] = replaced
        votes, basis = group_votes(ballots, self.method)
        kept, dropped, confirm = drop_outliers(votes, self.method)
        steps.append((level, len(kept)))
        if self._told is not None:
            judged = [item for member in pool for item in self._of(member)]
            self._told.append(Tally(level, dict(pool), judged, ballots, votes, basis, kept, dropped, confirm))
        if len(kept) < self.method.n_min:
            return None
        if dropped:
            exclusions["outlier"] += sum(vote.count for vote in dropped)
        spread = spread_of(kept)
        n_t = sum(vote.kind == "transaction" for vote in kept)
        grade = grade_of(len(kept), n_t, spread.delta2, level, self.method)
        phi, lower, upper = band_of(spread.base, spread.dispersion, grade, self.method)
        return self._row(
            cell,
            pool,
            steps,
            level=level,
            basis=basis,
            grade=grade,
            base=spread.base,
            lower=lower,
            upper=upper,
            phi=phi,
            dispersion=spread.dispersion,
            q25=spread.q25,
            q75=spread.q75,
            mad=spread.mad,
            delta1=spread.delta1,
            delta2=spread.delta2,
            n_t=n_t,
            under_confirmation=confirm,
            exclusions=exclusions,
            **counts_of(kept),
        )

    def _carried(
        self, cell: Cell, pool: Mapping[Cell, Decimal], steps: list[tuple[str, int]], carry: Carry
    ) -> PriceRow:
        base = six(multiply(carry.base, carry.sibling_ratio))
        phi, lower, upper = band_of(base, self.method.band_ceiling, "D", self.method)
        return self._row(
            cell,
            pool,
            steps,
            level="L5",
            basis="carried",
            grade="D",
            base=base,
            lower=lower,
            upper=upper,
            phi=phi,
            exclusions=self._refused(pool),
        )

    def expert_votes(self, cell: Cell) -> list[Vote]:
        """The experts' votes on the cell, sorted by price: what the last step of the ladder counts."""
        ballots = [
            Ballot(item.group, item.observation.unit_price, item.observation)
            for item in self._of(cell)
            if not item.reason
            and item.observation.kind == "expert"
            and item.observation.unit_price is not None
        ]
        latest, _replaced = latest_per_sku(ballots)
        prices: dict[str, list[Decimal]] = {}
        for ballot in latest:
            prices.setdefault(ballot.group, []).append(ballot.price)
        return sorted(
            (
                Vote(group, lower_median(sorted(found)), "expert", len(found))
                for group, found in prices.items()
            ),
            key=lambda vote: (vote.price, vote.group),
        )

    def _experts(self, cell: Cell, pool: Mapping[Cell, Decimal], steps: list[tuple[str, int]]) -> PriceRow:
        votes = self.expert_votes(cell)
        if votes:
            steps.append(("L7", len(votes)))
        exclusions = self._refused(pool)
        if len(votes) < self.method.experts_min:
            return self._row(cell, pool, steps, level=NO_PRICE, exclusions=exclusions)
        spread = spread_of(votes)
        phi, lower, upper = band_of(spread.base, spread.dispersion, "E", self.method)
        return self._row(
            cell,
            pool,
            steps,
            level="L7",
            basis="experts",
            grade="E",
            base=spread.base,
            lower=lower,
            upper=upper,
            phi=phi,
            dispersion=spread.dispersion,
            q25=spread.q25,
            q75=spread.q75,
            mad=spread.mad,
            delta1=spread.delta1,
            delta2=spread.delta2,
            exclusions=exclusions,
            n_groups=len(votes),
            n_observations=sum(vote.count for vote in votes),
            breakdown=(len(votes) + 1) // 2,
        )

    def _refused(self, pool: Mapping[Cell, Decimal]) -> Counter[str]:
        return Counter(item.reason for member in pool for item in self._of(member) if item.reason)

    def _row(
        self, cell: Cell, pool: Mapping[Cell, Decimal], steps: list[tuple[str, int]], **figures: Any
    ) -> PriceRow:
        judged = [item for member in pool for item in self._of(member)]
        lines = sorted(item.line for item in judged) if self.hashed else []
        present = {item.group for item in judged if item.group in self.left_out}
        row = PriceRow(
            cell=cell,
            as_of=self.as_of,
            known_at=self.known_at,
            left_out=tuple(sorted(present)),
            steps=tuple(steps),
            windows=(self.method.max_age_transaction_days, self.method.max_age_quote_days),
            region_label=region_label(cell.market, cell.region_group, self.method.region_table),
            method=self.method.name,
            params_hash=self._params_hash if self.hashed else "",
            chip_table=self.method.chip_table,
            factors_hash=self._factors_hash if self.hashed else "",
            input_set_hash=sha256_of("\n".join(lines)) if self.hashed else "",
            **figures,
        )
        if self.hashed:
            object.__setattr__(row, "output_hash", row.computed_hash())
        return row
