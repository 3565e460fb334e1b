"""Old decisions are computed again: the stored facts under the stored rules give the same fen, and the same steps.

`corpus/engine-*.json` are kept for ever; a new engine adds a file of its own (`python -m tests.vouchers.policy.test_corpus`).
"""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.vouchers.policy.breadth_cases import CASES, SCHEMES
from vouchers.policy import ENGINE_VERSION, assess, canonical_bytes, digest
from vouchers.policy.documents import shipped_files, shipped_scheme
from vouchers.policy.examples import shipped_examples
from vouchers.policy.facts import Facts
from vouchers.policy.plain import decimal_text, from_plain, to_plain
from vouchers.policy.rules import parse, render

CORPUS = Path(__file__).parent / "corpus"


def steps(answer: Any) -> list[list[str]]:
    return [[line.code, line.operator, decimal_text(line.result)] for line in answer.lines]


@pytest.mark.parametrize("path", sorted(CORPUS.glob("engine-*.json")), ids=lambda path: path.stem)
def test_a_case_computed_years_later_gives_the_same_fen(path: Path):
    stored = json.loads(path.read_text(encoding="utf-8"))
    schemes = {name: parse(document) for name, document in stored["schemes"].items()}
    for case in stored["cases"]:
        facts = from_plain(Facts, case["facts"])
        assert digest(facts) == case["facts_sha256"]
        answer = assess(schemes[case["scheme"]], facts)
        assert (answer.amount, answer.outcome.value) == (Decimal(case["amount"]), case["outcome"])
        assert answer.scheme_sha256 == stored["sha256"][case["scheme"]]
        assert steps(answer) == case["steps"]


@pytest.mark.parametrize("path", sorted(CORPUS.glob("engine-*.json")), ids=lambda path: path.stem)
def test_a_publication_of_then_has_the_same_bytes_today(path: Path):
    stored = json.loads(path.read_text(encoding="utf-8"))
    for name, document in stored["schemes"].items():
        assert digest(document) == stored["sha256"][name]
        assert canonical_bytes(render(parse(document))) == canonical_bytes(document)


def test_the_engine_of_today_has_its_corpus():
    assert (CORPUS / f"engine-{ENGINE_VERSION}.json").exists()


def write() -> None:
    """The corpus of the present engine: the shipped schemes with their examples, and the tiny ones of `breadth_cases`."""
    names = [path.stem for path in shipped_files()]
    whole = {name: shipped_scheme(name) for name in names} | SCHEMES
    known = [(name, example.facts) for name in names for example in shipped_examples(name)]
    cases = []
    for name, facts in [*known, *CASES]:
        answer = assess(whole[name], facts)
        cases.append(
            {
                "scheme": name,
                "facts": to_plain(facts),
                "facts_sha256": answer.facts_sha256,
                "amount": decimal_text(answer.amount),
                "outcome": answer.outcome.value,
                "steps": steps(answer),
            }
        )
    schemes = {name: render(scheme) for name, scheme in whole.items()}
    content = {
        "sha256": {name: digest(document) for name, document in schemes.items()},
        "schemes": schemes,
        "cases": cases,
    }
    target = CORPUS / f"engine-{ENGINE_VERSION}.json"
    target.write_text(json.dumps(content, ensure_ascii=False, separators=(",", ":")) + "\n", encoding="utf-8")


if __name__ == "__main__":
    write()
