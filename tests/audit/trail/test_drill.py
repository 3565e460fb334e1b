"""The tamper drill: what a database administrator with every trigger switched off leaves behind, and that it is found."""

from __future__ import annotations

import base64
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from io import StringIO
from pathlib import Path

import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.db import connections

from applications.actions.basis_items import ItemFields
from audit.models import AuditEvent, Checkpoint, TrailLeaf
from audit.trail import checkpoints, keys
from audit.trail.export import export_trail
from audit.trail.live import examine_log
from audit.trail.replay import replay
from audit.trail.sealer import seal_all
from tests import casework
from tests.databases import CommittedDatabase
from vouchers import dates
from vouchers.context import Actor, acting
from vouchers.models import Party, Region


@dataclass
class Scene:
    """A sealed log of a dozen events, an honest export kept by an auditor, and the superuser's connection."""

    database: CommittedDatabase
    superuser: psycopg.Connection
    honest: Path
    folder: Path

    def event(self, number: str) -> AuditEvent:
        return AuditEvent.objects.filter(subject_no=number).order_by("pk")[0]

    def place(self, number: str) -> int:
        return TrailLeaf.objects.get(event_id=self.event(number).pk).index

    def live(self) -> list[tuple[str, str]]:
        return [(finding.code, finding.sentence) for finding in examine_log(witness=checkpoints.copy_path())]

    def offline(self, *, witness: bool = True) -> tuple[int, str]:
        export_trail(self.folder)
        return verify(self.folder, self.honest, witness=witness)


def verify(folder: Path, honest: Path, *, witness: bool = True, key: bool = True) -> tuple[int, str]:
    """Run the program as an auditor would: its own process, no site packages, none of our code in reach."""
    command = [sys.executable, "-I", "-S", str(honest / "verify.py"), str(folder)]
    command += ["--key", str(honest / "public-key.txt")] if key else []
    command += ["--witness", str(honest / "checkpoints.jsonl")] if witness else []
    done = subprocess.run(command, capture_output=True, text=True, cwd="/", env={"PYTHONUTF8": "1"})
    assert "Traceback" not in done.stderr
    return done.returncode, done.stdout


@pytest.fixture
def scene(committed_db, tmp_path) -> Iterator[Scene]:
    with acting(Actor.service("drill"), "party.register"):
        for number in range(1, 13):
            Party.objects.create(uscc=f"DRILL{number:013d}", name=f"企业{number}", region_code="110000")
        Region.objects.create(code="970000", name="演练区")
        seal_all()
    seal_all()
    export_trail(tmp_path / "honest")
    with psycopg.connect(committed_db.superuser_dsn, autocommit=True) as superuser:
        for table in ("auditevent", "trailleaf", "checkpoint", "pendingevent"):
            superuser.execute(f"ALTER TABLE audit_{table} DISABLE TRIGGER ALL")
        superuser.execute("ALTER TABLE vouchers_party DISABLE TRIGGER ALL")
        yield Scene(committed_db, superuser, tmp_path / "honest", tmp_path / "export")


SEVEN, EIGHT, NINE = "DRILL0000000000007", "DRILL0000000000008", "DRILL0000000000009"
FORGE = (
    "INSERT INTO audit_auditevent (event_no, transaction, recorded_at, actor_kind, actor, verb, request_id, region_code,"
    " subject_kind, subject_no, subject_pk, case_kind, case_no, operation, canonical)"
    " SELECT uuidv7(), transaction, recorded_at, actor_kind, actor, verb, request_id, region_code, subject_kind, 'FORGED',"
    " subject_pk, case_kind, case_no, operation, canonical FROM audit_auditevent WHERE subject_no = %s RETURNING id"
)


def test_an_untouched_log_is_intact(scene):
    assert scene.live() == []
    assert list(replay()) == []
    status, said = scene.offline()
    assert status == 0
    assert "条事件全部完好" in said
    assert "与另存的封存点副本一致" in said


