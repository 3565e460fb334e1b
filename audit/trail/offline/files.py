"""Reading an export: whatever is in the files, the answer is a line's meaning or ``Unverifiable`` with a sentence. Memory is bounded."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from .ed25519 import key_id

BLOCK = 1 << 20
LONGEST_EVENT = 64 << 20  # bytes; the largest that the system writes are a thousandth of it
LONGEST_LINE = 64 << 10  # of all other files
LARGEST = 1 << 62


class Unverifiable(Exception):
    """The input cannot be judged; the message is the sentence for the auditor."""


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
    witness: str = ""
    witnessed_at: str = ""
    cosignature: bytes = b""


class Rotation(NamedTuple):
    """A change of keys, read from the text that the old key signed."""

    line: int
    body: bytes
    signature: bytes
    origin: str
    size: int
    checkpoint: bytes
    old: str
    new: str
    public: bytes
    at: str


class Proof(NamedTuple):
    """That one event is in the tree: its place, the size of the checkpoint, and the hashes beside its way to the root."""

    line: int
    place: int
    size: int
    path: list[bytes]


_WORDS: dict[type[BaseException], str] = {
    FileNotFoundError: "文件不存在",
    IsADirectoryError: "它是文件夹，不是文件",
    NotADirectoryError: "路径中有一段不是文件夹",
    PermissionError: "没有读取权限",
    UnicodeError: "文字编码不对，应为 UTF-8",
    MemoryError: "内容过大，内存不足",
    RecursionError: "内容嵌套过深",
    OverflowError: "数值过大",
}


def _fault(path: Path, fault: OSError) -> Unverifiable:
    if isinstance(fault, FileNotFoundError):
        return Unverifiable(
            f"没有找到文件 {path.name}。导出包应含 events.jsonl、checkpoints.jsonl 和 public-key.txt。"
        )
    return Unverifiable(f"无法读取文件 {path.name}：{fault_words(fault)}。")


def fault_words(fault: BaseException) -> str:
    """What went wrong, for an auditor."""
    for kind, words in _WORDS.items():
        if isinstance(fault, kind):
            return words
    return "文件系统不能读取"


def blocks(path: Path) -> Iterator[list[bytes]]:
    """The lines of a file without their ends, by blocks of about a mebibyte."""
    try:
        with path.open("rb") as stream:
            rest: list[bytes] = []
            held = 0
            while block := stream.read(BLOCK):
                first, end, _ = block.partition(b"\n")
                if not end:
                    rest.append(block)
                    held += len(block)
                    if held > LONGEST_EVENT:
                        raise Unverifiable(
                            f"{path.name} 中有一行超过 {LONGEST_EVENT >> 20} MiB，不是导出的内容。文件可能被损坏，请重新取得导出包。"
                        )
                    continue
                lines = block.split(b"\n")
                lines[0] = b"".join([*rest, first])
                last = lines.pop()
                rest, held = [last], len(last)
                yield lines
            if held:
                yield [b"".join(rest)]
    except OSError as fault:
        raise _fault(path, fault) from None


def short_lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """(number, line without its end) of a file whose lines are short."""
    try:
        with path.open("rb") as stream:
            number = 0
            while line := stream.readline(LONGEST_LINE + 1):
                number += 1
                if len(line) > LONGEST_LINE:
                    raise Unverifiable(
                        f"{path.name} 第 {number} 行长得不合格式。文件可能被损坏，请重新取得导出包。"
                    )
                yield number, line.rstrip(b"\r\n")
    except OSError as fault:
        raise _fault(path, fault) from None


def _decoded(text: Any, length: int | None = None) -> bytes:
    found = base64.b64decode(text, validate=True)
    if length is not None and len(found) != length:
        raise ValueError(text)
    return found


def _size(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < 20 and 0 < int(text) < LARGEST):
        raise ValueError(text)
    return int(text)


def _named(body: str, first: int) -> dict[str, str]:
    return dict(field.split(" ", 1) for field in body.split("\n")[first:] if field)


WRONG = (ValueError, KeyError, IndexError, AttributeError, TypeError, RecursionError, binascii.Error)


def read_statement(number: int, line: bytes | str) -> Statement:
    """A checkpoint from its line. Raises one of ``WRONG``."""
    row: dict[str, Any] = json.loads(line)
    fields, named = row["body"].split("\n"), _named(row["body"], 3)
    seen = "cosignature" in row
    return Statement(
        number, row["body"].encode(), _decoded(row["signature"]), fields[0], _size(fields[1]), _decoded(fields[2], 32),
        named["hash"], named["at"], b"" if named["previous"] == "-" else _decoded(named["previous"]), named["key"],
        str(row["witness"]) if seen else "", str(row["witnessed_at"]) if seen else "", _decoded(row["cosignature"]) if seen else b"",
    )  # fmt: skip


def statements(path: Path) -> Iterator[Statement]:
    """The checkpoints of a file. Raises ``Unverifiable`` with the line that cannot be read."""
    for number, line in short_lines(path):
        try:
            found = read_statement(number, line)
        except WRONG:
            raise Unverifiable(
                f"{path.name} 第 {number} 行不是完整的封存点。文件可能被截断或改动，请重新取得导出包。"
            ) from None
        yield found


def read_rotation(number: int, line: bytes | str) -> Rotation:
    """A change of keys from its line. Raises one of ``WRONG``."""
    row: dict[str, Any] = json.loads(line)
    fields, named = row["body"].split("\n"), _named(row["body"], 2)
    if fields[1] != "key-rotation":
        raise ValueError(fields[1])
    return Rotation(
        number, row["body"].encode(), _decoded(row["signature"]), fields[0], _size(named["size"]), _decoded(named["checkpoint"]),
        named["from"], named["to"], _decoded(named["public"], 32), named["at"],
    )  # fmt: skip


def rotations(path: Path) -> list[Rotation]:
    """The changes of keys of a file, oldest first; none when there is no such file."""
    if not path.exists():
        return []
    found = []
    for number, line in short_lines(path):
        try:
            found.append(read_rotation(number, line))
        except WRONG:
            raise Unverifiable(
                f"{path.name} 第 {number} 行不是完整的换钥声明。文件可能被截断或改动，请重新取得导出包。"
            ) from None
    return found


def proofs(path: Path) -> Iterator[Proof]:
    """The proofs of an evidence folder, one an event."""
    for number, line in short_lines(path):
        try:
            row: dict[str, Any] = json.loads(line)
            index, size, way = row["index"], row["size"], [_decoded(step, 32) for step in row["path"]]
            if not (type(index) is int and type(size) is int and 0 <= index < size < LARGEST):
                raise ValueError(index)
        except WRONG:
            raise Unverifiable(
                f"{path.name} 第 {number} 行不是完整的证明。文件可能被截断或改动，请重新取得。"
            ) from None
        yield Proof(number, index, size, way)


def read_keys(path: Path) -> dict[str, bytes]:
    """The public keys by their ids: each 32 bytes in base64 on a line; lines that begin with # are remarks."""
    keys = {}
    for _number, line in short_lines(path):
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
