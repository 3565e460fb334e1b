#!/usr/bin/env python3
"""见证程序：在另一台机器上保存封存点的副本，只接受与已见证者前后一致的封存点，并加签。只用 Python 3.11 标准库。

用法：python3 witness.py 状态文件夹 --log-key 留痕公钥文件 [--listen 127.0.0.1:8790]

The state folder holds checkpoints.jsonl (every checkpoint that was co-signed; only grows), rotations.jsonl (changes of the
log's key that were followed), contradictions.jsonl (what was refused although the log signed it: proof against the log),
witness-signing.key (made at the first start, 0600) and witness-public.txt. Asked over HTTP:

    POST /checkpoint        {"checkpoint": {"body", "signature"}, "old": size, "proof": [base64…], "rotations": [...]}
                            200 the co-signed line · 409 the size that it stands at · 403 unknown key · 422 contradiction
    GET  /latest            the newest co-signed line, or 404
    GET  /checkpoints.jsonl everything that it has seen: the auditor's copy
    GET  /public-key        its own public key

It holds no secrets but its key and needs no access to the system: only to be reached, or carried to, by the sealer.
"""

from __future__ import annotations

import argparse
import base64
import json
import os
import sys
import threading
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING or __package__:
    from audit.trail.offline import ed25519
    from audit.trail.offline.chain import Keys, cosigned_text, signature_fault
    from audit.trail.offline.files import (
        WRONG,
        Rotation,
        Statement,
        Unverifiable,
        read_keys,
        read_rotation,
        read_statement,
        rotations,
    )
    from audit.trail.offline.tree import consistency_holds, hasher
else:
    sys.path.append(str(Path(__file__).resolve().parent))
    from offline import ed25519
    from offline.chain import Keys, cosigned_text, signature_fault
    from offline.files import (
        WRONG,
        Rotation,
        Statement,
        Unverifiable,
        read_keys,
        read_rotation,
        read_statement,
        rotations,
    )
    from offline.tree import consistency_holds, hasher

LONGEST_REQUEST = 256 << 10
PATIENCE = 10.0  # seconds for a caller to send its request
Answer = tuple[int, dict[str, Any]]


def _refusal(status: int, code: str, sentence: str, **more: Any) -> Answer:
    return status, {"code": code, "sentence": sentence, **more}


