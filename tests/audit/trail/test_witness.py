"""The witness outside: what it signs, what it refuses, and that sealing never waits for it."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import httpx
import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.db import connections

from audit.models import AuditEvent, Checkpoint, KeyRotation, WitnessSignature
from audit.tasks import tell_the_witness
from audit.trail import keys, proofs, teller, verify, witness
from audit.trail.export import export_trail
from audit.trail.live import examine_log
from audit.trail.merkle import Tree
from audit.trail.replay import replay
from audit.trail.rotation import rotate
from audit.trail.sealer import seal_all
from tests.audit.trail.offline_log import SEED, Log, base64_of
from vouchers.errors import Invalid, NotNow, TryLater

NEW_SEED = b"\3" * 32


class Asked:
    """A witness asked directly, and the log that it watches."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.key = folder, folder.parent / "log.txt"
        self.key.write_text(base64_of(witness.ed25519.public_key_of(SEED)))
        self.open()

    def open(self) -> None:
        self.state = witness.State(self.folder, self.key)

    def ask(
        self, log: Log, at: int, old: int, proof: list[str] | None = None
    ) -> tuple[int, dict[str, object]]:
        size = int(log.lines[at]["body"].split("\n")[1])
        way = log.proof(old, size) if proof is None else proof
        request = {"checkpoint": log.lines[at], "old": old, "proof": way, "rotations": log.rotations}
        return self.state.take(request)


@pytest.fixture
def asked(tmp_path) -> Asked:
    return Asked(tmp_path / "witness")


def test_it_signs_what_follows_from_what_it_has_seen(asked):
    log = Log([3, 8, 20])
    for at, old in ((0, 0), (1, 3), (2, 8)):
        status, said = asked.ask(log, at, old)
        assert status == 200, said
    assert (asked.folder / "checkpoints.jsonl").read_text().count("\n") == 3
    assert asked.ask(log, 2, 8)[1] == said  # asked again, the same answer


def test_it_refuses_a_smaller_one_one_without_proof_and_one_that_contradicts(asked):
    log, forged = Log([3, 8, 20]), Log([3])
    asked.ask(log, 0, 0)
    assert asked.ask(log, 1, 0, [])[1]["code"] == "witness.stands"
    assert asked.ask(log, 1, 3, [])[1]["code"] == "witness.contradicts"  # no proof is no proof
    asked.ask(log, 1, 3)
    assert asked.ask(log, 0, 0)[:1] == (409,)
    assert asked.ask(log, 0, 0)[1]["code"] == "witness.smaller"
    forged.grow(8, forged=True)
    assert asked.ask(forged, 1, 3)[1]["code"] == "witness.contradicts"
    forged.grow(20)
    status, said = asked.ask(forged, 2, 8)
    assert (status, said["code"], said["size"]) == (422, "witness.contradicts", 8)
    assert asked.ask(log, 2, 8)[0] == 200  # the honest log goes on
    assert (asked.folder / "contradictions.jsonl").read_text().count("\n") == 3


def test_it_knows_only_the_logs_key_and_those_that_it_named(asked):
    stranger = Log([3], seed=b"\4" * 32)
    assert asked.ask(stranger, 0, 0)[1]["code"] == "witness.key"
    log = Log([3])
    assert asked.ask(log, 0, 0)[0] == 200
    log.rotate(NEW_SEED)
    log.grow(5)
    assert asked.ask(log, 1, 3)[0] == 200
    told = log.rotations
    log.rotations, log.seed = [], SEED
    log.grow(9)
    asked.open()  # it remembers the change of keys
    assert asked.ask(log, 2, 5)[1]["code"] == "witness.key"  # the old key counts no more
    assert json.loads((asked.folder / "rotations.jsonl").read_text()) == told[0]


