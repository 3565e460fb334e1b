"""Restrictions: proposed, told, heard, decided by another; what they stop and from which day; how they end; what the database holds."""

from __future__ import annotations

from datetime import date

import pytest
from django.db import DatabaseError, IntegrityError, transaction

from tests import casework
from tests.cast import Cast
from vouchers import dates
from vouchers.actions.credit_entries import record_entry
from vouchers.actions.credit_repairs import (
    ask_repair,
    decide_repair,
    examine_repair,
    propose_revocation,
    withdraw_repair,
)
from vouchers.actions.debarments import (
    answer_debarment,
    decide_debarment,
    drop_debarment,
    notify_debarment,
    propose_debarment,
    record_hearing,
    stands,
)
from vouchers.actions.payment_grounds import require_unlisted
from vouchers.context import acting
from vouchers.errors import Forbidden, Invalid, NotNow, Problems
from vouchers.models import CreditRepair, Debarment, Listing, OutboxMessage

pytestmark = pytest.mark.django_db
TODAY = date(2025, 7, 15)
LAST_TO_ANSWER = date(2025, 7, 22)  # five working days later
DECIDED = date(2025, 7, 23)


def proposed(cast: Cast, by=None, **change) -> Debarment:
    by = by or cast.investigator
    given = {
        "region": cast.beijing,
        "ground": "fabricated",
        "facts": "合同对应的设备并不存在",
        "basis": "《算力券管理办法》",
        "article": "第二十条",
        "proposed_from": date(2025, 8, 1),
        "proposed_to": date(2026, 8, 1),
        "repair_terms": "退回全部资金并公开承诺",
        "repair_from": date(2025, 11, 1),
        "case_no": "K-2025-00000007",
    } | change
    with acting(by, "test"):
        return propose_debarment(cast.alpha, by=by, **given)


def noticed(cast: Cast, **change) -> Debarment:
    row = proposed(cast, **change)
    with acting(cast.investigator, "test"):
        return notify_debarment(row, document_no="京告〔2025〕7号", by=cast.investigator)


def decided(cast: Cast, row: Debarment, by=None, *, on=DECIDED, **change) -> Debarment:
    by = by or cast.second_investigator
    given = {"document_no": "京决〔2025〕7号", "reason": "事实清楚，陈述不成立"} | change
    with dates.fixed(on), acting(by, "test"):
        return decide_debarment(row, by=by, **given)


def listed(cast: Cast, **change) -> Debarment:
    return decided(cast, noticed(cast, **change))


def repaired(cast: Cast, row: Debarment, *, on=date(2025, 11, 3), ends_on=None) -> CreditRepair:
    with dates.fixed(on):
        with acting(cast.filer, "test"):
            repair = ask_repair(debarment=row, statement="资金已退回", by=cast.filer)
        with acting(cast.investigator, "test"):
            examine_repair(repair, examination="回单已核", by=cast.investigator)
        with acting(cast.second_investigator, "test"):
            return decide_repair(
                repair, granted=True, document_no="京修〔2025〕1号", reason="条件具备", ends_on=ends_on, by=cast.second_investigator
            )  # fmt: skip


def told(message: str) -> bool:
    return OutboxMessage.objects.filter(task="applications.credit_told", payload__message=message).exists()


# -- the way to a decision -------------------------------------------------------------------------------------------


def test_a_restriction_begins_with_its_day_and_not_with_its_proposal(cast: Cast):
    row = noticed(cast)
    assert not Listing.objects.exists()
    row = decided(cast, row)
    entry = Listing.objects.get()
    assert (entry.effective_from, entry.effective_to) == (date(2025, 8, 1), date(2026, 8, 1))
    assert (entry.document_no, entry.region_code, entry.debarment) == ("京决〔2025〕7号", "110000", row)
    assert [stands(row, day) for day in (date(2025, 7, 31), date(2025, 8, 1), date(2026, 7, 31), date(2026, 8, 1))] == [
        False, True, True, False,
    ]  # fmt: skip
    with dates.fixed(date(2025, 7, 31)):
        require_unlisted(cast.alpha, "P-1")
    with dates.fixed(date(2025, 8, 1)), pytest.raises(NotNow) as refused:
        require_unlisted(cast.alpha, "P-1")
    assert refused.value.code == "payment.listed"
    with dates.fixed(date(2026, 8, 1)):
        require_unlisted(cast.alpha, "P-1")
    assert told("noticed")
    assert told("listed")


