"""After a merging, the dry run and the list of changed caps count the two projects as casework does: as one."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from applications.models import Application
from applications.replay_cases import OWN_CASES
from tests import casework
from tests.applications.project_cases import Filing, capped_publication, filing
from tests.applications.test_project_merging import merged
from tests.cast import Cast
from vouchers.actions.caps import cap_changes
from vouchers.actions.case_sources import CaseQuery
from vouchers.models import Publication
from vouchers.policy.case_rows import read_case
from vouchers.policy.entered import Weigher
from vouchers.policy.rules import Scheme
from vouchers.policy.turns import Turn

D = Decimal


@pytest.fixture
def publication(cast: Cast) -> Publication:
    return capped_publication(cast)


@pytest.fixture
def file(cast: Cast, publication: Publication) -> Filing:
    return filing(cast, publication)


def query_of(publication: Publication, from_on: date = date(2024, 1, 1)) -> CaseQuery:
    program = publication.program
    return CaseQuery(
        program=program.code, region=program.region.code, from_on=from_on, to_on=date(2027, 1, 1)
    )


def replayed(publication: Publication, query: CaseQuery) -> dict[str, tuple[str, Decimal]]:
    """Project and amount of each case under the version it was decided under."""
    weigher = Weigher([publication.scheme], None, read_case)
    turn = Turn(weigher.versions[0], 0, OWN_CASES.opening(query))
    given = {}
    for row in OWN_CASES.read(query):
        case = weigher.case_of(row)
        outcome, _changes = turn.decide(weigher.enter(case))
        given[outcome.case_no] = case.facts.project_no, outcome.amount
    return given


def both_issued(cast: Cast, first: Application, second: Application) -> None:
    """The second, filed later, before the merging; the first after it, within what was left."""
    casework.issued(cast, second)
    merged(cast, first, second)
    casework.issued(cast, first)


def test_the_replay_of_the_same_version_gives_what_was_given_for_both_together(
    cast: Cast, publication: Publication, file: Filing
):
    first, second = file("大模型平台"), file("训练集群")
    both_issued(cast, first, second)
    kept = second.facts["assessed"]["project_no"]
    given = replayed(publication, query_of(publication))
    assert {number for number, _amount in given.values()} == {first.undertaking.undertaking_no}
    assert sum(amount for _number, amount in given.values()) == D(1200000)
    second.refresh_from_db()
    assert second.facts["assessed"]["project_no"] == kept != first.undertaking.undertaking_no


def test_what_was_taken_before_the_period_is_the_one_projects(
    cast: Cast, publication: Publication, file: Filing
):
    first, second = file("大模型平台"), file("训练集群")
    both_issued(cast, first, second)
    Application.objects.filter(pk=second.pk).update(decided_on=date(2025, 3, 1))
    query = query_of(publication, date(2025, 4, 1))
    taken = {key: used for key, used in OWN_CASES.opening(query).items() if ":project:" in key}
    (key,) = taken
    assert first.undertaking.undertaking_no in key and taken[key] == D(1000000)
    assert replayed(publication, query)[first.application_no] == (first.undertaking.undertaking_no, D(200000))


def test_a_lower_limit_of_a_new_version_is_held_against_what_both_have_used(
    cast: Cast, publication: Publication, file: Filing
):
    first, second = file("大模型平台"), file("训练集群")
    casework.issued(cast, second)
    casework.issued(cast, first)

    def changed() -> tuple[int, int]:
        lower = _with_limit(publication.scheme, D(1100000))
        (change,) = cap_changes(publication.scheme, lower, date(2025, 7, 15))
        return change.used, change.above

    assert changed() == (2, 0)
    merged(cast, first, second)
    assert changed() == (1, 1)


def _with_limit(scheme: Scheme, amount: Decimal) -> Scheme:
    caps = (replace(cap, amount=amount) if cap.code == "project" else cap for cap in scheme.caps)
    return replace(scheme, caps=tuple(caps))
