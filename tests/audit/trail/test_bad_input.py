"""What an auditor may be handed by mistake or by malice: each gets a Chinese sentence and a status other than 0, never a traceback."""

from __future__ import annotations

import gzip
import hashlib
import json
import resource
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from audit.trail import verify
from tests.audit.trail.offline_log import WITNESS_SEED, Log, base64_of
from tests.audit.trail.test_verifier import judge

FILES = ("events.jsonl", "checkpoints.jsonl", "public-key.txt", "leaves.txt", "rotations.jsonl")
NEEDED = FILES[:3]


@pytest.fixture
def export(tmp_path) -> Path:
    log = Log([3, 8])
    log.rotate(WITNESS_SEED)
    log.grow(12)
    return log.write(tmp_path / "export")


@pytest.fixture
def evidence(tmp_path) -> Path:
    """Three events of a log with their proofs, and the list of files."""
    log = Log([3, 8])
    export = log.write(tmp_path / "evidence")
    lines, proofs = [], []
    for place in (1, 4, 6):
        size = 3 if place < 3 else 8
        lines.append(log.events[place] + b"\n")
        way = [base64_of(step) for step in log.tree.inclusion_proof(place, log.leaves[:size])]
        proofs.append(json.dumps({"index": place, "size": size, "path": way}) + "\n")
    (export / "events.jsonl").write_bytes(b"".join(lines))
    (export / "proofs.jsonl").write_text("".join(proofs))
    (export / "manifest.json").write_text(json.dumps({"files": {}, "papers": {}}))
    for name in ("leaves.txt", "rotations.jsonl"):
        (export / name).unlink()
    digests = {one.name: _digest(one) for one in export.iterdir() if one.name != "manifest.json"}
    (export / "manifest.json").write_text(json.dumps({"files": digests, "papers": {}}))
    assert judge(export)[0] == 0
    return export


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def refused(folder: Path, *more: str) -> str:
    """What is said of a folder that cannot be intact."""
    status, said = judge(folder, *more)
    assert status in (verify.FOUND, verify.UNVERIFIABLE), said
    assert said and any("\u4e00" <= sign <= "\u9fff" for sign in said.splitlines()[-1]), said
    assert "Error" not in said and "Traceback" not in said, said
    return said


@pytest.mark.parametrize("name", NEEDED)
def test_a_file_that_is_missing_is_named(export, name):
    (export / name).unlink()
    assert f"没有找到文件 {name}" in refused(export)


