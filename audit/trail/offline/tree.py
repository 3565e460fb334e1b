"""The Merkle tree of RFC 6962 as a verifier needs it: a growing edge, inclusion, consistency."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import Any

from .files import Unverifiable

Hasher = Callable[[bytes], Any]
"""``hashlib.sha256`` or its like: called with bytes, it gives something that has ``digest()``."""


def hasher(algorithm: str) -> Hasher:
    """The hash that a checkpoint names: SHA-256, or SM3 of the OpenSSL that Python was built with. Else ``Unverifiable``."""
    if algorithm == "sha256":
        return hashlib.sha256
    if algorithm == "sm3" and "sm3" in hashlib.algorithms_available:
        return lambda content: hashlib.new("sm3", content)
    raise Unverifiable(
        f"本机的 Python 不支持封存点所用的散列算法“{algorithm[:20]}”，请换用支持该算法的 Python 后重试。"
    )


class Edge:
    """The right edge of the growing tree: one waiting hash a level."""

    def __init__(self, hash_of: Hasher) -> None:
        self.hash_of = hash_of
        self.waiting: list[bytes | None] = []

    def grow(self, level: list[bytes]) -> None:
        """Add leaf hashes. What takes the time: the loop is written for speed."""
        hash_of, height = self.hash_of, 0
        while level:
            if height == len(self.waiting):
                self.waiting.append(None)
            below = self.waiting[height]
            if below is not None:
                level = [below, *level]
            self.waiting[height] = level[-1] if len(level) & 1 else None
            # Each pair lies in one piece of the joined level: one slice and one join a node.
            joined = b"".join(level)
            pairs = range(0, len(joined) - 63, 64)
            level = [made.digest() for made in map(hash_of, [b"\x01" + joined[at : at + 64] for at in pairs])]
            height += 1

    def root(self) -> bytes:
        """The root of all leaves so far."""
        found = b""
        for left in self.waiting:
            if left is not None:
                found = self.hash_of(b"\x01" + left + found).digest() if found else left
        return bytes(found or self.hash_of(b"").digest())


def leaf_hashes(hash_of: Hasher, lines: list[bytes]) -> list[bytes]:
    """The hash of each line as a leaf."""
    if not lines:
        return []
    return [made.digest() for made in map(hash_of, [b"\x00" + line for line in lines])]


def inclusion_holds(
    hash_of: Hasher, leaf: bytes, index: int, size: int, path: Sequence[bytes], root: bytes
) -> bool:
    """RFC 9162 section 2.1.3.2."""
    if not 0 <= index < size:
        return False
    at, last, found = index, size - 1, leaf
    for sibling in path:
        if last == 0:
            return False
        if at & 1 or at == last:
            found = hash_of(b"\x01" + sibling + found).digest()
            while not at & 1 and at:
                at >>= 1
                last >>= 1
        else:
            found = hash_of(b"\x01" + found + sibling).digest()
        at >>= 1
        last >>= 1
    return last == 0 and found == root


def consistency_holds(
    hash_of: Hasher, old: tuple[int, bytes], new: tuple[int, bytes], path: Sequence[bytes]
) -> bool:
    """RFC 9162 section 2.1.4.2; ``old`` and ``new`` are size and root."""
    (old_size, old_root), (new_size, new_root) = old, new
    if not 0 < old_size <= new_size:
        return False
    if old_size == new_size:
        return not path and old_root == new_root
    way = list(path)
    if old_size & (old_size - 1) == 0:
        way.insert(0, old_root)
    if not way:
        return False
    at, last = old_size - 1, new_size - 1
    while at & 1:
        at >>= 1
        last >>= 1
    old_found = new_found = way[0]
    for sibling in way[1:]:
        if last == 0:
            return False
        if at & 1 or at == last:
            old_found = hash_of(b"\x01" + sibling + old_found).digest()
            new_found = hash_of(b"\x01" + sibling + new_found).digest()
            while not at & 1 and at:
                at >>= 1
                last >>= 1
        else:
            new_found = hash_of(b"\x01" + new_found + sibling).digest()
        at >>= 1
        last >>= 1
    return last == 0 and old_found == old_root and new_found == new_root
