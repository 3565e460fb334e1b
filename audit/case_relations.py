"""Who is linked to whom in a case, and by which paper of which day: parties, contracts, devices and accounts as nodes, and an
edge for each document. Pure: the same facts give the same nodes and edges in the same order.

What more than eight of the whole register share links nobody (sixth principle of the catalogue), and is not drawn.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum

from audit.case_facts import CaseFacts, LeaseKnown, LetKnown, attributes
from audit.linking import HUB_CAP
from vouchers.money import thousands


class NodeKind(StrEnum):
    """What a node is."""

    PARTY = "party"
    LEASE = "lease"
    DEVICE = "device"
    ACCOUNT = "account"
    SHARED = "shared"  # a person, telephone, address or filing device that parties share; a holder of several


class Bond(StrEnum):
    """What an edge is, as it is drawn."""

    CONTRACT = "contract"
    DEVICE = "device"
    ACCOUNT = "account"
    CONTROL = "control"
    CONTACT = "contact"
    MONEY = "money"


BOND_WORDS = {
    Bond.CONTRACT: "合同",
    Bond.DEVICE: "设备",
    Bond.ACCOUNT: "账户",
    Bond.CONTROL: "控制、持股",
    Bond.CONTACT: "共同的联系方式、终端",
    Bond.MONEY: "付款、开票",
}
KIND_WORDS = {
    NodeKind.PARTY: "单位",
    NodeKind.LEASE: "合同",
    NodeKind.DEVICE: "设备",
    NodeKind.ACCOUNT: "账户",
    NodeKind.SHARED: "共同的人或联系方式",
}
# How much an edge tells, after the points of F24 in the catalogue; a contract by itself links nobody.
_ACCOUNT, _REP, _CONTROL, _DECLARED, _CONTACT, _ADDRESS = 8, 8, 8, 6, 4, 3
_DEVICE, _TEXT, _RETURN, _PAYMENT, _SALE = 7, 6, 6, 3, 3
_FLAGGED, _LEASE, _MINOR, _OWN = 5, 2, 2, 1
CONTROL = Decimal(25)
_SHARED_WORDS = {
    "legal_rep": ("法定代表人", "登记的法定代表人", _REP),
    "phone": ("电话", "登记的电话", _CONTACT),
    "email": ("邮箱", "登记的邮箱", _CONTACT),
    "address": ("地址", "登记的地址", _ADDRESS),
}


@dataclass(frozen=True)
class Node:
    """A thing of the case. ``key`` is ``kind:number``; ``under`` a second line; ``whole`` all that is known, for a title."""

    key: str
    kind: NodeKind
    label: str
    under: str = ""
    number: str = ""
    flagged: bool = False
    more: str = ""

    @property
    def whole(self) -> str:
        """Everything in one line."""
        return " · ".join(part for part in (KIND_WORDS[self.kind], self.label, self.under, self.more) if part)


@dataclass(frozen=True)
class Edge:
    """One document that links two nodes. ``strength`` orders what is drawn first; nothing is decided on it."""

    one: str
    other: str
    relation: str
    document: str
    on: date | None
    bond: Bond
    strength: int


@dataclass
class Relations:
    """The nodes by key, and the edges, the strongest first."""

    nodes: dict[str, Node] = field(default_factory=dict)
    edges: list[Edge] = field(default_factory=list)

    def link(
        self, one: str, other: str, relation: str, document: str, on: date | None, bond: Bond, strength: int
    ) -> None:
        """Add an edge."""
        self.edges.append(Edge(one, other, relation, document, on, bond, strength))

    def degree(self, keys: Collection[str]) -> dict[str, int]:
        """How much each of these nodes is told of."""
        told: dict[str, int] = defaultdict(int)
        for edge in self.edges:
            told[edge.one] += edge.strength
            told[edge.other] += edge.strength
        return {key: told[key] for key in keys}


def relations(facts: CaseFacts, flagged: Collection[str] = ()) -> Relations:
    """Nodes and edges of the case; ``flagged`` are the numbers of the contracts that a rule was raised on."""
    found = Relations()
    for party in facts.parties.values():
        found.nodes[_party(party.uscc)] = Node(
            _party(party.uscc), NodeKind.PARTY, party.name, party.uscc, party.uscc
        )
    _contracts(found, facts, flagged)
    for part in (_devices, _texts, _accounts, _shared, _filing_devices, _holdings, _money):
        part(found, facts)
    found.edges.sort(key=lambda edge: (-edge.strength, edge.one, edge.other, edge.relation, edge.document))
    touched = {key for edge in found.edges for key in (edge.one, edge.other)}
    found.nodes = {
        key: node
        for key, node in found.nodes.items()
        if key in touched or node.kind in (NodeKind.PARTY, NodeKind.LEASE)
    }
    return found


def _party(uscc: str) -> str:
    return f"party:{uscc}"


def _lease(lease_no: str) -> str:
    return f"lease:{lease_no}"


def _contracts(found: Relations, facts: CaseFacts, flagged: Collection[str]) -> None:
    for lease in sorted(facts.leases.values(), key=lambda one: one.lease_no):
        key = _lease(lease.lease_no)
        marked = lease.lease_no in flagged
        under, more = f"{lease.signed_on:%Y-%m-%d} 签订", f"{thousands(lease.amount)} 元"
        found.nodes[key] = Node(key, NodeKind.LEASE, lease.lease_no, under, lease.lease_no, marked, more)
        strength = _FLAGGED if marked else _LEASE
        for uscc, relation in ((lease.lessee, "承租"), (lease.lessor, "出租")):
            if uscc in facts.parties:
                found.link(
                    _party(uscc),
                    key,
                    relation,
                    f"合同 {lease.lease_no}",
                    lease.signed_on,
                    Bond.CONTRACT,
                    strength,
                )


def _devices(found: Relations, facts: CaseFacts) -> None:
    """Devices that stand in the same contracts for the same times are one node; those of one contract alone as well."""
    times: dict[str, list[LetKnown]] = defaultdict(list)
    for let in facts.lets:
        times[let.serial].append(let)
    alike: dict[tuple[tuple[int, date, date], ...], list[str]] = defaultdict(list)
    alone: dict[int, list[str]] = defaultdict(list)
    for serial in sorted(times):
        places = {let.place for let in times[serial]}
        if len(places) == 1:
            alone[places.pop()].append(serial)
        else:
            alike[tuple(sorted((let.place, let.since, let.until) for let in times[serial]))].append(serial)
    for serials in alike.values():
        lets = times[serials[0]]
        _device(found, serials, f"见于 {len({let.place for let in lets})} 份合同", lets, _DEVICE)
    for serials in alone.values():
        _device(found, serials, "只见于本合同", times[serials[0]], _OWN)


def _device(found: Relations, serials: list[str], under: str, lets: list[LetKnown], strength: int) -> None:
    key = f"device:{serials[0]}"
    label = serials[0] if len(serials) == 1 else f"{serials[0]} 等 {len(serials)} 台"
    found.nodes[key] = Node(key, NodeKind.DEVICE, label, under, serials[0], more="、".join(serials[1:9]))
    for let in lets:
        lease, document = _lease(let.lease_no), f"合同 {let.lease_no} 设备清单"
        if not let.lease_no:
            lease, document = f"lease:?{let.place}", f"另一地区（专项 {let.program_code}）"
            found.nodes[lease] = Node(lease, NodeKind.LEASE, "另一地区的合同", f"专项 {let.program_code}")
        last = date.fromordinal(let.until.toordinal() - 1)
        found.link(lease, key, f"列明设备（至 {last:%Y-%m-%d}）", document, let.since, Bond.DEVICE, strength)


def _texts(found: Relations, facts: CaseFacts) -> None:
    """Contracts of one and the same text."""
    same: dict[str, list[LeaseKnown]] = defaultdict(list)
    for lease in facts.leases.values():
        if lease.document_sha256:
            same[lease.document_sha256].append(lease)
    for digest in sorted(same):
        leases = sorted(same[digest], key=lambda one: (one.signed_on, one.lease_no))
        for lease in leases[1:]:
            found.link(
                _lease(leases[0].lease_no), _lease(lease.lease_no), "合同文本相同", f"文本摘要 {digest[:12]}",
                lease.signed_on, Bond.CONTRACT, _TEXT,
            )  # fmt: skip


def _accounts(found: Relations, facts: CaseFacts) -> None:
    owners: dict[str, set[str]] = defaultdict(set)
    for account in facts.accounts:
        owners[account.account_no].add(account.uscc)
    for account in facts.accounts:
        shared = len(owners[account.account_no]) > 1
        if shared and _too_many(facts, "account", account.account_no):
            continue
        key = f"account:{account.account_no}"
        under = f"{len(owners[account.account_no])} 家单位登记" if shared else ""
        found.nodes[key] = Node(
            key, NodeKind.ACCOUNT, f"尾号 {account.account_no[-4:]}", under, account.account_no
        )
        found.link(
            _party(account.uscc), key, "登记账户", f"账户登记 {account.entry_no}", account.recorded_on,
            Bond.ACCOUNT, _ACCOUNT if shared else _OWN,
        )  # fmt: skip


def _too_many(facts: CaseFacts, kind: str, value: str) -> bool:
    return facts.spread.get((kind, value), 0) > HUB_CAP


def _shared(found: Relations, facts: CaseFacts) -> None:
    """What registers say alike of two or more parties."""
    having: dict[tuple[str, str], list[str]] = defaultdict(list)
    for party in facts.parties.values():
        for kind, value in attributes(party).items():
            having[kind, value].append(party.uscc)
    for (kind, value), usccs in sorted(having.items()):
        if not 2 <= len(usccs) <= HUB_CAP or _too_many(facts, kind, value):
            continue
        word, relation, strength = _SHARED_WORDS[kind]
        first = facts.parties[usccs[0]]
        shown = {
            "legal_rep": first.legal_rep or value[:8],
            "phone": first.phone,
            "email": first.email,
            "address": first.address,
        }[kind]
        key = f"shared:{kind}:{value}"
        everyone = facts.spread.get((kind, value), len(usccs))
        found.nodes[key] = Node(key, NodeKind.SHARED, shown, f"{word} · {everyone} 家相同", value)
        for uscc in usccs:
            party = facts.parties[uscc]
            bond = Bond.CONTROL if kind == "legal_rep" else Bond.CONTACT
            found.link(_party(uscc), key, relation, f"单位登记 {uscc}", party.recorded_on, bond, strength)


def _filing_devices(found: Relations, facts: CaseFacts) -> None:
    having: dict[str, set[str]] = defaultdict(set)
    for filing in facts.filings:
        having[filing.device].add(filing.uscc)
    for filing in sorted(facts.filings, key=lambda one: (one.device, one.on, one.claim_no)):
        count = len(having[filing.device])
        if not 2 <= count <= HUB_CAP or _too_many(facts, "filer", filing.device):
            continue
        key = f"shared:filer:{filing.device}"
        found.nodes[key] = Node(
            key, NodeKind.SHARED, f"申报终端 {filing.device[:8]}", f"{count} 家单位由此申报", filing.device
        )
        found.link(
            _party(filing.uscc),
            key,
            "由此申报",
            f"兑付申请 {filing.claim_no}",
            filing.on,
            Bond.CONTACT,
            _CONTACT,
        )


def _holdings(found: Relations, facts: CaseFacts) -> None:
    """Holdings between parties of the case, and holders of two or more of them."""
    held: dict[str, set[str]] = defaultdict(set)
    for holding in facts.holdings:
        held[holding.holder_id].add(holding.company)
    for holding in facts.holdings:
        within = holding.holder_is_company and holding.holder_id in facts.parties
        if not within and not 2 <= len(held[holding.holder_id]) <= HUB_CAP:
            continue
        if within:
            key = _party(holding.holder_id)
        else:
            key = f"shared:holder:{holding.holder_id}"
            word = "股东（单位）" if holding.holder_is_company else "股东（自然人）"
            found.nodes[key] = Node(
                key,
                NodeKind.SHARED,
                holding.holder_name or holding.holder_id[:12],
                f"{word}，持有 {len(held[holding.holder_id])} 家",
                holding.holder_id,
            )
        if key == _party(holding.company):
            continue
        until = "" if holding.until is None else f"，至 {holding.until:%Y-%m-%d} 前"
        found.link(
            key, _party(holding.company), f"持股 {holding.percent.normalize():f}%{until}", f"股权登记 {holding.entry_no}",
            holding.since, Bond.CONTROL, _CONTROL if holding.percent >= CONTROL else _MINOR,
        )  # fmt: skip
    for declared in facts.declared:
        found.link(
            _party(declared.one), _party(declared.other), f"申报为{declared.relation}", f"关联申报 {declared.entry_no}",
            declared.on, Bond.CONTROL, _DECLARED,
        )  # fmt: skip


def _money(found: Relations, facts: CaseFacts) -> None:
    """Payments one by one; invoices by pair, as those of a contract stand with the contract."""
    lessors = {(lease.lessee, lease.lessor) for lease in facts.leases.values()}
    for transfer in facts.transfers:
        back = (transfer.payee, transfer.payer) in lessors and (transfer.payer, transfer.payee) not in lessors
        found.link(
            _party(transfer.payer), _party(transfer.payee),
            f"{'付回' if back else '付款'} {thousands(transfer.amount)} 元", f"银行回单 {transfer.bank_ref}",
            transfer.on, Bond.MONEY, _RETURN if back else _PAYMENT,
        )  # fmt: skip
    for sales in facts.sales:
        more = f" 等 {sales.count} 张" if sales.count > 1 else ""
        until = f"，至 {sales.last_on:%Y-%m-%d}" if sales.last_on > sales.first_on else ""
        # An invoice of the lessor to the lessee is what a contract is for; the other way round it closes a ring.
        usual = (sales.buyer, sales.seller) in lessors
        found.link(
            _party(sales.seller), _party(sales.buyer), f"开票 {thousands(sales.net_amount)} 元{until}",
            f"发票 {sales.first_no}{more}", sales.first_on, Bond.MONEY, _OWN if usual else _SALE,
        )  # fmt: skip
