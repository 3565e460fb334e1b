"""换钥: the old key signs the new one, the trail has it as an event, and all later checkpoints are the new one's.

The text is anchored to the last checkpoint of the old key, so that a verifier knows from where on only the new key counts. Killed at
any moment, either nothing happened, or the change is on record and the next run of the sealer puts the new key in place.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Iterator
from datetime import UTC

from django.conf import settings
from django.db import connections, transaction

from audit.models import Checkpoint, KeyRotation
from audit.trail import keys
from audit.trail.lock import LOCK
from audit.trail.merkle import Tree
from vouchers.context import GUC, Actor, Context
from vouchers.errors import Invalid, NotNow


def key_in_force(using: str = "default") -> str | None:
    """The id of the key that the last change named; None when there was none."""
    last = KeyRotation.objects.using(using).order_by("-pk").first()
    return last.new_key_id if last is not None else None


def rotate(new: keys.SigningKey | None = None, *, reason: str = "", using: str = "sealer") -> KeyRotation:
    """Change to ``new``, or to a key made here. Waits for a sealer at work.

    Raises ``NotNow`` (``trail.nothing_sealed``), ``Invalid`` (``trail.key_used``, ``trail.key_needed``), ``TryLater`` (``trail.key``).
    """
    if new is None and settings.TRAIL_SIGNING_KEY:
        raise Invalid(
            "trail.key_needed",
            "现用密钥来自环境变量 TRAIL_SIGNING_KEY：请先备好新密钥的文件，用 --new-key 指定，换钥后将环境变量改为新密钥。",
        )
    with transaction.atomic(using=using):
        with connections[using].cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s), clock_timestamp()", [LOCK])
            instant = cursor.fetchone()[1]
            context = Context(actor=Actor.service("rotate_trail_key"), verb="trail.rotate_key", reason=reason)
            cursor.execute("SELECT set_config(%s, %s, true)", [GUC, context.as_json()])
        last = Checkpoint.objects.using(using).order_by("-size").first()
        if last is None:
            raise NotNow(
                "trail.nothing_sealed", "留痕尚未封存，没有可以由旧密钥接续的封存点。请先运行 seal_trail。"
            )
        old = keys.key_in_use(key_in_force(using))
        new = new or keys.new_key()
        used = {old.key_id, *KeyRotation.objects.using(using).values_list("old_key_id", flat=True)}
        if new.key_id in used:
            raise Invalid("trail.key_used", f"密钥 {new.key_id} 正在使用或已经退役，请另备一把新的密钥。")
        at = instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        anchor = base64.b64encode(Tree(last.hash_algorithm).hash(last.body.encode())).decode()
        public = base64.b64encode(new.public).decode()
        body = (
            f"{last.origin}\nkey-rotation\nsize {last.size}\ncheckpoint {anchor}\nfrom {old.key_id}\nto {new.key_id}\n"
            f"public {public}\nat {at}\n"
        )
        made = KeyRotation(
            size=last.size,
            old_key_id=old.key_id,
            new_key_id=new.key_id,
            public_key=public,
            rotated_at=instant,
            body=body,
            signature=base64.b64encode(old.sign(body.encode())).decode(),
        )
        made.save(using=using, force_insert=True)
        if not settings.TRAIL_SIGNING_KEY:
            keys.lay_ready(new)
    keys.take_over(new)
    return made


def as_line(one: KeyRotation) -> str:
    """One line of ``rotations.jsonl``."""
    return json.dumps({"body": one.body, "signature": one.signature}, ensure_ascii=False) + "\n"


class Keyring:
    """The keys that may sign and from where on, for the live verifier: told apart from the offline one on purpose."""

    def __init__(self, public: dict[str, bytes], changes: Iterable[KeyRotation]) -> None:
        self.public = dict(public)
        self.faults: list[str] = []
        self._turns: list[tuple[int, str, str]] = []
        self._anchors: dict[int, str] = {}
        for one in changes:
            self._follow(one)

    def _follow(self, one: KeyRotation) -> None:
        name = f"换钥声明（{one.old_key_id} → {one.new_key_id}，{one.rotated_at:%Y-%m-%d %H:%M:%S}）"
        said = dict(line.split(" ", 1) for line in one.body.split("\n")[2:] if " " in line)
        columns = {
            "size": str(one.size),
            "from": one.old_key_id,
            "to": one.new_key_id,
            "public": one.public_key,
        }
        try:
            public, signature = base64.b64decode(one.public_key), base64.b64decode(one.signature)
        except ValueError:
            public, signature = b"", b""
        if one.old_key_id not in self.public:
            self.faults.append(f"{name}由未知密钥签署，不能据以信任新的公钥。")
        elif not keys.holds(self.public[one.old_key_id], one.body.encode(), signature):
            self.faults.append(f"{name}的签名无效：内容被改动，或不是由旧密钥签署。")
        elif (
            any(said.get(key) != value for key, value in columns.items())
            or keys.key_id(public) != one.new_key_id
        ):
            self.faults.append(f"{name}的正文与登记的内容不一致。")
        elif self._turns and self._turns[-1][2] != one.old_key_id:
            self.faults.append(f"{name}与前一次换钥不衔接。")
        else:
            self.public[one.new_key_id] = public
            self._turns.append((one.size, one.old_key_id, one.new_key_id))
            self._anchors[one.size] = said.get("checkpoint", "")

    def in_force(self, size: int) -> str | None:
        """The only key that may sign a checkpoint of this size, as far as the changes say."""
        found = None
        for bound, old, new in self._turns:
            if size > bound:
                found = new
            elif found is None:
                return old
        return found

    def unanchored(self, checkpoints: dict[int, str]) -> Iterator[str]:
        """Changes whose checkpoint is not there, or another: ``checkpoints`` gives the hash of each body by its size."""
        for size, anchor in self._anchors.items():
            if checkpoints.get(size) != anchor:
                yield f"换钥时的封存点（事件数 {size}）已不在，或不是换钥声明所载的那一个：其后被改写或截去。"
