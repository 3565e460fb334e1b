"""Every shipped scheme is sound, travels as YAML unchanged, and its office's own cases come out."""

from __future__ import annotations

import pytest

from vouchers.policy.canonical import canonical_bytes
from vouchers.policy.checks import check, missing
from vouchers.policy.documents import read_scheme, shipped_files, shipped_scheme, write_scheme
from vouchers.policy.examples import Example, read_examples, run, shipped_examples
from vouchers.policy.opening import closed_reasons
from vouchers.policy.plain import SchemeError, from_plain, to_plain
from vouchers.policy.rules import Scheme, parse, render
from vouchers.policy.terms import Confidence

NAMES = [path.stem for path in shipped_files()]
CASES = [(name, example) for name in NAMES for example in shipped_examples(name)]
NOT_PUBLISHED = {"GZ-SLQ", "SH-BSJL", "CD-SLQ", "QH-DDPT"}
DEMONSTRATIONS = {f"{name}-DEMO" for name in NOT_PUBLISHED}


@pytest.mark.parametrize(
    ("name", "example"), CASES, ids=[f"{name}-{example.code}" for name, example in CASES]
)
def test_the_worked_example_comes_out(name: str, example: Example):
    assert run(shipped_scheme(name), example).differences == ()


@pytest.mark.parametrize("name", NAMES)
def test_a_shipped_scheme_has_no_contradiction_and_at_least_six_examples(name: str):
    scheme = shipped_scheme(name)
    assert check(scheme) == []
    assert missing(scheme) == []
    assert len(shipped_examples(name)) >= 6


@pytest.mark.parametrize("name", [name for name in NAMES if not shipped_scheme(name).demonstration])
def test_every_shipped_example_says_how_it_was_worked_out(name: str):
    assert [example.code for example in shipped_examples(name) if not example.note] == []


@pytest.mark.parametrize("name", NAMES)
def test_a_scheme_travels_as_yaml_and_as_canonical_json_unchanged(name: str):
    scheme = shipped_scheme(name)
    assert read_scheme(write_scheme(scheme)) == scheme
    assert parse(render(scheme)) == scheme
    assert canonical_bytes(render(parse(render(scheme)))) == canonical_bytes(render(scheme))


@pytest.mark.parametrize("name", NAMES)
def test_only_schemes_whose_rate_is_published_can_open(name: str):
    assert bool(closed_reasons(shipped_scheme(name))) == (name in NOT_PUBLISHED)


def test_nine_schemes_ship_and_each_whose_rate_is_not_published_has_a_demonstration_beside():
    programs = {shipped_scheme(name).program for name in NAMES}
    assert len(programs - DEMONSTRATIONS) == 9
    assert {name for name in NAMES if shipped_scheme(name).demonstration} == DEMONSTRATIONS


@pytest.mark.parametrize("name", sorted(DEMONSTRATIONS))
def test_a_demonstration_says_so_and_shows_no_invented_rate_as_law(name: str):
    scheme = shipped_scheme(name)
    assert scheme.title.endswith("【演示】")
    assert "演示版本" in scheme.note
    for rate in scheme.rates:
        assert rate.source("rate").confidence in (Confidence.HINT, Confidence.DEMO)


@pytest.mark.parametrize("name", sorted(set(NAMES) - DEMONSTRATIONS))
def test_no_rate_of_a_published_scheme_is_a_hint_or_our_own(name: str):
    for rate in shipped_scheme(name).rates:
        if rate.rate is not None:
            assert rate.source("rate").confidence in (Confidence.SEED, Confidence.TEXT)


@pytest.mark.parametrize("name", NAMES)
def test_a_hint_is_switched_off_in_a_published_scheme(name: str):
    scheme = shipped_scheme(name)
    if scheme.demonstration:
        return
    for part in (*scheme.caps, *scheme.floors, *scheme.gates, scheme.other_money):
        if part.cite.confidence is Confidence.HINT:
            assert not part.switched_on


def test_facts_travel_as_plain_values_unchanged():
    for _, example in CASES:
        assert from_plain(Example, to_plain(example)) == example


def test_a_malformed_scheme_is_refused_whole_with_every_place():
    document = render(shipped_scheme("BJ-AIQ"))
    document["rates"][0]["rate"] = "两成"
    document["caps"][0]["period"] = "fortnight"
    document["colour"] = "red"
    del document["title"]
    with pytest.raises(SchemeError) as refused:
        parse(document)
    places = {problem.path for problem in refused.value.problems}
    assert places == {"rates.standard.rate", "caps.enterprise_year.period", "colour", "title"}
    period = next(problem for problem in refused.value.problems if problem.path.endswith("period"))
    assert "calendar_year" in period.allowed


def test_a_wrong_value_is_refused_with_its_line_and_what_is_allowed():
    text = write_scheme(shipped_scheme("BJ-AIQ")).replace("period: calendar_year", "period: fortnight")
    with pytest.raises(SchemeError) as refused:
        read_scheme(text)
    (problem,) = refused.value.problems
    assert (problem.path, problem.line) == (
        "caps.enterprise_year.period",
        text[: text.index("period: fortnight")].count("\n") + 1,
    )
    assert "calendar_year" in problem.allowed
    assert f"第 {problem.line} 行" in str(problem)


def test_broken_yaml_is_refused_with_its_line():
    with pytest.raises(SchemeError, match="第 4 行"):
        read_scheme("program: X\nlabel: Y\ntitle: [\n")
    with pytest.raises(SchemeError, match="重复"):
        read_scheme("program: X\nprogram: Y\n")


def test_a_yaml_number_never_becomes_a_float():
    scheme = write_scheme(shipped_scheme("BJ-AIQ")).replace("rate: '0.2'", "rate: 0.2")
    assert read_scheme(scheme) == shipped_scheme("BJ-AIQ")


def test_an_example_with_a_wrong_word_is_refused_with_its_place():
    with pytest.raises(SchemeError, match=r"examples\.odd\.expected\.outcome"):
        read_examples(
            "examples:\n  - code: odd\n    title: 甲\n    facts: {stage: claim, 'on': '2025-01-01',"
            " applicant: {uscc: A, name: B}}\n    expected: {outcome: perhaps, amount: '1'}\n"
        )


def test_every_scheme_is_a_scheme():
    assert all(isinstance(shipped_scheme(name), Scheme) for name in NAMES)
