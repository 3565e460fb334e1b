"""Engines of the past stay as they were: nobody mends a decision by mending the engine that made it."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

import vouchers.policy.past as past
from tests.vouchers.policy.tiny import claim, scheme
from vouchers.policy import ENGINE_VERSION, assess
from vouchers.policy.engines import ENGINES, engine_of_the_past, knew_batches

FOLDER = Path(past.__file__).parent
KEPT = {
    "engine_1_0_0": "d23b8f9e12c39afc579a608eddaf58bed78b7defc3ecc0778de547c5b4e20ef3",
    "engine_1_1_0": "1e1720a6acb49656101697000df1c5486341d753e33622dbe29d90835d2dbd36",
}


def source_sha256(folder: Path) -> str:
    found = hashlib.sha256()
    for path in sorted(folder.glob("*.py")):
        found.update(path.name.encode() + b"\0" + path.read_bytes())
    return found.hexdigest()


@pytest.mark.parametrize("name", KEPT)
def test_the_code_of_a_past_engine_is_what_it_was(name: str):
    assert source_sha256(FOLDER / name) == KEPT[name]


def test_every_folder_of_the_past_is_held_to_its_hash():
    assert {one.name for one in FOLDER.glob("engine_*")} == set(KEPT)


def test_an_answer_says_which_engine_gave_it():
    for version in ENGINES:
        assert assess(scheme(), claim("1000"), engine_version=version).engine_version == version
    assert assess(scheme(), claim("1000")).engine_version == ENGINE_VERSION


def test_what_is_decided_today_is_never_decided_by_an_engine_of_the_past():
    assert engine_of_the_past(ENGINE_VERSION) is None
    assert knew_batches(ENGINE_VERSION)
    assert not knew_batches("1.1.0")
