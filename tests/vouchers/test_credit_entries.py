"""A party's file: entries with document and basis, only added to; who may read what of it; the tier that a published table gives."""

from __future__ import annotations

from datetime import date

import pytest
from django.db import DatabaseError, IntegrityError, transaction

from tests.cast import Cast
from vouchers import dates
from vouchers.actions import supervision
from vouchers.actions.credit_entries import correct_entry, record_entry
from vouchers.actions.credit_files import file_for_party, file_for_staff, parties_with_file
from vouchers.actions.leniencies import decide_leniency, propose_leniency
from vouchers.context import acting
from vouchers.errors import Forbidden, Invalid, NotNow, Problems
from vouchers.models import CreditEntry, Leniency, SupervisionTable

pytestmark = pytest.mark.django_db
TODAY = date(2025, 7, 15)
LAW = {"basis": "《算力券管理办法》", "article": "第十二条"}


def entered(cast: Cast, by=None, *, region=None, **change) -> CreditEntry:
    by = by or cast.handler
    given = {
        "region": region or cast.beijing,
        "aspect": "service_quality",
        "bearing": "adverse",
        "found_on": TODAY,
        "document_no": "京数〔2025〕3号",
        "sentence": "六月可用率 91.2%，低于承诺的 99%",
        "source_no": "L-2025-00000001",
        **LAW,
    } | change
    with acting(by, "test"):
        return record_entry(cast.provider, by=by, **given)


def test_an_entry_names_its_document_its_basis_its_source_and_who_made_it(cast: Cast):
    entry = entered(cast)
    line = file_for_staff(cast.provider, {"110000"}).lines[0]
    assert (line.number, line.kind, line.state) == (entry.entry_no, "服务质量", "不良")
    assert (line.document, line.basis) == ("京数〔2025〕3号", "《算力券管理办法》第十二条")
    assert (line.source_no, line.who, line.on) == ("L-2025-00000001", "京受理", TODAY)
    assert list(parties_with_file({"110000"})) == [cast.provider]
    assert not parties_with_file({"440300"}).exists()


@pytest.mark.parametrize(
    ("change", "code", "field"),
    [
        ({"document_no": " "}, "credit.missing", "document_no"),
        ({"basis": ""}, "credit.missing", "basis"),
        ({"article": ""}, "credit.missing", "article"),
        ({"sentence": ""}, "credit.missing", "sentence"),
        ({"aspect": "mood"}, "credit.choice", "aspect"),
        ({"bearing": "grim"}, "credit.choice", "bearing"),
        ({"found_on": date(2025, 7, 16)}, "credit.day", "found_on"),
    ],
)
def test_an_entry_without_its_grounds_is_refused(cast: Cast, change, code, field):
    with pytest.raises(Problems) as refused:
        entered(cast, **change)
    assert [(one.code, one.field) for one in refused.value.problems] == [(code, field)]


@pytest.mark.parametrize("who", ["stranger", "other_handler", "filer", "finance", "auditor"])
def test_only_who_handles_or_investigates_in_the_region_puts_something_into_a_file(cast: Cast, who):
    with pytest.raises(Forbidden):
        entered(cast, getattr(cast, who))


def test_a_correction_is_a_second_entry_and_the_first_stays_readable(cast: Cast):
    first = entered(cast)
    with acting(cast.investigator, "test"):
        second = correct_entry(
            first, document_no="京数〔2025〕4号", sentence="复测可用率 99.5%", bearing="neutral", by=cast.investigator, **LAW
        )  # fmt: skip
    states = {line.number: line.state for line in file_for_staff(cast.provider, {"110000"}).lines}
    assert states == {first.entry_no: f"已由 {second.entry_no} 更正", second.entry_no: "一般"}
    with acting(cast.handler, "test"), pytest.raises(NotNow) as refused:
        correct_entry(first, document_no="x", sentence="再改", by=cast.handler, **LAW)
    assert refused.value.code == "credit.corrected"
    assert second.entry_no in refused.value.message


def test_an_entry_that_was_taken_back_counts_no_more(cast: Cast):
    first = entered(cast)
    with acting(cast.handler, "test"):
        correct_entry(
            first,
            document_no="京数〔2025〕5号",
            sentence="认定对象有误",
            taken_back=True,
            by=cast.handler,
            **LAW,
        )
    assert not CreditEntry.objects.all().standing().exists()
    assert len(file_for_staff(cast.provider, {"110000"}).lines) == 2


def test_the_database_changes_and_deletes_no_entry(cast: Cast):
    entry = entered(cast)
    for change in (
        lambda: CreditEntry.objects.filter(pk=entry.pk).update(sentence="改"),
        lambda: CreditEntry.objects.filter(pk=entry.pk).delete(),
    ):
        with pytest.raises(DatabaseError), transaction.atomic():
            change()
    entry.refresh_from_db()
    assert entry.sentence.startswith("六月")


