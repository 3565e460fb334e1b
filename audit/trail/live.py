"""The log held against itself, in the live database: events, leaves, checkpoints, queue, and the copy outside.

What the offline verifier finds in an export is found here with more to go by: an event that is in no leaf and no queue
was put in by hand, one that a leaf names and that is not there was taken out.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from django.db import connections

from audit.models import Checkpoint, KeyRotation, WitnessSignature
from audit.trail import keys
from audit.trail.merkle import Frontier, Tree
from audit.trail.rotation import Keyring

ROWS = 5_000
COLUMNS = (
    "event_no", "transaction", "recorded_at", "actor_kind", "actor", "verb", "request_id", "region_code",
    "subject_kind", "subject_no", "subject_pk", "case_kind", "case_no", "operation",
)  # fmt: skip


@dataclass(frozen=True)
class Finding:
    """Something that is not as it was sealed. ``code`` is stable; ``sentence`` is for the auditor."""

    code: str
    sentence: str


def columns_of(canonical: bytes) -> dict[str, Any]:
    """What the columns of an event must hold, by its canonical form. Raises ``ValueError`` or ``KeyError`` if it has none."""
    event = json.loads(canonical)
    return {
        "id": event["id"],
        "event_no": event["event"],
        "transaction": event["transaction"],
        "recorded_at": datetime.fromisoformat(event["at"]),
        "actor_kind": event["actor"]["kind"],
        "actor": event["actor"]["actor"],
        "verb": event["verb"],
        "request_id": event["request"],
        "region_code": event["region"],
        "subject_kind": event["subject"]["kind"],
        "subject_no": event["subject"]["no"],
        "subject_pk": event["subject"]["pk"],
        "case_kind": event["case"]["kind"],
        "case_no": event["case"]["no"],
        "operation": event["operation"],
    }


def examine_log(
    using: str = "default",
    witness: Path | None = None,
    public: dict[str, bytes] | None = None,
    witness_copy: Path | None = None,
    witness_public: dict[str, bytes] | None = None,
) -> Iterator[Finding]:
    """Every finding, in the order of the log. Call it inside one REPEATABLE READ transaction.

    ``witness`` is the system's own file of checkpoints outside of the database, ``witness_copy`` what the witness holds.
    """
    stated = list(Checkpoint.objects.using(using).order_by("size"))
    yield from _chain(using, stated, public if public is not None else keys.public_keys())
    yield from _leaves(using, stated)
    yield from _unsealed(using)
    if witness is not None:
        yield from _copy(stated, witness, "copy", "库外的封存点副本")
    if witness_copy is not None:
        yield from _copy(stated, witness_copy, "witness", "见证方的副本")
    if witness_public:
        yield from _cosigned(using, stated, witness_public)


def _chain(using: str, stated: list[Checkpoint], public: dict[str, bytes]) -> Iterator[Finding]:
    ring = Keyring(public, KeyRotation.objects.using(using).order_by("pk"))
    for fault in ring.faults:
        yield Finding("key.rotation", fault)
    public, hashes = ring.public, {}
    before: Checkpoint | None = None
    for one in stated:
        expected = b"" if before is None else Tree(before.hash_algorithm).hash(before.body.encode())
        hashes[one.size] = _base64(Tree(one.hash_algorithm).hash(one.body.encode()))
        only = ring.in_force(one.size)
        if only is not None and one.key_id != only and one.key_id in public:
            yield Finding(
                "checkpoint.key",
                f"事件数为 {one.size} 的封存点由当时不在用的密钥 {one.key_id} 签署，应为 {only}。",
            )
        elif only is None and before is not None and one.key_id != before.key_id and one.key_id in public:
            yield Finding(
                "checkpoint.key",
                f"事件数为 {one.size} 的封存点起改由密钥 {one.key_id} 签署，此前为 {before.key_id}，二者之间没有换钥声明。",
            )
        said = one.body.split("\n")
        if bytes(one.previous) != expected or f"previous {_base64(expected)}" not in said:
            yield Finding(
                "checkpoint.chain",
                f"事件数为 {one.size} 的封存点与前一个不衔接：其间的封存点被删除、插入或改动。",
            )
        if said[:3] != [one.origin, str(one.size), _base64(bytes(one.root_hash))]:
            yield Finding("checkpoint.columns", f"事件数为 {one.size} 的封存点，正文与登记的内容不一致。")
        if one.key_id not in public or f"key {one.key_id}" not in said:
            yield Finding("checkpoint.key", f"事件数为 {one.size} 的封存点由未知密钥 {one.key_id} 签署。")
        elif not keys.holds(public[one.key_id], one.body.encode(), bytes(one.signature)):
            yield Finding(
                "checkpoint.signature",
                f"事件数为 {one.size} 的封存点签名无效：内容被改动，或不是由该密钥签署。",
            )
        before = one
    for fault in ring.unanchored(hashes):
        yield Finding("key.anchor", fault)


def _cosigned(using: str, stated: list[Checkpoint], public: dict[str, bytes]) -> Iterator[Finding]:
    """The witness's signatures that were stored: each on the checkpoint as it stands here."""
    import base64

    bodies = {one.size: one.body for one in stated}
    for one in WitnessSignature.objects.using(using).order_by("size").iterator():
        body, key = bodies.get(one.size), public.get(one.witness_key_id)
        if body is None:
            yield Finding(
                "witness.ahead", f"见证方签署过事件数为 {one.size} 的封存点，库内已没有：被截去或替换。"
            )
            return
        try:
            signature = base64.b64decode(one.cosignature, validate=True)
        except ValueError:
            signature = b""
        if key is None or not keys.holds(key, f"witnessed {one.witnessed_at}\n{body}".encode(), signature):
            yield Finding(
                "witness.signature",
                f"事件数为 {one.size} 的封存点，见证方的签名对不上：封存点被替换，或签名被改动。",
            )
            return