def test_a_restricted_company_is_issued_nothing_from_that_day(cast: Cast):
    publication = casework.published(cast, "BJ-AIQ")
    casework.funded(cast, publication.program)
    application = casework.submitted(cast, publication, casework.lease_fields(cast.provider, "5000000.00"))
    row = listed(cast)
    with dates.fixed(date(2025, 8, 1)), pytest.raises(NotNow) as refused:
        casework.issued(cast, application)
    assert refused.value.code == "application.listed"
    assert row.document_no in refused.value.message


@pytest.mark.parametrize("who", ["stranger", "handler", "auditor", "filer", "other_handler"])
def test_only_an_investigator_of_the_region_proposes(cast: Cast, who):
    with pytest.raises(Forbidden):
        proposed(cast, getattr(cast, who))


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"facts": ""}, "credit.missing"),
        ({"basis": ""}, "credit.missing"),
        ({"repair_terms": ""}, "credit.missing"),
        ({"ground": "dislike"}, "credit.choice"),
        ({"proposed_to": date(2025, 8, 1)}, "debarment.dates"),
        ({"proposed_from": date(2025, 7, 14)}, "debarment.dates"),
        ({"repair_from": date(2025, 7, 31)}, "debarment.repair_from"),
        ({"repair_from": date(2026, 8, 2)}, "debarment.repair_from"),
    ],
)
def test_a_proposal_names_facts_law_dates_and_the_way_back(cast: Cast, change, code):
    with pytest.raises(Problems) as refused:
        proposed(cast, **change)
    assert [one.code for one in refused.value.problems] == [code]


def test_the_same_case_is_not_proposed_twice(cast: Cast):
    first = proposed(cast)
    with pytest.raises(NotNow) as refused:
        proposed(cast, cast.second_investigator)
    assert refused.value.code == "debarment.open"
    assert first.debarment_no in refused.value.message


def test_the_party_has_five_working_days_at_least(cast: Cast):
    row = proposed(cast)
    with acting(cast.investigator, "test"):
        with pytest.raises(Invalid) as refused:
            notify_debarment(
                row, document_no="京告〔2025〕7号", respond_until=date(2025, 7, 21), by=cast.investigator
            )
        assert refused.value.code == "debarment.too_short"
        notify_debarment(row, document_no="京告〔2025〕7号", by=cast.investigator)
    assert row.respond_until == LAST_TO_ANSWER
    with pytest.raises(NotNow) as early:
        decided(cast, row, on=LAST_TO_ANSWER)
    assert early.value.code == "debarment.early"
    assert decided(cast, row, on=DECIDED).state == "listed"


def test_who_proposed_or_told_does_not_decide(cast: Cast):
    row = noticed(cast)
    with pytest.raises(Forbidden) as refused:
        decided(cast, row, cast.investigator)
    assert refused.value.code == "access.same_person"
    told_by_second = proposed(cast, case_no="K-2025-00000008")
    with acting(cast.second_investigator, "test"):
        notify_debarment(told_by_second, document_no="京告〔2025〕8号", by=cast.second_investigator)
    with pytest.raises(Forbidden):
        decided(cast, told_by_second, cast.second_investigator)


def test_a_hearing_that_was_asked_for_is_held_before_the_decision(cast: Cast):
    row = noticed(cast)
    with acting(cast.filer, "test"):
        answer_debarment(row, statement="设备在另一机房", hearing=True, by=cast.filer)
    with pytest.raises(NotNow) as refused:
        decided(cast, row)
    assert refused.value.code == "debarment.unheard"
    with dates.fixed(DECIDED):
        with acting(cast.investigator, "test"), pytest.raises(Forbidden):
            record_hearing(row, heard_on=DECIDED, record="笔录", by=cast.investigator)
        with acting(cast.second_investigator, "test"):
            record_hearing(row, heard_on=DECIDED, record="双方陈述如下", by=cast.second_investigator)
    assert decided(cast, row).state == "listed"


