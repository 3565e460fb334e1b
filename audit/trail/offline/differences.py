"""Which events differ from the leaves: two streams side by side, told as altered, removed, inserted, repeated or moved.

Only what differs is kept, and of that no more than ``MOST`` a kind; everything that agrees passes by.
"""

from __future__ import annotations

import json
from bisect import bisect_left
from collections import deque
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Generic, NamedTuple, TypeVar

WINDOW = 4_096
"""How far apart the same event may stand in the two streams and be found in one look."""
RUN = 8
"""How many must agree in a row before the two streams count as side by side again."""
MOST = 1_000


class Expected(NamedTuple):
    leaf: bytes
    number: str


class Actual(NamedTuple):
    leaf: bytes
    line: bytes


class Missing(NamedTuple):
    place: int
    number: str


class Stranger(NamedTuple):
    place: int
    leaf: bytes
    name: str
    number: str
    empty: bool


def name_of(line: bytes) -> str:
    """How an event is called in a sentence."""
    try:
        event = json.loads(line)
        subject = event["subject"]
        return f"事件 {event['event']}（{event['at']}，{subject['kind']} {subject['no']}，{event['verb']}）"[
            :300
        ]
    except (ValueError, KeyError, TypeError, RecursionError):
        return "内容无法读取的事件"


def _event_number(line: bytes) -> str:
    try:
        return str(json.loads(line)["event"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return ""


class Comparison:
    """What two streams do not share."""

    def __init__(self) -> None:
        self.missing: dict[bytes, Missing] = {}
        self.strangers: list[Stranger] = []
        self.more_missing = self.more_strangers = 0

    def run(self, expected: Iterable[Expected], actual: Iterable[Actual]) -> None:
        """Walk both to their ends."""
        ours, theirs = _Ahead(expected), _Ahead(actual)
        while True:
            left, right = ours.window(1), theirs.window(1)
            if left and right and left[0].leaf == right[0].leaf:
                ours.drop(1)
                theirs.drop(1)
                continue
            if not left and not right:
                return
            left, right = ours.window(WINDOW), theirs.window(WINDOW)
            i, j = meeting(
                [one.leaf for one in left], [one.leaf for one in right], ended=ours.ended and theirs.ended
            )
            self._differ(ours.place, left[:i], theirs.place, right[:j])
            ours.drop(i)
            theirs.drop(j)

    def _differ(self, ours: int, left: list[Expected], theirs: int, right: list[Actual]) -> None:
        places = {one.leaf: index for index, one in enumerate(left)}
        kept: list[tuple[int, int]] = []
        seen: set[bytes] = set()
        strange: set[int] = set()
        for index, one in enumerate(right):
            if one.leaf in places and one.leaf not in seen:
                seen.add(one.leaf)
                kept.append((places[one.leaf], index))
            else:
                strange.add(index)
        gone = {index for index, one in enumerate(left) if one.leaf not in seen}
        for position in moved([place for place, _ in kept]):
            gone.add(kept[position][0])
            strange.add(kept[position][1])
        for index in sorted(gone):
            if len(self.missing) < MOST:
                self.missing[left[index].leaf] = Missing(ours + index, left[index].number)
            else:
                self.more_missing += 1
        for index in sorted(strange):
            if len(self.strangers) < MOST:
                leaf, line = right[index]
                self.strangers.append(
                    Stranger(theirs + index, leaf, name_of(line), _event_number(line), not line)
                )
            else:
                self.more_strangers += 1

    def sentences(self, known: set[bytes]) -> Iterator[str]:
        """What happened; ``known`` are the leaves of strangers that stand somewhere among the expected ones."""
        missing = dict(self.missing)
        by_number = {one.number: leaf for leaf, one in missing.items() if one.number not in ("", "-")}
        by_place = {one.place: leaf for leaf, one in missing.items()}
        for one in self.strangers:
            place = one.place + 1
            home = missing.pop(one.leaf, None)
            if home is not None:
                by_number.pop(home.number, None)
                yield f"次序被调换：{one.name} 应为第 {home.place + 1} 条，现为第 {place} 条。"
                continue
            if one.leaf in known:
                yield f"第 {place} 行重复：{one.name} 在别处已经出现。"
                continue
            leaf = by_number.get(one.number, b"")
            if missing.pop(leaf, None) is not None:
                yield f"第 {place} 条被改动：{one.name} 的内容与封存时不同。"
                continue
            was = missing.pop(by_place.get(one.place, b""), None)
            if was is not None and one.empty:
                yield f"第 {place} 条被删除：事件 {was.number} 已封存，但导出时已不在留痕中。"
                continue
            if was is not None:
                yield f"第 {place} 条被改动：原为事件 {was.number}，现为{one.name}。"
                continue
            yield f"第 {place} 条是插入的：{one.name} 从未封存。"
        for gone in missing.values():
            yield f"第 {gone.place + 1} 条被删除：事件 {gone.number}。"
        if self.more_missing or self.more_strangers:
            yield f"此外还有 {self.more_missing} 条缺失、{self.more_strangers} 条不符，不再逐条列出。"


T = TypeVar("T")


class _Ahead(Generic[T]):
    """A stream of which the next few can be looked at."""

    def __init__(self, items: Iterable[T]) -> None:
        self._items = iter(items)
        self._held: deque[T] = deque()
        self.ended = False
        self.place = 0

    def window(self, length: int) -> list[T]:
        """The next ``length``, or as many as there are."""
        while len(self._held) < length and not self.ended:
            more = list(islice(self._items, length - len(self._held)))
            self.ended = not more
            self._held.extend(more)
        return list(islice(self._held, length))

    def drop(self, count: int) -> None:
        """Go on."""
        for _ in range(count):
            self._held.popleft()
        self.place += count


def meeting(left: list[bytes], right: list[bytes], *, ended: bool) -> tuple[int, int]:
    """Where two windows agree again: the nearest places after which ``RUN`` are equal, or both ends."""
    starts: dict[bytes, int] = {}
    for index in range(len(left) - 1, -1, -1):
        starts[left[index]] = index
    best = (len(left), len(right))
    for j, leaf in enumerate(right):
        if j >= sum(best):
            break
        i = starts.get(leaf)
        if i is None or i + j >= sum(best):
            continue
        ours, theirs = left[i : i + RUN], right[j : j + RUN]
        at_the_end = ended and len(left) - i == len(right) - j
        if ours == theirs and (len(ours) == RUN or at_the_end):
            best = i, j
    return best


def moved(places: list[int]) -> list[int]:
    """The positions that are out of order, by the explanation that needs the fewest: exchanged, or taken elsewhere."""
    exchanged = [position for position, home in enumerate(sorted(places)) if places[position] != home]
    tops: list[int] = []
    ends: list[int] = []
    before: list[int] = []
    for position, place in enumerate(places):  # the longest run that kept its order
        rank = bisect_left(tops, place)
        before.append(ends[rank - 1] if rank else -1)
        tops[rank : rank + 1] = [place]
        ends[rank : rank + 1] = [position]
    kept: set[int] = set()
    position = ends[-1] if ends else -1
    while position >= 0:
        kept.add(position)
        position = before[position]
    taken = [position for position in range(len(places)) if position not in kept]
    return exchanged if len(exchanged) <= 2 * len(taken) else taken
