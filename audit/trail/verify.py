#!/usr/bin/env python3
"""审计留痕离线验证程序。只用 Python 3.11 标准库，不联网，不访问系统。

用法：python3 verify.py 文件夹 [--key 公钥文件] [--witness 另存的checkpoints.jsonl] [--witness-key 见证公钥文件]
退出状态：0 完好；1 发现问题；2 无法验证（文件缺失、格式错误等）。

An export holds events.jsonl (line n is the canonical form of leaf n, byte for byte), leaves.txt (leaf hash and event
number, only for saying which event was changed), checkpoints.jsonl, rotations.jsonl and public-key.txt. A case's evidence
holds some events only, and proofs.jsonl beside them: line n proves that event n is in the tree of a signed checkpoint.
The tree is RFC 6962's; the signature is Ed25519 by the routine in ``offline/ed25519.py``. Nothing here is shared with the
system on purpose: the tests hold the two to each other. Memory does not grow with the export.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING or __package__:
    from audit.trail.offline.case_file import beside
    from audit.trail.offline.chain import SIGNATURES, Chain, Keys, Witness, signature_fault
    from audit.trail.offline.differences import Actual, Comparison, Expected, name_of
    from audit.trail.offline.files import (
        Proof,
        Statement,
        Unverifiable,
        blocks,
        fault_words,
        proofs,
        read_keys,
        rotations,
        short_lines,
        statements,
    )
    from audit.trail.offline.tree import Edge, Hasher, hasher, inclusion_holds, leaf_hashes
else:  # as a program, beside its folder; at the end of the path, so that nothing in an export takes a library's place
    sys.path.append(str(Path(__file__).resolve().parent))
    from offline.case_file import beside
    from offline.chain import SIGNATURES, Chain, Keys, Witness, signature_fault
    from offline.differences import Actual, Comparison, Expected, name_of
    from offline.files import (
        Proof,
        Statement,
        Unverifiable,
        blocks,
        fault_words,
        proofs,
        read_keys,
        rotations,
        short_lines,
        statements,
    )
    from offline.tree import Edge, Hasher, hasher, inclusion_holds, leaf_hashes

INTACT, FOUND, UNVERIFIABLE = 0, 1, 2
MOST = 200  # findings told one by one
PIECE = 8192  # events hashed at a time
Say = Callable[[str], None]


class Findings:
    """What was found: each told once, the first of them one by one."""

    def __init__(self, say: Say) -> None:
        self.say = say
        self.count = 0

    def tell(self, sentences: Iterator[str]) -> None:
        """Each a line."""
        for sentence in sentences:
            self.count += 1
            if self.count <= MOST:
                self.say(f"✕ {sentence}")
            elif self.count == MOST + 1:
                self.say("✕ 问题过多，其余不再逐条列出。")


class Events:
    """The lines of events.jsonl, by pieces that end where a checkpoint does."""

    def __init__(self, path: Path) -> None:
        self._blocks = blocks(path)
        self._lines: list[bytes] = []
        self._at = 0

    def take(self, most: int) -> list[bytes]:
        """Up to ``most`` lines; none at the end."""
        if self._at == len(self._lines):
            self._lines, self._at = next(self._blocks, []), 0
            while not self._lines:
                following = next(self._blocks, None)
                if following is None:
                    return []
                self._lines = following
        taken = self._lines[self._at : self._at + most]
        self._at += len(taken)
        return taken

    def rest(self) -> int:
        """How many are left."""
        count = len(self._lines) - self._at
        self._lines, self._at = [], 0
        return count + sum(len(lines) for lines in self._blocks)


class Read:
    """How far the events agree with the checkpoints."""

    def __init__(self, path: Path) -> None:
        self.events = Events(path)
        self.hash_of: Hasher | None = None
        self.edge = Edge(hasher("sha256"))
        self.size = self.proved = 0
        self.failed: Statement | None = None

    def reach(self, one: Statement) -> None:
        """Go on to this checkpoint, unless an earlier one failed."""
        if self.failed is not None or one.size <= self.size:
            return
        if self.hash_of is None:
            self.hash_of = hasher(one.algorithm)
            self.edge = Edge(self.hash_of)
        while self.size < one.size:
            lines = self.events.take(min(PIECE, one.size - self.size))
            if not lines:
                self.failed = one
                return
            self.edge.grow(leaf_hashes(self.hash_of, lines))
            self.size += len(lines)
        if self.edge.root() == one.root:
            self.proved = one.size
        else:
            self.failed = one


def name_differences(folder: Path, hash_of: Hasher, read: Read) -> Iterator[str]:
    """Which events differ from the leaves, when the leaves themselves still give the signed roots."""
    edge, roots = Edge(hash_of), statements(folder / "checkpoints.jsonl")
    checked = next(roots, None)

    def expected() -> Iterator[Expected]:
        nonlocal checked
        for number, line in short_lines(folder / "leaves.txt"):
            words = line.decode("ascii", "replace").split()
            try:
                leaf = bytes.fromhex(words[0])
            except (IndexError, ValueError):
                raise Unverifiable(f"leaves.txt 第 {number} 行无法读取，不能据以指出是哪一条事件。") from None
            edge.grow([leaf])
            while checked is not None and checked.size <= number:
                if checked.size == number and edge.root() != checked.root:
                    raise Unverifiable(
                        "叶散列清单（leaves.txt）也与签名的根散列不符，不能逐条指出；问题在上述封存点所覆盖的事件之中。"
                    )
                checked = next(roots, None)
            yield Expected(leaf, words[1][:40] if len(words) > 1 else "编号不详")

    def actual() -> Iterator[Actual]:
        for lines in blocks(folder / "events.jsonl"):
            for leaf, line in zip(leaf_hashes(hash_of, lines), lines, strict=True):
                yield Actual(leaf, line)

    comparison = Comparison()
    try:
        comparison.run(expected(), actual())
    except Unverifiable as unknown:
        yield str(unknown)
        return
    strangers = {one.leaf for one in comparison.strangers} - set(comparison.missing)
    known: set[bytes] = set()
    if strangers:
        known = {leaf for leaf, _ in expected_again(folder) if leaf in strangers}
    yield from comparison.sentences(known)


def expected_again(folder: Path) -> Iterator[tuple[bytes, str]]:
    """The leaves once more, for finding the events that stand twice."""
    for _number, line in short_lines(folder / "leaves.txt"):
        words = line.decode("ascii", "replace").split()
        yield bytes.fromhex(words[0]), words[-1]


def verify_export(folder: Path, keys: Keys, witness: Witness | None, findings: Findings, say: Say) -> None:
    """The whole log: every event against every checkpoint."""
    chain, read = Chain(keys), Read(folder / "events.jsonl")
    for one in statements(folder / "checkpoints.jsonl"):
        findings.tell(chain.take(one))
        if witness is not None:
            findings.tell(witness.meet(one))
        read.reach(one)
    last = chain.last
    if last is None:
        raise Unverifiable("checkpoints.jsonl 中没有封存点，无从验证。")
    findings.tell(chain.end())
    if witness is not None:
        findings.tell(witness.end(last.size))
    lines = read.size + read.events.rest()
    if read.failed is not None:
        findings.tell(_failed(read, read.failed, lines, last.size))
        assert read.hash_of is not None
        findings.tell(name_differences(folder, read.hash_of, read))
    elif lines > last.size:
        findings.tell(iter([f"最后一个封存点之后多出 {lines - last.size} 条事件，它们从未封存。"]))
    if findings.count:
        return
    say(
        f"✓ {last.size} 条事件全部完好：与 {chain.count} 个封存点的根散列逐一相符，"
        f"封存点前后衔接，最近 {len(chain.newest)} 个的签名有效"
        + (f"，{len(keys.changes)} 次换钥均由旧密钥签署" if keys.changes else "")
        + "。"
    )
    say(f"  日志：{last.origin}；最后封存：{last.at}；根散列（{last.algorithm}）：{last.root.hex()}")


def _failed(read: Read, failed: Statement, lines: int, wanted: int) -> Iterator[str]:
    yield (
        f"前 {read.proved} 条事件完好；自第 {read.proved + 1} 条起，与事件数为 {failed.size} 的封存点（{failed.at}）不符。"
        + (f"应有 {wanted} 条，实有 {lines} 条。" if lines != wanted else "")
    )


def verify_evidence(folder: Path, keys: Keys, witness: Witness | None, findings: Findings, say: Say) -> None:
    """Some events, each with the proof that it is in the tree of a signed checkpoint."""
    signed: dict[int, Statement] = {}
    for one in statements(folder / "checkpoints.jsonl"):
        if fault := signature_fault(one, keys):
            findings.tell(iter([fault]))
        only = keys.in_use(one.size)
        if only is not None and one.key != only and one.key in keys.public:
            findings.tell(iter([f"第 {one.line} 个封存点由当时不在用的密钥 {one.key} 签署，应为 {only}。"]))
        findings.tell(keys.anchored(one))
        signed[one.size] = one
    if not signed:
        raise Unverifiable("checkpoints.jsonl 中没有封存点，无从验证。")
    if witness is not None:
        findings.tell(_met(witness, signed))
    proved = proofs(folder / "proofs.jsonl")
    count, seen = 0, -1
    for lines in blocks(folder / "events.jsonl"):
        for line in lines:
            count += 1
            proof = next(proved, None)
            if proof is None:
                findings.tell(iter([f"第 {count} 条没有证明：{name_of(line)} 可能是插入的。"]))
                continue
            if proof.place <= seen:
                findings.tell(iter([f"第 {count} 条的位置不在前一条之后：次序被调换，或有重复。"]))
            seen = proof.place
            if not _proved(line, proof, signed):
                findings.tell(
                    iter(
                        [f"第 {count} 条与其证明不符：{name_of(line)} 被改动、调换或插入，不是封存时的内容。"]
                    )
                )
    left = sum(1 for _ in proved)
    if left:
        findings.tell(iter([f"最后 {left} 条被删除：有证明而没有事件。"]))
    if not count and not left:
        raise Unverifiable("events.jsonl 中没有事件，无从验证。")
    findings.tell(beside(folder))
    if not findings.count:
        last = signed[max(signed)]
        say(
            f"✓ {count} 条事件全部完好：每一条都在签名的封存点（共 {len(signed)} 个）之内，内容与封存时逐字节相同。"
        )
        say(f"  日志：{last.origin}；所依据的最后封存点：事件数 {last.size}，{last.at}")
        say("注意：本证据只证明所附事件真实；是否还有其他事件，请以全部导出验证。")


def _proved(line: bytes, proof: Proof, signed: dict[int, Statement]) -> bool:
    one = signed.get(proof.size)
    if one is None:
        return False
    hash_of = hasher(one.algorithm)
    (leaf,) = leaf_hashes(hash_of, [line])
    return inclusion_holds(hash_of, leaf, proof.place, proof.size, proof.path, one.root)


def _met(witness: Witness, signed: dict[int, Statement]) -> Iterator[str]:
    """Evidence carries few checkpoints: only those that both have are compared."""
    for size in sorted(signed):
        for fault in witness.meet(signed[size]):
            if "不一致" in fault:
                yield fault


def verify(
    folder: Path, key: Path | None, witness: Path | None, say: Say, witness_key: Path | None = None
) -> int:
    """Verify one export or one case's evidence, telling each finding by ``say``; the exit status. Raises ``Unverifiable``."""
    if not folder.is_dir():
        raise Unverifiable(
            f"{folder.name} 是文件，不是文件夹。请先解开压缩包，再指定解开后的文件夹。"
            if folder.exists()
            else f"没有找到文件夹 {folder.name}。请核对路径。"
        )
    held = read_keys(key or folder / "public-key.txt")
    if key is None:
        say(
            f"注意：公钥取自导出包本身（密钥编号 {'、'.join(held)}）。请与您另行取得的公钥核对，或用 --key 指定。"
        )
    keys, findings = Keys(held, rotations(folder / "rotations.jsonl")), Findings(say)
    findings.tell(iter(keys.faults))
    copy = None
    if witness is not None:
        copy = Witness(statements(witness), read_keys(witness_key) if witness_key else None)
    judge = verify_evidence if (folder / "proofs.jsonl").exists() else verify_export
    judge(folder, keys, copy, findings, say)
    if findings.count:
        say(f"结论：发现 {findings.count} 处问题，本留痕不可作为完整记录使用。")
        return FOUND
    if copy is None:
        say("注意：未提供另存的封存点副本（--witness），不能排除尾部被整体截去。")
    else:
        say(f"✓ 与另存的封存点副本一致（{copy.count} 个）。")
        if copy.keys is not None:
            say(f"✓ 其中最近 {len(copy.cosigned)} 个有见证方的有效签名（最多核对 {SIGNATURES} 个）。")
    return INTACT


def main(arguments: list[str] | None = None, say: Say = print) -> int:
    """The command line. Never a traceback: whatever cannot be judged is a sentence and status 2."""
    parser = argparse.ArgumentParser(description="审计留痕离线验证")
    parser.add_argument("folder", type=Path, help="导出文件夹，或一个案件的证据文件夹")
    parser.add_argument("--key", type=Path, help="另行取得的公钥文件")
    parser.add_argument(
        "--witness", type=Path, help="另存的 checkpoints.jsonl 副本（见证方的，或自行保存的）"
    )
    parser.add_argument("--witness-key", type=Path, help="见证方的公钥文件，用以核对其签名")
    options = parser.parse_args(arguments)
    try:
        return verify(options.folder, options.key, options.witness, say, options.witness_key)
    except Unverifiable as fault:
        say(f"无法验证：{fault}")
    except (OSError, UnicodeError, RecursionError, MemoryError, OverflowError) as fault:
        say(f"无法验证：读取导出包时出错（{fault_words(fault)}）。请重新取得导出包。")
    return UNVERIFIABLE


if __name__ == "__main__":
    sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]  # a terminal that knows no Chinese
    sys.exit(main())
