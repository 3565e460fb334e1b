"""The offline verifier: whatever it is given, a clear sentence and a status, never a traceback."""

from __future__ import annotations

import base64
import json
import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from audit.trail import verify
from audit.trail.offline import ed25519
from tests.audit.trail.offline_log import SEED, WITNESS_SEED, Log, base64_of

NEW_SEED, STRANGER = b"\3" * 32, b"\4" * 32


def judge(folder: Path, *more: str) -> tuple[int, str]:
    said: list[str] = []
    status = verify.main([str(folder), *more], said.append)
    return status, "\n".join(said)


def test_the_signature_routine_is_that_of_rfc_8032_and_of_the_library_that_signs():
    # RFC 8032, section 7.1, TEST 2
    seed = bytes.fromhex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb")
    public = bytes.fromhex("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c")
    signature = bytes.fromhex(
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
    )
    assert ed25519.public_key_of(seed) == public
    assert ed25519.sign(seed, b"\x72") == signature
    assert ed25519.signature_holds(public, b"\x72", signature)
    assert not ed25519.signature_holds(public, b"\x73", signature)
    other = os.urandom(32)
    assert ed25519.sign(other, b"text") == Ed25519PrivateKey.from_private_bytes(other).sign(b"text")


def test_under_a_key_of_small_order_nothing_holds():
    neutral = (1).to_bytes(32, "little")
    assert not ed25519.signature_holds(neutral, b"anything", neutral + bytes(32))


@pytest.mark.parametrize("algorithm", ["sha256", "sm3"])
def test_an_untouched_export_is_intact_by_either_hash(tmp_path, algorithm):
    status, said = judge(Log([1, 5, 12], algorithm=algorithm).write(tmp_path / "x"))
    assert (status, "12 条事件全部完好" in said, algorithm in said) == (0, True, True), said


def test_a_change_of_keys_is_followed_from_the_key_that_the_auditor_holds(tmp_path):
    log = Log([5])
    log.rotate(NEW_SEED)
    log.grow(9)
    status, said = judge(log.write(tmp_path / "x"))
    assert (status, "1 次换钥" in said) == (0, True), said


def test_a_new_key_that_the_old_one_never_named_is_found(tmp_path):
    log = Log([5])
    log.seed = STRANGER  # the tail is sealed anew with a key of one's own
    log.grow(9)
    status, said = judge(log.write(tmp_path / "x"))
    assert (status, "由未知密钥" in said) == (1, True), said
    forged = Log([5])
    forged.rotate(STRANGER, signer=STRANGER)
    forged.grow(9)
    status, said = judge(forged.write(tmp_path / "y"))
    assert (status, "换钥" in said, "签名无效" in said, "由未知密钥" in said) == (1, True, True, True), said


def test_a_second_key_among_those_held_is_no_successor_without_the_first_ones_word(tmp_path):
    log = Log([5])
    log.seed = STRANGER
    log.grow(9)
    folder = log.write(tmp_path / "x")
    with (folder / "public-key.txt").open("a") as stream:  # slipped in beside the honest one
        stream.write(base64.b64encode(ed25519.public_key_of(STRANGER)).decode() + "\n")
    status, said = judge(folder)
    assert (status, "二者之间没有换钥声明" in said) == (1, True), said


def test_the_old_key_counts_no_more_after_it_named_another(tmp_path):
    log = Log([5])
    log.rotate(NEW_SEED)
    log.seed = SEED  # a retired key that was kept
    log.grow(9)
    status, said = judge(log.write(tmp_path / "x"))
    assert (status, "不在用的密钥" in said) == (1, True), said


def test_what_was_rewritten_below_a_change_of_keys_is_found(tmp_path):
    log, other = Log([5]), Log([])
    log.rotate(NEW_SEED)
    other.grow(5, forged=True)
    other.rotations, other.seed = log.rotations, NEW_SEED
    other.grow(9)
    status, said = judge(other.write(tmp_path / "x"))
    assert (status, "不是换钥声明" in said) == (1, True), said
    log.lines.pop()
    log.grow(3)
    log.lines = Log([3]).lines
    log.events = log.events[:3]
    status, said = judge(log.write(tmp_path / "y"))
    assert (status, "当时已封存 5 条" in said) == (1, True), said


def test_the_witnesss_copy_names_the_checkpoint_that_contradicts_it(tmp_path):
    honest, forged = Log([4, 8, 12]), Log([4])
    forged.grow(8, forged=True)
    forged.grow(12)
    seen = tmp_path / "seen.jsonl"
    seen.write_text("".join(json.dumps(one) + "\n" for one in (honest.lines[0], honest.lines[2])))
    assert judge(honest.write(tmp_path / "x"), "--witness", str(seen))[0] == 0
    status, said = judge(forged.write(tmp_path / "y"), "--witness", str(seen))
    assert (status, "事件数为 12 的封存点与另存的副本不一致" in said) == (1, True), said
    status, said = judge(Log([4, 8]).write(tmp_path / "z"), "--witness", str(seen))
    assert (status, "本导出只到 8" in said) == (1, True), said
    del honest.lines[0]
    status, said = judge(honest.write(tmp_path / "w"), "--witness", str(seen))
    assert (status, "事件数为 4 的封存点" in said) == (1, True), said


