"""manage.py doctor: whether the trail is set up and at work, in sentences that say what to do, and by its exit status."""

from __future__ import annotations

import base64
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.db import connections

from audit.trail import checkpoints, keys
from audit.trail.attach import attach
from audit.trail.live import examine_log
from audit.trail.sealer import seal_all
from tests.databases import CommittedDatabase
from vouchers.context import Actor, acting
from vouchers.models import Party

REPOSITORY = Path(__file__).resolve().parents[3]


def examined() -> tuple[int, list[str]]:
    """Exit status, and the lines that complain."""
    connections.close_all()
    said = StringIO()
    status = 0
    try:
        call_command("doctor", stdout=said)
    except SystemExit as ended:
        status = int(ended.code or 0)
    lines = said.getvalue().splitlines()
    assert not [line for line in lines if line and not re.search(r"[\u4e00-\u9fff]", line)], lines
    return status, [line for line in lines if line.startswith("✕")]


@pytest.fixture
def sound(committed_db) -> Iterator[psycopg.Connection]:
    """A sealed trail, and the superuser's connection."""
    seal_all()
    assert examined() == (0, [])
    with psycopg.connect(committed_db.superuser_dsn, autocommit=True) as superuser:
        yield superuser


def waits(superuser: psycopg.Connection, how_long: str) -> None:
    """Something that happened so long ago and was not sealed."""
    with acting(Actor.service("test"), "party.register"):
        Party.objects.create(uscc="91110108MA01WAIT00", name="等待")
    superuser.execute("ALTER TABLE audit_auditevent DISABLE TRIGGER audit_only_grows")
    superuser.execute(
        "UPDATE audit_auditevent SET recorded_at = recorded_at - %s::interval WHERE id = (SELECT max(event_id) FROM audit_pendingevent)",
        [how_long],
    )
    superuser.execute("ALTER TABLE audit_auditevent ENABLE ALWAYS TRIGGER audit_only_grows")


def test_triggers_that_are_missing_switched_off_or_made_silent_are_named_and_a_migration_mends_them(sound):
    sound.execute("DROP TRIGGER audit_write ON applications_claim")
    sound.execute("ALTER TABLE vouchers_payment DISABLE TRIGGER audit_insert")
    sound.execute(
        "CREATE OR REPLACE FUNCTION public.audit_on_vouchers_refund() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'"
    )
    sound.execute("GRANT DELETE ON audit_auditevent TO voucher_app")
    status, told = examined()
    assert status == 1
    assert told == [
        "✕ 数据表 applications_claim 的留痕触发器 audit_write 缺失。",
        "✕ 数据表 vouchers_payment 的留痕触发器 audit_insert 已被停用或降级。",
        "✕ 应用角色可以对 audit_auditevent 执行 DELETE，应当收回。",
        "✕ 留痕函数 audit_on_vouchers_refund 与程序所带的不一致：被改动，或迁移未完成。",
    ]
    sound.execute("REVOKE DELETE ON audit_auditevent FROM voucher_app")
    attach(connections["owner"])
    assert examined() == (0, [])


def test_a_sealer_that_does_not_come_is_told_with_how_long_and_what_to_do(sound):
    waits(sound, "1 minute")
    assert examined() == (0, [])
    waits_longer = "UPDATE audit_auditevent SET recorded_at = recorded_at - interval '3 hours' WHERE subject_no = '91110108MA01WAIT00'"
    sound.execute("ALTER TABLE audit_auditevent DISABLE TRIGGER audit_only_grows")
    sound.execute(waits_longer)
    sound.execute("ALTER TABLE audit_auditevent ENABLE ALWAYS TRIGGER audit_only_grows")
    status, (told,) = examined()
    assert status == 1
    assert "封存已停：待封存 1 条，最早的一条已等 3 小时" in told
    assert "seal_trail --every 5" in told
    seal_all()
    assert examined() == (0, [])