def test_one_altered_byte_names_the_event(scene):
    event, place = scene.event(SEVEN), scene.place(SEVEN)
    scene.superuser.execute(
        "UPDATE audit_auditevent SET canonical = set_byte(canonical, 40, get_byte(canonical, 40) # 1) WHERE id = %s",
        [event.pk],
    )
    assert [code for code, _ in scene.live()] == ["event.altered"]
    assert SEVEN in scene.live()[0][1]
    status, said = scene.offline()
    assert status == 1
    assert f"第 {place + 1} 条被改动" in said
    assert said.count("✕") == 2  # which checkpoint, and which event


def test_an_altered_column_beside_an_untouched_canonical_form_is_named(scene):
    scene.superuser.execute(
        "UPDATE audit_auditevent SET actor = 'someone-else' WHERE subject_no = %s", [EIGHT]
    )
    assert [code for code, _ in scene.live()] == ["event.columns"]
    assert "actor" in scene.live()[0][1]


def test_the_last_event_deleted_is_missed(scene):
    last = TrailLeaf.objects.order_by("-index")[0]
    scene.superuser.execute("DELETE FROM audit_auditevent WHERE id = %s", [last.event_id])
    assert [code for code, _ in scene.live()] == ["event.removed"]
    status, said = scene.offline()
    assert status == 1
    assert f"第 {last.index + 1} 条" in said

    scene.superuser.execute("DELETE FROM audit_trailleaf WHERE index = %s", [last.index])
    assert [code for code, _ in scene.live()] == ["tail.removed"]

    scene.superuser.execute("DELETE FROM audit_checkpoint WHERE size = %s", [last.index + 1])
    assert [code for code, _ in scene.live()] in (
        ["copy.ahead"],
        ["leaf.inserted", "copy.ahead"],
        ["checkpoint.removed", "copy.ahead"],
    )


def test_a_middle_event_deleted_is_named(scene):
    event, place = scene.event(SEVEN), scene.place(SEVEN)
    scene.superuser.execute("DELETE FROM audit_auditevent WHERE id = %s", [event.pk])
    assert scene.live() == [
        ("event.removed", f"第 {place + 1} 条被删除：事件 #{event.pk} 已封存，但不在留痕中。")
    ]
    export_trail(scene.folder)
    lines = (scene.honest / "events.jsonl").read_bytes().splitlines(keepends=True)
    (scene.folder / "events.jsonl").write_bytes(b"".join(lines[:place] + lines[place + 1 :]))
    shutil.copy(scene.honest / "leaves.txt", scene.folder)
    status, said = verify(scene.folder, scene.honest)
    assert status == 1
    assert f"第 {place + 1} 条被删除：事件 {event.event_no}" in said


def test_a_leaf_deleted_with_its_event_is_named(scene):
    event, place = scene.event(SEVEN), scene.place(SEVEN)
    scene.superuser.execute("DELETE FROM audit_auditevent WHERE id = %s", [event.pk])
    scene.superuser.execute("DELETE FROM audit_trailleaf WHERE index = %s", [place])
    codes = [code for code, _ in scene.live()]
    assert codes[0] == "leaf.removed"
    assert f"第 {place + 1} 至 {place + 1} 条" in scene.live()[0][1]


def test_a_forged_event_is_named_whether_or_not_it_is_given_a_leaf(scene):
    (forged,) = scene.superuser.execute(FORGE, [SEVEN]).fetchone()
    assert [code for code, _ in scene.live()] == ["event.inserted"]
    assert "FORGED" in scene.live()[0][1]
    size = TrailLeaf.objects.count()
    scene.superuser.execute(
        "INSERT INTO audit_trailleaf SELECT %s, %s, sha256('\\x00'::bytea || canonical) FROM audit_auditevent WHERE id = %s",
        [size, forged, forged],
    )
    assert "leaf.inserted" in [code for code, _ in scene.live()]


def test_a_forged_line_in_an_export_is_named(scene):
    export_trail(scene.folder)
    lines = (scene.folder / "events.jsonl").read_bytes().splitlines(keepends=True)
    forged = lines[4].replace(b"party.register", b"party.register2").replace(lines[4][-30:], lines[4][-30:])
    (scene.folder / "events.jsonl").write_bytes(b"".join([*lines[:6], forged, *lines[6:]]))
    status, said = verify(scene.folder, scene.honest)
    assert status == 1
    assert "第 7 条是插入的" in said


