"""The links of a case as drawings that the server makes: nodes in layers, each line with the number of its rows in the table
beneath; on a narrow screen the same nodes one below another, the lines as arcs beside them.

Pure and deterministic. A layout that lets nodes float (springs) would put long Chinese names on top of one another.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from audit.case_facts import CaseFacts
from audit.case_relations import BOND_WORDS, Bond, Edge, Node, NodeKind, Relations, relations
from audit.web.case_arcs import as_arcs
from audit.web.case_layers import in_layers
from audit.web.case_sheets import Pair, Sheet

MOST_NODES, MOST_ROWS = 60, 200


@dataclass(frozen=True)
class Row:
    """An edge in words; ``number`` None: not in the drawing."""

    number: int | None
    one: str
    relation: str
    other: str
    document: str
    on: date | None


@dataclass(frozen=True)
class CaseGraph:
    """Both drawings and the table; ``left_out`` nodes and ``rows_left_out`` edges are not shown."""

    wide: Sheet | None
    narrow: Sheet | None
    rows: list[Row]
    left_out: int
    rows_left_out: int
    legend: list[tuple[str, str]]
    summary: str

    @property
    def open(self) -> bool:
        """Whether the table is short enough to stand open."""
        return len(self.rows) <= 12


def case_graph(facts: CaseFacts, flagged: Collection[str] = (), most: int = MOST_NODES) -> CaseGraph:
    """The drawing of these facts; ``flagged`` are contracts that a rule was raised on."""
    found = relations(facts, flagged)
    drawn = strongest(found, most)
    lines = _lines(found.edges, drawn)
    numbers = {pair: number for number, pair in enumerate(lines, start=1)}
    rows = _rows(found, numbers)
    nodes = {key: found.nodes[key] for key in found.nodes if key in drawn}
    bonds = [bond for bond in Bond if any(edge.bond == bond for edges in lines.values() for edge in edges)]
    return CaseGraph(
        wide=in_layers(nodes, lines, numbers, _sides(facts)) if lines else None,
        narrow=as_arcs(nodes, lines, numbers) if lines else None,
        rows=rows[:MOST_ROWS],
        left_out=len(found.nodes) - len(nodes),
        rows_left_out=max(0, len(rows) - MOST_ROWS),
        legend=[(str(bond), BOND_WORDS[bond]) for bond in bonds],
        summary=f"案件关联图：{len(nodes)} 个节点，{len(lines)} 条连线，逐条见下表。",
    )


def strongest(found: Relations, most: int) -> set[str]:
    """The nodes to draw: those of the strongest edges, a contract always with both of its parties, until there are enough."""
    if len(found.nodes) <= most:
        return set(found.nodes)
    parties: dict[str, list[str]] = defaultdict(list)
    for edge in found.edges:
        if edge.relation in ("承租", "出租"):
            parties[edge.other].append(edge.one)
    drawn: set[str] = set()
    for edge in found.edges:
        wanted = {edge.one, edge.other}
        for key in (edge.one, edge.other):
            wanted.update(parties.get(key, ()))
        if len(drawn | wanted) <= most:
            drawn |= wanted
    return drawn


def _lines(edges: Iterable[Edge], drawn: set[str]) -> dict[Pair, list[Edge]]:
    lines: dict[Pair, list[Edge]] = defaultdict(list)
    for edge in edges:
        if edge.one in drawn and edge.other in drawn and edge.one != edge.other:
            lines[min(edge.one, edge.other), max(edge.one, edge.other)].append(edge)
    return dict(lines)


def _rows(found: Relations, numbers: Mapping[Pair, int]) -> list[Row]:
    rows = [
        (
            numbers.get((min(edge.one, edge.other), max(edge.one, edge.other))),
            Row(
                numbers.get((min(edge.one, edge.other), max(edge.one, edge.other))),
                _told(found.nodes[edge.one]),
                edge.relation,
                _told(found.nodes[edge.other]),
                edge.document,
                edge.on,
            ),
        )
        for edge in found.edges
    ]
    rows.sort(key=lambda pair: (pair[0] is None, pair[0] or 0))
    return [row for _number, row in rows]


def _told(node: Node) -> str:
    if node.kind in (NodeKind.PARTY, NodeKind.LEASE):
        return node.label
    return f"{node.label}（{node.under}）" if node.under else node.label


def _sides(facts: CaseFacts) -> dict[str, str]:
    """party key → lessee or lessor, by what it is more often in the case."""
    count: dict[str, int] = defaultdict(int)
    for lease in facts.leases.values():
        count[f"party:{lease.lessee}"] += 1
        count[f"party:{lease.lessor}"] -= 1
    return {key: "lessor" if times < 0 else "lessee" for key, times in count.items()}
