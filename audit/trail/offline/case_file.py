"""What lies beside the events in a case's evidence: papers and pages, each held against the list of files, and the papers
against what the trail says of them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

from .files import Unverifiable, blocks

LIST = "manifest.json"
LARGEST_LIST = 64 << 20


def beside(folder: Path) -> Iterator[str]:
    """Faults of the other files; none where there is no list of them. Raises ``Unverifiable`` for a list that cannot be read."""
    path = folder / LIST
    if not path.exists():
        return
    try:
        if path.stat().st_size > LARGEST_LIST:
            raise ValueError(LIST)
        told: dict[str, Any] = json.loads(path.read_bytes())
        files, papers = dict(told["files"]), dict(told.get("papers", {}))
        named = {name: (folder / PurePosixPath(name)).resolve() for name in (*files, *papers)}
        if not all(found.is_relative_to(folder.resolve()) for found in named.values()):
            raise ValueError(LIST)
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        raise Unverifiable(f"{LIST} 不是完整的文件清单。文件可能被截断或改动，请重新取得。") from None
    for name, digest in sorted(files.items()):
        found = _digest(named[name])
        if found is None:
            yield f"缺少文件 {name}：清单（{LIST}）列有它，文件夹中没有。"
        elif found != digest:
            yield f"文件 {name} 与清单（{LIST}）所载的摘要不符：该文件或清单被改动。"
    yield from _added(folder, set(files))
    yield from _papers(folder, {str(number): named[name] for name, number in papers.items()})


def _added(folder: Path, known: set[str]) -> Iterator[str]:
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        hidden = any(part.startswith(".") or part == "__pycache__" for part in PurePosixPath(name).parts)
        if path.is_file() and not hidden and name != LIST and name not in known:
            yield f"文件 {name} 不在清单（{LIST}）中：是后来放入的。"


def _papers(folder: Path, papers: dict[str, Path]) -> Iterator[str]:
    """Each paper against the digest that stands in the event of its filing."""
    if not papers:
        return
    filed: dict[str, str] = {}
    for lines in blocks(folder / "events.jsonl"):
        for line in lines:
            try:
                event = json.loads(line)
                if event["subject"]["kind"] == "paper" and "sha256" in event["changes"]:
                    filed[str(event["subject"]["no"])] = str(event["changes"]["sha256"][1])
            except (ValueError, KeyError, TypeError, IndexError, RecursionError):
                continue  # an event that cannot be read is told by its proof
    for number, path in sorted(papers.items()):
        if number not in filed:
            yield f"材料 {number} 没有登记它的留痕，不能证明它就是当时提交的文件。"
        elif _digest(path) != filed[number]:
            yield f"材料 {number}（{path.name}）与提交时留痕登记的摘要不符：文件被改动或调换。"


def _digest(path: Path) -> str | None:
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError:
        return None