def test_two_events_swapped_are_both_named(scene):
    one, other = scene.event(SEVEN), scene.event(NINE)
    scene.superuser.execute("UPDATE audit_trailleaf SET event_id = -1 WHERE event_id = %s", [one.pk])
    scene.superuser.execute(
        "UPDATE audit_trailleaf SET event_id = %s WHERE event_id = %s", [one.pk, other.pk]
    )
    scene.superuser.execute("UPDATE audit_trailleaf SET event_id = %s WHERE event_id = -1", [other.pk])
    assert [code for code, _ in scene.live()] == ["event.reordered"] * 2
    status, said = scene.offline()
    assert status == 1
    assert said.count("次序被调换") == 2
    assert SEVEN in said
    assert NINE in said


def test_a_checkpoint_altered_or_removed_is_named(scene):
    with acting(Actor.service("drill"), "more"):
        Region.objects.create(code="970001", name="续")
    seal_all()
    scene.superuser.execute(
        "DELETE FROM audit_checkpoint WHERE size = (SELECT min(size) FROM audit_checkpoint)"
    )
    codes = [code for code, _ in scene.live()]
    assert "checkpoint.chain" in codes
    assert "copy.contradicts" in codes


def test_a_tail_replaced_and_sealed_with_a_new_key_is_named(scene, settings):
    size = TrailLeaf.objects.count()
    kept = checkpoints.copy_path().read_text()
    honest_keys = keys.public_keys()
    event = scene.event(SEVEN)
    scene.superuser.execute(
        "UPDATE audit_auditevent SET canonical = replace(convert_from(canonical, 'UTF8'), '企业7', '企业X')::bytea WHERE id = %s",
        [event.pk],
    )
    scene.superuser.execute(
        "INSERT INTO audit_pendingevent SELECT id FROM audit_auditevent WHERE id >= %s ON CONFLICT DO NOTHING",
        [event.pk],
    )
    scene.superuser.execute("DELETE FROM audit_trailleaf")
    scene.superuser.execute("DELETE FROM audit_checkpoint")
    scene.superuser.execute(
        "INSERT INTO audit_pendingevent SELECT id FROM audit_auditevent ON CONFLICT DO NOTHING"
    )
    settings.TRAIL_SIGNING_KEY = base64.b64encode(b"\7" * 32).decode()
    seal_all()
    assert TrailLeaf.objects.count() == size
    assert checkpoints.copy_path().read_text() == kept  # the copy outside is never rewritten
    findings = [finding.code for finding in examine_log(witness=checkpoints.copy_path(), public=honest_keys)]
    assert findings == ["checkpoint.key", "copy.contradicts"]
    status, said = scene.offline()
    assert status == 1
    assert "不是您持有的公钥" in said
    assert "改写后重新封存" in said


def test_a_return_to_an_old_backup_is_named(scene):
    with acting(Actor.service("drill"), "more"):
        Region.objects.create(code="970001", name="续")
    seal_all()
    shutil.rmtree(scene.folder, ignore_errors=True)
    export_trail(
        scene.folder
    )  # the newer export is what the auditor kept; the honest one is now the old backup
    status, said = verify(scene.honest, scene.folder)
    assert status == 1
    assert "恢复到了旧的备份" in said


def test_a_return_to_an_old_backup_is_named_by_the_live_verifier_too(scene):
    old = Checkpoint.objects.order_by("-size")[0].size
    with acting(Actor.service("drill"), "more"):
        Region.objects.create(code="970001", name="续")
    seal_all()
    for statement in (
        "DELETE FROM audit_auditevent WHERE id IN (SELECT event_id FROM audit_trailleaf WHERE index >= %s)",
        "DELETE FROM audit_trailleaf WHERE index >= %s",
        "DELETE FROM audit_checkpoint WHERE size > %s",
    ):
        scene.superuser.execute(statement, [old])
    assert [code for code, _ in scene.live()] == ["copy.ahead"]
    assert "恢复到了旧的备份" in scene.live()[0][1]


