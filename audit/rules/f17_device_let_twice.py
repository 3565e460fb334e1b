"""F17 一机多租：一台设备同时租给两个承租方。

方法：同一序列号的各段租期按开始先后排列，与此前最晚的结束日比较（只比前一段会漏掉包含在内的合同）。不同承租方的两段重叠超过 hours 小时，且其中有独占合同的为硬性；同时出租的份额合计超过一台的为提示（6 分）。两份合同及其各件申请都触发。

例：序列号 ASCM309855481 自 2025 年 4 月 2 日至 2026 年 4 月 1 日独占租给一家，7 月 8 日至 10 月 7 日又租给另一家：同时 92 天，硬性。

缘由：一块卡同一时间只为一家计算；租两次的，不是卖了没有的东西，就是根本没有租。

排除：交接当日正好 24 小时；切分（MIG、vGPU）份额合计不超过一台；同一承租方的续租；保修更换的旧卡，其租期至新卡接替之日止。

假设：按整日计算，不含结束次日；合同未列设备的无法检验；草稿和作废的合同不计。

参数：hours（24 小时）、slice_points（6 分）。
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import pairwise
from typing import Any

import numpy as np

from audit.rules.base import HARD, SOFT, Found, Hit, Parameter, Rule, day_of
from audit.rules.facts import MISSING, Column, Facts, mixed

WHOLE = 1_000_000  # the share of a whole device


@dataclass
class Clash:
    """What stands against one lease: the longest overlap, the devices and rows concerned, whether one was exclusive."""

    days: int = 0
    hard: bool = False
    share: int = 0
    worst: tuple[int, int, int] = (0, 0, 0)  # row of lease_devices, overlap from, to
    serials: set[int] = field(default_factory=set)
    rows: set[int] = field(default_factory=set)


def ends_of(facts: Facts) -> Column:
    """The end of each device's time, shortened where a replacing device took over under the same lease."""
    let, devices = facts.lease_devices, facts.devices
    ends: Column = let.ends.copy()
    replaced = np.flatnonzero(devices.replaces != MISSING)
    if not len(replaced):
        return ends
    successors: dict[int, set[int]] = defaultdict(set)
    for row in replaced.tolist():
        successors[int(devices.replaces[row])].add(int(devices.serial[row]))
    starts: dict[tuple[int, int], int] = {}
    new = np.flatnonzero(np.isin(let.serial, devices.serial[replaced]))
    for row in new.tolist():
        place = (int(let.lease[row]), int(let.serial[row]))
        starts[place] = min(int(let.starts[row]), starts.get(place, int(let.starts[row])))
    for row in np.flatnonzero(np.isin(let.serial, devices.replaces[replaced])).tolist():
        begun = [
            starts[int(let.lease[row]), one]
            for one in successors[int(let.serial[row])]
            if (int(let.lease[row]), one) in starts
        ]
        after = [day for day in begun if day >= int(let.starts[row])]
        if after:
            ends[row] = min(int(ends[row]), min(after) + 1)
    return ends


def find(facts: Facts, parameters: Mapping[str, Any]) -> Found:
    """Leases (and their claims) that share a device in time with another lessee's."""
    longest_honest = int(parameters["hours"]) // 24
    points = Decimal(str(parameters["slice_points"]))
    let, leases, claims, found = facts.lease_devices, facts.leases, facts.claims, Found()
    live = leases.live == 1
    bare = leases.id[live & ~np.isin(leases.id, let.lease)]
    found.untestable_leases = {int(one) for one in bare}
    found.untestable_claims = {
        int(one) for one in claims.id[(claims.lease == MISSING) | np.isin(claims.lease, bare)]
    }

    ends = ends_of(facts)
    rows = np.flatnonzero((leases.look_up("live", let.lease) == 1) & (ends > let.starts))
    lessee = leases.look_up("lessee", let.lease)
    exclusive = leases.look_up("exclusive", let.lease)
    order = rows[np.lexsort((let.id[rows], let.starts[rows], let.serial[rows]))]
    against: dict[int, Clash] = defaultdict(Clash)
    for run in mixed(let.serial, order, lessee[order]):
        latest = np.maximum.accumulate(ends[run])
        if not (let.starts[run][1:] < latest[:-1] - longest_honest).any():
            continue
        _compare(facts, run, ends, lessee, exclusive, longest_honest, against)
    _explain(facts, found, against, ends, points)
    return found


