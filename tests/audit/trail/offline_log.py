"""A log made without the system: events, tree, checkpoints and signatures by the verifier's own words only."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

from audit.trail.merkle import Tree
from audit.trail.offline import ed25519

SEED, WITNESS_SEED = b"\1" * 32, b"\2" * 32
ORIGIN = "test/trail"


def event(number: int) -> bytes:
    """A canonical form, much like the real ones."""
    return json.dumps(
        {"v": 1, "event": f"e-{number}", "at": "2025-07-15T02:00:00Z", "verb": "claim.approve", "subject": {"kind": "claim", "no": f"C-{number}"}},
        ensure_ascii=False,
    ).encode()  # fmt: skip


def base64_of(content: bytes) -> str:
    return base64.b64encode(content).decode()


class Log:
    """A sealed log of ``sizes[-1]`` events with a checkpoint at each size."""

    def __init__(self, sizes: list[int], *, algorithm: str = "sha256", seed: bytes = SEED) -> None:
        self.tree, self.algorithm, self.seed = Tree(algorithm), algorithm, seed
        self.events: list[bytes] = []
        self.lines: list[dict[str, Any]] = []
        self.rotations: list[dict[str, str]] = []
        for size in sizes:
            self.grow(size)

    @property
    def leaves(self) -> list[bytes]:
        return [self.tree.leaf(one) for one in self.events]

    def grow(self, size: int, *, forged: bool = False) -> None:
        """Up to this size, with a checkpoint."""
        self.events += [event(n + (1000 if forged else 0)) for n in range(len(self.events), size)]
        before = self.lines[-1]["body"].encode() if self.lines else b""
        previous = base64_of(self.tree.hash(before)) if before else "-"
        body = (
            f"{ORIGIN}\n{size}\n{base64_of(self.tree.root(self.leaves))}\nhash {self.algorithm}\nat 2025-07-15T02:00:{size % 60:02d}Z\n"
            f"previous {previous}\nkey {ed25519.key_id(ed25519.public_key_of(self.seed))}\n"
        )
        self.lines.append({"body": body, "signature": base64_of(ed25519.sign(self.seed, body.encode()))})

    def rotate(self, seed: bytes, *, signer: bytes | None = None) -> None:
        """The key now in use names the next one."""
        last = self.lines[-1]["body"]
        public = ed25519.public_key_of(seed)
        body = (
            f"{ORIGIN}\nkey-rotation\nsize {last.split(chr(10))[1]}\ncheckpoint {base64_of(self.tree.hash(last.encode()))}\n"
            f"from {ed25519.key_id(ed25519.public_key_of(self.seed))}\nto {ed25519.key_id(public)}\npublic {base64_of(public)}\nat 2025-07-15T03:00:00Z\n"
        )
        self.rotations.append(
            {"body": body, "signature": base64_of(ed25519.sign(signer or self.seed, body.encode()))}
        )
        self.seed = seed

    def proof(self, old: int, new: int) -> list[str]:
        return (
            [base64_of(step) for step in self.tree.consistency_proof(old, self.leaves[:new])] if old else []
        )

    def write(self, folder: Path, *, key: bytes = SEED) -> Path:
        """As an export; the public key is the one that the auditor held from the beginning."""
        folder.mkdir(exist_ok=True)
        (folder / "events.jsonl").write_bytes(b"".join(one + b"\n" for one in self.events))
        numbers = [json.loads(one)["event"] for one in self.events]
        (folder / "leaves.txt").write_text(
            "".join(f"{leaf.hex()} {n}\n" for leaf, n in zip(self.leaves, numbers, strict=True))
        )
        (folder / "checkpoints.jsonl").write_text("".join(json.dumps(one) + "\n" for one in self.lines))
        (folder / "rotations.jsonl").write_text("".join(json.dumps(one) + "\n" for one in self.rotations))
        (folder / "public-key.txt").write_text(base64_of(ed25519.public_key_of(key)) + "\n")
        return folder
