"""What a drawing of a case's links is made of: boxes, lines with their numbers, and how words are cut to fit."""

from __future__ import annotations

from dataclasses import dataclass, field
from unicodedata import east_asian_width

from audit.case_relations import Edge, Node

BOX_HEIGHT = 42
_BADGE = 18

Pair = tuple[str, str]


@dataclass(frozen=True)
class Box:
    """A node in its place; ``label`` and ``under`` cut to fit, ``title`` whole."""

    x: int
    y: int
    width: int
    height: int
    kind: str
    label: str
    under: str
    title: str
    flagged: bool

    @property
    def text_x(self) -> int:
        """Where its words begin."""
        return self.x + 9

    @property
    def label_y(self) -> int:
        """The line of its label: in the middle when there is nothing beneath."""
        return self.y + (18 if self.under else 26)

    @property
    def under_y(self) -> int:
        """The line beneath."""
        return self.y + 34


@dataclass(frozen=True)
class Line:
    """The edges between two nodes as one line, with its number and where that stands."""

    path: str
    bond: str
    number: int
    x: int
    y: int
    title: str

    @property
    def number_y(self) -> int:
        """The line on which its number stands."""
        return self.y + 4


@dataclass(frozen=True)
class Sheet:
    """One drawing."""

    width: int
    height: int
    boxes: list[Box]
    lines: list[Line]
    heads: list[tuple[int, str]] = field(default_factory=list)


def cut(text: str, units: int) -> str:
    """The text in as many half widths; what is longer ends with …."""
    taken, width = "", 0
    for place, sign in enumerate(text):
        wide = 2 if east_asian_width(sign) in "FWA" else 1
        rest = text[place + 1 :]
        if width + wide > units - (1 if rest else 0):
            return taken + "…"
        taken, width = taken + sign, width + wide
    return taken


def free(middles: list[tuple[float, float]], taken: list[tuple[int, int, int, int]]) -> tuple[int, int]:
    """The first place where no other number or node is; else the first. What is taken is remembered."""
    half = _BADGE // 2
    chosen = middles[0]
    for x, y in middles:
        if not any(l - half < x < r + half and t - half < y < b + half for l, t, r, b in taken):  # noqa: E741
            chosen = (x, y)
            break
    x, y = round(chosen[0]), round(chosen[1])
    taken.append((x - half + 2, y - half + 2, x + half - 2, y + half - 2))
    return x, y


def on_curve(above: float, below: float, share: float) -> float:
    """The height of the curve at this parameter: its inner points are level with its ends."""
    rest = 1 - share
    return above * (rest**3 + 3 * rest**2 * share) + below * (3 * rest * share**2 + share**3)


def line_of(path: str, edges: list[Edge], number: int, x: int, y: int) -> Line:
    told = [
        f"{edge.relation}：{edge.document}" + (f"，{edge.on:%Y-%m-%d}" if edge.on else "")
        for edge in edges[:4]
    ]
    more = [f"等 {len(edges)} 份文件"] if len(edges) > 4 else []
    return Line(path, str(edges[0].bond), number, x, y, "；".join([*told, *more]))


def box_of(node: Node, x: int, y: int, width: int, height: int, units: int) -> Box:
    return Box(
        x,
        y,
        width,
        height,
        str(node.kind),
        cut(node.label, units),
        cut(node.under, units),
        node.whole,
        node.flagged,
    )