def _compare(
    facts: Facts,
    run: np.ndarray,
    ends: Column,
    lessee: Column,
    exclusive: Column,
    longest_honest: int,
    against: dict[int, Clash],
) -> None:
    """All times of one serial: exclusive pairs, and slices that add up to more than the device."""
    let = facts.lease_devices
    rows = run.tolist()
    for place, one in enumerate(rows):
        for other in rows[place + 1 :]:
            start, end = int(let.starts[other]), min(int(ends[one]), int(ends[other]))
            if lessee[one] == lessee[other] or end - start <= longest_honest:
                continue
            hard = exclusive[one] == 1 or exclusive[other] == 1
            shares = _most_let(facts, rows, ends, lessee, start, end, longest_honest)
            if not hard and shares <= WHOLE:
                continue
            for mine, theirs in ((one, other), (other, one)):
                clash = against[int(let.lease[mine])]
                clash.serials.add(int(let.serial[mine]))
                clash.rows |= {mine, theirs}
                clash.share = max(clash.share, shares)
                if (hard, end - start) > (clash.hard, clash.days):
                    clash.hard, clash.days, clash.worst = hard, end - start, (mine, start, end)


def _most_let(
    facts: Facts, rows: list[int], ends: Column, lessee: Column, start: int, end: int, longest_honest: int
) -> int:
    """The most that was let at once between two days for longer than a handover: one lessee's renewals count once."""
    let = facts.lease_devices
    bounds = sorted(
        {start, end}
        | {day for row in rows for day in (int(let.starts[row]), int(ends[row])) if start < day < end}
    )
    most = 0
    for begin, stop in pairwise(bounds):
        held: dict[int, int] = {}
        for row in rows:
            if let.starts[row] < stop and ends[row] > begin:
                who = int(lessee[row])
                held[who] = max(held.get(who, 0), int(let.share[row]))
        if stop - begin > longest_honest:
            most = max(most, sum(held.values()))
    return most


def _explain(facts: Facts, found: Found, against: dict[int, Clash], ends: Column, points: Decimal) -> None:
    let, claims, leases = facts.lease_devices, facts.claims, facts.leases
    words = facts.labels("lease_device", let.id[[row for clash in against.values() for row in clash.rows]])
    claims_of: dict[int, list[int]] = defaultdict(list)
    for row in np.flatnonzero(np.isin(claims.lease, list(against))).tolist():
        claims_of[int(claims.lease[row])].append(int(claims.id[row]))
    for lease, clash in against.items():
        mine, start, end = clash.worst
        serial = words[int(let.id[mine])][1]
        share = (
            f"同时出租份额合计 {Decimal(clash.share) / WHOLE:.2f}，" if not clash.hard else "其中有独占合同，"
        )
        many = f"本合同共 {len(clash.serials)} 台设备如此。" if len(clash.serials) > 1 else ""
        rows = sorted(clash.rows, key=lambda row: words[int(let.id[row])])
        concerned = np.unique(let.lease[rows])
        tied = np.unique([leases.look_up("lessee", concerned), leases.look_up("lessor", concerned)])
        for claim in (*claims_of.get(lease, ()),) or (None,):
            found.hits.append(
                Hit(
                    ties=tuple(tied.tolist()),
                    claim=claim,
                    lease=lease,
                    severity=HARD if clash.hard else SOFT,
                    points=None if clash.hard else points,
                    value=f"{clash.days} 天" if clash.hard else f"{Decimal(clash.share) / WHOLE:.2f}",
                    threshold="1 天" if clash.hard else "1.00",
                    sentence=f"设备 {serial} 自 {day_of(start)} 至 {day_of(end - 1)} 同时租给不同承租方共 {clash.days} 天，"
                    f"{share}超过交接当日（24 小时）。{many}",
                    told=f"设备 {serial} 在本合同租期内同时租给其他承租方，超过交接当日（24 小时）。{many}",
                    counterfactual="若两份合同对同一设备的租期重叠不超过一天，或切分份额合计不超过 1，则不触发。",
                    evidence=tuple(f"lease_device:{'/'.join(words[int(let.id[row])])}" for row in rows),
                    inputs=tuple(
                        (*words[int(let.id[row])], int(ends[row]), int(let.share[row])) for row in rows
                    ),
                )
            )


RULE = Rule(
    id="F17",
    title="一机多租",
    family="C",
    severity=HARD,
    points=None,
    legal_basis="《民法典》第七百零八条（出租人应当按照约定将租赁物交付承租人并保持其符合约定用途）；各专项“算力资源不得重复计入”条款。",
    parameters=(
        Parameter("hours", 24, "允许的重叠", "小时", 0, 168, step=24),
        Parameter("slice_points", 6, "切分超额的分值", "分", 0, 10),
    ),
    find=find,
    page=__doc__ or "",
    about="lease",
)