def test_another_region_reads_scheme_day_and_kind_and_nothing_else(cast: Cast):
    entered(cast)
    elsewhere = file_for_staff(cast.provider, {"440300"})
    assert elsewhere.lines == []
    assert [(one.on, one.kind, one.program) for one in elsewhere.elsewhere] == [(TODAY, "服务质量", "")]
    assert "可用率" not in repr(elsewhere.elsewhere)


def test_the_party_reads_its_own_file_and_nobody_elses(cast: Cast):
    entered(cast)
    mine = file_for_party(cast.provider, cast.platform)
    assert mine is not None
    assert [line.sentence for line in mine.lines] == ["六月可用率 91.2%，低于承诺的 99%"]
    assert file_for_party(cast.provider, cast.filer) is None
    assert file_for_party(cast.provider, cast.stranger) is None


# -- 首违轻微不罚 ----------------------------------------------------------------------------------------------------


def spared(cast: Cast, by=None, *, region=None, **change) -> Leniency:
    by = by or cast.investigator
    given = {
        "region": region or cast.beijing,
        "breach": "late_filing",
        "breached_on": date(2025, 7, 1),
        "facts": "价格报送逾期两日",
        "slightness": "未影响当期测算",
        "corrected_on": date(2025, 7, 3),
        "correction": "已补报",
        "document_no": "京免〔2025〕1号",
    } | change
    with acting(by, "test"):
        return propose_leniency(cast.provider, by=by, **given)


def decided(leniency: Leniency, by, *, granted=True) -> Leniency:
    with acting(by, "test"):
        return decide_leniency(leniency, granted=granted, reason="条件均符合", by=by)


def test_a_first_minor_breach_is_let_pass_by_two_persons_under_the_article(cast: Cast):
    row = spared(cast)
    assert (row.basis, row.article) == ("《中华人民共和国行政处罚法》", "第三十三条第一款")
    with pytest.raises(Forbidden) as refused:
        decided(row, cast.investigator)
    assert refused.value.code == "access.same_person"
    assert decided(row, cast.second_investigator).state == "granted"


def test_the_second_time_is_refused_with_the_number_of_the_first(cast: Cast):
    first = decided(spared(cast), cast.second_investigator)
    with pytest.raises(NotNow) as refused:
        spared(cast)
    assert refused.value.code == "leniency.second"
    assert first.leniency_no in refused.value.message
    assert spared(cast, breach="metering_gap").state == "proposed"  # another kind is another first


def test_another_region_is_told_the_day_and_not_the_number(cast: Cast):
    first = decided(spared(cast), cast.second_investigator)
    with pytest.raises(NotNow) as refused:
        spared(cast, cast.other_handler, region=cast.shenzhen)
    assert first.leniency_no not in refused.value.message
    assert "2025-07-15" in refused.value.message


def test_what_was_found_not_to_apply_leaves_the_first_time_open(cast: Cast):
    decided(spared(cast), cast.second_investigator, granted=False)
    assert spared(cast).state == "proposed"


def test_what_was_not_put_right_is_no_first_minor_breach(cast: Cast):
    for change in ({"corrected_on": date(2025, 7, 16)}, {"corrected_on": date(2025, 6, 30)}):
        with pytest.raises(Problems) as refused:
            spared(cast, **change)
        assert [one.code for one in refused.value.problems] == ["leniency.dates"]


def test_the_database_holds_once_per_party_and_kind_and_two_persons(cast: Cast):
    row = spared(cast)
    copy = Leniency.objects.get(pk=row.pk)
    copy.pk, copy.leniency_no = None, "LN-99999999"
    with pytest.raises(IntegrityError), transaction.atomic():
        copy.save(force_insert=True)
    with pytest.raises(IntegrityError), transaction.atomic():
        Leniency.objects.filter(pk=row.pk).update(
            state="granted", decided_by=cast.investigator, decided_on=TODAY
        )
    with pytest.raises(DatabaseError), transaction.atomic():
        Leniency.objects.filter(pk=row.pk).update(facts="改")


# -- 分级监管 --------------------------------------------------------------------------------------------------------


