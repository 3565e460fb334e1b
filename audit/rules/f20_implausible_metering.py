"""F20 用量造假：计量的数字不像机器跑出来的。

方法：逐日用量有 least_days 天以上的合同，下列五种迹象出现 least_signs 种以上：（一）least_days 天以上用量四位小数完全相同；（二）利用率恒在 99% 以上、方差小于万分之一；（三）与另一承租方的合同逐日用量相关系数大于 0.999（整段平移照抄）；（四）利用率并非饱和，周末与工作日的平均用量却相差不到千分之一；（五）租期开始之前已有用量：提示，5 分。

例：九十天里有四十天都是 187.3312 卡时，且与另一家的曲线逐日相同：触发。

缘由：没有用过的算力，用量只能编造或抄来。

排除：每天恰为卡数×24 的，是按分配计量，不是用量，不检验；训练任务饱和运行只占一种迹象，不触发；零用量由 F19 检验。

假设：用量按日记录；不足 least_days 天的、没有卡数的无法检验。

参数：least_days（10 天）、least_signs（2 种）、points（5 分）。
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import numpy as np
from numpy.typing import NDArray

from audit.rules.base import SOFT, Found, Hit, Parameter, Rule
from audit.rules.facts import MISSING, Facts, groups
from audit.rules.spread import claims_on, live_leases, untested_claims

HOURS = 10_000  # a card hour, as facts count it
SATURATED, STEADY, SAME = 0.99, 1e-4, 0.999
FLAT, WEEKS = 0.001, 28
BLOCK = 1_000
BITS, TABLES, SEED = 12, 24, 20
SIGNS = {
    "identical": "多日用量完全相同",
    "constant": "利用率恒定在 99% 以上",
    "copied": "与另一合同的逐日用量相同",
    "no_rest": "周末与工作日没有差别",
    "early": "租期开始之前已有用量",
}


@dataclass
class Series:
    """The daily use under one lease, in the order of the days."""

    days: NDArray[np.int64]
    hours: NDArray[np.int64]
    signs: list[str] = field(default_factory=list)


def find(facts: Facts, parameters: Mapping[str, Any]) -> Found:
    """Leases (and their claims) whose metering shows several signs of having been made up."""
    leases, found = facts.leases, Found()
    least = int(parameters["least_days"])
    rows = live_leases(facts)
    everyone = {int(one) for one in leases.id[rows]}
    if not facts.whole:
        found.untestable_leases = everyone
        found.untestable_claims = {int(one) for one in facts.claims.id}
        return found
    series = _series(facts, everyone, least)
    found.untestable_leases = everyone - set(series)
    found.untestable_claims = untested_claims(facts, found.untestable_leases)
    own = {lease: one for lease, one in series.items() if not _allocated(facts, lease, one)}
    for lease, one in own.items():
        at = leases.at(lease)
        one.signs += _signs(one, int(leases.cards[at]), int(leases.starts_on[at]), least)
    twins = _copies(facts, own)
    for lease in twins:
        own[lease].signs.append("copied")
    chosen = {lease: one for lease, one in own.items() if len(one.signs) >= int(parameters["least_signs"])}
    words = facts.labels("lease", {*chosen, *(twins[one] for one in chosen if one in twins)})
    for lease, claims in claims_on(facts, chosen).items():
        at, signs = leases.at(lease), chosen[lease].signs
        twin = twins.get(lease)
        other = leases.at(twin) if twin is not None else None
        for claim in claims:
            found.hits.append(
                Hit(
                    claim=claim,
                    lease=lease,
                    severity=SOFT,
                    points=Decimal(str(parameters["points"])),
                    value=f"{len(signs)} 种",
                    threshold=f"{parameters['least_signs']} 种",
                    sentence=f"合同 {words[lease][0]} 的 {len(chosen[lease].days)} 天用量有 {len(signs)} 种造假迹象："
                    + "、".join(SIGNS[sign] for sign in signs)
                    + (f"（{words[twin][0]}）。" if twin is not None else "。"),
                    counterfactual=f"若迹象少于 {parameters['least_signs']} 种，或平台出具原始日志，则不触发。",
                    evidence=(
                        f"lease:{words[lease][0]}",
                        f"metering:{words[lease][0]}",
                        *((f"metering:{words[twin][0]}",) if twin is not None else ()),
                    ),
                    inputs=(words[lease][0], *signs, chosen[lease].hours.tolist()),
                    ties=(
                        int(leases.lessee[at]),
                        int(leases.lessor[at]),
                        *(
                            (int(leases.lessee[other]), int(leases.lessor[other]))
                            if other is not None
                            else ()
                        ),
                    ),
                    told=f"逐日用量有 {len(signs)} 种异常迹象：{'、'.join(SIGNS[sign] for sign in signs)}。",
                )
            )
    return found


def _series(facts: Facts, leases: set[int], least: int) -> dict[int, Series]:
    """Lease → its days of use, where there are enough of them and the number of cards is known."""
    daily = facts.daily
    order = np.lexsort((daily.day, daily.lease))
    found: dict[int, Series] = {}
    for run in groups(daily.lease, order):
        lease = int(daily.lease[run[0]])
        if lease not in leases:
            continue
        at = facts.leases.at(lease)
        used = run[daily.hours[run] > 0]
        if len(used) >= least and at is not None and facts.leases.cards[at] > 0:
            found[lease] = Series(daily.day[used], daily.hours[used])
    return found


def _allocated(facts: Facts, lease: int, one: Series) -> bool:
    at = facts.leases.at(lease)
    return bool((one.hours == int(facts.leases.cards[at]) * 24 * HOURS).all())


def _signs(one: Series, cards: int, starts_on: int, least: int) -> list[str]:
    signs = []
    _values, counts = np.unique(one.hours, return_counts=True)
    if counts.max() >= least:
        signs.append("identical")
    use = one.hours / (cards * 24 * HOURS)
    if use.mean() >= SATURATED and use.var() < STEADY:
        signs.append("constant")
    elif len(use) >= WEEKS:
        weekend = (one.days + 3) % 7 >= 5  # 1970-01-01 was a Thursday
        if weekend.any() and not weekend.all():
            mean = use.mean()
            if abs(use[weekend].mean() - use[~weekend].mean()) < FLAT * mean:
                signs.append("no_rest")
    if (one.days < starts_on).any():
        signs.append("early")
    return signs


def _copies(facts: Facts, series: Mapping[int, Series]) -> dict[int, int]:
    """Lease → another lessee's lease with the same curve, whenever that was."""
    leases = facts.leases
    by_length: dict[int, list[int]] = defaultdict(list)
    for lease, one in series.items():
        if one.hours.std() > 0:
            by_length[len(one.hours)].append(lease)
    twins: dict[int, int] = {}
    for length, alike in by_length.items():
        if len(alike) < 2:
            continue
        alike.sort()
        curves = np.array([series[lease].hours for lease in alike], dtype=np.float32)
        curves -= curves.mean(axis=1, keepdims=True)
        curves /= np.linalg.norm(curves, axis=1, keepdims=True)
        leased = np.array(alike, dtype=np.int64)
        lessees = leases.look_up("lessee", leased)
        assert (lessees != MISSING).all() and length > 1
        for near in _near(curves):
            for start in range(0, len(near), BLOCK):
                rows = near[start : start + BLOCK]
                close = curves[rows] @ curves[near].T > SAME
                close &= lessees[rows][:, None] != lessees[near][None, :]
                first = close.argmax(axis=1)
                for place in np.flatnonzero(close[np.arange(len(rows)), first]).tolist():
                    lease, twin = int(leased[rows[place]]), int(leased[near[first[place]]])
                    twins[lease] = min(twin, twins.get(lease, twin))
    return twins


