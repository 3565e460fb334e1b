"""The links of a case for a narrow screen: nodes one below another, neighbours near one another, the lines as arcs beside them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from audit.case_relations import Edge, Node
from audit.web.case_sheets import BOX_HEIGHT, Pair, Sheet, box_of, free, line_of, on_curve

WIDTH, LEFT, ROW, MARGIN = 340, 108, 50, 6
LABEL_UNITS = 34


def as_arcs(
    nodes: Mapping[str, Node], lines: Mapping[Pair, list[Edge]], numbers: Mapping[Pair, int]
) -> Sheet:
    """Nodes in one row downwards, neighbours near one another, the lines as arcs on the left, the longer the wider."""
    order = _walk(nodes, lines)
    at = {key: place for place, key in enumerate(order)}
    top = MARGIN
    boxes = [
        box_of(
            nodes[key],
            LEFT,
            top + place * ROW,
            WIDTH - LEFT - 2,
            BOX_HEIGHT,
            LABEL_UNITS,
        )
        for key, place in at.items()
    ]
    ports: dict[str, list[Pair]] = defaultdict(list)
    for pair in sorted(lines, key=lambda pair: abs(at[pair[0]] - at[pair[1]])):
        for key in pair:
            ports[key].append(pair)
    taken: list[tuple[int, int, int, int]] = []
    drawn = []
    longest = max(abs(at[one] - at[other]) for one, other in lines)
    for pair in sorted(lines, key=lambda pair: (abs(at[pair[0]] - at[pair[1]]), pair)):
        y1, y2 = sorted(_port(key, pair, at, ports, top) for key in pair)
        reach = 22 + (LEFT - 36) * (abs(at[pair[0]] - at[pair[1]]) / max(1, longest)) ** 0.5
        x = LEFT
        path = f"M{x} {y1:.0f}C{x - reach * 4 / 3:.0f} {y1:.0f} {x - reach * 4 / 3:.0f} {y2:.0f} {x} {y2:.0f}"
        middles = [
            (x - reach * 4 * share * (1 - share), on_curve(y1, y2, share))
            for share in (0.5, 0.4, 0.6, 0.3, 0.7, 0.2, 0.8)
        ]
        badge_x, badge_y = free(middles, taken)
        drawn.append(line_of(path, lines[pair], numbers[pair], badge_x, badge_y))
    height = top + len(order) * ROW
    return Sheet(WIDTH, height, boxes, drawn)


def _walk(nodes: Mapping[str, Node], lines: Mapping[Pair, list[Edge]]) -> list[str]:
    """Depth first along the strongest lines, so that what belongs together stands together."""
    near: dict[str, list[tuple[int, str]]] = defaultdict(list)
    for (one, other), edges in lines.items():
        strength = sum(edge.strength for edge in edges)
        near[one].append((-strength, other))
        near[other].append((-strength, one))
    weight = {key: sum(strength for strength, _other in near[key]) for key in nodes}
    order: list[str] = []
    met: set[str] = set()
    for start in sorted(nodes, key=lambda key: (weight[key], key)):
        waiting = [start]
        while waiting:
            key = waiting.pop()
            if key in met:
                continue
            met.add(key)
            order.append(key)
            waiting += [other for _strength, other in sorted(near[key], reverse=True) if other not in met]
    return order


def _port(key: str, pair: Pair, at: Mapping[str, int], ports: Mapping[str, list[Pair]], top: int) -> float:
    """Where at the node's left side a line begins: each has a place of its own, in the order of where it leads."""
    other = {one: pair[0] if one == pair[1] else pair[1] for one in pair}[key]
    ends = sorted(at[pair_[0] if pair_[1] == key else pair_[1]] for pair_ in ports[key])
    place = ends.index(at[other]) + 1
    return top + at[key] * ROW + BOX_HEIGHT * place / (len(ends) + 1)