def test_a_forged_event_that_was_given_a_leaf_is_named_offline(scene):
    event, place = scene.event(SEVEN), scene.place(SEVEN)
    scene.superuser.execute(
        "UPDATE audit_auditevent SET canonical = replace(convert_from(canonical, 'UTF8'), '企业7', '企业X')::bytea WHERE id = %s",
        [event.pk],
    )
    scene.superuser.execute(
        "UPDATE audit_trailleaf SET leaf_hash = (SELECT sha256('\\x00'::bytea || canonical) FROM audit_auditevent WHERE id = %s)"
        " WHERE index = %s",
        [event.pk, place],
    )
    assert [code for code, _ in scene.live()] == ["checkpoint.root"]
    status, said = scene.offline()
    assert (status, "不符" in said, "叶散列清单（leaves.txt）也与签名的根散列不符" in said) == (1, True, True)


def test_a_claims_amount_changed_around_the_application_is_named(committed_db, cast):
    publication = casework.published(cast, "BJ-AIQ")
    casework.funded(cast, publication.program)
    casework.fit_for_beijing(cast.alpha)
    application = casework.submitted(cast, publication, casework.lease_fields(cast.provider, "5000000.00"))
    voucher = casework.issued(cast, application)
    casework.with_account(cast, cast.alpha)
    with dates.fixed(date(2025, 8, 1)):
        bill = casework.invoice(application.lease, "3000000.00")
        item = ItemFields(kind="invoice_line", net_amount=Decimal("3000000.00"), invoice=bill)
        number = casework.claimed(cast, voucher, application.lease, [item]).claim_no
    connections.close_all()
    assert list(replay(kinds=frozenset({"claim", "voucher"}))) == []
    with psycopg.connect(committed_db.superuser_dsn, autocommit=True) as superuser:
        superuser.execute("ALTER TABLE applications_claim DISABLE TRIGGER ALL")
        superuser.execute("UPDATE applications_claim SET claimed_amount = claimed_amount + 1")
    (finding,) = replay(kinds=frozenset({"claim", "voucher"}))
    assert finding.code == "row.altered"
    assert f"{number} 的 claimed_amount 现为" in finding.sentence


def test_a_row_changed_around_the_application_is_named_by_replay(scene):
    scene.superuser.execute("UPDATE vouchers_party SET name = '改名' WHERE uscc = %s", [SEVEN])
    scene.superuser.execute("UPDATE vouchers_party SET phone = '13900000000' WHERE uscc = %s", [EIGHT])
    scene.superuser.execute("DELETE FROM vouchers_party WHERE uscc = %s", [NINE])
    scene.superuser.execute(
        "INSERT INTO vouchers_party (origin, uscc, name, is_enterprise, is_provider, region_code, ownership, size, industry_code,"
        " legal_rep_name, legal_rep_id, address, phone, email, status) SELECT 'live', 'STOWAWAY', '偷渡', true, false, '110000',"
        " '', '', '', '', '', '', '', '', 'active'"
    )
    findings = [(finding.code, finding.sentence) for finding in replay()]
    assert [code for code, _ in findings] == ["row.altered", "row.altered", "row.removed", "row.inserted"]
    assert f'单位 {SEVEN} 的 name 现为 "改名"，留痕记载为 "企业7"' in findings[0][1]
    assert f"单位 {EIGHT} 的 phone 现为 摘要" in findings[1][1]
    assert NINE in findings[2][1]


def test_imported_history_changed_around_the_application_is_named(scene):
    with psycopg.connect(scene.database.migrator_dsn) as owner:
        owner.execute("SET ROLE voucher_owner")
        owner.execute(
            "INSERT INTO vouchers_shareholding (origin, company_id, holder_kind, holder_id, holder_name, percent, effective_from)"
            " SELECT 'imported', (SELECT min(id) FROM vouchers_party), 'company', 'H' || n, '', n, '2024-01-01'"
            " FROM generate_series(1, 20) n"
        )
    connections.close_all()
    assert list(replay(kinds=frozenset({"shareholding"}))) == []
    scene.superuser.execute("ALTER TABLE vouchers_shareholding DISABLE TRIGGER ALL")
    scene.superuser.execute("UPDATE vouchers_shareholding SET percent = 99 WHERE holder_id = 'H7'")
    (finding,) = replay(kinds=frozenset({"shareholding"}))
    assert finding.code == "import.altered"
    assert "导入的股权（20 行" in finding.sentence


