"""F18 超卖：服务商某一型号同时租出的卡数超过登记规模。

方法：按服务商和型号逐日累计在租卡数（切分的按份额），与登记规模比较；其后 grace_days 天内补登的规模视为当时已有。超过 hard_percent 为硬性，超过 soft_percent 为提示（5 分）。当时在租的各份合同及其申请都触发。

例：登记 220 卡，2025 年 5 月在租 240 卡，为 109%：提示；在租 300 卡，为 136%：硬性。

缘由：租出多于所有，必有人没有得到。

排除：补登在期限之内；交接当日；同一承租方在相同设备上的续租；合同载明份额的切分。

假设：各机房合并计算；服务商该型号没有任何登记的，无法检验。

参数：soft_percent（100%）、hard_percent（130%）、grace_days（60 天）、soft_points（5 分）。
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np

from audit.rules.base import HARD, SOFT, Found, Hit, Parameter, Rule, day_of
from audit.rules.f17_device_let_twice import WHOLE
from audit.rules.facts import FAR, MISSING, Column, Facts

Key = tuple[int, int]  # provider, accelerator
_DAYS = 2**20  # more days than there will be


@dataclass
class Peak:
    """The worst day of one lease: cards let and registered, both in millionths of a card."""

    day: int
    sold: int
    registered: int

    @property
    def percent(self) -> Decimal:
        """Let as a percentage of registered, one decimal."""
        return (Decimal(self.sold) * 100 / Decimal(self.registered)).quantize(Decimal("0.1"))


def share_of(facts: Facts) -> dict[int, int]:
    """The mean share of a lease's devices, in millionths; leases without devices are taken as whole."""
    let = facts.lease_devices
    if not len(let):
        return {}
    leases, place = np.unique(let.lease, return_inverse=True)
    # At most 10^6 each: sums of integers in floats are exact here.
    total = np.bincount(place, weights=let.share).astype(np.int64)
    count = np.bincount(place)
    return dict(zip(leases.tolist(), (total // count).tolist(), strict=True))


def find(facts: Facts, parameters: Mapping[str, Any]) -> Found:
    """Leases (and their claims) in force while their provider had let more than it registered."""
    leases, claims, capacity, found = facts.leases, facts.claims, facts.capacity, Found()
    grace = int(parameters["grace_days"])
    registered: dict[Key, list[tuple[int, int, int]]] = defaultdict(list)
    for row in range(len(capacity)):
        registered[int(capacity.provider[row]), int(capacity.accelerator[row])].append(
            (int(capacity.starts[row]), int(capacity.ends[row]), int(capacity.cards[row]))
        )
    shares = share_of(facts)
    by_key: dict[Key, list[int]] = defaultdict(list)
    for row in np.flatnonzero(leases.live == 1).tolist():
        key = (int(leases.lessor[row]), int(leases.accelerator[row]))
        if key in registered and leases.cards[row] != MISSING:
            by_key[key].append(row)
        else:
            found.untestable_leases.add(int(leases.id[row]))
    untestable = (claims.lease == MISSING) | np.isin(claims.lease, list(found.untestable_leases))
    found.untestable_claims = {int(one) for one in claims.id[untestable]}

    renewed = _renewals(facts)
    soft, hard = int(parameters["soft_percent"]), int(parameters["hard_percent"])
    peaks: dict[int, Peak] = {}
    for key in _crowded(facts, by_key, registered, shares, soft):
        rows = by_key[key]
        for row, peak in _sweep(facts, rows, registered[key], shares, renewed, grace, soft).items():
            peaks[int(leases.id[row])] = peak
    _explain(facts, found, peaks, soft, hard, Decimal(str(parameters["soft_points"])))
    return found


def _renewals(facts: Facts) -> dict[int, int]:
    """Lease row → the day on which a renewal on the same machines by the same lessee takes over (it counts until then only)."""
    let, leases = facts.lease_devices, facts.leases
    found: dict[int, int] = {}
    if len(let) < 2:
        return found
    order = np.lexsort((let.starts, let.serial))
    lessee = leases.look_up("lessee", let.lease)
    one, other = order[:-1], order[1:]
    taken_over = (
        (let.serial[one] == let.serial[other])
        & (let.starts[other] < let.ends[one])
        & (let.lease[one] != let.lease[other])
        & (lessee[one] == lessee[other])
    )
    starts = leases.look_up("starts_on", let.lease)
    for place in np.flatnonzero(taken_over).tolist():
        row = leases.at(int(let.lease[one[place]]))
        if row is not None:
            found[row] = min(found.get(row, FAR), int(starts[other[place]]))
    return found


def _crowded(
    facts: Facts,
    by_key: Mapping[Key, list[int]],
    registered: Mapping[Key, list[tuple[int, int, int]]],
    shares: Mapping[int, int],
    soft: int,
) -> list[Key]:
    """Whose leases, counted from first to last day whoever renews, are ever more than what is registered then: all in one sweep.
    The others need no look at renewals, handovers and grace, which only lessen the one and add to the other."""
    leases, keys = facts.leases, list(by_key)
    if not keys:
        return []
    rows = np.array([row for key in keys for row in by_key[key]], dtype=np.int64)
    of = np.repeat(np.arange(len(keys)), [len(by_key[key]) for key in keys])
    starts, stops = (np.clip(column[rows], 0, _DAYS - 1) for column in (leases.starts_on, leases.ends_before))
    share = np.array([shares.get(lease, WHOLE) for lease in leases.id[rows].tolist()], dtype=np.int64)
    let = np.where(stops > starts, leases.cards[rows] * share, 0)
    there = [(place, *one) for place, key in enumerate(keys) for one in registered[key]]
    there_of, begins, ceases, cards = (
        np.array([one[part] for one in there], dtype=np.int64) for part in range(4)
    )
    begins, ceases = np.clip(begins, 0, _DAYS - 1), np.clip(ceases, 0, _DAYS - 1)
    # The sum is greatest where a lease starts, or where something registered ceases.
    ask_of = np.concatenate([of, there_of])
    ask = ask_of * _DAYS + np.concatenate([starts, ceases])

    def held(whose: Column, since: Column, until: Column, much: Column) -> Column:
        """The sum over one's own of what is held on the day asked for: from ``since`` until before ``until``."""
        total = np.zeros(len(ask), dtype=np.int64)
        for days, sign in ((since, 1), (until, -1)):
            moments = whose * _DAYS + days
            order = np.argsort(moments, kind="stable")
            running = np.concatenate(([0], np.cumsum(much[order])))
            total += sign * (
                running[np.searchsorted(moments[order], ask, side="right")]
                - running[np.searchsorted(moments[order], ask_of * _DAYS, side="left")]
            )
        return total

    sold = held(of, starts, stops, let)
    enough = held(there_of, begins, ceases, cards) * WHOLE
    return [keys[place] for place in np.unique(ask_of[sold * 100 > soft * enough]).tolist()]


def _sweep(
    facts: Facts,
    rows: list[int],
    registered: list[tuple[int, int, int]],
    shares: dict[int, int],
    renewed: dict[int, int],
    grace: int,
    soft: int,
) -> dict[int, Peak]:
    """One provider and kind: the worst day of each lease that was in force while too much was let."""
    leases = facts.leases
    times = []
    for row in rows:
        start = int(leases.starts_on[row])
        end = min(int(leases.ends_before[row]), renewed.get(row, FAR))
        let = int(leases.cards[row]) * shares.get(int(leases.id[row]), WHOLE)
        if end > start:
            times.append((start, end, let, row))
    starts = np.array([one[0] for one in times], dtype=np.int64)
    stops = np.array([one[1] for one in times], dtype=np.int64)
    cards: Column = np.array([one[2] for one in times], dtype=np.int64)
    if not len(times):
        return {}
    # A day on which a lease starts, or the capacity changes, is where the sum can be greatest; the last day of a lease is
    # shared with the next one's first (handover), so the lease counts to the day before.
    held = stops - 1
    days = np.unique(
        np.concatenate([starts, [max(int(starts.min()), end) for _s, end, _c in registered if end < FAR]])
    )
    ordered_starts, ordered_ends = np.sort(starts), np.sort(held)
    by_start, by_end = cards[np.argsort(starts, kind="stable")], cards[np.argsort(held, kind="stable")]
    begun = np.concatenate(([0], np.cumsum(by_start)))[np.searchsorted(ordered_starts, days, side="right")]
    over = np.concatenate(([0], np.cumsum(by_end)))[np.searchsorted(ordered_ends, days, side="right")]
    sold, there = begun - over, _registered(registered, days, grace) * WHOLE
    peaks: dict[int, Peak] = {}
    for one in np.flatnonzero((there > 0) & (sold * 100 > soft * there)).tolist():
        day, much, enough = int(days[one]), int(sold[one]), int(there[one])
        for place in np.flatnonzero((starts <= day) & (held > day)).tolist():
            row = times[place][3]
            known = peaks.get(row)
            if known is None or much * known.registered > known.sold * enough:
                peaks[row] = Peak(day, much, enough)
    return peaks


def _registered(rows: list[tuple[int, int, int]], days: Column, grace: int) -> Column:
    """Cards registered on each day, or on a day within the grace after it, whichever is most."""

    def on(day: Column) -> Column:
        return sum(
            (np.where((day >= start) & (day < end), cards, 0) for start, end, cards in rows),
            start=np.zeros(len(day), dtype=np.int64),
        )

    most = on(days)
    for start, _end, _cards in rows:
        later = (days < start) & (start <= days + grace)
        if later.any():
            most[later] = np.maximum(most[later], on(np.array([start]))[0])
    return most


def _explain(
    facts: Facts, found: Found, peaks: dict[int, Peak], soft: int, hard: int, points: Decimal
) -> None:
    leases, claims = facts.leases, facts.claims
    words = facts.labels("lease", peaks)
    parties = facts.labels("party", leases.look_up("lessor", np.array(list(peaks), dtype=np.int64)))
    claims_of: dict[int, list[int]] = defaultdict(list)
    for row in np.flatnonzero(np.isin(claims.lease, list(peaks))).tolist():
        claims_of[int(claims.lease[row])].append(int(claims.id[row]))
    for lease, peak in peaks.items():
        at = leases.at(lease)
        assert at is not None
        provider = int(leases.lessor[at])
        over = peak.sold * 100 > hard * peak.registered
        let, there = Decimal(peak.sold) / WHOLE, peak.registered // WHOLE
        for claim in (*claims_of.get(lease, ()),) or (None,):
            found.hits.append(
                Hit(
                    claim=claim,
                    lease=lease,
                    severity=HARD if over else SOFT,
                    points=None if over else points,
                    value=f"{peak.percent}%",
                    threshold=f"{hard if over else soft}%",
                    sentence=f"{day_of(peak.day)}，出租方“{parties[provider][1]}”该型号在租 {let.normalize():f} 卡，"
                    f"登记规模 {there} 卡，为登记的 {peak.percent}%；本合同 {int(leases.cards[at])} 卡当时在租。",
                    told=f"本合同租期内，出租方“{parties[provider][1]}”该型号的在租卡数超过其登记规模。",
                    counterfactual=f"若当时登记规模不少于 {-(-peak.sold * 100 // (soft * WHOLE))} 卡，则不触发。",
                    evidence=(f"lease:{words[lease][0]}", f"party:{parties[provider][0]}"),
                    inputs=(words[lease][0], peak.day, peak.sold, peak.registered),
                    ties=(int(leases.lessee[at]), provider),
                )
            )


RULE = Rule(
    id="F18",
    title="超卖",
    family="C",
    severity=HARD,
    points=Decimal(5),
    legal_basis="各专项“服务商应当以登记入库的算力规模提供服务”条款；《民法典》第七百零八条。",
    parameters=(
        Parameter("soft_percent", 100, "提示起点", "%", 100, 200),
        Parameter("hard_percent", 130, "拦截起点", "%", 101, 500),
        Parameter("grace_days", 60, "补登期限", "天", 0, 365),
        Parameter("soft_points", 5, "提示的分值", "分", 0, 10),
    ),
    find=find,
    ascending=(("soft_percent", "hard_percent"),),
    page=__doc__ or "",
    about="lease",
)