def test_a_line_that_a_crash_cut_short_was_never_answered(asked):
    log = Log([3, 8])
    asked.ask(log, 0, 0)
    path = asked.folder / "checkpoints.jsonl"
    whole = path.read_bytes()
    path.write_bytes(whole + b'{"body": "test')
    asked.open()
    assert path.read_bytes() == whole
    assert asked.ask(log, 1, 3)[0] == 200
    path.write_bytes(b"nonsense\n")
    with pytest.raises(witness.Unverifiable, match="第 1 行"):
        asked.open()


@pytest.mark.parametrize(
    "request_", [None, [], {}, {"checkpoint": 1, "old": 0, "proof": []}, {"checkpoint": {}, "old": "0", "proof": "x"}, {"checkpoint": {"body": "a\n-1\nb", "signature": ""}, "old": 0, "proof": []}]
)  # fmt: skip
def test_nonsense_is_told_as_such(asked, request_):
    assert asked.state.take(request_)[0] == 400


@pytest.fixture
def served(committed_db, tmp_path, settings) -> Iterator[Path]:
    """A witness on this machine that watches the test's own trail; its state folder."""
    settings.TRAIL_WITNESS_KEY_FILE = str(tmp_path / "keys" / "witness-public.txt")
    write(committed_db, 1)
    seal_all()
    server = witness.serve(
        witness.State(tmp_path / "witness", Path(settings.TRAIL_PUBLIC_KEY_FILE)), "127.0.0.1", 0
    )
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    settings.TRAIL_WITNESS_URL = f"http://127.0.0.1:{server.server_address[1]}"
    yield tmp_path / "witness"
    server.shutdown()
    server.server_close()
    thread.join()


def write(database, number: int, count: int = 1) -> None:
    with psycopg.connect(database.dsn, autocommit=True) as app:
        for n in range(count):
            app.execute(
                "INSERT INTO vouchers_region (code, name) VALUES (%s, '见证')", (f"{number * 100 + n:06d}",)
            )


def grow(database, number: int) -> None:
    write(database, number, 3)
    seal_all()


def findings(folder: Path) -> list[str]:
    copy = folder / "checkpoints.jsonl"
    return [one.code for one in examine_log(witness_copy=copy, witness_public=teller.witness_keys())]


def test_the_sealers_side_tells_the_witness_and_keeps_its_signatures(
    committed_db, served, settings, tmp_path
):
    assert tell_the_witness() == 1
    assert teller.standing().behind == 0
    grow(committed_db, 2)
    grow(committed_db, 3)
    assert teller.standing().behind == 6
    assert teller.tell_witness() == 1  # one proof spans both
    assert teller.tell_witness() == 0
    assert findings(served) == []
    assert WitnessSignature.objects.count() == 2
    export_trail(tmp_path / "export")
    more = [
        "--witness",
        str(served / "checkpoints.jsonl"),
        "--witness-key",
        str(served / "witness-public.txt"),
    ]
    said: list[str] = []
    assert verify.main([str(tmp_path / "export"), *more], said.append) == 0, said
    assert any("见证方的有效签名" in line for line in said)
    # the export carries the same signatures
    own = ["--witness", str(tmp_path / "export" / "witness.jsonl"), *more[2:]]
    assert verify.main([str(tmp_path / "export"), *own], said.append) == 0, said
    fetched = tmp_path / "fetched.jsonl"
    teller.fetch_copy(fetched)
    assert fetched.read_bytes() == (served / "checkpoints.jsonl").read_bytes()
    assert httpx.get(f"{settings.TRAIL_WITNESS_URL}/latest").json()["witness"]
    assert (
        httpx.get(f"{settings.TRAIL_WITNESS_URL}/public-key").text
        == (served / "witness-public.txt").read_text()
    )
    assert httpx.post(f"{settings.TRAIL_WITNESS_URL}/checkpoint", content=b"{").status_code == 400
    assert httpx.post(f"{settings.TRAIL_WITNESS_URL}/elsewhere", content=b"{}").status_code == 404


