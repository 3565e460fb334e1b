"""Old decisions are computed again: the stored facts under the stored rules give the same fen, and the same steps.

`corpus/engine-*.json` are kept for ever, and each is computed as the engine of its name read the text; a new engine adds a
file of its own (`python -m tests.vouchers.policy.test_corpus`). What is named after the engine's number was computed by that
engine's own code: `…-on-the-day` the days around which it and the next differ; `…-years-and-chance` bands of the year in tracks of
several ladders, on which the first four engines differ three ways, and schemes made by chance, each answer kept whole by its hash.
"""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.vouchers.policy.breadth_cases import CASES, SCHEMES
from vouchers.policy import ENGINE_VERSION, assess, canonical_bytes, digest
from vouchers.policy.documents import shipped_files, shipped_scheme
from vouchers.policy.engines import ENGINES
from vouchers.policy.examples import shipped_examples
from vouchers.policy.facts import Facts
from vouchers.policy.plain import decimal_text, from_plain, to_plain
from vouchers.policy.rules import parse, render
from vouchers.policy.terms import Border

CORPUS = Path(__file__).parent / "corpus"


def engine_of(path: Path) -> str:
    return path.stem.split("-")[1]


def steps(answer: Any) -> list[list[str]]:
    return [[line.code, line.operator, decimal_text(line.result)] for line in answer.lines]


@pytest.mark.parametrize("path", sorted(CORPUS.glob("engine-*.json")), ids=lambda path: path.stem)
def test_a_case_computed_years_later_gives_the_same_fen(path: Path):
    stored = json.loads(path.read_text(encoding="utf-8"))
    schemes = {name: parse(document) for name, document in stored["schemes"].items()}
    for case in stored["cases"]:
        facts = from_plain(Facts, case["facts"])
        assert digest(facts) == case["facts_sha256"]
        answer = assess(schemes[case["scheme"]], facts, engine_version=engine_of(path))
        assert answer.engine_version == engine_of(path)
        assert (answer.amount, answer.outcome.value) == (Decimal(case["amount"]), case["outcome"])
        assert answer.scheme_sha256 == stored["sha256"][case["scheme"]]
        assert steps(answer) == case["steps"]
        if "answer_sha256" in case:  # to the last word of the last line, by the code that was released then
            assert digest(to_plain(answer)) == case["answer_sha256"]


@pytest.mark.parametrize("path", sorted(CORPUS.glob("engine-*.json")), ids=lambda path: path.stem)
def test_a_publication_of_then_has_the_same_bytes_today(path: Path):
    stored = json.loads(path.read_text(encoding="utf-8"))
    for name, document in stored["schemes"].items():
        assert digest(document) == stored["sha256"][name]
        assert canonical_bytes(render(parse(document))) == canonical_bytes(document)


def test_every_engine_has_its_corpus():
    assert {engine_of(path) for path in CORPUS.glob("engine-*.json")} == set(ENGINES)
    assert ENGINES[-1] == ENGINE_VERSION


def test_on_the_very_day_a_case_of_then_keeps_its_fen_and_a_new_one_is_read_as_the_text_says():
    """成立不超过 12 个月, applied for on the day on which 12 months are over: engines up to 1.1.0 left it out."""
    stored = json.loads((CORPUS / "engine-1.1.0-on-the-day.json").read_text(encoding="utf-8"))
    young = parse(stored["schemes"]["class_of_a_year"])
    known = [from_plain(Facts, case["facts"]) for case in stored["cases"]]
    assert [one.applicant.registered_on for one in known] == [date(2024, 3, day) for day in (2, 3, 4)]
    assert [assess(young, one, engine_version="1.1.0").amount for one in known] == [30, 30, 50]
    assert [assess(young, one).amount for one in known] == [30, 50, 50]


def test_a_city_that_says_less_than_so_many_months_reads_the_same_in_every_engine():
    stored = json.loads((CORPUS / "engine-1.1.0-on-the-day.json").read_text(encoding="utf-8"))
    young = parse(stored["schemes"]["class_of_a_year"])
    (one,) = young.classes
    less = replace(young, classes=(replace(one, border=Border.EXCLUDED),))
    known = [from_plain(Facts, case["facts"]) for case in stored["cases"]]
    for version in ENGINES:
        assert [assess(less, facts, engine_version=version).amount for facts in known] == [30, 30, 50]


def test_rising_bands_of_a_year_by_chip_come_out_as_each_engine_counted_the_year():
    """600 of either chip, 1,400 before: held against each ladder by the first engines, by none of them kept by ladder since."""
    (stored,) = (
        json.loads(path.read_text(encoding="utf-8"))
        for path in CORPUS.glob(f"engine-{ENGINE_VERSION}-years-and-chance.json")
    )
    rising = parse(stored["schemes"]["rising_by_chip_marginal"])
    facts = from_plain(Facts, stored["cases"][1]["facts"])
    assert facts.used.year_basis == {"a": 1400}
    assert {version: assess(rising, facts, engine_version=version).amount for version in ENGINES} == {
        "1.0.0": 420,
        "1.1.0": 420,
        "1.2.0": 180,
        "1.3.0": 180,
    }


def test_an_engine_that_never_was_computes_nothing():
    stored = json.loads((CORPUS / "engine-1.1.0-on-the-day.json").read_text(encoding="utf-8"))
    facts = from_plain(Facts, stored["cases"][0]["facts"])
    with pytest.raises(ValueError, match=r"no engine '0\.9'"):
        assess(parse(stored["schemes"]["class_of_a_year"]), facts, engine_version="0.9")


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
                "answer_sha256": digest(to_plain(answer)),
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