def _near(curves: NDArray[np.float32]) -> Iterator[NDArray[np.int64]]:
    """Rows of curves among which those that are the same are found: all of few; of many, those that lie on the same side of BITS
    planes, which two copies do in one of TABLES draws but for one in ten million. The planes are the same in every scan."""
    if len(curves) <= BLOCK:
        yield np.arange(len(curves))
        return
    drawn = np.random.default_rng(SEED)
    apart = curves - curves.mean(axis=0, keepdims=True)
    for _table in range(TABLES):
        planes = drawn.standard_normal((curves.shape[1], BITS), dtype=np.float32)
        side = (apart @ planes > 0) @ (1 << np.arange(BITS))
        yield from groups(side, np.argsort(side, kind="stable"))


RULE = Rule(
    id="F20",
    title="用量造假",
    family="C",
    severity=SOFT,
    points=Decimal(5),
    legal_basis="各专项“以实际使用的算力为准、计量数据应当真实”条款；《财政违法行为处罚处分条例》第十四条。",
    parameters=(
        Parameter("least_days", 10, "最少天数", "天", 5, 365),
        Parameter("least_signs", 2, "最少迹象", "种", 1, 5),
        Parameter("points", 5, "分值", "分", 0, 10),
    ),
    find=find,
    page=__doc__ or "",
    at_screening=False,
    about="lease",
)