def test_a_witness_that_is_away_keeps_nobody_from_sealing_and_is_caught_up(committed_db, served, settings):
    address, settings.TRAIL_WITNESS_URL = settings.TRAIL_WITNESS_URL, "http://127.0.0.1:9"
    grow(committed_db, 2)
    assert tell_the_witness() == 0
    with pytest.raises(TryLater, match="联系不上"):
        teller.tell_witness()
    out = StringIO()
    write(committed_db, 3)
    call_command("seal_trail", stdout=out)
    assert "已封存 1 条事件" in out.getvalue()
    assert "witness.unreachable" in out.getvalue()
    Checkpoint.objects.get(size=teller.standing().sealed)
    settings.TRAIL_WITNESS_URL = address
    assert teller.tell_witness() == 1
    assert teller.standing().since is None


def test_a_log_that_was_rewritten_or_put_back_is_refused_and_named(committed_db, served):
    grow(committed_db, 2)
    teller.tell_witness()
    with psycopg.connect(committed_db.superuser_dsn, autocommit=True) as superuser:
        for table in ("trailleaf", "checkpoint", "auditevent", "witnesssignature"):
            superuser.execute(f"ALTER TABLE audit_{table} DISABLE TRIGGER ALL")
        superuser.execute("DELETE FROM audit_witnesssignature")
        # back to the older checkpoint, as from a backup
        superuser.execute(
            "DELETE FROM audit_checkpoint WHERE size = (SELECT max(size) FROM audit_checkpoint)"
        )
        superuser.execute(
            "DELETE FROM audit_trailleaf WHERE index >= (SELECT max(size) FROM audit_checkpoint)"
        )
        superuser.execute(
            "DELETE FROM audit_auditevent WHERE id NOT IN (SELECT event_id FROM audit_trailleaf)"
        )
        with pytest.raises(teller.Contradicted, match="尾部被截去，或恢复到了旧的备份"):
            teller.tell_witness()
        assert findings(served) == ["witness.ahead"]
        # and sealed on with other events, with the very key
        write(committed_db, 5, 3)
        write(committed_db, 6, 3)
        superuser.execute("DELETE FROM audit_checkpoint")
        superuser.execute("DELETE FROM audit_trailleaf")
        superuser.execute(
            "INSERT INTO audit_pendingevent SELECT id FROM audit_auditevent ON CONFLICT DO NOTHING"
        )
    seal_all()
    with pytest.raises(teller.Contradicted):
        teller.tell_witness()
    assert findings(served)[0] in ("witness.contradicts", "witness.ahead")
    assert tell_the_witness() == 0  # told in the log, and sealing goes on


def test_a_key_is_changed_by_the_key_before_and_the_trail_has_it_as_an_event(
    committed_db, served, settings, tmp_path
):
    teller.tell_witness()
    held = dict(keys.public_keys())
    old = keys.signing_key()
    out = StringIO()
    call_command("rotate_trail_key", reason="年度换钥", stdout=out)
    made = KeyRotation.objects.get()
    assert made.public_key in out.getvalue()
    assert keys.signing_key().key_id == made.new_key_id != old.key_id
    assert not keys.next_path().exists()
    event = AuditEvent.objects.get(verb="trail.rotate_key")
    assert (event.reason, event.subject_kind, event.changes["body"][1]) == (
        "年度换钥",
        "key_rotation",
        made.body,
    )
    grow(committed_db, 2)
    assert Checkpoint.objects.order_by("-size")[0].key_id == made.new_key_id
    assert list(examine_log(public=held)) == []  # who holds the first key only follows
    assert teller.tell_witness() == 1
    export_trail(tmp_path / "export")
    (tmp_path / "first.txt").write_text(keys.public_text(held.values()))
    said: list[str] = []
    assert verify.main([str(tmp_path / "export"), "--key", str(tmp_path / "first.txt")], said.append) == 0, (
        said
    )
    with pytest.raises(Invalid, match="正在使用或已经退役"):
        rotate(old)
    # the old key, kept by somebody, seals no more
    settings.TRAIL_SIGNING_KEY = base64.b64encode(old.private.private_bytes_raw()).decode()
    write(committed_db, 4)
    with pytest.raises(TryLater, match="已被"):
        seal_all()
    settings.TRAIL_SIGNING_KEY = ""
    seal_all()
    connections.close_all()
    assert list(replay(kinds=frozenset({"key_rotation"}))) == []
    out = StringIO()
    call_command("export_trail_key", stdout=out)
    assert out.getvalue().count("密钥编号") == 2