def test_the_command_tells_and_exits_with_its_status(scene):
    out = StringIO()
    connections.close_all()
    with pytest.raises(SystemExit):
        call_command("verify_trail", stdout=out)
    assert "数据表 vouchers_party 的留痕触发器 audit_write 已被停用" in out.getvalue()
    assert "只增不改保护 audit_only_grows 缺失或已被停用" in out.getvalue()
    for table in (
        "audit_auditevent",
        "audit_trailleaf",
        "audit_checkpoint",
        "audit_pendingevent",
        "vouchers_party",
    ):
        for (name,) in scene.superuser.execute(
            "SELECT tgname FROM pg_trigger WHERE tgrelid = %s::regclass AND tgname LIKE 'audit%%'", [table]
        ).fetchall():
            scene.superuser.execute(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {name}")
    out = StringIO()
    connections.close_all()
    call_command("verify_trail", stdout=out)
    assert "留痕完好" in out.getvalue()
    scene.superuser.execute("ALTER TABLE vouchers_party DISABLE TRIGGER audit_write")
    scene.superuser.execute("UPDATE vouchers_party SET name = '改名' WHERE uscc = %s", [SEVEN])
    connections.close_all()
    with pytest.raises(SystemExit) as ended:
        call_command("verify_trail", stdout=out)
    assert ended.value.code == 1
    assert "被绕过系统改动" in out.getvalue()
    with pytest.raises(CommandError, match="无法验证") as unreadable:
        call_command("verify_trail", key=Path(__file__), stdout=out)
    assert unreadable.value.returncode == 2


@pytest.mark.parametrize(
    ("name", "spoil", "status", "sentence"),
    [
        ("checkpoints.jsonl", lambda text: text[:100], 2, "第 1 行不是完整的封存点"),
        ("checkpoints.jsonl", lambda text: b"", 2, "没有封存点"),
        ("checkpoints.jsonl", lambda text: b"[1, 2]\n", 2, "第 1 行不是完整的封存点"),
        ("checkpoints.jsonl", lambda text: text.replace(b"hash sha256", b"hash md5"), 2, "散列算法“md5”"),
        ("checkpoints.jsonl", lambda text: text + text, 1, "次序被调换或重复"),
        ("events.jsonl", lambda text: text[: len(text) // 2], 1, "实有"),
        ("events.jsonl", lambda text: b"\xff\xfe\x00", 1, "不符"),
        ("events.jsonl", lambda text: text + b"{}\n", 1, "从未封存"),
        ("leaves.txt", lambda text: b"zz\n", 0, "全部完好"),
    ],
)
def test_a_damaged_export_is_a_clear_sentence(scene, name, spoil, status, sentence):
    export_trail(scene.folder)
    path = scene.folder / name
    path.write_bytes(spoil(path.read_bytes()))
    found, said = verify(scene.folder, scene.honest, witness=False)
    assert (found, sentence in said) == (status, True), said


def test_a_duplicated_line_is_named(scene):
    export_trail(scene.folder)
    lines = (scene.folder / "events.jsonl").read_bytes().splitlines(keepends=True)
    (scene.folder / "events.jsonl").write_bytes(b"".join([*lines[:5], lines[4], *lines[5:]]))
    status, said = verify(scene.folder, scene.honest)
    assert status == 1
    assert "第 6 行重复" in said


def test_a_wrong_key_or_a_missing_file_is_a_clear_sentence(scene):
    export_trail(scene.folder)
    (scene.honest / "public-key.txt").write_text(keys.public_text([b"\1" * 32]))
    assert verify(scene.folder, scene.honest)[0] == 1
    (scene.honest / "public-key.txt").write_text("不是公钥")
    status, said = verify(scene.folder, scene.honest)
    assert (status, "不是公钥文件" in said) == (2, True)
    (scene.folder / "events.jsonl").unlink()
    assert verify(scene.folder, scene.honest, key=False, witness=False)[0] == 2
    assert verify(scene.folder / "nowhere", scene.honest)[0] == 2