def test_the_party_answers_once_within_its_time(cast: Cast):
    row = noticed(cast)
    with acting(cast.other_filer, "test"), pytest.raises(Forbidden):
        answer_debarment(row, statement="x", hearing=False, by=cast.other_filer)
    with dates.fixed(DECIDED), acting(cast.filer, "test"), pytest.raises(NotNow) as late:
        answer_debarment(row, statement="晚了", hearing=True, by=cast.filer)
    assert late.value.code == "debarment.over"
    with dates.fixed(LAST_TO_ANSWER), acting(cast.filer, "test"):
        answer_debarment(row, statement="不同意", hearing=False, by=cast.filer)
        with pytest.raises(NotNow) as twice:
            answer_debarment(row, statement="再说", hearing=True, by=cast.filer)
    assert twice.value.code == "debarment.answered"


def test_the_decision_is_never_harsher_than_what_was_told(cast: Cast):
    row = noticed(cast)
    with pytest.raises(Problems) as refused:
        decided(cast, row, effective_from=date(2025, 8, 1), effective_to=date(2026, 8, 2))
    assert [one.code for one in refused.value.problems] == ["debarment.harsher"]
    row = decided(cast, row, effective_from=date(2025, 8, 1), effective_to=date(2026, 2, 1))
    assert row.listing.effective_to == date(2026, 2, 1)


def test_a_late_decision_keeps_the_length_from_its_own_day(cast: Cast):
    row = decided(cast, noticed(cast), on=date(2025, 9, 1))
    assert (row.effective_from, row.effective_to) == (date(2025, 9, 1), date(2026, 9, 1))


def test_what_was_dropped_restricts_nobody_and_the_party_is_told(cast: Cast):
    row = noticed(cast)
    with acting(cast.investigator, "test"):
        drop_debarment(row, reason="设备已核实存在", by=cast.investigator)
    assert (row.state, Listing.objects.count(), told("dropped")) == ("dropped", 0, True)


def test_two_restrictions_of_one_region_do_not_overlap(cast: Cast):
    listed(cast)
    second = noticed(cast, case_no="K-2025-00000009")
    with pytest.raises(NotNow) as refused:
        decided(cast, second)
    assert refused.value.code == "debarment.overlaps"
    row = decided(cast, second, effective_from=date(2026, 8, 1), effective_to=date(2027, 8, 1))
    assert row.state == "listed"


# -- the way back ----------------------------------------------------------------------------------------------------


def test_a_repair_ends_the_restriction_on_its_day_for_everything_that_asks(cast: Cast):
    row = listed(cast)
    repaired(cast, row, ends_on=date(2025, 11, 10))
    row.refresh_from_db()
    entry = Listing.objects.get()
    assert (row.state, entry.effective_to) == ("repaired", date(2025, 11, 10))
    with dates.fixed(date(2025, 11, 9)), pytest.raises(NotNow):
        require_unlisted(cast.alpha, "P-1")
    with dates.fixed(date(2025, 11, 10)):
        require_unlisted(cast.alpha, "P-1")


def test_a_repair_is_not_asked_before_its_day_by_a_stranger_or_twice(cast: Cast):
    row = listed(cast)
    with dates.fixed(date(2025, 10, 31)), acting(cast.filer, "test"), pytest.raises(NotNow) as early:
        ask_repair(debarment=row, statement="已退回", by=cast.filer)
    assert early.value.code == "credit_repair.too_early"
    assert "退回全部资金" in early.value.hint
    with dates.fixed(date(2025, 11, 1)):
        with acting(cast.other_filer, "test"), pytest.raises(Forbidden):
            ask_repair(debarment=row, statement="已退回", by=cast.other_filer)
        with acting(cast.filer, "test"):
            first = ask_repair(debarment=row, statement="已退回", by=cast.filer)
            with pytest.raises(NotNow) as twice:
                ask_repair(debarment=row, statement="再来", by=cast.filer)
            assert twice.value.code == "credit_repair.open"
            withdraw_repair(first, by=cast.filer)
            ask_repair(debarment=row, statement="再来", by=cast.filer)


