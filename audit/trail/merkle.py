"""The Merkle tree of RFC 6962 section 2.1 / RFC 9162 section 2.1: leaves 0x00, nodes 0x01, proofs, incremental frontier.

Pure: no Django, no clock. The hash function is a parameter (``sha256`` or ``sm3``); a checkpoint records which.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from itertools import pairwise

HASHES: dict[str, Callable[[bytes], bytes]] = {
    "sha256": lambda content: hashlib.sha256(content).digest(),
    "sm3": lambda content: hashlib.new("sm3", content).digest(),
}
LEAF, NODE = b"\x00", b"\x01"


class Tree:
    """The functions of one hash algorithm. Raises ``ValueError`` when it is not known."""

    def __init__(self, algorithm: str = "sha256") -> None:
        if algorithm not in HASHES:
            raise ValueError(f"unknown hash algorithm {algorithm}")
        self.algorithm = algorithm
        self.hash = HASHES[algorithm]

    def leaf(self, content: bytes) -> bytes:
        """The hash of one event's canonical bytes."""
        return self.hash(LEAF + content)

    def node(self, left: bytes, right: bytes) -> bytes:
        """The hash of an inner node."""
        return self.hash(NODE + left + right)

    def root(self, leaves: Sequence[bytes]) -> bytes:
        """MTH of leaf hashes; of none it is the hash of the empty text."""
        if not leaves:
            return self.hash(b"")
        level = list(leaves)
        while len(level) > 1:
            # A last one without a partner rises; this is the same tree as the recursion of the RFC.
            paired = [self.node(level[i], level[i + 1]) for i in range(0, len(level) - 1, 2)]
            if len(level) % 2:
                paired.append(level[-1])
            level = paired
        return level[0]

    def inclusion_proof(self, index: int, leaves: Sequence[bytes]) -> list[bytes]:
        """PATH(index, leaves). Raises ``IndexError`` when there is no such leaf."""
        if not 0 <= index < len(leaves):
            raise IndexError(index)
        path: list[bytes] = []
        low, high = 0, len(leaves)
        while high - low > 1:
            middle = low + _split(high - low)
            if index < middle:
                path.append(self.root(leaves[middle:high]))
                high = middle
            else:
                path.append(self.root(leaves[low:middle]))
                low = middle
        return path[::-1]

    def consistency_proof(self, old_size: int, leaves: Sequence[bytes]) -> list[bytes]:
        """PROOF(old_size, leaves) of RFC 6962. Raises ``ValueError`` for sizes that cannot be compared."""
        if not 0 < old_size <= len(leaves):
            raise ValueError(f"cannot prove {old_size} within {len(leaves)}")
        proof: list[bytes] = []
        low, high, whole = 0, len(leaves), True
        while old_size != high - low:
            middle = _split(high - low)
            if old_size <= middle:
                proof.append(self.root(leaves[low + middle : high]))
                high = low + middle
            else:
                proof.append(self.root(leaves[low : low + middle]))
                low += middle
                old_size -= middle
                whole = False
        if not whole:
            proof.append(self.root(leaves[low:high]))
        return proof[::-1]

    def verify_inclusion(
        self, leaf_hash: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes
    ) -> bool:
        """RFC 9162 section 2.1.3.2."""
        if not 0 <= index < size:
            return False
        at, last, found = index, size - 1, leaf_hash
        for sibling in proof:
            if last == 0:
                return False
            if at & 1 or at == last:
                found = self.node(sibling, found)
                while not at & 1 and at:
                    at >>= 1
                    last >>= 1
            else:
                found = self.node(found, sibling)
            at >>= 1
            last >>= 1
        return last == 0 and found == root

    def verify_consistency(
        self, old_size: int, new_size: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]
    ) -> bool:
        """RFC 9162 section 2.1.4.2."""
        if not 0 < old_size <= new_size:
            return False
        if old_size == new_size:
            return not proof and old_root == new_root
        path = list(proof)
        if old_size & (old_size - 1) == 0:
            path.insert(0, old_root)
        if not path:
            return False
        at, last = old_size - 1, new_size - 1
        while at & 1:
            at >>= 1
            last >>= 1
        old_found = new_found = path[0]
        for sibling in path[1:]:
            if last == 0:
                return False
            if at & 1 or at == last:
                old_found = self.node(sibling, old_found)
                new_found = self.node(sibling, new_found)
                while not at & 1 and at:
                    at >>= 1
                    last >>= 1
            else:
                new_found = self.node(new_found, sibling)
            at >>= 1
            last >>= 1
        return last == 0 and old_found == old_root and new_found == new_root


def _split(size: int) -> int:
    """The largest power of two that is smaller than ``size`` (which is at least 2)."""
    return 1 << (size - 1).bit_length() - 1


class Frontier:
    """The right edge of a tree that grows: the roots of its perfect subtrees, largest first.

    Knowing only these (at most 64 hashes), leaves can be added and the root computed.
    """

    def __init__(self, tree: Tree, size: int = 0, hashes: Sequence[bytes] = ()) -> None:
        if len(hashes) != size.bit_count():
            raise ValueError(
                f"a tree of {size} leaves has {size.bit_count()} perfect subtrees, not {len(hashes)}"
            )
        self.tree = tree
        self.size = size
        self.hashes = list(hashes)

    def append(self, leaf_hash: bytes) -> None:
        """Add one leaf."""
        self.extend([leaf_hash])

    def extend(self, leaf_hashes: Sequence[bytes]) -> None:
        """Add several, level by level: each level joins what waits on the edge, pairs up, and leaves at most one over."""
        level, node = list(leaf_hashes), self.tree.node
        edge: list[bytes] = []  # smallest first
        waiting = self.hashes[::-1]
        size, self.size = self.size, self.size + len(level)
        while level or size:
            if size & 1:
                level.insert(0, waiting.pop(0))
            if len(level) & 1:
                edge.append(level.pop())
            level = [node(level[i], level[i + 1]) for i in range(0, len(level), 2)]
            size >>= 1
        self.hashes = edge[::-1]

    def root(self) -> bytes:
        """The root of all leaves so far."""
        if not self.hashes:
            return self.tree.hash(b"")
        found = self.hashes[-1]
        for left in reversed(self.hashes[:-1]):
            found = self.tree.node(left, found)
        return found

    def packed(self) -> bytes:
        """The hashes, one after another, as they are stored beside a checkpoint."""
        return b"".join(self.hashes)

    @classmethod
    def unpacked(cls, tree: Tree, size: int, packed: bytes) -> Frontier:
        """The opposite of ``packed``. Raises ``ValueError`` when it does not fit the size."""
        bounds = range(0, len(packed) + 32, 32)
        return cls(tree, size, [packed[low:high] for low, high in pairwise(bounds)])
