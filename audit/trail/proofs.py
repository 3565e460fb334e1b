"""Proofs out of the live log, without reading all of it: what a checkpoint's frontier already joins is never hashed again.

Evidence of one case is a folder for ``verify.py``: ``events.jsonl`` (canonical bytes, a line an event, in the order of their
places), ``proofs.jsonl`` (line n proves event n: place, size of the checkpoint, hashes beside the way to its root),
``checkpoints.jsonl`` (those that the proofs name), ``rotations.jsonl``, ``public-key.txt``. ``evidence`` gives all of it.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from audit.models import AuditEvent, Checkpoint, TrailLeaf
from audit.trail import checkpoints
from audit.trail.merkle import Tree
from vouchers.errors import NotNow


class Grown:
    """A tree of which the first ``size`` leaves are known by their frontier only, the later ones each."""

    def __init__(self, tree: Tree, size: int, frontier: Sequence[bytes], leaves: Sequence[bytes]) -> None:
        if len(frontier) != size.bit_count():
            raise ValueError(f"a tree of {size} leaves has {size.bit_count()} perfect subtrees")
        self.tree, self.old, self.leaves = tree, size, leaves
        self.size = size + len(leaves)
        self._known: dict[tuple[int, int], bytes] = {}
        low = 0
        for found in frontier:
            high = low + (1 << (size - low).bit_length() - 1)
            self._known[low, high] = found
            low = high

    def root(self, low: int = 0, high: int | None = None) -> bytes:
        """The root of the leaves from ``low`` to ``high``. Raises ``LookupError`` for what the frontier does not say."""
        high = self.size if high is None else high
        found = self._known.get((low, high))
        if found is not None:
            return found
        if low >= self.old:
            return self.tree.root(self.leaves[low - self.old : high - self.old])
        if high <= self.old:
            raise LookupError(f"the frontier of {self.old} leaves does not say {low} to {high}")
        middle = low + (1 << (high - low - 1).bit_length() - 1)
        return self.tree.node(self.root(low, middle), self.root(middle, high))

    def inclusion(self, place: int) -> list[bytes]:
        """The way of a later leaf to the root. Raises ``IndexError``."""
        if not self.old <= place < self.size:
            raise IndexError(place)
        path: list[bytes] = []
        low, high = 0, self.size
        while high - low > 1:
            middle = low + (1 << (high - low - 1).bit_length() - 1)
            if place < middle:
                path.append(self.root(middle, high))
                high = middle
            else:
                path.append(self.root(low, middle))
                low = middle
        return path[::-1]

    def consistency(self) -> list[bytes]:
        """That this tree holds the first ``old`` leaves unchanged. Empty when there are none, or none more."""
        if not self.old or self.old == self.size:
            return []
        path: list[bytes] = []
        low, high, whole = 0, self.size, True
        while self.old != high:
            middle = low + (1 << (high - low - 1).bit_length() - 1)
            if self.old <= middle:
                path.append(self.root(middle, high))
                high = middle
            else:
                path.append(self.root(low, middle))
                low, whole = middle, False
        if not whole:
            path.append(self.root(low, high))
        return path[::-1]


def _leaves(low: int, high: int, using: str) -> list[bytes]:
    rows = TrailLeaf.objects.using(using).filter(index__gte=low, index__lt=high).order_by("index")
    return [bytes(leaf) for leaf in rows.values_list("leaf_hash", flat=True).iterator(chunk_size=20_000)]


def _grown(before: Checkpoint | None, after: Checkpoint, using: str) -> Grown:
    tree, packed = Tree(after.hash_algorithm), bytes(before.frontier) if before else b""
    frontier = [packed[low : low + 32] for low in range(0, len(packed), 32)]
    size = before.size if before else 0
    return Grown(tree, size, frontier, _leaves(size, after.size, using))


def consistency(before: Checkpoint | None, after: Checkpoint, using: str = "default") -> list[bytes]:
    """The consistency proof between two checkpoints; only the leaves between them are read."""
    return _grown(before, after, using).consistency()


@dataclass(frozen=True)
class Proven:
    """One event with the proof of its place."""

    event: AuditEvent
    place: int
    size: int
    path: list[bytes]

    def as_line(self) -> str:
        """One line of ``proofs.jsonl``."""
        way = [base64.b64encode(step).decode() for step in self.path]
        return json.dumps({"index": self.place, "size": self.size, "path": way}) + "\n"


@dataclass
class Evidence:
    """What proves some events; ``unsealed`` are those that no checkpoint covers yet (try again in a few seconds)."""

    proven: list[Proven] = field(default_factory=list)
    checkpoints: list[Checkpoint] = field(default_factory=list)
    unsealed: list[AuditEvent] = field(default_factory=list)

    def files(self) -> Iterator[tuple[str, bytes]]:
        """(name, content) of what ``verify.py`` reads in an evidence folder; the verifier itself is in ``program``."""
        from audit.trail.export import rotation_lines, witness_lines
        from audit.trail.keys import public_keys, public_text

        yield "events.jsonl", b"".join(bytes(one.event.canonical) + b"\n" for one in self.proven)
        yield "proofs.jsonl", "".join(one.as_line() for one in self.proven).encode()
        yield "checkpoints.jsonl", "".join(checkpoints.as_line(one) for one in self.checkpoints).encode()
        yield "rotations.jsonl", "".join(rotation_lines()).encode()
        yield "public-key.txt", public_text(public_keys().values()).encode()
        sizes = [one.size for one in self.checkpoints]
        yield "witness.jsonl", "".join(witness_lines(sizes=sizes)).encode()


def evidence(events: Iterable[AuditEvent], using: str = "default") -> Evidence:
    """Proofs of these events, each in the first checkpoint that covers it; a checkpoint's leaves are read once.

    Raises ``NotNow`` (``trail.leaf_differs``) when an event is not what was sealed: it must not leave as evidence.
    """
    found = Evidence()
    by_key = {event.pk: event for event in events}
    places = TrailLeaf.objects.using(using).filter(event_id__in=list(by_key)).order_by("index")
    grown: Grown | None = None
    covering: Checkpoint | None = None
    stated = Checkpoint.objects.using(using)
    for leaf in places:
        if covering is None or leaf.index >= covering.size:
            covering = stated.filter(size__gt=leaf.index).order_by("size").first()
            if covering is None:
                break
            before = stated.filter(size__lte=leaf.index).order_by("-size").first()
            grown = _grown(before, covering, using)
            found.checkpoints.append(covering)
        assert grown is not None
        event = by_key.pop(leaf.event_id)
        if grown.tree.leaf(bytes(event.canonical)) != bytes(leaf.leaf_hash) or grown.root() != bytes(
            covering.root_hash
        ):
            raise NotNow(
                "trail.leaf_differs",
                f"事件 {event.event_no} 与封存时的内容不符，不能作为证据导出。请立即运行 verify_trail 查明。",
            )
        found.proven.append(Proven(event, leaf.index, covering.size, grown.inclusion(leaf.index)))
    found.unsealed = list(by_key.values())
    return found