def _base64(content: bytes) -> str:
    import base64

    return base64.b64encode(content).decode() if content else "-"


def _event_name(event_no: Any, event_id: int, subject_kind: str, subject_no: str, verb: str) -> str:
    return f"事件 {event_no}（#{event_id}，{subject_kind} {subject_no}，{verb}）"


def _leaves(using: str, stated: list[Checkpoint]) -> Iterator[Finding]:
    tree = Tree(stated[0].hash_algorithm if stated else "sha256")
    frontier, pending = Frontier(tree), list(stated)
    altered: dict[int, tuple[str, bytes, bytes]] = {}
    trusted, broken, expected_index = 0, False, 0
    for index, event_id, leaf_hash, canonical, columns in _sealed_rows(using):
        if index != expected_index:
            yield Finding(
                "leaf.removed", f"第 {expected_index + 1} 至 {index} 条的叶被删除，或叶的序号被改动。"
            )
            broken = True
            expected_index = index
        expected_index += 1
        frontier.append(leaf_hash)
        if canonical is None:
            yield Finding(
                "event.removed", f"第 {index + 1} 条被删除：事件 #{event_id} 已封存，但不在留痕中。"
            )
        else:
            name = _event_name(
                columns["event_no"], event_id, columns["subject_kind"], columns["subject_no"], columns["verb"]
            )
            found = tree.leaf(canonical)
            if found != leaf_hash:
                altered[index] = (name, leaf_hash, found)
            elif (column := _differing_column(canonical, event_id, columns)) is not None:
                yield Finding(
                    "event.columns", f"第 {index + 1} 条被改动：{name} 的 {column} 与其规范文本不一致。"
                )
        while pending and pending[0].size == frontier.size:
            one = pending.pop(0)
            if frontier.root() == bytes(one.root_hash) and not broken:
                trusted = one.size
            elif not broken:
                broken = True
                yield Finding(
                    "checkpoint.root",
                    f"前 {trusted} 条与封存点相符；第 {trusted + 1} 至 {one.size} 条的叶与事件数为 {one.size} 的封存点不符："
                    "其间有叶被改动、插入、删除或调换。",
                )
    yield from _name_altered(altered)
    if pending:
        yield Finding(
            "tail.removed", f"封存点载明已封存 {stated[-1].size} 条，现只有 {frontier.size} 条：尾部被删除。"
        )
    elif stated and frontier.size > stated[-1].size:
        yield Finding(
            "leaf.inserted", f"最后一个封存点之后多出 {frontier.size - stated[-1].size} 个未经签名的叶。"
        )
    elif not stated and frontier.size:
        yield Finding("checkpoint.removed", f"有 {frontier.size} 个叶而没有任何封存点：封存点被删除。")