@pytest.mark.parametrize("name", NEEDED)
def test_an_empty_file_is_no_intact_log(export, name):
    (export / name).write_bytes(b"")
    assert refused(export)


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize(
    "spoil",
    [
        lambda content: content[: len(content) // 2],
        lambda content: bytes(range(256)) * 40,
        lambda content: b"\0" * 5000,
        lambda content: content.decode().encode("utf-16"),
        lambda content: gzip.compress(content),
        lambda content: b"[" * 200_000,
    ],
    ids=["cut in half", "binary", "zeros", "UTF-16", "compressed", "nested deep"],
)
def test_a_file_that_is_not_what_it_should_be_is_told(export, name, spoil: Callable[[bytes], bytes]):
    content = (export / name).read_bytes()
    (export / name).write_bytes(spoil(content))
    if name == "leaves.txt":  # it only helps to say which event differs: without a difference it is not read
        assert judge(export)[0] == 0
        events = (export / "events.jsonl").read_bytes()
        (export / "events.jsonl").write_bytes(events.replace(b"C-5", b"C-6"))
    assert refused(export)


@pytest.mark.parametrize("name", ["events.jsonl", "checkpoints.jsonl"])
def test_a_line_that_stands_twice_is_told(export, name):
    lines = (export / name).read_bytes().splitlines(keepends=True)
    (export / name).write_bytes(b"".join([*lines[:2], lines[1], *lines[2:]]))
    said = refused(export)
    assert "重复" in said or "多出" in said, said


def test_another_key_than_the_auditors_own_is_told(export, tmp_path):
    stranger = tmp_path / "stranger.txt"
    stranger.write_text(base64_of(b"\x05" * 32) + "\n")
    assert "不是您持有的公钥" in refused(export, "--key", str(stranger))


@pytest.mark.parametrize(
    "content",
    [b"-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA\n-----END PUBLIC KEY-----\n", b"\xff\xfe" * 40, b"# nothing\n", b"AAAA\n"],
    ids=["PEM", "binary", "only a remark", "too short"],
)  # fmt: skip
def test_what_is_no_key_file_is_told(export, tmp_path, content):
    path = tmp_path / "key.txt"
    path.write_bytes(content)
    assert "公钥" in refused(export, "--key", str(path))


def test_a_path_that_leads_nowhere_or_to_the_zip_itself_is_told(export, tmp_path):
    assert "没有找到文件夹" in refused(tmp_path / "nowhere")
    packed = tmp_path / "evidence.zip"
    with zipfile.ZipFile(packed, "w") as archive:
        archive.write(export / "events.jsonl", "events.jsonl")
    assert "请先解开压缩包" in refused(packed)
    assert "它是文件夹" in refused(export, "--key", str(export))
    (export / "events.jsonl").unlink()
    (export / "events.jsonl").mkdir()
    assert "它是文件夹" in refused(export)


def test_a_line_of_a_hundred_megabytes_is_told_in_bounded_memory(evidence, tmp_path):
    for name in ("events.jsonl", "proofs.jsonl", "checkpoints.jsonl", "public-key.txt"):
        kept = (evidence / name).read_bytes()
        with (evidence / name).open("wb") as stream:
            stream.write(b'{"body": "')
            stream.truncate(100 << 20)
        said = _in_a_quarter_of_a_gibibyte(evidence)
        assert "超过" in said or "长得不合格式" in said, said
        (evidence / name).write_bytes(kept)


def test_a_bomb_unpacked_beside_the_events_is_read_in_pieces(evidence):
    papers = evidence / "papers"
    papers.mkdir()
    with (papers / "bomb.bin").open("wb") as stream:
        stream.truncate(1 << 30)  # what some kilobytes of a zip become
    said = _in_a_quarter_of_a_gibibyte(evidence)
    assert "papers/bomb.bin" in said and "后来放入" in said
    listed = json.loads((evidence / "manifest.json").read_text())
    listed["files"]["papers/bomb.bin"] = "0" * 64
    (evidence / "manifest.json").write_text(json.dumps(listed))
    assert "与清单（manifest.json）所载的摘要不符" in _in_a_quarter_of_a_gibibyte(evidence)
    with (evidence / "manifest.json").open("wb") as stream:
        stream.truncate(1 << 30)
    assert "不是完整的文件清单" in _in_a_quarter_of_a_gibibyte(evidence)


def _in_a_quarter_of_a_gibibyte(folder: Path) -> str:
    code = (
        "import resource, sys, runpy; resource.setrlimit(resource.RLIMIT_AS, (256 << 20, 256 << 20));"
        f"sys.argv = ['verify.py', {str(folder)!r}]; runpy.run_path({verify.__file__!r}, run_name='__main__')"
    )
    command = [sys.executable, "-I", "-S", "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, env={"PYTHONUTF8": "1"}, cwd="/")
    assert (done.returncode in (1, 2), done.stderr) == (True, ""), done.stderr
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss > 0
    return done.stdout


def test_a_list_of_files_that_leads_out_of_the_folder_is_not_followed(evidence):
    for name in ("../outside.txt", "/etc/hostname"):
        (evidence / "manifest.json").write_text(json.dumps({"files": {name: "0" * 64}, "papers": {}}))
        assert "不是完整的文件清单" in refused(evidence)


SPOILT = ("events.jsonl", "proofs.jsonl", "checkpoints.jsonl", "manifest.json", "public-key.txt")


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    name=st.sampled_from(SPOILT),
    start=st.integers(0, 4000),
    length=st.integers(0, 60),
    put=st.one_of(
        st.binary(max_size=40),
        st.sampled_from([b"\xff\xfe", b"[" * 5000, b'{"index": 1}\n', b"\n\n", b"9" * 5000, b"\xed\xa0\x80", b'"a\\ud800"']),
    ),
)  # fmt: skip
def test_no_damage_of_evidence_ends_in_a_traceback_nor_in_intact_events(
    evidence, tmp_path, name, start, length, put
):
    folder = tmp_path / "spoilt"
    folder.mkdir(exist_ok=True)
    for path in evidence.iterdir():
        content = path.read_bytes()
        if path.name == name:
            at = start % (len(content) + 1)
            content = content[:at] + put + content[at + length :]
        (folder / path.name).write_bytes(content)
    status, said = judge(folder)
    assert said and status in (0, 1, 2)
    if name in ("events.jsonl", "proofs.jsonl"):
        same = (folder / name).read_bytes() == (evidence / name).read_bytes()
        assert (status == 0) == same, said
