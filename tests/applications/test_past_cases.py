"""What was imported says in a dry run what its files say."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from applications.actions.imports import import_folder
from applications.actions.imports.programs import history_programs
from applications.past_cases import code_of, count_past, past_programs, read_past
from applications.sample_cases import read_sample
from applications.sample_year import SHIPPED
from vouchers.actions.case_sources import CaseQuery
from vouchers.context import Actor, acting

WHOLE = {"from_on": date(2024, 1, 1), "to_on": date(2027, 1, 1)}


@pytest.fixture
def imported(db, tmp_path):
    with acting(Actor.service("test"), "test"):
        import_folder(SHIPPED, out=tmp_path)


def query(program: str, region: str, **more) -> CaseQuery:
    return CaseQuery(program=program, region=region, **{**WHOLE, **more})


def test_the_imported_year_gives_the_cases_of_its_files(imported):
    asked = query("GZ-SLQ", "520000")
    past = {case.case_no: case for case in read_past(asked)}
    files = {case.case_no: replace(case, source="history") for case in read_sample(asked)}
    assert past.keys() == files.keys()
    assert len(past) == count_past(asked) > 150
    different = [number for number in past if past[number].facts != files[number].facts]
    assert different == []
    assert [number for number in past if past[number].granted != files[number].granted] == []
    assert [number for number in past if past[number].on != files[number].on] == []

    # a program takes its own past and no other's
    assert code_of(query("CD-SLQ-DEMO", "510100")) == "CD-SLQ"
    assert code_of(query("HZ-SLQ", "330100")) == ""
    assert list(read_past(query("HZ-SLQ", "330100"))) == []
    assert code_of(query("HZ-SLQ", "330100", like="CD-SLQ")) == ""
    both = frozenset({"330100", "510100"})
    assert code_of(query("HZ-SLQ", "330100", like="CD-SLQ", regions=both)) == "CD-SLQ"
    assert past_programs(frozenset({"510100"})) == [
        ("CD-SLQ", f"{history_programs()['CD-SLQ'].name}（CD-SLQ）")
    ]
    # nor has a program that only begins with another region's code, or a query of no region
    assert code_of(query("CD-SLQ-DEMO", "110000")) == ""
    assert list(read_past(query("CD-SLQ", "510100", regions=frozenset()))) == []


def test_without_an_import_there_is_none(db):
    assert count_past(query("GZ-SLQ", "520000")) == 0
