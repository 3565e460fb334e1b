"""An export that an outsider verifies without the system: events byte for byte, leaves, checkpoints, public key, verifier."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from django.db import connections, transaction

from audit.models import Checkpoint, KeyRotation, WitnessSignature
from audit.trail import checkpoints, keys, offline, rotation, verify
from vouchers.errors import NotNow

ROWS = 5_000
MANUAL = """审计留痕导出

events.jsonl        第 n 行是第 n 条事件的规范文本（封存时的原始字节）
leaves.txt          第 n 行是第 n 条事件的叶散列与事件编号，仅用于指出哪一条被改动
checkpoints.jsonl   全部封存点：正文与签名
rotations.jsonl     历次换钥声明：旧密钥签署的新公钥
witness.jsonl       见证方对封存点的签名（没有见证方时为空）
public-key.txt      公钥。请以您另行取得的公钥为准
verify.py offline/  验证程序，只需 Python 3.11 或更新版本，不联网：

    python3 verify.py . --key 您另存的公钥文件 --witness 您另存的checkpoints.jsonl

--witness 可用见证方给出的 checkpoints.jsonl；再加 --witness-key 见证方的公钥文件，即核对见证方的签名。

退出状态：0 完好；1 发现问题；2 无法验证。
"""


def export_trail(folder: Path, using: str = "default") -> dict[str, Any]:
    """Write the whole sealed trail into a new or empty folder; the manifest.

    Raises ``NotNow`` (``trail.nothing_sealed``, ``trail.folder_in_use``). Memory is bounded: rows are streamed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise NotNow(
            "trail.folder_in_use", f"文件夹 {folder.name} 不是空的，请换一个文件夹，以免与旧的导出混在一起。"
        )
    with transaction.atomic(using=using):
        last = Checkpoint.objects.using(using).order_by("-size").first()
        if last is None:
            raise NotNow("trail.nothing_sealed", "留痕尚未封存，没有可以导出的内容。请先运行 seal_trail。")
        with (
            (folder / "events.jsonl").open("wb") as events,
            (folder / "leaves.txt").open("w", encoding="ascii") as leaves,
        ):
            for leaf_hash, event_no, canonical in _sealed_events(last.size, using):
                events.write(canonical + b"\n")
                leaves.write(f"{leaf_hash.hex()} {event_no}\n")
        with (folder / "checkpoints.jsonl").open("w", encoding="utf-8") as stream:
            for checkpoint in (
                Checkpoint.objects.using(using).filter(size__lte=last.size).order_by("size").iterator()
            ):
                stream.write(checkpoints.as_line(checkpoint))
        _write(folder / "rotations.jsonl", rotation_lines(using))
        _write(folder / "witness.jsonl", witness_lines(using))
    (folder / "public-key.txt").write_text(keys.public_text(keys.public_keys().values()), encoding="utf-8")
    (folder / "README.txt").write_text(MANUAL, encoding="utf-8")
    for name, content in program():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
    manifest = {
        "origin": last.origin,
        "size": last.size,
        "root": bytes(last.root_hash).hex(),
        "hash": last.hash_algorithm,
        "sealed_at": last.sealed_at.isoformat(),
        "key": last.key_id,
        "files": {
            path.relative_to(folder).as_posix(): _digest(path)
            for path in sorted(folder.rglob("*"))
            if path.is_file()
        },
    }
    (folder / "manifest.json").write_text(
        json.dumps(manifest, ensure_ascii=False, indent=2) + "\n", encoding="utf-8"
    )
    return manifest


def _write(path: Path, lines: Iterable[str]) -> None:
    with path.open("w", encoding="utf-8") as stream:
        stream.writelines(lines)


def program() -> Iterator[tuple[str, bytes]]:
    """(name, content) of the verifier's files, as an export and a case's evidence carry them."""
    yield "verify.py", Path(verify.__file__).read_bytes()
    for path in sorted(Path(offline.__file__).parent.glob("*.py")):
        yield f"offline/{path.name}", path.read_bytes()


def rotation_lines(using: str = "default") -> Iterator[str]:
    """The lines of ``rotations.jsonl``."""
    for one in KeyRotation.objects.using(using).order_by("pk"):
        yield rotation.as_line(one)


def witness_lines(using: str = "default", sizes: Iterable[int] | None = None) -> Iterator[str]:
    """The lines of ``witness.jsonl``: as the witness itself keeps them; of these sizes only, when any are given."""
    signed = WitnessSignature.objects.using(using).order_by("size", "witness_key_id")
    if sizes is not None:
        signed = signed.filter(size__in=list(sizes))
    for one in signed.iterator():
        checkpoint = Checkpoint.objects.using(using).filter(size=one.size).first()
        if checkpoint is not None:
            row = json.loads(checkpoints.as_line(checkpoint))
            row |= {
                "witness": one.witness_key_id,
                "witnessed_at": one.witnessed_at,
                "cosignature": one.cosignature,
            }
            yield json.dumps(row, ensure_ascii=False) + "\n"


def _sealed_events(size: int, using: str) -> Iterator[tuple[bytes, str, bytes]]:
    """(leaf hash, event number, canonical form) of every leaf below ``size``; what is missing is an empty line."""
    with connections[using].chunked_cursor() as cursor:
        cursor.execute(
            "SELECT l.leaf_hash, e.event_no, e.canonical, l.event_id FROM audit_trailleaf l"
            " LEFT JOIN audit_auditevent e ON e.id = l.event_id WHERE l.index < %s ORDER BY l.index",
            [size],
        )
        while rows := cursor.fetchmany(ROWS):
            for leaf_hash, event_no, canonical, event_id in rows:
                if canonical is not None:
                    yield bytes(leaf_hash), str(event_no), bytes(canonical).replace(b"\n", b" ")
                else:
                    yield bytes(leaf_hash), f"#{event_id}", b""


def _digest(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
