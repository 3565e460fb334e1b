"""整批核定 under filing windows that come again: each time is a batch of its own, and nothing that was filed falls between."""

from __future__ import annotations

import dataclasses
from datetime import date, datetime

import pytest

from applications.actions.batch_issue import issue_batch
from applications.actions.batch_members import candidates
from applications.actions.batch_times import ended_times
from applications.actions.batches import open_batch, share_out_batch, window_words
from applications.models import Application, IssueBatch
from tests import casework
from tests.applications.batch_office import decided, filed, noticed, with_pool
from tests.cast import Cast
from vouchers import dates
from vouchers.context import acting
from vouchers.errors import Invalid
from vouchers.models import Party, Publication
from vouchers.policy import rules as r
from vouchers.policy import terms as t
from vouchers.policy.examples import Example
from vouchers.policy.rules import Scheme

END = date(2028, 1, 1)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=dates.SHANGHAI)


def repeating(cast: Cast, opens: str, closes: str, repeats: t.Repeats) -> Publication:
    """北京's scheme, with two more years to run, a pool for each calendar year and one filing window that repeats."""

    def change(scheme: Scheme) -> Scheme:
        window = r.Window(
            cite=scheme.caps[0].cite,
            code="filing",
            name="申报期",
            opens_at=at(opens),
            closes_at=at(closes),
            repeats=repeats,
        )
        pooled = with_pool(scheme, t.Shortage.PRO_RATA, amount="50000000")
        return dataclasses.replace(pooled, effective_to=END, windows=(window,))

    def retell(example: Example) -> Example:
        facts = dataclasses.replace(example.facts, batch_no="2025-1", filed_at=at(opens))
        if facts.on == date(2026, 1, 1):  # the one that comes after the end
            facts = dataclasses.replace(facts, on=END, applied_on=END)
        return dataclasses.replace(example, facts=facts)

    publication = casework.published(cast, "BJ-AIQ", change, retell)
    casework.funded(cast, publication.program)
    with dates.fixed(at("2026-01-02T10:00")):
        casework.funded(cast, publication.program)
    Party.objects.filter(pk=cast.beta.pk).update(region_code="110108")
    casework.fit_for_beijing(cast.alpha)
    casework.fit_for_beijing(cast.beta)
    return publication


def approved(cast: Cast, publication: Publication, moment: str, number: str) -> Application:
    with dates.fixed(at(moment)):
        return decided(cast, filed(cast, publication, "500000.00", number))


def opened(cast: Cast, publication: Publication, moment: str, key: str = "") -> IssueBatch:
    with dates.fixed(at(moment)), acting(cast.handler, "test"):
        return open_batch(publication.program, by=cast.handler, publication=publication, window=key)


def gathered(batch: IssueBatch) -> list[Application]:
    return list(candidates(batch))


def done(cast: Cast, batch: IssueBatch, moment: str, waived: str = "") -> list[Application]:
    """Shared out, approved, noticed and issued; whom it granted something."""
    with dates.fixed(at(moment)):
        with acting(cast.handler, "test"):
            share_out_batch(batch, by=cast.handler, waived_reason=waived)
        noticed(cast, batch)
        assert batch.notice_closes_on is not None
    with dates.fixed(batch.notice_closes_on), acting(cast.approver, "test"):
        issue_batch(batch, by=cast.approver)
    return [one.application for one in batch.members.order_by("application").select_related("application")]


def keys(publication: Publication, moment: str) -> list[str]:
    with dates.fixed(at(moment)):
        return [one.key for one in ended_times(publication)]