def test_who_examined_a_repair_does_not_decide_it_and_a_refusal_changes_nothing(cast: Cast):
    row = listed(cast)
    with dates.fixed(date(2025, 11, 3)):
        with acting(cast.filer, "test"):
            repair = ask_repair(debarment=row, statement="已退回", by=cast.filer)
        with acting(cast.investigator, "test"):
            examine_repair(repair, examination="回单未到", by=cast.investigator)
            with pytest.raises(Forbidden) as same:
                decide_repair(
                    repair, granted=True, document_no="京修〔2025〕1号", reason="可以", by=cast.investigator
                )
        assert same.value.code == "access.same_person"
        with acting(cast.second_investigator, "test"):
            decide_repair(
                repair, granted=False, document_no="", reason="资金未退清", by=cast.second_investigator
            )
    assert Listing.objects.get().effective_to == date(2026, 8, 1)


def test_the_office_takes_its_own_decision_back_by_two_persons(cast: Cast):
    row = listed(cast)
    with dates.fixed(date(2025, 8, 20)):
        with acting(cast.investigator, "test"):
            revocation = propose_revocation(row, reason="法院判决撤销", by=cast.investigator)
            with pytest.raises(Forbidden):
                decide_repair(
                    revocation, granted=True, document_no="京撤〔2025〕1号", reason="x", by=cast.investigator
                )
        with acting(cast.second_investigator, "test"):
            decide_repair(
                revocation,
                granted=True,
                document_no="京撤〔2025〕1号",
                reason="依判决",
                by=cast.second_investigator,
            )
    row.refresh_from_db()
    assert (row.state, Listing.objects.get().effective_to) == ("revoked", date(2025, 8, 20))


def test_a_decision_taken_back_before_its_first_day_never_restricted(cast: Cast):
    row = listed(cast)
    with dates.fixed(date(2025, 7, 25)):
        with acting(cast.investigator, "test"):
            revocation = propose_revocation(row, reason="当事人有误", by=cast.investigator)
        with acting(cast.second_investigator, "test"):
            decide_repair(
                revocation,
                granted=True,
                document_no="京撤〔2025〕2号",
                reason="属实",
                by=cast.second_investigator,
            )
    entry = Listing.objects.get()
    assert entry.effective_to == entry.effective_from
    assert not Listing.objects.in_force(date(2025, 8, 1)).exists()


def test_an_adverse_entry_is_repaired_and_a_good_one_needs_none(cast: Cast):
    law = {"document_no": "京数〔2025〕1号", "basis": "《办法》", "article": "第三条", "region": cast.beijing}
    with acting(cast.handler, "test"):
        bad, good = (
            record_entry(
                cast.alpha, aspect="performance", bearing=bearing, found_on=TODAY, sentence=bearing, by=cast.handler, **law
            )
            for bearing in ("adverse", "favourable")
        )  # fmt: skip
    with acting(cast.filer, "test"):
        with pytest.raises(NotNow):
            ask_repair(entry=good, statement="无", by=cast.filer)
        repair = ask_repair(entry=bad, statement="已改正", by=cast.filer)
    with acting(cast.investigator, "test"):
        examine_repair(repair, examination="属实", by=cast.investigator)
    with acting(cast.second_investigator, "test"):
        decide_repair(
            repair, granted=True, document_no="京修〔2025〕2号", reason="可", by=cast.second_investigator
        )
    with acting(cast.filer, "test"), pytest.raises(NotNow):
        ask_repair(entry=bad, statement="再来", by=cast.filer)


# -- what the database holds -----------------------------------------------------------------------------------------


def refused_by_database(deed) -> None:
    with pytest.raises(DatabaseError), transaction.atomic():
        deed()


