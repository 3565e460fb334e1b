"""The sealer's side of the witness: tells it of new checkpoints with proofs, and keeps its signatures.

Never in the way of sealing: it runs after the commit, in a task of its own, with a time-out; what could not be told now is told
by the next run, from where the witness stands. See ``audit/trail/witness.py`` for the other side.
"""

from __future__ import annotations

import base64
import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
from django.conf import settings

from audit.models import Checkpoint, KeyRotation, WitnessSignature
from audit.trail import keys, proofs
from audit.trail.offline.files import Unverifiable, read_keys
from vouchers.errors import DomainError, TryLater

STEP = 200_000  # leaves that one proof may span, so that memory is bounded when the witness is far behind
TRIES, PAUSE = 2, 0.5
LONGEST = 20.0  # seconds for one run


class Contradicted(DomainError):
    """The witness has seen what this database does not hold, or holds otherwise."""

    status = 409


@dataclass(frozen=True)
class Standing:
    """How far the witness has come, by the signatures that were stored; no network is used for it."""

    configured: bool
    sealed: int
    witnessed: int
    since: datetime | None
    """When the first checkpoint that the witness has not signed was made; None when it has signed all."""

    @property
    def behind(self) -> int:
        """Sealed events that no witness has signed for."""
        return self.sealed - self.witnessed


def standing(using: str = "default") -> Standing:
    """For doctor and the audit desk."""
    last = Checkpoint.objects.using(using).order_by("-size").first()
    seen = WitnessSignature.objects.using(using).order_by("-size").first()
    witnessed = seen.size if seen else 0
    first = Checkpoint.objects.using(using).filter(size__gt=witnessed).order_by("size").first()
    return Standing(
        configured=bool(settings.TRAIL_WITNESS_URL),
        sealed=last.size if last else 0,
        witnessed=witnessed,
        since=first.sealed_at if first else None,
    )


def _client() -> httpx.Client:
    return httpx.Client(base_url=settings.TRAIL_WITNESS_URL, timeout=settings.TRAIL_WITNESS_SECONDS)


def _asked(
    client: httpx.Client, method: str, path: str, content: dict[str, Any] | None = None
) -> httpx.Response:
    """One question, asked again once. Raises ``TryLater`` (``witness.unreachable``)."""
    for turn in range(TRIES):
        try:
            answer = client.request(method, path, json=content)
        except httpx.HTTPError as fault:
            if turn + 1 == TRIES:
                raise TryLater(
                    "witness.unreachable",
                    f"见证方（{settings.TRAIL_WITNESS_URL}）联系不上：{type(fault).__name__}。",
                ) from fault
        else:
            if answer.status_code < 500:
                return answer
            if turn + 1 == TRIES:
                raise TryLater("witness.unreachable", f"见证方暂不能见证（HTTP {answer.status_code}）。")
        time.sleep(PAUSE)
    raise AssertionError


def _json(answer: httpx.Response) -> dict[str, Any]:
    try:
        said = answer.json()
    except ValueError:
        said = None
    if not isinstance(said, dict):
        raise TryLater("witness.unreachable", "见证方的答复不是约定的格式，请核对 TRAIL_WITNESS_URL。")
    return said


def witness_keys(client: httpx.Client | None = None) -> dict[str, bytes]:
    """The witness's public keys: those on file; asked for at the first contact, and held to ever after.

    Raises ``TryLater`` (``witness.unreachable``, ``witness.key``).
    """
    path = Path(settings.TRAIL_WITNESS_KEY_FILE)
    if not path.exists():
        if client is None:
            return {}
        answer = _asked(client, "GET", "/public-key")
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f"{path.name}.part")
        part.write_bytes(answer.content[:4096])
        try:
            read_keys(part)
        except Unverifiable as fault:
            part.unlink()
            raise TryLater("witness.key", "见证方没有给出公钥，请核对 TRAIL_WITNESS_URL。") from fault
        part.replace(path)
    try:
        return read_keys(path)
    except Unverifiable as fault:
        raise TryLater("witness.key", str(fault)) from fault


