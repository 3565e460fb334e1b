"""An export that an outsider verifies without the system: events byte for byte, leaves, checkpoints, public key, verifier."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.db import connections, transaction

from audit.models import Checkpoint
from audit.trail import checkpoints, keys, verify
from vouchers.errors import NotNow

ROWS = 5_000
MANUAL = """审计留痕导出

events.jsonl        第 n 行是第 n 条事件的规范文本（封存时的原始字节）
leaves.txt          第 n 行是第 n 条事件的叶散列与事件编号，仅用于指出哪一条被改动
checkpoints.jsonl   全部封存点：正文与签名
public-key.txt      公钥。请以您另行取得的公钥为准
verify.py           验证程序，只需 Python 3.11 或更新版本，不联网：

    python3 verify.py . --key 您另存的公钥文件 --witness 您另存的checkpoints.jsonl

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
    (folder / "public-key.txt").write_text(keys.public_text(keys.public_keys().values()), encoding="utf-8")
    (folder / "README.txt").write_text(MANUAL, encoding="utf-8")
    shutil.copyfile(Path(verify.__file__), folder / "verify.py")
    manifest = {
        "origin": last.origin,
        "size": last.size,
        "root": bytes(last.root_hash).hex(),
        "hash": last.hash_algorithm,
        "sealed_at": last.sealed_at.isoformat(),
        "key": last.key_id,
        "files": {path.name: _digest(path) for path in sorted(folder.iterdir())},
    }
    (folder / "manifest.json").write_text(
        json.dumps(manifest, ensure_ascii=False, indent=2) + "\n", encoding="utf-8"
    )
    return manifest


def _sealed_events(size: int, using: str) -> Iterator[tuple[bytes, str, bytes]]:
    """(leaf hash, event number, canonical form) of every leaf below ``size``; what is missing is an empty line."""
    with connections[using].chunked_cursor() as cursor:
        cursor.execute(
            "SELECT l.leaf_hash, e.event_no, e.canonical FROM audit_trailleaf l"
            " LEFT JOIN audit_auditevent e ON e.id = l.event_id WHERE l.index < %s ORDER BY l.index",
            [size],
        )
        while rows := cursor.fetchmany(ROWS):
            for leaf_hash, event_no, canonical in rows:
                if canonical is not None:
                    yield bytes(leaf_hash), str(event_no), bytes(canonical).replace(b"\n", b" ")
                else:
                    yield bytes(leaf_hash), "-", b""


def _digest(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
