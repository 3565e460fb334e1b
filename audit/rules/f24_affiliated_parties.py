"""F24 关联租赁：出租方与承租方是一家。

方法：以合同签订日的登记为准：（一）一方直接或经持股 25% 以上的公司间接持有另一方 25% 以上；（二）同一第三方直接或间接持有双方各 25% 以上；（三）法定代表人证件摘要相同；（四）申报为母子公司、同受控制、分支机构或近亲属。路径不超过三步。以上为登记的控制关系，硬性。其余按双方共有的联系计分，满 6 分提示：银行账户 8，同一自然人在双方或其上层公司担任法定代表人或持有 25% 以上 8，5%–25% 的共同股东 4，持有另一方 5%–25% 4，电话 4，邮箱 4，地址到室 3，双方各与同一第三家企业共用银行账户或法定代表人（其中至少一边为账户）8；各乘以 min(1, ln(N/df)／ln N)：共用者越多越说明不了什么，超过 hub_cap 家共用的不计；经第三家的，两边的系数相乘。

例：签订日双方法定代表人为同一人：硬性。双方地址到室相同（只此两家），并有一名分别持股 19%、23% 的共同股东：6.3 分，提示。

缘由：多个专项（北京、扬州、南宁等）不支持关联方之间的租用：关联方之间的价格和交付证明不了什么。

排除：国有资本平台等公共机构作为共同股东（《公司法》第二百六十五条第四项）；持有超过 hub_cap 家的投资平台；签订日前已退出的持股；同名不同人（只比较证件摘要）；孵化器地址、代账电话；登记的代理不是关联方。

假设：在册单位的登记是完整的；任何一方缺法定代表人或股东信息而又未触发的，无法检验；共有联系须知其在全体中的频度，只在全量扫描时检验。

参数：share_percent（25%）、path_length（3 步）、hub_cap（8 家）、rep_cap（30 家）、flag_from（6 分）、points（各类分值）。
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, NamedTuple

import numpy as np

from audit.rules.base import HARD, SOFT, Found, Hit, Parameter, Rule, day_of
from audit.rules.control import Link, Register, ever_joined
from audit.rules.facts import MISSING, Facts, groups

ATTRIBUTES = {"phone": "电话", "email": "邮箱", "address": "地址", "account": "银行账户"}
POINTS = {
    "account": 8,
    "representative": 8,
    "common_holder": 4,
    "minor_holding": 4,
    "phone": 4,
    "email": 4,
    "address": 3,
    "third": 8,
}


def register_of(facts: Facts, parameters: Mapping[str, Any]) -> Register:
    """The register under these parameters."""
    return Register(
        facts,
        share=int(Decimal(str(parameters["share_percent"])) * 10_000),
        length=int(parameters["path_length"]),
        hub_cap=int(parameters["hub_cap"]),
        rep_cap=int(parameters["rep_cap"]),
    )


def find(facts: Facts, parameters: Mapping[str, Any]) -> Found:
    """Leases (and their claims) whose parties belong together."""
    leases, claims, found = facts.leases, facts.claims, Found()
    register = register_of(facts, parameters)
    live = np.flatnonzero(leases.live == 1)
    near = ever_joined(facts, live, int(parameters["hub_cap"]))
    shared = Shared(facts, register, parameters) if facts.whole and near.any() else None
    links: dict[int, Link] = {}
    soft: dict[int, list[Ground]] = {}
    columns = (leases.id, leases.lessee, leases.lessor, leases.signed_on)
    rows = zip(*(column[live].tolist() for column in columns), near.tolist(), strict=True)
    for lease, one, other, signed, is_near in rows:
        link = register.link(one, other, signed) if is_near else None
        if link is not None:
            links[lease] = link
            continue
        if not (register.known(one) and register.known(other)):
            found.untestable_leases.add(lease)
        if shared is not None and is_near:
            grounds = shared.between(one, other, signed)
            if sum((ground.points for ground in grounds), Decimal(0)) >= Decimal(
                str(parameters["flag_from"])
            ):
                soft[lease] = grounds
    untestable = np.isin(claims.lease, list(found.untestable_leases)) | (claims.lease == MISSING)
    found.untestable_claims = {int(one) for one in claims.id[untestable]}
    _explain(facts, found, links, soft, parameters)
    return found


_NOTHING: frozenset[tuple[str, int]] = frozenset()


class Ground(NamedTuple):
    """One thing that two parties share: its kind, weighted points, how many share it, and the records that show it."""

    kind: str
    points: Decimal
    df: int
    holdings: tuple[int, ...] = ()  # rows of shareholdings
    parties: tuple[int, ...] = ()  # ids of companies that the person represents


class Shared:
    """What parties share beside registered control, weighted by how rare it is."""

    def __init__(self, facts: Facts, register: Register, parameters: Mapping[str, Any]) -> None:
        self.facts, self.register = facts, register
        self.points = {**POINTS, **parameters["points"]}
        self.hub_cap, self.share = (
            int(parameters["hub_cap"]),
            int(Decimal(str(parameters["share_percent"])) * 10_000),
        )
        self.count = max(2, len(facts.parties))
        parties, accounts, held = facts.parties, facts.accounts, facts.shareholdings
        self._who: dict[tuple[str, int], set[int]] = defaultdict(set)
        self._of: dict[int, set[tuple[str, int]]] = defaultdict(set)
        for name, owners, values in (
            ("phone", parties.id, parties.phone),
            ("email", parties.id, parties.email),
            ("address", parties.id, parties.address),
            ("account", accounts.party, accounts.account),
        ):
            order = np.argsort(values, kind="stable")
            for run in groups(values, order[values[order] != MISSING]):
                for row in run.tolist():
                    self._who[name, int(values[row])].add(int(owners[row]))
                    self._of[int(owners[row])].add((name, int(values[row])))
        self._all: dict[int, frozenset[int]] = {}
        self._held: dict[int, list[int]] = defaultdict(list)
        for row in range(len(held)):
            self._held[int(held.company[row])].append(row)
        self._companies = {int(code) for code in parties.uscc} | {
            int(one) for one in held.holder[held.holder_is_company == 1]
        }
        self._persons_degree: dict[int, set[int]] = defaultdict(set)
        for rep, identity in zip(parties.legal_rep.tolist(), parties.id.tolist(), strict=True):
            self._persons_degree[rep].add(identity)
        for row in np.flatnonzero(held.percent >= self.share).tolist():
            self._persons_degree[int(held.holder[row])].add(int(held.company[row]))
        self._degree: dict[int, set[int]] = defaultdict(set)
        for holder, company in zip(held.holder.tolist(), held.company.tolist(), strict=True):
            self._degree[holder].add(company)

    def weight(self, df: int) -> Decimal:
        """min(1, ln(N/df) / ln N), to four places."""
        return Decimal(str(round(min(1.0, math.log(self.count / df) / math.log(self.count)), 4)))

    def between(self, one: int, other: int, on: int) -> list[Ground]:
        """What the two share on that day: kind, points, how many share it; the strongest first."""
        found: list[Ground] = []
        for kind, value in self._of.get(one, _NOTHING) & self._of.get(other, _NOTHING):
            df = len(self._who[kind, value])
            if df <= self.hub_cap:
                found.append(Ground(kind, Decimal(self.points[kind]) * self.weight(df), df))
        if not self._behind(one).isdisjoint(self._behind(other)):
            found += self._holdings(one, other, on)
        if not found:
            found += self._through_a_third(one, other)
        return sorted(found, key=lambda ground: (-ground.points, ground.kind))

    def _through_a_third(self, one: int, other: int) -> list[Ground]:
        """A firm that shares a bank account or the representative with the one and with the other; one of the two an account."""
        mine, theirs = self._strong(one), self._strong(other)
        best: Ground | None = None
        for third in sorted(mine.keys() & theirs.keys()):
            (kind, df), (other_kind, other_df) = mine[third], theirs[third]
            if "account" not in (kind, other_kind):
                continue
            points = Decimal(self.points["third"]) * self.weight(df) * self.weight(other_df)
            if best is None or points > best.points:
                best = Ground("third", points, max(df, other_df), parties=(third,))
        return [best] if best is not None else []

    def _strong(self, party: int) -> dict[int, tuple[str, int]]:
        """Who shares an account or else the representative with the party: by what, and how many share it."""
        found: dict[int, tuple[str, int]] = {}
        rep = self.register.representative_of(party)
        shared = [
            ("account", self._who[one]) for one in sorted(self._of.get(party, ())) if one[0] == "account"
        ]
        if rep != MISSING:
            shared.append(("representative", self._persons_degree[rep]))
        for kind, members in shared:
            if len(members) <= self.hub_cap:
                for member in members - {party}:
                    found.setdefault(member, (kind, len(members)))
        return found

    def _behind(self, party: int) -> frozenset[int]:
        """Whoever was ever above the party, their representatives, and its small holders: what a link needs in common."""
        known = self._all.get(party)
        if known is None:
            held = self.facts.shareholdings
            above = self.register.ever_above(party)
            reps = (self.register.representative(code) for code in above)
            holders = (int(held.holder[one]) for one in self._held.get(party, ()))
            known = self._all[party] = frozenset({*above, *reps, *holders} - {MISSING})
        return known

    def _persons(self, party: int, on: int) -> dict[int, tuple[int, tuple[int, ...], tuple[int, ...]]]:
        """Who represents or holds 25 % of the party or of a company above it: person → steps, holdings, companies."""
        found: dict[int, tuple[int, tuple[int, ...], tuple[int, ...]]] = {}
        for code, path in self.register.above(party, on).items():
            company = self.register.party(code)
            rep = self.register.representative(code)
            for person, steps, represented in ((code, len(path), ()), (rep, len(path) + 1, (company,))):
                if person == MISSING or person in self._companies:
                    continue
                if person not in found or steps < found[person][0]:
                    found[person] = (steps, path, tuple(one for one in represented if one is not None))
        return found

    def _holders(self, party: int, on: int) -> dict[int, int]:
        held = self.facts.shareholdings
        found: dict[int, int] = {}
        for row in self._held.get(party, ()):
            if held.starts[row] <= on < held.ends[row] and held.public_body[row] != 1:
                holder = int(held.holder[row])
                found[holder] = found.get(holder, 0) + int(held.percent[row])
        return found

    def _holdings(self, one: int, other: int, on: int) -> list[Ground]:
        parties = self.facts.parties
        found: list[Ground] = []
        mine, theirs = self._holders(one, on), self._holders(other, on)
        at = {party: parties.at(party) for party in (one, other)}
        for party, holders in ((one, theirs), (other, mine)):
            row = at[party]
            if row is None:
                continue
            uscc = int(parties.uscc[row])
            if holders.get(uscc, 0) >= 50_000:
                rows = self._rows(other if party == one else one, uscc, on)
                found.append(Ground("minor_holding", Decimal(self.points["minor_holding"]), 2, rows))
        ours, yours = self._persons(one, on), self._persons(other, on)
        shared = sorted(ours.keys() & yours.keys(), key=lambda who: (ours[who][0] + yours[who][0], who))
        for person in shared[:1]:
            df = max(2, len(self._persons_degree[person]))
            (steps, path, companies), (others, way, more) = ours[person], yours[person]
            if steps + others <= self.register.length and df <= self.hub_cap:
                points = Decimal(self.points["representative"]) * self.weight(df)
                found.append(Ground("representative", points, df, (*path, *way), (*companies, *more)))
        for holder in mine.keys() & theirs.keys():
            df = len(self._degree[holder])
            if min(mine[holder], theirs[holder]) >= 50_000 and df <= self.hub_cap:
                points = Decimal(self.points["common_holder"]) * self.weight(df)
                rows = (*self._rows(one, holder, on), *self._rows(other, holder, on))
                found.append(Ground("common_holder", points, df, rows))
        return found

    def _rows(self, company: int, holder: int, on: int) -> tuple[int, ...]:
        held = self.facts.shareholdings
        return tuple(
            row
            for row in self._held.get(company, ())
            if held.holder[row] == holder and held.starts[row] <= on < held.ends[row]
        )


_KINDS = {
    **ATTRIBUTES,
    "representative": "同一自然人分别担任法定代表人或持有 25% 以上（含上层公司）",
    "minor_holding": "一方持有另一方 5% 以上股权",
    "common_holder": "有共同股东（5% 以上）",
    "third": "各与同一第三家企业共用银行账户或法定代表人",
}
_RELATION_WORDS = {
    "parent": "母公司", "subsidiary": "子公司", "sister": "同受控制", "branch": "分支机构", "spouse": "近亲属",
}  # fmt: skip


def _explain(
    facts: Facts,
    found: Found,
    links: Mapping[int, Link],
    soft: Mapping[int, list[Ground]],
    parameters: Mapping[str, Any],
) -> None:
    leases, claims, held, declared = facts.leases, facts.claims, facts.shareholdings, facts.declared
    flagged = np.array([*links, *soft], dtype=np.int64)
    lease_words = facts.labels("lease", flagged)
    lessee, lessor = leases.look_up("lessee", flagged), leases.look_up("lessor", flagged)
    party_words = facts.labels("party", [*lessee.tolist(), *lessor.tolist()])
    rows = [r for link in links.values() for r in link.shareholdings]
    rows += [r for grounds in soft.values() for ground in grounds for r in ground.holdings]
    holding_words = facts.labels("shareholding", held.id[rows])
    declared_words = facts.labels(
        "declared", declared.id[[link.declared for link in links.values() if link.declared is not None]]
    )
    claims_of: dict[int, list[int]] = defaultdict(list)
    for row in np.flatnonzero(np.isin(claims.lease, flagged)).tolist():
        claims_of[int(claims.lease[row])].append(int(claims.id[row]))
    for place, lease in enumerate(flagged.tolist()):
        one, other = party_words[int(lessee[place])], party_words[int(lessor[place])]
        at = leases.at(lease)
        signed = day_of(int(leases.signed_on[at]))
        evidence = [f"lease:{lease_words[lease][0]}", f"party:{one[0]}", f"party:{other[0]}"]
        inputs: list[Any] = [one[0], other[0], signed]
        points: Decimal | None = None
        if lease in links:
            link = links[lease]
            told, value = _told(facts, link, holding_words, declared_words)
            evidence += [
                f"shareholding:{'/'.join(holding_words[int(held.id[row])][:3])}" for row in link.shareholdings
            ]
            inputs += [
                (holding_words[int(held.id[row])][:3], int(held.percent[row])) for row in link.shareholdings
            ]
            if link.declared is not None:
                words = declared_words[int(declared.id[link.declared])]
                evidence.append(f"declared_affiliation:{'/'.join(words)}")
                inputs.append(words)
            inputs.append(link.ground)
            severity, threshold = HARD, f"{parameters['share_percent']}% 或登记的控制关系"
            sentence = (
                f"承租方“{one[1]}”与出租方“{other[1]}”在合同签订日（{signed}）存在登记的控制关系：{told}。"
            )
            cure = "若签订日前该关系已登记终止，则不触发。"
        else:
            grounds = soft[lease]
            total = sum((ground.points for ground in grounds), Decimal(0))
            points = min(Decimal(10), total).quantize(Decimal("0.01"))
            severity, value, threshold = SOFT, str(points), str(parameters["flag_from"])
            told = "、".join(
                f"{'相同的' if one_ground.kind in ATTRIBUTES else ''}{_KINDS[one_ground.kind]}"
                f"（{one_ground.points:.1f} 分，共 {one_ground.df} 家）"
                for one_ground in grounds
            )
            evidence += [
                f"shareholding:{'/'.join(holding_words[int(held.id[row])][:3])}"
                for one_ground in grounds
                for row in one_ground.holdings
            ]
            between = facts.labels("party", [p for one_ground in grounds for p in one_ground.parties])
            evidence += [f"party:{words[0]}" for words in between.values()]
            inputs += [(one_ground.kind, str(one_ground.points), one_ground.df) for one_ground in grounds]
            sentence = f"承租方“{one[1]}”与出租方“{other[1]}”之间有：{told}，合计 {points} 分。"
            cure = f"若合计低于 {parameters['flag_from']} 分，则不触发。"
        for claim in (*claims_of.get(lease, ()),) or (None,):
            found.hits.append(
                Hit(
                    claim,
                    lease,
                    severity,
                    points,
                    value,
                    threshold,
                    sentence,
                    cure,
                    tuple(dict.fromkeys(evidence)),
                    tuple(inputs),
                    ties=(int(lessee[place]), int(lessor[place])),
                )
            )


def _told(
    facts: Facts,
    link: Link,
    holding_words: dict[int, tuple[str, ...]],
    declared_words: dict[int, tuple[str, ...]],
) -> tuple[str, str]:
    """The link in words, and the value that is compared with the threshold."""
    held = facts.shareholdings
    if link.ground == "same_party":
        return "承租方与出租方为同一主体", "同一主体"
    if link.ground == "legal_rep":
        return "法定代表人为同一人（证件摘要相同）", "同一法定代表人"
    if link.ground == "declared" and link.declared is not None:
        words = declared_words[int(facts.declared.id[link.declared])]
        return f"{words[3]} 申报为“{_RELATION_WORDS.get(words[2], words[2])}”关系", words[2]
    steps = []
    for row in link.shareholdings:
        words = holding_words[int(held.id[row])]
        steps.append(
            f"{words[3] or words[1]} 自 {words[2]} 持股 {Decimal(int(held.percent[row])) / 10_000:.2f}%"
        )
    least = min(int(held.percent[row]) for row in link.shareholdings)
    lead = "持股关系 " if link.ground == "holding" else "同为一方持股 "
    return lead + "，".join(steps), f"{Decimal(least) / 10_000:.2f}%"


RULE = Rule(
    id="F24",
    title="关联租赁",
    family="D",
    severity=HARD,
    points=None,
    legal_basis="《公司法》第二百六十五条；《税收征收管理法实施细则》第五十一条、国家税务总局公告2016年第42号第二条；北京、扬州、南宁等专项“供需双方不得存在关联关系”条款。",
    parameters=(
        Parameter("share_percent", 25, "控制的持股比例", "%", 5, 51),
        Parameter("path_length", 3, "路径长度", "步", 1, 4),
        Parameter("hub_cap", 8, "枢纽上限", "家", 2, 50),
        Parameter("rep_cap", 30, "同一法定代表人的家数上限", "家", 2, 500),
        Parameter("flag_from", 6, "提示起点", "分", 1, 10),
        Parameter("points", POINTS, "各类联系的分值", "分"),
    ),
    find=find,
    page=__doc__ or "",
    about="lease",
)
