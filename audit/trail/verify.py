#!/usr/bin/env python3
"""审计留痕离线验证程序。只用 Python 标准库，不联网，不访问系统。

用法：python verify.py 导出文件夹 [--key 公钥文件] [--witness 另存的checkpoints.jsonl]
退出状态：0 完好；1 发现问题；2 无法验证（文件缺失、格式错误等）。

The export holds events.jsonl (line n is the canonical form of leaf n, byte for byte), leaves.txt (leaf hash and event
number, only for saying which event was changed), checkpoints.jsonl and public-key.txt. The tree is RFC 6962's; the
signature is Ed25519 (RFC 8032), verified by the routine below. This file shares no code with the system on purpose: the
tests hold the two to each other.
"""

from __future__ import annotations

import argparse
import base64
import binascii
import hashlib
import json
import sys
from bisect import bisect_left
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

INTACT, FOUND, UNVERIFIABLE = 0, 1, 2
CHUNK = 8192
SIGNATURES = 100  # the newest so many are verified; the older ones are bound by the chain of hashes

# Ed25519, RFC 8032 section 5.1, in extended homogeneous coordinates.
P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
SQRT_M1 = pow(2, (P - 1) // 4, P)
Point = tuple[int, int, int, int]


class Unverifiable(Exception):
    """The input cannot be judged; the message is the sentence for the auditor."""


def _add(a: Point, b: Point) -> Point:
    e, f = (a[1] - a[0]) * (b[1] - b[0]) % P, (a[1] + a[0]) * (b[1] + b[0]) % P
    g, h = 2 * a[3] * b[3] * D % P, 2 * a[2] * b[2] % P
    x, t, z, y = f - e, h - g, h + g, f + e
    return x * t % P, z * y % P, t * z % P, x * y % P


def _times(scalar: int, point: Point) -> Point:
    total: Point = (0, 1, 1, 0)
    while scalar:
        if scalar & 1:
            total = _add(total, point)
        point = _add(point, point)
        scalar >>= 1
    return total


def _point(packed: bytes) -> Point | None:
    y = int.from_bytes(packed, "little")
    sign, y = y >> 255, y & (1 << 255) - 1
    if y >= P:
        return None
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * SQRT_M1 % P
    if (x * x - square) % P or (x == 0 and sign):
        return None
    if x & 1 != sign:
        x = P - x
    return x, y, 1, x * y % P


BASE = _point((4 * pow(5, P - 2, P) % P).to_bytes(32, "little"))


def signature_holds(public_key: bytes, message: bytes, signature: bytes) -> bool:
    """Whether this is the Ed25519 signature of the message under the key."""
    if len(public_key) != 32 or len(signature) != 64 or BASE is None:
        return False
    key, commitment = _point(public_key), _point(signature[:32])
    scalar = int.from_bytes(signature[32:], "little")
    if key is None or commitment is None or scalar >= ORDER:
        return False
    challenge = (
        int.from_bytes(hashlib.sha512(signature[:32] + public_key + message).digest(), "little") % ORDER
    )
    left, right = _times(scalar, BASE), _add(commitment, _times(challenge, key))
    return (
        not (left[0] * right[2] - right[0] * left[2]) % P
        and not (left[1] * right[2] - right[1] * left[2]) % P
    )


def key_id(public_key: bytes) -> str:
    """The first 8 bytes of the key's SHA-256, in hexadecimal."""
    return hashlib.sha256(public_key).hexdigest()[:16]


class Statement(NamedTuple):
    """A checkpoint, read from its signed text."""

    line: int
    body: bytes
    signature: bytes
    origin: str
    size: int
    root: bytes
    algorithm: str
    at: str
    previous: bytes
    key: str


class Edge:
    """The right edge of the growing tree: one waiting hash a level."""

    def __init__(self, hash_of: Callable[[bytes], bytes]) -> None:
        self.hash_of = hash_of
        self.waiting: list[bytes | None] = []

    def grow(self, level: list[bytes]) -> None:
        hash_of, height = self.hash_of, 0
        while level:
            if height == len(self.waiting):
                self.waiting.append(None)
            below = self.waiting[height]
            if below is not None:
                level = [below, *level]
            self.waiting[height] = level[-1] if len(level) & 1 else None
            level = [
                hash_of(b"\x01" + left + right) for left, right in zip(level[::2], level[1::2], strict=False)
            ]
            height += 1

    def root(self) -> bytes:
        found = b""
        for left in self.waiting:
            if left is not None:
                found = self.hash_of(b"\x01" + left + found) if found else left
        return found or self.hash_of(b"")


def hash_function(algorithm: str) -> Callable[[bytes], bytes]:
    """The hash that a checkpoint names."""
    if algorithm == "sha256":
        sha256 = hashlib.sha256
        return lambda content: sha256(content).digest()
    if algorithm == "sm3" and "sm3" in hashlib.algorithms_available:
        return lambda content: hashlib.new("sm3", content).digest()
    raise Unverifiable(
        f"本机的 Python 不支持封存点所用的散列算法“{algorithm}”，请换用支持该算法的 Python 后重试。"
    )


def read_statements(path: Path) -> list[Statement]:
    """The checkpoints of a file. Raises ``Unverifiable`` with the line that cannot be read."""
    statements = []
    for number, line in enumerate(_lines(path), start=1):
        try:
            row: dict[str, Any] = json.loads(line)
            body = row["body"].encode()
            fields = row["body"].split("\n")
            named = dict(field.split(" ", 1) for field in fields[3:] if field)
            statements.append(
                Statement(
                    number, body, base64.b64decode(row["signature"], validate=True), fields[0], int(fields[1]),
                    base64.b64decode(fields[2], validate=True), named["hash"], named["at"],
                    b"" if named["previous"] == "-" else base64.b64decode(named["previous"], validate=True), named["key"],
                )
            )  # fmt: skip
        except (ValueError, KeyError, IndexError, AttributeError, TypeError, binascii.Error):
            raise Unverifiable(
                f"{path.name} 第 {number} 行不是完整的封存点。文件可能被截断或改动，请重新取得导出包。"
            ) from None
    return statements


def read_keys(path: Path) -> dict[str, bytes]:
    """The public keys by their ids: each 32 bytes in base64 on a line; lines that begin with # are remarks."""
    keys = {}
    for line in _lines(path):
        if line.strip() and not line.startswith(b"#"):
            try:
                key = base64.b64decode(line.strip(), validate=True)
            except (binascii.Error, ValueError):
                key = b""
            if len(key) != 32:
                raise Unverifiable(f"{path.name} 不是公钥文件：每行应为 44 个字符的 Base64 文字。")
            keys[key_id(key)] = key
    if not keys:
        raise Unverifiable(f"{path.name} 中没有公钥。")
    return keys


def _lines(path: Path) -> Iterator[bytes]:
    try:
        with path.open("rb") as stream:
            yield from stream
    except FileNotFoundError:
        raise Unverifiable(
            f"没有找到文件 {path.name}。导出包应含 events.jsonl、checkpoints.jsonl 和 public-key.txt。"
        ) from None
    except OSError as fault:
        raise Unverifiable(f"无法读取文件 {path.name}：{fault.strerror}。") from None


def check_chain(statements: list[Statement], keys: dict[str, bytes]) -> list[str]:
    """Faults of the checkpoints among themselves: order, chain, origin, signatures."""
    faults = []
    before: Statement | None = None
    for one in statements:
        if before is not None:
            if one.origin != before.origin or one.algorithm != before.algorithm:
                faults.append(f"第 {one.line} 个封存点属于另一个日志（{one.origin}），与前一个不同。")
            if one.size <= before.size:
                faults.append(
                    f"第 {one.line} 个封存点的事件数 {one.size} 不大于前一个的 {before.size}：次序被调换或重复。"
                )
        expected = b"" if before is None else hash_function(before.algorithm)(before.body)
        if one.previous != expected:
            faults.append(
                f"第 {one.line} 个封存点（事件数 {one.size}，{one.at}）与前一个不衔接：其间的封存点被删除、插入或改动。"
            )
        before = one
    for one in statements[-SIGNATURES:]:
        public_key = keys.get(one.key)
        if public_key is None:
            faults.append(
                f"第 {one.line} 个封存点（事件数 {one.size}）由未知密钥 {one.key} 签署，不是您持有的公钥。"
            )
        elif not signature_holds(public_key, one.body, one.signature):
            faults.append(
                f"第 {one.line} 个封存点（事件数 {one.size}，{one.at}）的签名无效：内容被改动，或不是由该密钥签署。"
            )
    return faults


def check_witness(statements: list[Statement], witness: list[Statement]) -> list[str]:
    """Where the export contradicts a copy of the checkpoints that was kept elsewhere."""
    faults = []
    ours = {one.size: one for one in statements}
    largest = max(ours, default=0)
    for copy in witness:
        if copy.size > largest:
            faults.append(
                f"另存的副本中有事件数为 {copy.size} 的封存点（{copy.at}），本导出只到 {largest}：尾部被截去，或恢复到了旧的备份。"
            )
            break
        if copy.size not in ours:
            faults.append(
                f"另存的副本中事件数为 {copy.size} 的封存点（{copy.at}）不在本导出中：封存点被删除或替换。"
            )
        elif ours[copy.size].body != copy.body:
            faults.append(
                f"事件数为 {copy.size} 的封存点与另存的副本不一致：自该点或更早起，留痕被改写后重新封存。"
            )
            break
    return faults


def name_of(line: bytes) -> str:
    """How an event is called in a sentence."""
    try:
        event = json.loads(line)
        subject = event["subject"]
        return f"事件 {event['event']}（{event['at']}，{subject['kind']} {subject['no']}，{event['verb']}）"
    except (ValueError, KeyError, TypeError):
        return "内容无法读取的事件"


def check_events(path: Path, statements: list[Statement]) -> tuple[int, int, Statement | None]:
    """(lines read, events proved, the first checkpoint whose root does not come out or None). Memory is bounded."""
    hash_of = hash_function(statements[0].algorithm) if statements else hash_function("sha256")
    edge, size, proved = Edge(hash_of), 0, 0
    stream = _lines(path)
    for statement in statements:
        while size < statement.size:
            lines = list(islice(stream, min(CHUNK, statement.size - size)))
            if not lines:
                return size, proved, statement
            edge.grow([hash_of(b"\x00" + line.rstrip(b"\n")) for line in lines])
            size += len(lines)
        if edge.root() != statement.root:
            return size + sum(1 for _ in stream), proved, statement
        proved = size
    return size + sum(1 for _ in stream), proved, None


def name_differences(folder: Path, statements: list[Statement], proved: int) -> list[str]:
    """Which events differ from the leaves, when the leaves themselves still give the signed roots."""
    hash_of = hash_function(statements[0].algorithm)
    expected: list[tuple[bytes, str]] = []
    edge = Edge(hash_of)
    roots = {one.size: one.root for one in statements}
    for number, line in enumerate(_lines(folder / "leaves.txt"), start=1):
        words = line.decode("ascii", "replace").split()
        try:
            leaf = bytes.fromhex(words[0])
        except (IndexError, ValueError):
            return [f"leaves.txt 第 {number} 行无法读取，不能据以指出是哪一条事件。"]
        edge.grow([leaf])
        if number > proved:
            expected.append((leaf, words[1] if len(words) > 1 else "编号不详"))
        if number in roots and edge.root() != roots[number]:
            return [
                "叶散列清单（leaves.txt）也与签名的根散列不符，不能逐条指出；问题在上述封存点所覆盖的事件之中。"
            ]
    actual = [
        (hash_of(b"\x00" + line.rstrip(b"\n")), line)
        for line in islice(_lines(folder / "events.jsonl"), proved, None)
    ]
    return align(proved, expected, actual)


def align(start: int, expected: list[tuple[bytes, str]], actual: list[tuple[bytes, bytes]]) -> list[str]:
    """Sentences that name what was altered, removed, inserted, repeated or moved."""
    places: dict[bytes, int] = {leaf: index for index, (leaf, _) in enumerate(expected)}
    present = {leaf for leaf, _ in actual}
    sentences: list[str] = []
    missing = [index for index, (leaf, _) in enumerate(expected) if leaf not in present]
    strangers = [index for index, (leaf, _) in enumerate(actual) if leaf not in places]
    gaps = {expected[index][1]: index for index in missing}
    seen: set[bytes] = set()
    kept: list[tuple[int, int]] = []
    for index, (leaf, line) in enumerate(actual):
        if leaf in seen:
            sentences.append(f"第 {start + index + 1} 行重复：{name_of(line)} 在前面已经出现。")
        elif leaf in places:
            seen.add(leaf)
            kept.append((places[leaf], index))
    for position in moved([place for place, _ in kept]):
        place, index = kept[position]
        sentences.append(
            f"次序被调换：{name_of(actual[index][1])} 应为第 {start + place + 1} 条，现为第 {start + index + 1} 条。"
        )
    for index in strangers:
        line = actual[index][1]
        number = _event_number(line)
        if number in gaps:
            del gaps[number]
            sentences.append(f"第 {start + index + 1} 条被改动：{name_of(line)} 的内容与封存时不同。")
        elif index < len(expected) and index in missing and expected[index][1] in gaps:
            del gaps[expected[index][1]]
            sentences.append(
                f"第 {start + index + 1} 条被改动：原为事件 {expected[index][1]}，现为{name_of(line)}。"
            )
        else:
            sentences.append(f"第 {start + index + 1} 条是插入的：{name_of(line)} 从未封存。")
    sentences += [f"第 {start + index + 1} 条被删除：事件 {number}。" for number, index in gaps.items()]
    return sentences


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


def _event_number(line: bytes) -> str:
    try:
        return str(json.loads(line)["event"])
    except (ValueError, KeyError, TypeError):
        return ""


def verify(folder: Path, key_path: Path | None, witness_path: Path | None, say: Callable[[str], None]) -> int:
    """Verify one export, telling each finding by ``say``; the exit status."""
    keys = read_keys(key_path or folder / "public-key.txt")
    if key_path is None:
        named = "、".join(keys)
        say(f"注意：公钥取自导出包本身（密钥编号 {named}）。请与您另行取得的公钥核对，或用 --key 指定。")
    statements = read_statements(folder / "checkpoints.jsonl")
    if not statements:
        raise Unverifiable("checkpoints.jsonl 中没有封存点，无从验证。")
    faults = check_chain(statements, keys)
    if witness_path is not None:
        faults += check_witness(statements, read_statements(witness_path))
    lines, proved, failed = check_events(folder / "events.jsonl", statements)
    if failed is not None:
        faults.append(
            f"前 {proved} 条事件完好；自第 {proved + 1} 条起，与事件数为 {failed.size} 的封存点（{failed.at}）不符。"
            + (f"应有 {statements[-1].size} 条，实有 {lines} 条。" if lines != statements[-1].size else "")
        )
        faults += name_differences(folder, statements, proved)
    elif lines > statements[-1].size:
        faults.append(f"最后一个封存点之后多出 {lines - statements[-1].size} 条事件，它们从未封存。")
    for fault in faults:
        say(f"✕ {fault}")
    if faults:
        say(f"结论：发现 {len(faults)} 处问题，本留痕不可作为完整记录使用。")
        return FOUND
    say(
        f"✓ {statements[-1].size} 条事件全部完好：与 {len(statements)} 个封存点的根散列逐一相符，"
        f"封存点前后衔接，最近 {min(len(statements), SIGNATURES)} 个的签名有效。"
    )
    say(
        f"  日志：{statements[-1].origin}；最后封存：{statements[-1].at}；根散列：{statements[-1].root.hex()}"
    )
    if witness_path is None:
        say("注意：未提供另存的封存点副本（--witness），不能排除尾部被整体截去。")
    else:
        say("✓ 与另存的封存点副本一致。")
    return INTACT


def main(arguments: list[str] | None = None, say: Callable[[str], None] = print) -> int:
    """The command line. Never a traceback: whatever cannot be judged is a sentence and status 2."""
    parser = argparse.ArgumentParser(description="审计留痕离线验证")
    parser.add_argument("folder", type=Path, help="导出文件夹")
    parser.add_argument("--key", type=Path, help="另行取得的公钥文件")
    parser.add_argument("--witness", type=Path, help="另存的 checkpoints.jsonl 副本")
    options = parser.parse_args(arguments)
    try:
        return verify(options.folder, options.key, options.witness, say)
    except Unverifiable as fault:
        say(f"无法验证：{fault}")
    except (OSError, UnicodeError, RecursionError, MemoryError) as fault:
        say(f"无法验证：读取导出包时出错（{type(fault).__name__}）。请重新取得导出包。")
    return UNVERIFIABLE


if __name__ == "__main__":
    sys.exit(main())
