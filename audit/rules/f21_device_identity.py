"""F21 设备身份异常：合同所列设备与登记不是一回事。

方法：有效合同所列、登记簿中有的设备，登记的型号与合同不同，或登记在出租方以外的服务商名下，不少于 least_devices 台（或合同的全部设备）：提示，4 分。

例：合同为 16 张 H100，其中四个序列号登记为 RTX 4090：触发。

缘由：没有机器时，序列号是从别处抄来的。

排除：登记簿中没有的序列号不检验（登记可能滞后）；登记在出租方的分支机构或同一集团名下的。

假设：设备由服务商自行登记；没有一台在登记簿中的合同无法检验。

参数：least_devices（1 台）、points（4 分）。
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import numpy as np

from audit.rules.base import SOFT, Found, Hit, Parameter, Rule
from audit.rules.f03_party_mismatch import links
from audit.rules.facts import MISSING, RELATIONS, Facts

KINDS = {"chip": "型号与合同不符", "provider": "登记在其他服务商名下"}


def find(facts: Facts, parameters: Mapping[str, Any]) -> Found:
    """Leases (and their claims) with devices that contradict the register."""
    let, leases, devices, claims, found = (
        facts.lease_devices,
        facts.leases,
        facts.devices,
        facts.claims,
        Found(),
    )
    order = np.argsort(devices.serial, kind="stable")
    if len(devices):
        places = np.searchsorted(devices.serial, let.serial, sorter=order).clip(max=len(devices) - 1)
        row_of = np.where(devices.serial[order[places]] == let.serial, order[places], -1)
    else:
        row_of = np.full(len(let), -1)
    live = leases.look_up("live", let.lease) == 1
    known = np.flatnonzero((row_of >= 0) & live)
    tested = set(let.lease[known].tolist())
    found.untestable_leases = {int(one) for one in leases.id[leases.live == 1]} - tested
    untestable = (claims.lease == MISSING) | ~np.isin(claims.lease, list(tested))
    found.untestable_claims = {int(one) for one in claims.id[untestable]}

    accelerator = leases.look_up("accelerator", let.lease[known])
    lessor = leases.look_up("lessor", let.lease[known])
    registered = row_of[known]
    chip = (
        (devices.accelerator[registered] != accelerator)
        & (devices.accelerator[registered] != MISSING)
        & (accelerator != MISSING)
    )
    owner = devices.provider[registered] != lessor
    related = links(facts.declared, [name for name in RELATIONS if name != "other"])
    wrong: dict[int, list[tuple[int, str]]] = defaultdict(list)
    for place in np.flatnonzero(chip | owner).tolist():
        lease, row = int(let.lease[known[place]]), int(known[place])
        if chip[place]:
            wrong[lease].append((row, "chip"))
        pair = sorted((int(devices.provider[registered[place]]), int(lessor[place])))
        if owner[place] and (pair[0], pair[1]) not in related:
            wrong[lease].append((row, "provider"))
    least = int(parameters["least_devices"])
    count = Counter(let.lease[known].tolist())
    chosen = {
        lease: rows
        for lease, rows in wrong.items()
        if rows and len({row for row, _kind in rows}) >= min(least, count[lease])
    }
    _explain(facts, found, chosen, Decimal(str(parameters["points"])))
    return found


def _explain(
    facts: Facts, found: Found, chosen: Mapping[int, list[tuple[int, str]]], points: Decimal
) -> None:
    let, leases, claims = facts.lease_devices, facts.leases, facts.claims
    words = facts.labels("lease_device", let.id[[row for rows in chosen.values() for row, _kind in rows]])
    claims_of: dict[int, list[int]] = defaultdict(list)
    for place in np.flatnonzero(np.isin(claims.lease, list(chosen))).tolist():
        claims_of[int(claims.lease[place])].append(int(claims.id[place]))
    for lease, rows in chosen.items():
        at = leases.at(lease)
        kinds = Counter(kind for _row, kind in rows)
        told = "、".join(f"{count} 台{KINDS[kind]}" for kind, count in sorted(kinds.items()))
        distinct = sorted({row for row, _kind in rows}, key=lambda row: words[int(let.id[row])])
        for claim in claims_of.get(lease) or [None]:  # type: ignore[list-item]
            found.hits.append(
                Hit(
                    claim=claim,
                    lease=lease,
                    severity=SOFT,
                    points=points,
                    value=f"{len(distinct)} 台",
                    threshold="0 台",
                    sentence=f"合同所列设备中有 {told}，例如 {words[int(let.id[distinct[0]])][1]}。",
                    counterfactual="若设备登记更正，或提供所有权转移、托管的记录，则不触发。",
                    evidence=tuple(f"lease_device:{'/'.join(words[int(let.id[row])])}" for row in distinct),
                    inputs=tuple((words[int(let.id[row])], kind) for row, kind in rows),
                    ties=(int(leases.lessee[at]), int(leases.lessor[at])),
                )
            )


RULE = Rule(
    id="F21",
    title="设备身份异常",
    family="C",
    severity=SOFT,
    points=Decimal(4),
    legal_basis="各专项“服务商应当以登记入库的算力设备提供服务”条款。",
    parameters=(
        Parameter("least_devices", 1, "最少台数", "台", 1, 100),
        Parameter("points", 4, "分值", "分", 0, 10),
    ),
    find=find,
    page=__doc__ or "",
    at_screening=False,
    about="lease",
)