def table(cast: Cast, *, effective_from=TODAY, publish=True) -> SupervisionTable:
    with acting(cast.policy_editor, "test"):
        row = supervision.draft_table(
            cast.beijing, document_no="京信〔2025〕8号", article="第六条", effective_from=effective_from, by=cast.policy_editor
        )  # fmt: skip
        for terms in (
            {"position": 1, "name": "重点", "months": 12, "adverse_count": 2, "debarred": True, "review_per_mille": 200},
            {"position": 2, "name": "一般", "overdue_count": 1},
            {"position": 3, "name": "简化"},
        ):  # fmt: skip
            supervision.put_tier(row, by=cast.policy_editor, **terms)
        supervision.propose_table(row, by=cast.policy_editor)
    if publish:
        with acting(cast.publisher, "test"):
            supervision.publish_table(row, by=cast.publisher)
    return row


def tier(cast: Cast, on=TODAY):
    return supervision.tiers_of([cast.provider], "110000", on).get(cast.provider.pk)


def test_without_a_published_table_nobody_has_a_tier(cast: Cast):
    table(cast, publish=False)
    entered(cast)
    assert tier(cast) is None
    assert [one.tier for one in file_for_staff(cast.provider, {"110000"}).tiers] == [None]


def test_a_party_falls_in_the_strictest_tier_of_which_a_condition_holds_and_the_working_says_why(cast: Cast):
    table(cast)
    found = tier(cast)
    assert found is not None
    assert found.row.name == "简化"
    assert [(one.condition, one.counted, one.threshold, one.met) for one in found.reasons] == [
        ("近 12 个月不良记载", 0, 2, False),
        ("近 12 个月列入失信限制", 0, 1, False),
        ("逾期未了结的事项", 0, 1, False),
    ]
    entered(cast)
    assert tier(cast).row.name == "简化"  # one is fewer than two
    entered(cast, sentence="又一次", found_on=date(2025, 1, 10))
    found = tier(cast)
    assert (found.row.name, found.row.review_per_mille) == ("重点", 200)


def test_an_entry_older_than_the_window_counts_no_more(cast: Cast):
    table(cast)
    entered(cast)
    entered(cast, found_on=date(2024, 7, 15), sentence="一年前的今天")
    assert tier(cast).row.name == "简化"
    entered(cast, found_on=date(2024, 7, 16), sentence="差一天一年")
    assert tier(cast).row.name == "重点"


def test_another_regions_findings_move_no_tier_here(cast: Cast):
    table(cast)
    for sentence in ("一", "二", "三"):
        entered(cast, cast.other_handler, region=cast.shenzhen, sentence=sentence)
    assert tier(cast).row.name == "简化"


def test_a_table_is_published_by_another_person_of_the_region_and_is_then_kept(cast: Cast):
    row = table(cast, publish=False)
    for who, code in ((cast.policy_editor, "access.role"), (cast.stranger, "access.role")):
        with acting(who, "test"), pytest.raises(Forbidden) as refused:
            supervision.publish_table(row, by=who)
        assert refused.value.code == code
    with acting(cast.publisher, "test"):
        supervision.publish_table(row, by=cast.publisher)
    with acting(cast.policy_editor, "test"), pytest.raises(NotNow):
        supervision.put_tier(row, position=4, name="添", by=cast.policy_editor)
    for change in (
        lambda: row.tiers.update(review_per_mille=0),
        lambda: row.tiers.all().delete(),
        lambda: SupervisionTable.objects.filter(pk=row.pk).update(effective_from=date(2020, 1, 1)),
        lambda: SupervisionTable.objects.filter(pk=row.pk).update(document_no="改"),
    ):
        with pytest.raises(DatabaseError), transaction.atomic():
            change()


def test_the_next_table_ends_the_one_before_on_its_first_day(cast: Cast):
    first = table(cast)
    second = table(cast, effective_from=date(2025, 9, 1))
    first.refresh_from_db()
    assert first.effective_to == date(2025, 9, 1)
    assert supervision.table_in_force("110000", date(2025, 8, 31)) == first
    assert supervision.table_in_force("110000", date(2025, 9, 1)) == second
    with pytest.raises(NotNow) as refused, dates.fixed(date(2025, 7, 16)):
        table(cast, effective_from=date(2025, 8, 1))
    assert refused.value.code == "supervision.known"


def test_a_table_whose_last_tier_asks_for_something_is_not_proposed(cast: Cast):
    with acting(cast.policy_editor, "test"):
        row = supervision.draft_table(
            cast.beijing, document_no="京信〔2025〕9号", article="第六条", effective_from=TODAY, by=cast.policy_editor
        )  # fmt: skip
        supervision.put_tier(row, position=1, name="重点", adverse_count=1, by=cast.policy_editor)
        supervision.put_tier(row, position=2, name="一般", overdue_count=1, by=cast.policy_editor)
        with pytest.raises(Invalid) as refused:
            supervision.propose_table(row, by=cast.policy_editor)
    assert refused.value.code == "supervision.last"
