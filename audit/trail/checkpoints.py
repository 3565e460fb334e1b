"""封存点: the signed text, its chain, and the copy of every one in a file out of the database's reach."""

from __future__ import annotations

import base64
import fcntl
import json
import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from django.conf import settings

from audit.models import Checkpoint
from audit.trail.keys import SigningKey
from audit.trail.merkle import Frontier, Tree


@dataclass(frozen=True)
class Statement:
    """What a checkpoint says. Its text is signed as it stands and never rendered again."""

    origin: str
    size: int
    root: bytes
    algorithm: str
    instant: datetime
    previous: bytes
    key_id: str

    @property
    def body(self) -> str:
        """The text: origin, size, root, then named lines."""
        previous = base64.b64encode(self.previous).decode() if self.previous else "-"
        instant = self.instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        return (
            f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"
            f"hash {self.algorithm}\nat {instant}\nprevious {previous}\nkey {self.key_id}\n"
        )


def new_checkpoint(
    frontier: Frontier, *, before: Checkpoint | None, instant: datetime, key: SigningKey, origin: str
) -> Checkpoint:
    """A signed checkpoint of the tree as it stands, chained to the one before; not saved."""
    tree: Tree = frontier.tree
    statement = Statement(
        origin=origin,
        size=frontier.size,
        root=frontier.root(),
        algorithm=tree.algorithm,
        instant=instant,
        previous=tree.hash(before.body.encode()) if before is not None else b"",
        key_id=key.key_id,
    )
    return Checkpoint(
        origin=statement.origin,
        size=statement.size,
        root_hash=statement.root,
        hash_algorithm=statement.algorithm,
        sealed_at=statement.instant,
        previous=statement.previous,
        body=statement.body,
        key_id=statement.key_id,
        signature=key.sign(statement.body.encode()),
        frontier=frontier.packed(),
    )


def as_line(checkpoint: Checkpoint) -> str:
    """One line of ``checkpoints.jsonl``."""
    row = {"body": checkpoint.body, "signature": base64.b64encode(bytes(checkpoint.signature)).decode()}
    return json.dumps(row, ensure_ascii=False) + "\n"


def copy_path() -> Path:
    """Where the copies outside of the database are."""
    return Path(settings.TRAIL_CHECKPOINT_FILE)


def copied_size(path: Path) -> int:
    """The size in the last complete line of the copy; 0 when there is none."""
    try:
        with path.open("rb") as stream:
            stream.seek(0, os.SEEK_END)
            end = stream.tell()
            stream.seek(max(0, end - 8192))
            lines = stream.read().splitlines(keepends=True)
    except FileNotFoundError:
        return 0
    for line in reversed(lines):
        try:
            return int(json.loads(line)["body"].split("\n")[1])
        except (ValueError, KeyError, IndexError, TypeError):
            continue  # a line that a crash cut short
    return 0


def copy_out(using: str = "sealer") -> int:
    """Append to the file every checkpoint that it does not hold yet; how many. Safe after a crash between seal and copy.

    The file only grows: what it holds is never rewritten, also when the database went back behind it.
    """
    path = copy_path()
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+b") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        missing = Checkpoint.objects.using(using).filter(size__gt=copied_size(path)).order_by("size")
        count = 0
        if stream.tell() and not _ends_with_newline(path):
            stream.write(b"\n")
        for checkpoint in missing.iterator(chunk_size=1000):
            stream.write(as_line(checkpoint).encode())
            count += 1
        stream.flush()
        if count:
            os.fsync(stream.fileno())
    return count


def _ends_with_newline(path: Path) -> bool:
    with path.open("rb") as stream:
        stream.seek(-1, os.SEEK_END)
        return stream.read(1) == b"\n"