def test_a_change_of_keys_that_a_crash_cut_short_is_finished_by_the_sealer(committed_db):
    write(committed_db, 1)
    with pytest.raises(NotNow, match="尚未封存"):
        rotate()
    seal_all()
    first = Path(keys.settings.TRAIL_KEY_FILE).read_text()
    made = rotate()
    following = Path(keys.settings.TRAIL_KEY_FILE)
    keys.next_path().write_text(following.read_text())  # as it was before the last step
    following.write_text(first)
    write(committed_db, 2)
    seal_all()
    assert keys.signing_key().key_id == made.new_key_id
    assert list(examine_log()) == []


def test_a_change_of_keys_that_was_tampered_with_is_named(committed_db):
    write(committed_db, 1)
    seal_all()
    held = dict(keys.public_keys())
    rotate()
    grow(committed_db, 2)
    with psycopg.connect(committed_db.superuser_dsn, autocommit=True) as superuser:
        superuser.execute("ALTER TABLE audit_keyrotation DISABLE TRIGGER ALL")
        superuser.execute("UPDATE audit_keyrotation SET body = replace(body, 'size', 'Size')")
    codes = [one.code for one in examine_log(public=held)]
    assert "key.rotation" in codes
    assert "checkpoint.key" in codes
    assert "row.altered" in [one.code for one in replay(kinds=frozenset({"key_rotation"}))]


def test_evidence_is_made_from_the_live_log_and_holds_offline(committed_db, tmp_path):
    for number in range(1, 5):
        grow(committed_db, number)
    tree = Tree("sha256")
    leaves = [tree.leaf(bytes(one.canonical)) for one in AuditEvent.objects.order_by("pk")]
    stated = list(Checkpoint.objects.order_by("size"))
    for n, before in enumerate(stated):
        for after in stated[n + 1 :]:
            assert proofs.consistency(before, after) == tree.consistency_proof(
                before.size, leaves[: after.size]
            )
    chosen = AuditEvent.objects.filter(subject_no__in=("000100", "000301", "000402"))
    write(committed_db, 9)
    found = proofs.evidence([*chosen, AuditEvent.objects.get(subject_no="000900")])
    assert [one.event.subject_no for one in found.proven] == ["000100", "000301", "000402"]
    assert [one.subject_no for one in found.unsealed] == ["000900"]
    for one in found.proven:
        assert one.path == tree.inclusion_proof(one.place, leaves[: one.size])
    for name, content in found.files():
        (tmp_path / name).write_bytes(content)
    from audit.trail.export import program

    for name, content in program():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(content)
    command = [sys.executable, "-I", "-S", str(tmp_path / "verify.py"), str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, cwd="/", env={"PYTHONUTF8": "1"})
    assert (done.returncode, "3 条事件全部完好" in done.stdout, done.stderr) == (0, True, "")
    with psycopg.connect(committed_db.superuser_dsn, autocommit=True) as superuser:
        superuser.execute("ALTER TABLE audit_auditevent DISABLE TRIGGER ALL")
        superuser.execute(
            "UPDATE audit_auditevent SET canonical = canonical || ' '::bytea WHERE subject_no = '000301'"
        )
    with pytest.raises(NotNow, match="与封存时的内容不符"):
        proofs.evidence(chosen.all())


def test_a_witness_needs_a_key_to_begin_with(tmp_path):
    with pytest.raises(CommandError, match="未能启动"):
        call_command("witness", str(tmp_path / "w"), log_key=str(tmp_path / "nowhere.txt"))