def test_a_yearly_window_over_the_turn_of_the_year_is_one_batch_a_winter(cast: Cast):
    publication = repeating(cast, "2024-12-20T09:00", "2025-01-11T18:00", t.Repeats.YEARLY)
    december = approved(cast, publication, "2025-12-29T10:00", "HT-1")
    january = approved(cast, publication, "2026-01-05T10:00", "HT-2")
    last_minute = approved(cast, publication, "2026-01-11T17:59", "HT-3")
    # While the window is open there is no batch of it yet.
    assert keys(publication, "2026-01-11T17:59") == ["filing@2024-12-20"]
    assert keys(publication, "2026-01-11T18:00") == ["filing@2025-12-20"]
    with pytest.raises(Invalid) as refusal:
        opened(cast, publication, "2026-01-11T17:59", "filing@2025-12-20")
    assert refusal.value.code == "issue_batch.window"

    batch = opened(cast, publication, "2026-01-12T10:00")
    assert (batch.window_code, batch.filed_before) == ("filing", at("2026-01-11T18:00"))
    assert "申报期（2025年12月20日起）" in batch.title
    assert window_words(batch).startswith("申报期（2025年12月20日起）：")
    assert gathered(batch) == [december, january, last_minute]
    assert done(cast, batch, "2026-01-12T10:00") == [december, january, last_minute]


def test_each_month_is_a_batch_of_its_own_though_the_next_is_open_already(cast: Cast):
    """From the 25th to the 20th of the next month: for five days of each month nothing is open."""
    publication = repeating(cast, "2025-06-25T00:00", "2025-07-20T00:00", t.Repeats.MONTHLY)
    first = approved(cast, publication, "2025-07-15T10:00", "HT-1")
    second = approved(cast, publication, "2025-07-28T10:00", "HT-2")
    # The second time is open, in its second month: the first is what is over.
    batch = opened(cast, publication, "2025-08-04T10:00")
    assert batch.filed_before == at("2025-07-20T00:00")
    assert done(cast, batch, "2025-08-04T10:00") == [first]

    also_second = approved(cast, publication, "2025-08-19T23:59", "HT-3")
    batch = opened(cast, publication, "2025-08-21T10:00")
    assert batch.filed_before == at("2025-08-20T00:00")
    assert done(cast, batch, "2025-08-21T10:00") == [second, also_second]


def test_an_office_that_is_behind_takes_one_time_after_the_other(cast: Cast):
    publication = repeating(cast, "2025-07-01T00:00", "2025-07-20T00:00", t.Repeats.MONTHLY)
    july = approved(cast, publication, "2025-07-15T10:00", "HT-1")
    with dates.fixed(at("2025-07-19T10:00")):
        undecided = filed(cast, publication, "500000.00", "HT-2")
    september = approved(cast, publication, "2025-09-02T10:00", "HT-3")
    # In August nobody filed: there is no batch of it to be made.
    assert keys(publication, "2025-09-22T10:00") == ["filing@2025-07-01", "filing@2025-09-01"]

    batch = opened(cast, publication, "2025-09-22T10:00")
    assert batch.filed_before == at("2025-07-20T00:00")
    assert gathered(batch) == [july]
    assert done(cast, batch, "2025-09-22T10:00", "材料尚在补正，转入下一批。") == [july]

    # What July's batch went on without is in the next one, with those who filed in its own time.
    with dates.fixed(at("2025-09-25T10:00")):
        decided(cast, undecided)
    assert keys(publication, "2025-09-25T10:00") == ["filing@2025-09-01"]
    batch = opened(cast, publication, "2025-09-25T10:00")
    assert done(cast, batch, "2025-09-25T10:00") == [undecided, september]


def test_what_the_last_time_of_all_left_is_still_gathered(cast: Cast):
    publication = repeating(cast, "2025-07-01T00:00", "2025-07-20T00:00", t.Repeats.MONTHLY)
    first = approved(cast, publication, "2025-07-15T10:00", "HT-1")
    with dates.fixed(at("2025-07-19T10:00")):
        undecided = filed(cast, publication, "500000.00", "HT-2")
    batch = opened(cast, publication, "2025-07-21T10:00")
    assert done(cast, batch, "2025-07-21T10:00", "材料尚在补正，转入下一批。") == [first]
    with dates.fixed(at("2025-08-25T10:00")):
        decided(cast, undecided)
    batch = opened(cast, publication, "2025-08-26T10:00")
    assert batch.filed_before == at("2025-08-20T00:00")
    assert gathered(batch) == [undecided]
