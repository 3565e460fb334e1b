"""The page of keys and checkpoints: what an outsider takes home from it is enough to verify an export."""

from __future__ import annotations

import io
import subprocess
import sys
import zipfile

from django.urls import reverse

from audit.models import Checkpoint, WitnessSignature
from audit.trail import keys
from audit.trail.export import export_trail
from audit.trail.rotation import rotate
from audit.trail.sealer import seal_all
from vouchers.context import Actor, acting
from vouchers.models import Region


def grown(code: str) -> None:
    """One more sealed event."""
    with acting(Actor.service("test"), "grow"):
        Region.objects.create(code=code, name="封存页")
    seal_all()


def fetched(client, name: str, **asked) -> bytes:
    answer = client.get(reverse(f"public:{name}"), asked)
    assert answer.status_code == 200
    return answer.content


def test_before_anything_is_sealed_the_page_says_so_and_makes_no_key(client, db, settings, tmp_path):
    settings.TRAIL_KEY_FILE = str(tmp_path / "signing.key")
    settings.TRAIL_PUBLIC_KEY_FILE = str(tmp_path / "public.txt")
    assert "留痕尚未封存" in client.get(reverse("public:seals")).content.decode()
    assert client.get(reverse("public:seals_key")).content == b""
    assert list(tmp_path.iterdir()) == []


def test_the_page_shows_the_key_by_its_fingerprint_and_the_latest_checkpoint(client, committed_db, cast):
    grown("970001")
    last = Checkpoint.objects.order_by("-size")[0]
    WitnessSignature.objects.using("sealer").create(
        size=last.size, witness_key_id="ab" * 8, witnessed_at="2025-07-15T00:00:00Z", cosignature="x"
    )
    (public,) = keys.public_keys().values()
    said = client.get(reverse("public:seals")).content.decode()
    assert bytes(last.root_hash).hex() in said
    assert keys.key_id(public) in said
    assert "abababababababab" in said and f"见证到第 {last.size} 条" in said
    client.force_login(cast.auditor)
    desk = client.get(reverse("audit:seals")).content.decode()
    assert bytes(last.root_hash).hex() in desk and "如何离线验证" in desk


def test_what_is_downloaded_here_verifies_an_export_on_a_machine_of_its_own(client, committed_db, tmp_path):
    grown("970001")
    grown("970002")
    rotate(reason="年度换钥")
    grown("970003")
    export = tmp_path / "export"
    export_trail(export)
    home = tmp_path / "home"
    with zipfile.ZipFile(io.BytesIO(fetched(client, "seals_verifier"))) as archive:
        archive.extractall(home)
    (home / "public-key.txt").write_bytes(fetched(client, "seals_key"))
    (home / "checkpoints.jsonl").write_bytes(fetched(client, "seals_checkpoints"))
    command = [sys.executable, "-I", "-S", str(home / "verify.py"), str(export)]
    command += ["--key", str(home / "public-key.txt"), "--witness", str(home / "checkpoints.jsonl")]
    done = subprocess.run(command, capture_output=True, text=True, cwd="/", env={"PYTHONUTF8": "1"})
    assert (done.returncode, done.stderr) == (0, "")
    assert "条事件全部完好" in done.stdout and "与另存的封存点副本一致" in done.stdout

    page = client.get(reverse("public:seals"))
    retired, in_use = page.context["keys"]
    assert (retired.last, in_use.first, in_use.last) == (retired.last, retired.last + 1, None)
    assert len(fetched(client, "seals_rotations").splitlines()) == 1


def test_older_checkpoints_are_asked_for_by_their_size(client, committed_db):
    grown("970001")
    grown("970002")
    last = Checkpoint.objects.order_by("-size")[0]
    everything = fetched(client, "seals_checkpoints").splitlines()
    older = fetched(client, "seals_checkpoints", before=str(last.size)).splitlines()
    assert older == everything[:-1]
    assert fetched(client, "seals_checkpoints", before="junk").splitlines() == everything