def test_the_database_moves_no_date_of_an_entry_without_a_granted_repair(cast: Cast):
    row = listed(cast)
    entry = Listing.objects.filter(debarment=row)
    for change in (
        {"effective_to": date(2025, 9, 1)},
        {"effective_to": date(2030, 1, 1)},
        {"effective_to": None},
        {"effective_from": date(2025, 7, 1)},
        {"party": cast.beta},
        {"document_no": "改"},
        {"debarment": None, "region_code": ""},
    ):
        refused_by_database(lambda change=change: entry.update(**change))
    refused_by_database(entry.delete)
    repaired(cast, row)
    refused_by_database(lambda: entry.update(effective_to=date(2026, 8, 1)))  # it does not rise again
    refused_by_database(lambda: entry.update(effective_to=date(2025, 10, 1)))


def test_the_database_lists_nobody_without_a_decision_that_says_the_same(cast: Cast):
    row = noticed(cast)
    entry = {
        "party": cast.alpha,
        "kind": "scheme_debarred",
        "effective_from": date(2025, 8, 1),
        "effective_to": date(2026, 8, 1),
        "document_no": "京决〔2025〕7号",
    }
    refused_by_database(lambda: Listing.objects.create(**entry))
    refused_by_database(lambda: Listing.objects.create(**entry, debarment=row, region_code="110000"))
    row = decided(cast, row)
    Listing.objects.all()
    refused_by_database(lambda: Listing.objects.create(**entry, debarment=row, region_code="110000"))


def test_the_database_asks_for_two_persons_notice_and_hearing(cast: Cast):
    row = noticed(cast)
    decision = {
        "state": "listed",
        "document_no": "京决〔2025〕7号",
        "effective_from": date(2025, 8, 1),
        "effective_to": date(2026, 8, 1),
        "decided_on": DECIDED,
        "decision_reason": "x",
    }
    rows = Debarment.objects.filter(pk=row.pk)
    for who, change in (
        (cast.investigator, {}),
        (cast.second_investigator, {"decided_on": LAST_TO_ANSWER}),
        (cast.second_investigator, {"effective_from": date(2025, 7, 1)}),
        (cast.second_investigator, {"document_no": ""}),
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            rows.update(decided_by=who, **(decision | change))
    with acting(cast.filer, "test"):
        answer_debarment(row, statement="不服", hearing=True, by=cast.filer)
    with pytest.raises(IntegrityError), transaction.atomic():
        rows.update(decided_by=cast.second_investigator, **decision)


def test_the_database_keeps_what_was_proposed_told_said_and_decided(cast: Cast):
    row = noticed(cast)
    with acting(cast.filer, "test"):
        answer_debarment(row, statement="不服", hearing=False, by=cast.filer)
    rows = Debarment.objects.filter(pk=row.pk)
    for change in (
        {"facts": "改"},
        {"proposed_to": date(2030, 1, 1)},
        {"respond_until": date(2025, 7, 16)},
        {"statement": "同意"},
    ):
        refused_by_database(lambda change=change: rows.update(**change))
    decided(cast, row)
    refused_by_database(lambda: rows.update(effective_to=date(2025, 9, 1)))
    refused_by_database(lambda: rows.update(decided_by=cast.investigator))
    refused_by_database(rows.delete)


def test_the_database_lets_no_two_entries_overlap(cast: Cast):
    listed(cast)
    second = noticed(cast, case_no="K-2025-00000009")
    with dates.fixed(DECIDED):
        Debarment.objects.filter(pk=second.pk).update(
            state="listed", document_no="京决〔2025〕8号", effective_from=date(2026, 7, 31), effective_to=date(2026, 9, 1),
            decided_by=cast.second_investigator, decided_on=DECIDED, decision_reason="x",
        )  # fmt: skip
        with pytest.raises(IntegrityError), transaction.atomic():
            Listing.objects.create(
                party=cast.alpha, kind="scheme_debarred", effective_from=date(2026, 7, 31), effective_to=date(2026, 9, 1),
                document_no="京决〔2025〕8号", debarment=second, region_code="110000",
            )  # fmt: skip