class State:
    """What a witness knows, kept in a folder: a line is on the disk before it is answered."""

    def __init__(self, folder: Path, log_keys: Path) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.folder = folder
        self.checkpoints = folder / "checkpoints.jsonl"
        self._lock = threading.Lock()
        self._seed = self._own_key(folder / "witness-signing.key")
        self.public = ed25519.public_key_of(self._seed)
        self.key_id = ed25519.key_id(self.public)
        text = f"# 见证公钥（Ed25519），密钥编号 {self.key_id}\n{base64.b64encode(self.public).decode()}\n"
        (folder / "witness-public.txt").write_text(text, encoding="utf-8")
        self._held = read_keys(log_keys)
        self._changes: list[Rotation] = rotations(folder / "rotations.jsonl")
        self.latest: Statement | None = None
        self.latest_line = b""
        self._recall()

    @staticmethod
    def _own_key(path: Path) -> bytes:
        if not path.exists():
            part = path.with_name(f"{path.name}.{os.getpid()}")
            descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "wb") as stream:
                stream.write(base64.b64encode(os.urandom(32)) + b"\n")
                stream.flush()
                os.fsync(stream.fileno())
            part.rename(path)
        try:
            seed = base64.b64decode(path.read_bytes().strip(), validate=True)
        except ValueError:
            seed = b""
        if len(seed) != 32:
            raise Unverifiable(f"{path.name} 不是有效的密钥：应为 32 字节种子的 Base64 文字。")
        return seed

    def _recall(self) -> None:
        """The newest checkpoint on file. A last line that a crash cut short was never answered: it is taken away."""
        if not self.checkpoints.exists():
            return
        whole = 0
        with self.checkpoints.open("rb") as stream:
            for number, line in enumerate(stream, start=1):
                if not line.endswith(b"\n"):
                    break
                try:
                    self.latest = read_statement(number, line)
                except WRONG:
                    raise Unverifiable(
                        f"{self.checkpoints.name} 第 {number} 行不是完整的封存点，状态文件夹被改动或损坏。"
                    ) from None
                self.latest_line, whole = line, whole + len(line)
        os.truncate(self.checkpoints, whole)

    def _append(self, name: str, lines: list[bytes]) -> None:
        with (self.folder / name).open("ab") as stream:
            stream.writelines(lines)
            stream.flush()
            os.fsync(stream.fileno())

    def take(self, request: Any) -> Answer:
        """Judge one checkpoint: status and answer."""
        try:
            one = read_statement(1, json.dumps(request["checkpoint"]))
            old, proof = request["old"], [base64.b64decode(step, validate=True) for step in request["proof"]]
            told = [
                (read_rotation(n, json.dumps(row)), row)
                for n, row in enumerate(request.get("rotations", []), 1)
            ]
            if type(old) is not int or one.cosignature:
                raise ValueError(old)
        except WRONG:
            return _refusal(400, "witness.malformed", "请求不是完整的封存点及一致性证明。")
        with self._lock:
            return self._judge(one, request["checkpoint"], old, proof, told)

    def _judge(
        self,
        one: Statement,
        row: dict[str, Any],
        old: int,
        proof: list[bytes],
        told: list[tuple[Rotation, dict[str, Any]]],
    ) -> Answer:
        known = {change.body for change in self._changes}
        fresh = [(change, line) for change, line in told if change.body not in known]
        keys = Keys(self._held, self._changes + [change for change, _ in fresh])
        if keys.faults:
            return _refusal(403, "witness.key", keys.faults[0])
        if fault := signature_fault(one, keys):
            return _refusal(403, "witness.key", fault)
        only = keys.in_use(one.size)
        if only is not None and one.key != only:
            return _refusal(403, "witness.key", f"封存点由当时不在用的密钥 {one.key} 签署，应为 {only}。")
        before = self.latest
        if before is not None:
            if one.body == before.body:
                return 200, json.loads(self.latest_line)
            if one.origin != before.origin or one.algorithm != before.algorithm:
                return self._contradiction(row, f"封存点属于另一个日志（{one.origin[:80]}）。")
            if one.size < before.size:
                return _refusal(
                    409,
                    "witness.smaller",
                    f"已见证到 {before.size} 条（{before.at}），不接受更小的封存点（{one.size} 条）。",
                    size=before.size,
                )
            if one.size == before.size:
                return self._contradiction(row, f"同为 {one.size} 条，内容却与已见证的封存点不同。")
            if old != before.size:
                return _refusal(
                    409, "witness.stands", f"已见证到 {before.size} 条，请自此处证明。", size=before.size
                )
            if not consistency_holds(
                hasher(one.algorithm), (before.size, before.root), (one.size, one.root), proof
            ):
                return self._contradiction(
                    row, f"不能证明 {one.size} 条的封存点包含已见证的 {before.size} 条：此前的留痕被改写。"
                )
        elif old:
            return _refusal(409, "witness.stands", "尚未见证过任何封存点，请自 0 开始。", size=0)
        if fresh:
            self._append(
                "rotations.jsonl",
                [json.dumps(line, ensure_ascii=False).encode() + b"\n" for _, line in fresh],
            )
            self._changes += [change for change, _ in fresh]
        at = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        signature = ed25519.sign(self._seed, cosigned_text(one._replace(witnessed_at=at)))
        line = {
            "body": row["body"],
            "signature": row["signature"],
            "witness": self.key_id,
            "witnessed_at": at,
        }
        line["cosignature"] = base64.b64encode(signature).decode()
        text = json.dumps(line, ensure_ascii=False).encode() + b"\n"
        self._append(self.checkpoints.name, [text])
        self.latest, self.latest_line = one, text
        return 200, line

    def _contradiction(self, row: dict[str, Any], sentence: str) -> Answer:
        """The log signed something that cannot be true beside what it signed before. Kept: it proves itself."""
        kept = {"body": row["body"], "signature": row["signature"], "sentence": sentence}
        line = json.dumps(kept, ensure_ascii=False).encode() + b"\n"
        path = self.folder / "contradictions.jsonl"
        if not path.exists() or (path.stat().st_size < 16 << 20 and line not in path.read_bytes()):
            self._append(path.name, [line])
        assert self.latest is not None
        return _refusal(422, "witness.contradicts", sentence, size=self.latest.size)