def _name_altered(altered: dict[int, tuple[str, bytes, bytes]]) -> Iterator[Finding]:
    by_leaf = {leaf: index for index, (_, leaf, _) in altered.items()}
    for index, (name, _, found) in altered.items():
        home = by_leaf.get(found)
        if home is not None:
            yield Finding(
                "event.reordered", f"次序被调换：{name} 应为第 {home + 1} 条，现为第 {index + 1} 条。"
            )
        else:
            yield Finding("event.altered", f"第 {index + 1} 条被改动：{name} 的内容与封存时不同。")


def _sealed_rows(using: str) -> Iterator[tuple[int, int, bytes, bytes | None, dict[str, Any]]]:
    names = ", ".join(f"e.{column}" for column in COLUMNS)
    with connections[using].chunked_cursor() as cursor:
        cursor.execute(
            f"SELECT l.index, l.event_id, l.leaf_hash, e.canonical, {names} FROM audit_trailleaf l"
            " LEFT JOIN audit_auditevent e ON e.id = l.event_id ORDER BY l.index"
        )
        while rows := cursor.fetchmany(ROWS):
            for index, event_id, leaf_hash, canonical, *columns in rows:
                yield (
                    index, event_id, bytes(leaf_hash), None if canonical is None else bytes(canonical),
                    dict(zip(COLUMNS, columns, strict=True)),
                )  # fmt: skip


def _differing_column(canonical: bytes, event_id: int, columns: dict[str, Any]) -> str | None:
    try:
        said = columns_of(canonical)
    except (ValueError, KeyError, TypeError):
        return "canonical"
    if said.pop("id") != event_id:
        return "id"
    said["event_no"] = said["event_no"].lower()
    return next(
        (
            name
            for name, value in said.items()
            if (str(columns[name]) if name == "event_no" else columns[name]) != value
        ),
        None,
    )


def _unsealed(using: str) -> Iterator[Finding]:
    with connections[using].cursor() as cursor:
        cursor.execute(
            "SELECT e.id, e.event_no, e.subject_kind, e.subject_no, e.verb FROM audit_auditevent e"
            " WHERE NOT EXISTS (SELECT FROM audit_trailleaf l WHERE l.event_id = e.id)"
            " AND NOT EXISTS (SELECT FROM audit_pendingevent p WHERE p.event_id = e.id) ORDER BY e.id LIMIT 1000"
        )
        for event_id, event_no, kind, number, verb in cursor.fetchall():
            name = _event_name(event_no, event_id, kind, number, verb)
            yield Finding(
                "event.inserted", f"{name} 是插入的，或其叶被删除：它既未封存，也不在待封存队列中。"
            )
        cursor.execute(
            "SELECT p.event_id FROM audit_pendingevent p"
            " WHERE NOT EXISTS (SELECT FROM audit_auditevent e WHERE e.id = p.event_id) ORDER BY 1 LIMIT 1000"
        )
        for (event_id,) in cursor.fetchall():
            yield Finding("event.removed", f"事件 #{event_id} 被删除：它在待封存队列中，但不在留痕中。")


def _copy(stated: list[Checkpoint], path: Path, code: str, name: str) -> Iterator[Finding]:
    """A copy outside of the database: whatever stands there must stand here, word for word."""
    here = {one.size: one.body for one in stated}
    largest = stated[-1].size if stated else 0
    try:
        stream = path.open("rb")
    except FileNotFoundError:
        if stated and code == "copy":
            yield Finding("copy.missing", f"{name} {path.name} 不存在，不能排除整体改写。")
        return
    with stream:
        unread = 0
        for number, line in enumerate(stream, start=1):
            if unread:
                yield Finding(f"{code}.unreadable", f"{name}第 {unread} 行无法读取。")
                unread = 0
            try:
                body = json.loads(line)["body"]
                size = int(body.split("\n")[1])
            except (ValueError, KeyError, IndexError, TypeError, AttributeError, RecursionError):
                unread = number  # the last one may have been cut short by a crash
                continue
            if size > largest:
                yield Finding(
                    f"{code}.ahead",
                    f"{name}中有事件数为 {size} 的封存点，库内只到 {largest}：尾部被截去，或恢复到了旧的备份。",
                )
                return
            if here.get(size) != body:
                yield Finding(
                    f"{code}.contradicts",
                    f"事件数为 {size} 的封存点与{name}不一致：自该点或更早起，留痕被改写后重新封存。",
                )
                return
