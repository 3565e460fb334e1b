"""证据: a case's events with their proofs, its papers as the reader may see them, a readable index, and the program that verifies it all."""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import IO, Any

from applications.actions.papers import open_paper
from applications.models import Paper
from audit.case_parts import Part
from audit.models import AuditEvent, Checkpoint
from audit.trail.export import program
from audit.trail.proofs import Evidence, evidence
from vouchers.access import AUDIT_ROLES
from vouchers.errors import NotNow, TryLater
from vouchers.models import User

FOLDER = "evidence"
LARGEST = 500 * 1024 * 1024
"""Bytes of papers in one file; more than that is asked for claim by claim."""
MANUAL = """案卷证据

index.html          案卷的全部经过，可用浏览器打开、打印
events.jsonl        每行一条事件的规范文本（封存时的原始字节）
proofs.jsonl        每行一条证明：第 n 行证明第 n 条事件在封存点之内（RFC 6962）
checkpoints.jsonl   所依据的封存点：正文与签名
rotations.jsonl     历次换钥声明
witness.jsonl       见证方对这些封存点的签名（没有见证方时为空）
public-key.txt      公钥。请以您另行取得的公钥为准
papers/             案卷的材料；其摘要登记在提交它的事件中
manifest.json       各文件的 SHA-256；这份清单的摘要登记在本次导出的留痕中
verify.py offline/  验证程序，只需 Python 3.11 或更新版本，不联网：

    python3 verify.py . --key 您另存的公钥文件 --witness 您另存的checkpoints.jsonl

签名为 Ed25519（RFC 8032），由 offline/ed25519.py 以标准库验证。
退出状态：0 完好；1 发现问题；2 无法验证。
"""


@dataclass(frozen=True)
class CaseFile:
    """What was put together, for the event of its export."""

    events: int
    unsealed: int
    papers: int
    manifest_sha256: str


def provable(ids: Sequence[int]) -> Evidence:
    """The events with their proofs. Raises ``TryLater`` (``evidence.not_sealed``) when none is sealed yet, ``NotNow`` when one is not
    what was sealed (``trail.leaf_differs``)."""
    found = evidence(AuditEvent.objects.filter(pk__in=ids).order_by("pk"))
    if not found.proven:
        raise TryLater("evidence.not_sealed", "这件案卷的留痕还在等待封存（每五秒一次），请稍后再导出。")
    return found


def papers_of(parts: Sequence[Part], reader: User) -> list[Paper]:
    """The case's papers that the reader may see, those that were taken out again left out."""
    found: list[Paper] = []
    for kind in sorted({part.kind for part in parts}):
        numbers = [part.number for part in parts if part.kind == kind and part.whole]
        seen = Paper.objects.visible_to(reader, *AUDIT_ROLES)
        found += seen.filter(subject_kind=kind, subject_no__in=numbers, removed_at=None).order_by("pk")
    if sum(one.size for one in found) > LARGEST:
        raise NotNow(
            "evidence.too_large",
            f"本案卷的材料超过 {LARGEST >> 20} MB，不能一次导出。",
            hint="请打开其中每件兑付申请的全部经过，分别导出。",
        )
    return found


def write_case_file(
    stream: IO[bytes],
    found: Evidence,
    papers: Sequence[Paper],
    index: str,
    *,
    case: dict[str, Any],
    by: User,
    told: Callable[[int], None] | None = None,
) -> CaseFile:
    """The zip. Opening each paper is told to the trail as a read of it; ``told`` hears how many papers are in."""
    listed: dict[str, str] = {}
    filed: dict[str, str] = {}
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in _texts(found, index):
            archive.writestr(f"{FOLDER}/{name}", content)
            listed[name] = hashlib.sha256(content).hexdigest()
        for count, paper in enumerate(papers):
            if told is not None:
                told(count)
            name = f"papers/{paper.paper_no}/{_safe(paper.filename)}"
            digest = hashlib.sha256()
            with open_paper(paper, by=by) as file, archive.open(f"{FOLDER}/{name}", "w") as target:
                for chunk in file.chunks():
                    digest.update(chunk)
                    target.write(chunk)
            listed[name], filed[name] = digest.hexdigest(), paper.paper_no
        manifest = _manifest(found, listed, filed, case)
        archive.writestr(f"{FOLDER}/manifest.json", manifest)
    return CaseFile(
        events=len(found.proven),
        unsealed=len(found.unsealed),
        papers=len(papers),
        manifest_sha256=hashlib.sha256(manifest).hexdigest(),
    )


def _texts(found: Evidence, index: str) -> Iterator[tuple[str, bytes]]:
    yield from found.files()
    yield from program()
    yield "README.txt", MANUAL.encode()
    yield "index.html", index.encode()


def _manifest(found: Evidence, listed: dict[str, str], filed: dict[str, str], case: dict[str, Any]) -> bytes:
    last: Checkpoint = found.checkpoints[-1]
    told = {
        "kind": FOLDER,
        "case": case,
        "events": len(found.proven),
        "unsealed": len(found.unsealed),
        "checkpoint": {"origin": last.origin, "size": last.size, "key": last.key_id},
        "files": listed,
        "papers": filed,
    }
    return json.dumps(told, ensure_ascii=False, indent=2).encode() + b"\n"


def _safe(filename: str) -> str:
    """A name that is one on every system: no path, no sign that some of them refuse, not too long."""
    kept = "".join("_" if one in '\\/:*?"<>|' or ord(one) < 32 else one for one in filename).strip(" .")
    stem, dot, ending = kept.rpartition(".")
    return f"{(stem or ending)[:60]}{dot}{ending[:10]}" if dot and stem else (kept[:60] or "paper")