class Desk(BaseHTTPRequestHandler):
    """The questions over HTTP."""

    state: State
    timeout = PATIENCE
    protocol_version = "HTTP/1.1"
    server_version = "trail-witness"
    sys_version = ""

    def do_POST(self) -> None:
        """A checkpoint to be witnessed."""
        try:
            length = int(self.headers.get("Content-Length", "-1"))
        except ValueError:
            length = -1
        if self.path != "/checkpoint" or not 0 < length <= LONGEST_REQUEST:
            self.close_connection = True
            self._json(
                *_refusal(
                    404 if self.path != "/checkpoint" else 413,
                    "witness.unknown",
                    "没有这样的请求，或请求过大。",
                )
            )
            return
        try:
            request = json.loads(self.rfile.read(length))
        except (ValueError, RecursionError):
            self._json(*_refusal(400, "witness.malformed", "请求不是 JSON。"))
            return
        try:
            self._json(*self.state.take(request))
        except (OSError, Unverifiable) as fault:
            self._json(*_refusal(503, "witness.unable", f"暂不能见证：{fault}"))

    def do_GET(self) -> None:
        """What was witnessed, and by which key."""
        if self.path == "/public-key":
            self._answer(
                200, (self.state.folder / "witness-public.txt").read_bytes(), "text/plain; charset=utf-8"
            )
        elif self.path == "/latest" and self.state.latest_line:
            self._answer(200, self.state.latest_line, "application/json")
        elif self.path == "/checkpoints.jsonl" and self.state.checkpoints.exists():
            self._file(self.state.checkpoints)
        else:
            self._json(*_refusal(404, "witness.unknown", "没有这样的内容。"))

    def _file(self, path: Path) -> None:
        with path.open("rb") as stream:
            left = os.fstat(stream.fileno()).st_size
            self.send_response(200)
            self.send_header("Content-Type", "application/jsonl; charset=utf-8")
            self.send_header("Content-Length", str(left))
            self.end_headers()
            while left and (piece := stream.read(min(1 << 16, left))):
                self.wfile.write(piece)
                left -= len(piece)

    def _json(self, status: int, content: dict[str, Any]) -> None:
        self._answer(status, json.dumps(content, ensure_ascii=False).encode() + b"\n", "application/json")

    def _answer(self, status: int, content: bytes, kind: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:
        """A line a request, without what was sent."""
        sys.stderr.write(f"{self.log_date_time_string()} {self.address_string()} {format % args}\n")


def serve(state: State, host: str, port: int) -> ThreadingHTTPServer:
    """A server that is ready; the caller runs ``serve_forever``. Port 0 is any that is free."""
    desk = type("OwnDesk", (Desk,), {"state": state})
    server = ThreadingHTTPServer((host, port), desk)
    server.daemon_threads = True
    return server


def main(arguments: list[str] | None = None) -> int:
    """The command line: 2 when the state or a key cannot be read."""
    parser = argparse.ArgumentParser(description="封存点见证程序")
    parser.add_argument("folder", type=Path, help="状态文件夹，只归本程序使用")
    parser.add_argument("--log-key", type=Path, required=True, help="留痕的公钥文件")
    parser.add_argument("--listen", default="127.0.0.1:8790", metavar="地址:端口")
    options = parser.parse_args(arguments)
    host, _, port = options.listen.rpartition(":")
    if not (host and port.isascii() and port.isdecimal() and int(port) < 65536):
        parser.error("--listen 应为 地址:端口，如 127.0.0.1:8790")
    try:
        state = State(options.folder, options.log_key)
        server = serve(state, host, int(port))
    except (Unverifiable, OSError) as fault:
        sys.stderr.write(f"无法见证：{fault}\n")
        return 2
    seen = f"已见证到 {state.latest.size} 条" if state.latest else "尚未见证过封存点"
    sys.stdout.write(f"见证程序在 {host}:{server.server_address[1]}，见证密钥 {state.key_id}，{seen}。\n")
    sys.stdout.flush()
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        pass
    finally:
        server.server_close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