def test_the_witnesss_own_signature_is_held_to_its_key(tmp_path):
    log = Log([4])
    at = "2025-07-15T02:00:09Z"
    signature = ed25519.sign(WITNESS_SEED, f"witnessed {at}\n{log.lines[0]['body']}".encode())
    public = ed25519.public_key_of(WITNESS_SEED)
    line = log.lines[0] | {
        "witness": ed25519.key_id(public),
        "witnessed_at": at,
        "cosignature": base64_of(signature),
    }
    copy, key = tmp_path / "copy.jsonl", tmp_path / "witness.txt"
    copy.write_text(json.dumps(line) + "\n")
    key.write_text(base64_of(public))
    folder = log.write(tmp_path / "x")
    more = ("--witness", str(copy), "--witness-key", str(key))
    status, said = judge(folder, *more)
    assert (status, "有见证方的有效签名" in said) == (0, True), said
    copy.write_text(json.dumps(line | {"witnessed_at": "2024-01-01T00:00:00Z"}) + "\n")
    status, said = judge(folder, *more)
    assert (status, "见证方的签名无效" in said) == (1, True), said


def test_many_differences_far_apart_are_each_named(tmp_path):
    folder = Log([3, 400]).write(tmp_path / "x")
    lines = (folder / "events.jsonl").read_bytes().splitlines(keepends=True)
    moved = lines.pop(390)
    lines.insert(30, moved)
    del lines[200]
    lines[100] = lines[100].replace(b"claim.approve", b"claim.reject_")
    lines.insert(350, lines[10])
    (folder / "events.jsonl").write_bytes(b"".join(lines))
    status, said = judge(folder)
    assert status == 1
    assert "次序被调换" in said
    assert "e-390" in said
    assert "被改动：事件 e-99" in said
    assert "被删除：事件 e-199" in said
    assert "行重复：事件 e-10" in said
    assert said.count("✕") == 5, said


def test_a_cut_tail_and_an_endless_line_are_told_without_holding_them_in_memory(tmp_path):
    folder = Log([40]).write(tmp_path / "x")
    with (folder / "events.jsonl").open("wb") as stream:
        stream.truncate(1 << 30)  # one line of a gibibyte
    code = (
        "import resource, sys, runpy; resource.setrlimit(resource.RLIMIT_AS, (400 << 20, 400 << 20));"
        f"sys.argv = ['verify.py', {str(folder)!r}]; runpy.run_path({verify.__file__!r}, run_name='__main__')"
    )
    done = subprocess.run(
        [sys.executable, "-S", "-c", code], capture_output=True, text=True, env={"PYTHONUTF8": "1"}, cwd="/"
    )
    assert (done.returncode, "有一行超过" in done.stdout, done.stderr) == (2, True, "")
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss < 4 << 20  # kibibytes: no child came near
    (folder / "events.jsonl").unlink()
    with (folder / "checkpoints.jsonl").open("wb") as stream:
        stream.truncate(1 << 30)
    status, said = judge(folder)
    assert (status, "长得不合格式" in said) == (2, True)


@pytest.fixture(scope="module")
def honest(tmp_path_factory) -> Path:
    log = Log([2, 7])
    log.rotate(NEW_SEED)
    log.grow(9)
    return log.write(tmp_path_factory.mktemp("export") / "x")


NAMES = ("events.jsonl", "checkpoints.jsonl", "leaves.txt", "rotations.jsonl", "public-key.txt")


@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    name=st.sampled_from(NAMES),
    start=st.integers(0, 3000),
    length=st.integers(0, 60),
    put=st.one_of(st.binary(max_size=40), st.sampled_from([b"\xff\xfe", b"[" * 5000, b'{"body": 1}\n', b"\n\n", b"9" * 5000])),
)  # fmt: skip
def test_no_damage_ends_in_a_traceback_nor_in_intact_events(honest, tmp_path, name, start, length, put):
    folder = tmp_path / "spoilt"
    folder.mkdir(exist_ok=True)
    for each in NAMES:
        content = (honest / each).read_bytes()
        if each == name:
            at = start % (len(content) + 1)
            content = content[:at] + put + content[at + length :]
        (folder / each).write_bytes(content)
    status, said = judge(folder)
    assert said
    assert status in (0, 1, 2)
    if name == "events.jsonl":
        same = (folder / name).read_bytes().removesuffix(b"\n") == (honest / name).read_bytes().removesuffix(
            b"\n"
        )
        assert (status == 0) == same, said


def test_evidence_of_some_events_holds_by_its_proofs_and_names_what_was_altered(tmp_path):
    log = Log([4, 11])
    folder = log.write(tmp_path / "x")
    chosen = [1, 4, 9]
    (folder / "events.jsonl").write_bytes(b"".join(log.events[n] + b"\n" for n in chosen))
    proofs = []
    for place in chosen:
        size = 4 if place < 4 else 11
        way = [base64_of(step) for step in log.tree.inclusion_proof(place, log.leaves[:size])]
        proofs.append(json.dumps({"index": place, "size": size, "path": way}) + "\n")
    (folder / "proofs.jsonl").write_text("".join(proofs))
    status, said = judge(folder)
    assert (status, "3 条事件全部完好" in said) == (0, True), said
    good = (folder / "events.jsonl").read_bytes()
    (folder / "events.jsonl").write_bytes(good.replace(b"e-4", b"e-5"))
    status, said = judge(folder)
    assert (status, "第 2 条与其证明不符" in said) == (1, True), said
    (folder / "events.jsonl").write_bytes(good.partition(b"\n")[2])
    assert judge(folder)[0] == 1
    (folder / "events.jsonl").write_bytes(good)
    (folder / "proofs.jsonl").write_text("".join(proofs[:2]) + '{"index": -1}\n')
    status, said = judge(folder)
    assert (status, "第 3 行不是完整的证明" in said) == (2, True), said