def test_a_key_that_is_lost_replaced_broken_or_open_to_others_is_told(sound, settings):
    path = Path(settings.TRAIL_KEY_FILE)
    kept = path.read_bytes()
    path.rename(path.with_name("away"))
    status, (told,) = examined()
    assert (status, "不存在，而留痕已由密钥" in told, "从备份恢复" in told) == (1, True, True)
    assert not path.exists(), "asking after the key made one"
    path.write_bytes(base64.b64encode(b"\7" * 32))
    path.chmod(0o600)
    status, told_of_another = examined()
    assert status == 1
    assert "二者之间没有换钥声明" in told_of_another[0]
    assert "公钥文件 trail-public.txt 中没有在用密钥" in told_of_another[1]
    path.write_text("不是密钥")
    status, (told,) = examined()
    assert (status, "不是有效的签名密钥" in told) == (1, True)
    path.write_bytes(kept)
    path.chmod(0o644)
    status, (told,) = examined()
    assert (status, "权限为 0644" in told) == (1, True)
    path.chmod(0o600)
    assert examined() == (0, [])


def test_before_anything_is_sealed_a_key_is_asked_for_in_production_alone(committed_db, settings):
    assert "密钥" not in "".join(examined()[1])
    settings.PRODUCTION = True
    assert any("没有留痕签名密钥，不能封存" in told for told in examined()[1])
    assert not Path(settings.TRAIL_KEY_FILE).exists()


def test_a_copy_outside_that_is_gone_behind_or_ahead_is_told(sound, settings):
    copy = Path(settings.TRAIL_CHECKPOINT_FILE)
    kept = copy.read_text()
    copy.unlink()
    status, (told,) = examined()
    assert (status, "库外的封存点副本 checkpoints.jsonl 不存在" in told) == (1, True)
    size = int(kept.split("\\n")[1])
    copy.write_text(kept + kept.splitlines()[-1].replace(f"\\n{size}\\n", f"\\n{size + 9}\\n") + "\n")
    status, (told,) = examined()
    assert (status, f"有事件数为 {size + 9} 的封存点，库内只到 {size}" in told) == (1, True)
    copy.write_text("")
    sound.execute("ALTER TABLE audit_checkpoint DISABLE TRIGGER audit_only_grows")
    sound.execute("UPDATE audit_checkpoint SET sealed_at = sealed_at - interval '1 hour'")
    sound.execute("ALTER TABLE audit_checkpoint ENABLE ALWAYS TRIGGER audit_only_grows")
    status, (told,) = examined()
    assert (status, f"只到事件数 0，库内已到 {size}" in told) == (1, True)
    copy.write_text(kept)
    assert examined() == (0, [])


def test_a_key_that_was_changed_properly_is_no_fault(sound):
    call_command("rotate_trail_key", reason="年度换钥", stdout=StringIO())
    assert examined() == (0, [])
    seal_all()
    assert (examined(), len(keys.public_keys())) == ((0, []), 2)


def test_a_key_that_takes_over_without_the_old_ones_word_is_named_by_the_live_verifier_as_well(
    sound, settings, committed_db
):
    Path(settings.TRAIL_KEY_FILE).unlink()  # outside production a key that is missing is made anew
    with acting(Actor.service("test"), "party.register"):
        Party.objects.create(uscc="91110108MA01NEWK0Y", name="新钥")
    seal_all()
    (finding,) = examine_log(witness=checkpoints.copy_path())
    assert (finding.code, "二者之间没有换钥声明" in finding.sentence) == ("checkpoint.key", True)


def test_a_database_of_another_version_cannot_be_examined(committed_db, sound):
    sound.execute("ALTER TABLE audit_pendingevent RENAME TO audit_elsewhere")
    connections.close_all()
    with pytest.raises(CommandError) as refused:
        call_command("doctor", stdout=StringIO())
    assert refused.value.returncode == 2
    assert "请先执行 migrate" in str(refused.value)


def test_without_a_database_it_says_so_and_exits_with_two(committed_db: CommittedDatabase):
    gone = committed_db.environment | dict.fromkeys(
        ("DATABASE_URL", "MIGRATION_DATABASE_URL", "SEALER_DATABASE_URL"),
        "postgresql://voucher_app:x@127.0.0.1:1/gone",
    )
    done = subprocess.run(
        [sys.executable, "manage.py", "doctor"], cwd=REPOSITORY, env=os.environ | gone, capture_output=True, text=True
    )  # fmt: skip
    assert (done.returncode, "Traceback" in done.stderr) == (2, False)
    assert "无法检查：数据库不能连接" in done.stderr
