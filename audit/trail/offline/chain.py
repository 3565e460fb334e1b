"""The checkpoints among themselves: order, chain, signatures, changes of keys, and the copy that a witness keeps."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from .ed25519 import key_id, signature_holds
from .files import Rotation, Statement
from .tree import hasher

SIGNATURES = 20  # the newest so many are verified; the older ones are bound by the chain of hashes


class Keys:
    """The keys that may sign, each for its time: those that the auditor holds, and those that they in turn have named."""

    def __init__(self, held: dict[str, bytes], changes: list[Rotation]) -> None:
        self.public = dict(held)
        self.faults: list[str] = []
        self.changes: list[Rotation] = []
        self._bound: dict[int, list[Rotation]] = {}
        newest = ""
        for one in changes:
            name = f"第 {one.line} 次换钥（{one.at}，{one.old} → {one.new}）"
            if one.old not in self.public:
                self.faults.append(f"{name}由未知密钥签署，不能据以信任新的公钥。")
            elif key_id(one.public) != one.new or not signature_holds(
                self.public[one.old], one.body, one.signature
            ):
                self.faults.append(f"{name}的签名无效：内容被改动，或不是由旧密钥签署。")
            elif (newest and one.old != newest) or (self.changes and one.size < self.changes[-1].size):
                self.faults.append(f"{name}与前一次换钥不衔接：其间的换钥声明被删除、插入或调换。")
            else:
                self.public[one.new] = one.public
                self.changes.append(one)
                self._bound.setdefault(one.size, []).append(one)
                newest = one.new

    def in_use(self, size: int) -> str | None:
        """The only key that may sign a checkpoint of this size; None before the first change of which we know, if any."""
        found = None
        for one in self.changes:
            if size > one.size:
                found = one.new
            elif found is None:
                return one.old
        return found

    def anchored(self, one: Statement) -> Iterator[str]:
        """Faults of the changes that were made just after this checkpoint."""
        for change in self._bound.pop(one.size, ()):
            if change.checkpoint != hasher(one.algorithm)(one.body).digest():
                yield f"事件数为 {one.size} 的封存点不是换钥声明（{change.at}）所载的那一个：其后被改写。"

    def unmet(self, largest: int) -> Iterator[str]:
        """Changes whose checkpoint never came."""
        for size in self._bound:
            if size > largest:
                yield f"换钥声明载明当时已封存 {size} 条，现只到 {largest}：尾部被截去，或恢复到了旧的备份。"
            else:
                yield f"换钥声明所载的封存点（事件数 {size}）不在其中：封存点被删除或替换。"


def signature_fault(one: Statement, keys: Keys) -> str | None:
    """Why the signature of a checkpoint does not count."""
    name = f"第 {one.line} 个封存点（事件数 {one.size}，{one.at}）"
    public_key = keys.public.get(one.key)
    if public_key is None:
        return f"{name}由未知密钥 {one.key[:20]} 签署，不是您持有的公钥，也没有由它换钥而来。"
    if not signature_holds(public_key, one.body, one.signature):
        return f"{name}的签名无效：内容被改动，或不是由该密钥签署。"
    return None


class Chain:
    """Takes the checkpoints one by one; memory does not grow with them."""

    def __init__(self, keys: Keys) -> None:
        self.keys = keys
        self.count = 0
        self.last: Statement | None = None
        self.newest: deque[Statement] = deque(maxlen=SIGNATURES)

    def take(self, one: Statement) -> Iterator[str]:
        """Faults of this one beside the one before."""
        before, self.last = self.last, one
        expected = b""
        if before is not None:
            if one.origin != before.origin or one.algorithm != before.algorithm:
                yield f"第 {one.line} 个封存点属于另一个日志（{one.origin[:80]}），与前一个不同。"
            if one.size <= before.size:
                yield f"第 {one.line} 个封存点的事件数 {one.size} 不大于前一个的 {before.size}：次序被调换或重复。"
            expected = hasher(before.algorithm)(before.body).digest()
        if one.previous != expected:
            yield f"第 {one.line} 个封存点（事件数 {one.size}，{one.at}）与前一个不衔接：其间的封存点被删除、插入或改动。"
        only = self.keys.in_use(one.size)
        if only is not None and one.key != only and one.key in self.keys.public:
            yield f"第 {one.line} 个封存点（事件数 {one.size}，{one.at}）由当时不在用的密钥 {one.key} 签署，应为 {only}。"
        elif only is None and before is not None and one.key != before.key and one.key in self.keys.public:
            yield f"第 {one.line} 个封存点（事件数 {one.size}，{one.at}）起改由密钥 {one.key} 签署，此前为 {before.key[:20]}，二者之间没有换钥声明。"
        yield from self.keys.anchored(one)
        self.count += 1
        self.newest.append(one)

    def end(self) -> Iterator[str]:
        """Faults of the signatures, once all have been taken."""
        for one in self.newest:
            if fault := signature_fault(one, self.keys):
                yield fault
        yield from self.keys.unmet(self.last.size if self.last else 0)


class Witness:
    """A copy of the checkpoints that was kept elsewhere, held against those that pass by, in the order of their sizes."""

    def __init__(self, copies: Iterator[Statement], keys: dict[str, bytes] | None) -> None:
        self._copies = copies
        self._next = next(copies, None)
        self._contradicted = False
        self.keys = keys
        self.count = 0
        self.cosigned: deque[Statement] = deque(maxlen=SIGNATURES)

    def _pass(self) -> None:
        assert self._next is not None
        self.count += 1
        if self._next.cosignature:
            self.cosigned.append(self._next)
        before, self._next = self._next, next(self._copies, None)
        while self._next is not None and self._next.size <= before.size:
            self.count += 1  # kept twice by the copy; the first one was compared
            self._next = next(self._copies, None)

    def meet(self, one: Statement) -> Iterator[str]:
        """Where this checkpoint contradicts the copy."""
        while self._next is not None and self._next.size < one.size:
            if not self._contradicted:
                yield (
                    f"另存的副本中事件数为 {self._next.size} 的封存点（{self._next.at}）不在本导出中：封存点被删除或替换。"
                )
            self._pass()
        if self._next is not None and self._next.size == one.size:
            if self._next.body != one.body and not self._contradicted:
                self._contradicted = True
                yield (
                    f"事件数为 {one.size} 的封存点与另存的副本不一致（本导出 {one.at}，副本 {self._next.at}）："
                    "自该点或更早起，留痕被改写后重新封存。"
                )
            self._pass()

    def end(self, largest: int) -> Iterator[str]:
        """What the copy holds beyond the last checkpoint, and the witness's own signatures."""
        if self._next is not None:
            yield (
                f"另存的副本中有事件数为 {self._next.size} 的封存点（{self._next.at}），本导出只到 {largest}："
                "尾部被截去，或恢复到了旧的备份。"
            )
        for one in self.cosigned if self.keys is not None else ():
            assert self.keys is not None
            public = self.keys.get(one.witness)
            if public is None or not signature_holds(public, cosigned_text(one), one.cosignature):
                yield f"副本中事件数为 {one.size} 的封存点，见证方的签名无效，或不是您持有的见证公钥所签。"


def cosigned_text(one: Statement) -> bytes:
    """What a witness signs: that it saw this checkpoint, and when."""
    return b"witnessed " + one.witnessed_at.encode() + b"\n" + one.body
