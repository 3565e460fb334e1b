"""The links of a case in layers: accounts and what is shared, lessees, contracts, devices, lessors. Pure and deterministic.

Order within a layer by the middle of the neighbours (a few sweeps); lines that pass a layer are bundled through one gate for each
node and kind of link that they lead to.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

from audit.case_relations import Edge, Node, NodeKind
from audit.web.case_sheets import BOX_HEIGHT, Pair, Sheet, box_of, free, line_of, on_curve

BOX_WIDTH, ROW_GAP, GATE = 152, 14, 12
GAP, MARGIN, HEAD = 56, 6, 26
LABEL_UNITS = 21
SWEEPS = 6

_LAYERS = ("共同信息、账户", "承租方", "合同", "设备", "出租方", "共同信息、账户")
_TIES_LEFT, _LESSEES, _LEASES, _DEVICES, _LESSORS, _TIES_RIGHT = range(6)


def _layer_of(node: Node, sides: Mapping[str, str], neighbours: Mapping[str, set[str]]) -> int:
    if node.kind == NodeKind.LEASE:
        return _LEASES
    if node.kind == NodeKind.DEVICE:
        return _DEVICES
    if node.kind == NodeKind.PARTY:
        return _LESSORS if sides.get(node.key) == "lessor" else _LESSEES
    near = [sides.get(key, "lessee") for key in neighbours[node.key]]
    return _TIES_RIGHT if near.count("lessor") * 2 > len(near) else _TIES_LEFT


@dataclass
class _Slot:
    """A place in a layer: a node, or a gate through which the lines to ``far`` pass."""

    key: str
    height: int
    far: str = ""
    y: float = 0.0


def in_layers(
    nodes: Mapping[str, Node],
    lines: Mapping[Pair, list[Edge]],
    numbers: Mapping[Pair, int],
    sides: Mapping[str, str],
) -> Sheet:
    neighbours: dict[str, set[str]] = defaultdict(set)
    for one, other in lines:
        neighbours[one].add(other)
        neighbours[other].add(one)
    layer = {key: _layer_of(node, sides, neighbours) for key, node in nodes.items()}
    used = sorted(set(layer.values()))
    place = {name: at for at, name in enumerate(used)}
    column = {key: place[name] for key, name in layer.items()}
    columns: list[list[_Slot]] = [[] for _ in used]
    for key in sorted(nodes):
        columns[column[key]].append(_Slot(key, BOX_HEIGHT))
    routes = {pair: _route(pair, str(lines[pair][0].bond), column, columns) for pair in sorted(lines)}
    _arrange(columns, routes)
    slots = {(at, slot.key): slot for at, slots_ in enumerate(columns) for slot in slots_}
    xs = [MARGIN + at * (BOX_WIDTH + GAP) for at in range(len(used))]
    # Lines within the first layer are arcs on its left.
    if any(column[one] == column[other] == 0 for one, other in lines):
        xs = [x + GAP // 2 for x in xs]
    boxes = [
        box_of(nodes[slot.key], xs[at], round(slot.y), BOX_WIDTH, BOX_HEIGHT, LABEL_UNITS)
        for at, slots_ in enumerate(columns)
        for slot in slots_
        if not slot.far
    ]
    taken = [(box.x - 4, box.y, box.x + box.width + 4, box.y + box.height) for box in boxes]
    drawn = []
    for pair, route in routes.items():
        points = [(at, slots[at, key].y + slots[at, key].height / 2) for at, key in route]
        path, middles = _path(points, xs)
        x, y = free(middles, taken)
        drawn.append(line_of(path, lines[pair], numbers[pair], x, y))
    height = max((box.y + box.height for box in boxes), default=HEAD) + MARGIN
    heads = [(xs[place[name]], _LAYERS[name]) for name in used]
    return Sheet(xs[-1] + BOX_WIDTH + MARGIN, height, boxes, drawn, heads)


def _route(
    pair: Pair, bond: str, column: Mapping[str, int], columns: list[list[_Slot]]
) -> list[tuple[int, str]]:
    """The slots that a line passes from left to right; gates are made where it passes a layer."""
    one, other = sorted(pair, key=lambda key: (column[key], key))
    if column[one] == column[other]:
        return [(column[one], one), (column[other], other)]
    # The lines of a kind to one far node share its gates: those of the end that is no contract.
    far = other if one.startswith("lease:") or not other.startswith("lease:") else one
    steps = [(column[one], one)]
    for at in range(column[one] + 1, column[other]):
        key = f"gate:{bond}:{far}"
        if not any(slot.key == key for slot in columns[at]):
            columns[at].append(_Slot(key, GATE, far))
        steps.append((at, key))
    return [*steps, (column[other], other)]


def _arrange(columns: list[list[_Slot]], routes: Mapping[Pair, list[tuple[int, str]]]) -> None:
    """Order each layer by the middle of its neighbours, then give heights: as near to them as the others let it."""
    near: dict[tuple[int, str], list[tuple[int, str]]] = defaultdict(list)
    for route in routes.values():
        for left, right in pairwise(route):
            if left[0] != right[0]:
                near[left].append(right)
                near[right].append(left)
    for slots in columns:
        _stack(slots)
    order = list(range(len(columns)))
    for sweep in range(SWEEPS):
        for at in order if sweep % 2 == 0 else order[::-1]:
            places = {(n, slot.key): slot.y + slot.height / 2 for n in order for slot in columns[n]}
            wish = {}
            for slot in columns[at]:
                around = [places[one] for one in near[at, slot.key]]
                wish[slot.key] = sum(around) / len(around) - slot.height / 2 if around else slot.y
            columns[at].sort(key=lambda slot: (wish[slot.key], slot.key))
            _settle(columns[at], wish)
    top = min(slot.y for slots in columns for slot in slots)
    for slots in columns:
        for slot in slots:
            slot.y += HEAD - top


def _stack(slots: list[_Slot]) -> None:
    y = 0.0
    for slot in slots:
        slot.y = y
        y += slot.height + ROW_GAP


def _settle(slots: list[_Slot], wish: Mapping[str, float]) -> None:
    """In this order and without overlap, as near to the wishes as can be: blocks that touch share the middle of theirs."""
    blocks: list[tuple[float, float, list[_Slot]]] = []  # top wished, height with gap, slots
    for slot in slots:
        top, height, members = wish[slot.key], float(slot.height + ROW_GAP), [slot]
        while blocks and blocks[-1][0] + blocks[-1][1] > top:
            above, tall, before = blocks.pop()
            # The wish of the joined block is the mean of its members' wishes for its top.
            total = above * len(before) + (top - tall) * len(members)
            members = [*before, *members]
            top, height = total / len(members), tall + height
        blocks.append((top, height, members))
    for top, _height, members in blocks:
        y = top
        for slot in members:
            slot.y = y
            y += slot.height + ROW_GAP


def _path(points: list[tuple[int, float]], xs: list[int]) -> tuple[str, list[tuple[float, float]]]:
    """A smooth line through its slots, and places on it for its number, the best first."""
    (first, y1), (last, y2) = points[0], points[-1]
    if first == last:  # an arc on the left of its layer
        x, bulge = xs[first], GAP / 2
        path = f"M{x} {y1:.0f}C{x - bulge:.0f} {y1:.0f} {x - bulge:.0f} {y2:.0f} {x} {y2:.0f}"
        return path, [(x - bulge * 0.75, y1 + (y2 - y1) * share) for share in (0.5, 0.35, 0.65, 0.2, 0.8)]
    x = xs[first] + BOX_WIDTH
    parts, middles = [f"M{x} {y1:.0f}"], []
    for (at, above), (to, below) in pairwise(points):
        left, right = xs[at] + BOX_WIDTH, xs[to]
        middle = (left + right) / 2
        parts.append(f"C{middle:.0f} {above:.0f} {middle:.0f} {below:.0f} {right} {below:.0f}")
        if to != last:
            parts.append(f"H{right + BOX_WIDTH}")
        middles += [
            (left + (right - left) * share, on_curve(above, below, share)) for share in (0.5, 0.3, 0.7)
        ]
    return "".join(parts), middles