def tell_witness(using: str = "sealer") -> int:
    """Tell the witness of what was sealed since; how many of its signatures were added. 0 when there is no witness.

    Raises ``TryLater`` (``witness.unreachable``, ``witness.key``) and ``Contradicted`` (``witness.contradicts``).
    """
    if not settings.TRAIL_WITNESS_URL:
        return 0
    stated = Checkpoint.objects.using(using)
    last = stated.order_by("-size").first()
    if last is None:
        return 0
    deadline, added = time.monotonic() + LONGEST, 0
    with _client() as client:
        public = witness_keys(client)
        own = WitnessSignature.objects.using(using).filter(witness_key_id__in=list(public))
        seen = own.order_by("-size").first()
        old = seen.size if seen else 0
        corrected = False
        while old < last.size and time.monotonic() < deadline:
            target = stated.filter(size__gt=old, size__lte=old + STEP).order_by("-size").first()
            target = target or stated.filter(size__gt=old).order_by("size").first()
            assert target is not None
            answer = _asked(client, "POST", "/checkpoint", _request(old, target, using))
            said = _json(answer)
            if answer.status_code == 200:
                _keep(said, target, public, using)
                old, added = target.size, added + 1
            elif answer.status_code == 409 and not corrected and type(said.get("size")) is int:
                old, corrected = _where_it_stands(said["size"], last, using), True
            elif answer.status_code == 403:
                raise TryLater("witness.key", f"见证方不认签名密钥：{str(said.get('sentence'))[:200]}")
            else:
                raise Contradicted(
                    "witness.contradicts",
                    f"见证方拒绝见证：{str(said.get('sentence'))[:300]} 请立即运行 verify_trail 查明。",
                )
    return added


def _request(old: int, target: Checkpoint, using: str) -> dict[str, Any]:
    before = Checkpoint.objects.using(using).get(size=old) if old else None
    way = proofs.consistency(before, target, using)
    return {
        "checkpoint": {"body": target.body, "signature": base64.b64encode(bytes(target.signature)).decode()},
        "old": old,
        "proof": [base64.b64encode(step).decode() for step in way],
        "rotations": [
            {"body": one.body, "signature": one.signature}
            for one in KeyRotation.objects.using(using).order_by("pk")
        ],
    }


def _where_it_stands(size: int, last: Checkpoint, using: str) -> int:
    """From where to prove, by the witness's own word."""
    if size > last.size:
        raise Contradicted(
            "witness.contradicts",
            f"见证方已见证到 {size} 条，本库只到 {last.size} 条：尾部被截去，或恢复到了旧的备份。请立即运行 verify_trail 查明。",
        )
    if size and not Checkpoint.objects.using(using).filter(size=size).exists():
        raise Contradicted(
            "witness.contradicts",
            f"见证方见证过事件数为 {size} 的封存点，本库没有：封存点被删除或替换。请立即运行 verify_trail 查明。",
        )
    return size


def _keep(said: dict[str, Any], target: Checkpoint, public: dict[str, bytes], using: str) -> None:
    key, at = str(said.get("witness")), str(said.get("witnessed_at"))
    try:
        signature = base64.b64decode(str(said.get("cosignature")), validate=True)
    except ValueError:
        signature = b""
    text = f"witnessed {at}\n{target.body}".encode()
    if key not in public or len(at) > 40 or not keys.holds(public[key], text, signature):
        raise TryLater("witness.key", "见证方的签名无效，或不是所存的见证公钥所签。")
    WitnessSignature.objects.using(using).get_or_create(
        size=target.size,
        witness_key_id=key,
        defaults={"witnessed_at": at, "cosignature": base64.b64encode(signature).decode()},
    )


def fetch_copy(path: Path) -> None:
    """The witness's whole copy, streamed into a file. Raises ``TryLater`` (``witness.unreachable``)."""
    try:
        with (
            _client() as client,
            client.stream("GET", "/checkpoints.jsonl") as answer,
            path.open("wb") as stream,
        ):
            if answer.status_code == 404:
                return
            if answer.status_code != 200:
                raise TryLater("witness.unreachable", f"见证方没有给出副本（HTTP {answer.status_code}）。")
            for piece in answer.iter_bytes():
                stream.write(piece)
    except httpx.HTTPError as fault:
        raise TryLater(
            "witness.unreachable", f"见证方（{settings.TRAIL_WITNESS_URL}）联系不上：{type(fault).__name__}。"
        ) from fault
