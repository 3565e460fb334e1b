"""Whether the trail can do its work: sealing goes on, with the right key, and copies leave the database. For ``doctor``."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from django.conf import settings
from django.db.backends.base.base import BaseDatabaseWrapper
from django.utils.timezone import now

from audit.models import AuditEvent, Checkpoint, PendingEvent
from audit.sql import load
from audit.trail import added, checkpoints, keys, registry
from audit.trail.attach import (
    region_function,
    state_function,
    trigger_function,
    whole_of_added,
)
from audit.trail.offline.files import Unverifiable
from audit.trail.rotation import key_in_force
from vouchers.errors import DomainError

LATE = timedelta(minutes=2)
"""The sealer comes every five seconds, and copies out at once."""


@dataclass(frozen=True)
class Complaint:
    """What is wrong and what to do, in one sentence or two. ``grave``: the trail does not stand until it is mended;
    ``by_migration``: which the next migration does."""

    sentence: str
    grave: bool = True
    by_migration: bool = False


def complaints(connection: BaseDatabaseWrapper) -> Iterator[Complaint]:
    """Everything that keeps the trail from being written as it should, sealed and copied out."""
    yield from _functions(connection)
    yield from _sealing()
    yield from _key()
    yield from _copy()


def _sealing() -> Iterator[Complaint]:
    oldest = PendingEvent.objects.order_by("event_id").values_list("event_id", flat=True).first()
    if oldest is None:
        return
    since = AuditEvent.objects.filter(pk=oldest).values_list("recorded_at", flat=True).first()
    if since is None or now() - since < LATE:
        return
    last = Checkpoint.objects.order_by("-size").first()
    yield Complaint(
        f"封存已停：待封存 {PendingEvent.objects.count()} 条，最早的一条已等 {_minutes(now() - since)}，"
        + ("从未封存过。" if last is None else f"最近一次封存在 {_minutes(now() - last.sealed_at)}前。")
        + "请启动后台任务（celery worker 与 beat），或运行 seal_trail --every 5；它若拒绝封存，会说明原因。"
    )


def _minutes(length: timedelta) -> str:
    minutes = int(length.total_seconds() // 60)
    if minutes < 120:
        return f"{minutes} 分钟"
    return f"{minutes // 60} 小时" if minutes < 48 * 60 else f"{minutes // (24 * 60)} 天"


def _key() -> Iterator[Complaint]:
    last = Checkpoint.objects.order_by("-size").first()
    inline, path = settings.TRAIL_SIGNING_KEY, Path(settings.TRAIL_KEY_FILE)
    if not inline and not path.exists():
        if last is not None:
            yield Complaint(
                f"签名密钥文件 {path.name} 不存在，而留痕已由密钥 {last.key_id} 封存。请从备份恢复该文件，或以 TRAIL_SIGNING_KEY 提供同一把密钥；"
                "换用另一把，审计机关会看到未知密钥签署的封存点。"
            )
        elif settings.PRODUCTION:
            yield Complaint(
                f"没有留痕签名密钥，不能封存：请设置 TRAIL_SIGNING_KEY，或将密钥放入 {path.name}。"
            )
        return
    if not inline and not os.access(path, os.R_OK):
        yield Complaint(
            f"签名密钥文件 {path.name} 不能由当前用户读取，未作核对；请以封存程序的用户运行 doctor。",
            grave=False,
        )
        return
    try:
        key = keys.signing_key()
    except DomainError as refusal:
        yield Complaint(f"{refusal.message}（{refusal.code}）封存因此不能进行。")
        return
    expected = key_in_force() or (last.key_id if last is not None else None)
    if expected is not None and key.key_id != expected and not keys.next_path().exists():
        yield Complaint(
            f"现有的签名密钥是 {key.key_id}，留痕在用的是 {expected}，二者之间没有换钥声明。"
            "请恢复原密钥；确要更换的，用 rotate_trail_key 由旧密钥签署换钥声明。"
        )
    try:
        public = keys.public_keys()
    except Unverifiable as fault:
        yield Complaint(f"公钥文件不能读取：{fault}")
        return
    if key.key_id not in public:
        yield Complaint(
            f"公钥文件 {Path(settings.TRAIL_PUBLIC_KEY_FILE).name} 中没有在用密钥 {key.key_id} 的公钥，验证会指其为未知密钥。"
            "请从导出的 public-key.txt 补上。"
        )
    if not inline and path.stat().st_mode & 0o077:
        yield Complaint(
            f"签名密钥文件 {path.name} 的权限为 {path.stat().st_mode & 0o777:04o}，他人可读；应为 0600。"
        )


def _copy() -> Iterator[Complaint]:
    last = Checkpoint.objects.order_by("-size").first()
    if last is None:
        return
    path = checkpoints.copy_path()
    if not path.exists():
        yield Complaint(
            f"库外的封存点副本 {path.name} 不存在，不能排除尾部被截去或恢复到旧备份。请恢复原文件；下次封存会从头补写，但补写的不能证明此前。"
        )
        return
    copied = checkpoints.copied_size(path)
    if copied > last.size:
        yield Complaint(
            f"库外副本中有事件数为 {copied} 的封存点，库内只到 {last.size}：数据库被恢复到旧的备份，或尾部被截去。请运行 verify_trail。"
        )
    elif copied < last.size and now() - last.sealed_at > LATE:
        yield Complaint(
            f"库外副本 {path.name} 只到事件数 {copied}，库内已到 {last.size}：封存程序不能写入该文件。请检查磁盘与权限。"
        )


_MADE = re.compile(r'CREATE (?:OR REPLACE )?FUNCTION public\."?(\w+)"?\(.*?AS (\$\w*\$)(.*?)\2', re.DOTALL)


def _functions(connection: BaseDatabaseWrapper) -> Iterator[Complaint]:
    """A trigger may be in its place and call a function that somebody made to say nothing: each is held against its source."""
    texts = [load("trail.sql"), load("added.sql"), region_function()]
    for tracked in registry.tracked_tables():
        texts += [trigger_function(tracked), state_function(tracked)]
        if added.together(tracked):
            texts.append(whole_of_added(tracked))
    wanted = {name: body for text in texts for name, _quote, body in _MADE.findall(text)}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT proname, array_agg(prosrc) FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND proname = ANY(%s) GROUP BY proname",
            [list(wanted)],
        )
        found = dict(cursor.fetchall())
    for name, body in wanted.items():
        if name not in found:
            yield Complaint(f"留痕函数 {name} 缺失。", by_migration=True)
        elif found[name] != [body]:
            yield Complaint(f"留痕函数 {name} 与程序所带的不一致：被改动，或迁移未完成。", by_migration=True)
