"""The monthly index: computed, proposed by one, published by another, recomputable from its snapshot."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import ProgrammingError, connection, transaction
from django.urls import reverse

from tests.vouchers.prices.feeds import market_rows, row, uscc
from vouchers import dates
from vouchers.actions import prices
from vouchers.context import Actor, acting
from vouchers.errors import Forbidden, Invalid, NotNow
from vouchers.models import Affiliation, Party, PriceIndexIssue, PriceObservation, PriceSnapshot
from vouchers.policy.fair_price import Cell
from vouchers.tasks import compute_prices

pytestmark = pytest.mark.django_db
JULY = date(2025, 7, 1)
CELL = "china/H800/SXM/specialist/east/1_6m"


@pytest.fixture(autouse=True)
def in_a_context():
    with acting(Actor.service("test"), "test"):
        prices.load_price_tables()
        yield


@pytest.fixture
def loaded():
    prices.load_observations(market_rows(date(2025, 6, 20)))


def publish(cast, month=JULY, **more):
    with dates.fixed(max(month, dates.today())):
        issue = prices.compute_index(month, by=cast.policy_editor)
        prices.propose_index(issue, by=cast.policy_editor, **more)
        return prices.publish_index(issue, by=cast.price_publisher)


def test_an_issue_is_computed_as_of_the_last_day_of_the_month_before(cast, loaded):
    issue = prices.compute_index(date(2025, 7, 19), by=cast.policy_editor)
    assert (issue.issue_no, issue.month, issue.as_of, issue.state) == (
        "PI-china-2025-07-1",
        JULY,
        date(2025, 6, 30),
        "draft",
    )
    held = issue.rows.get(cell=CELL)
    assert (held.base, held.grade, held.level, held.n_groups, held.n_q) == (
        Decimal("19.000000"),
        "B",
        "L0",
        7,
        7,
    )
    assert "7 个互不关联的供应方" in held.sentence
    assert prices.verify_issue(issue)


def test_the_same_input_gives_the_same_issue_and_new_data_a_new_revision(cast, loaded):
    first = prices.compute_index(JULY, by=cast.policy_editor)
    assert prices.compute_index(JULY, by=cast.policy_editor) == first
    prices.load_observations([row(uscc(40), "25", date(2025, 6, 21))])
    second = prices.compute_index(JULY, by=cast.policy_editor)
    assert (second.revision, second.issue_no) == (2, "PI-china-2025-07-2")


def test_one_person_proposes_and_another_publishes(cast, loaded):
    issue = prices.compute_index(JULY, by=cast.price_publisher)
    with pytest.raises(NotNow):
        prices.publish_index(issue, by=cast.price_publisher)
    prices.propose_index(issue, by=cast.price_publisher)
    with pytest.raises(Forbidden) as refusal:
        prices.publish_index(issue, by=cast.price_publisher)
    assert refusal.value.code == "access.same_person"
    prices.send_back_index(issue, by=cast.price_publisher, reason="换人提请")
    prices.propose_index(issue, by=cast.policy_editor)
    with pytest.raises(Forbidden):
        prices.publish_index(issue, by=cast.handler)
    prices.publish_index(issue, by=cast.price_publisher)
    issue.refresh_from_db()
    assert (issue.state, issue.proposer, issue.publisher) == (
        "published",
        cast.policy_editor,
        cast.price_publisher,
    )


def test_a_correction_supersedes_and_is_published_beside(cast, loaded):
    first = publish(cast)
    prices.load_observations([row(uscc(40), "25", date(2025, 6, 21))])
    second = publish(cast)
    first.refresh_from_db()
    assert (first.state, second.state) == ("superseded", "published")
    assert prices.published_issue("china", date(2025, 7, 31)) == second
    assert prices.verify_issue(first)


def test_a_lie_found_after_the_month_began_is_corrected_by_an_act_of_its_own(cast, loaded):
    """What was known when the month began gives the published issue again; the correction rests on what is known now."""
    first = publish(cast)
    with pytest.raises(NotNow) as refusal:
        prices.correct_index(first, by=cast.policy_editor, reason="例行核对")
    assert refusal.value.code == "price.nothing_to_correct"
    assert PriceIndexIssue.objects.count() == 1
    for number in (0, 1):
        prices.set_aside_observations(source=uscc(number), reason="report.false", by=None)
    assert prices.compute_index(JULY, by=cast.policy_editor) == first
    second = prices.correct_index(first, by=cast.policy_editor, reason="两家报送不实")
    assert (second.issue_no, second.state, second.as_of) == ("PI-china-2025-07-2", "draft", first.as_of)
    assert second.known_at == dates.now() > first.known_at
    assert second.rows.get(cell=CELL).n_groups == 5
    assert second.rows.get(cell=CELL).base > first.rows.get(cell=CELL).base
    prices.propose_index(second, by=cast.policy_editor, jump_text="剔除不实报送")
    with pytest.raises(Forbidden):
        prices.publish_index(second, by=cast.policy_editor)
    prices.publish_index(second, by=cast.price_publisher, confirmation="已核对")
    first.refresh_from_db()
    assert (first.state, prices.published_issue("china", JULY)) == ("superseded", second)
    assert prices.verify_issue(first) and prices.verify_issue(second)
    assert prices.compute_index(JULY, by=cast.policy_editor) == second  # a corrected month stays so
    with pytest.raises(NotNow):
        prices.correct_index(first, by=cast.policy_editor, reason="已被取代")
    with pytest.raises(Invalid):
        prices.correct_index(second, by=cast.policy_editor, reason=" ")
    with pytest.raises(Forbidden):
        prices.correct_index(second, by=cast.handler, reason="无权")


def test_the_page_of_a_published_issue_offers_its_correction(client, cast, loaded):
    first = publish(cast)
    prices.set_aside_observations(source=uscc(0), reason="report.false", by=None)
    client.force_login(cast.price_publisher)
    address = reverse("admin:vouchers_priceindexissue_change", args=[first.issue_no])
    assert "测算更正" in client.get(address).content.decode()
    done = client.post(f"{address.removesuffix('change/')}act/correct/", {"reason": "报送不实"}, follow=True)
    assert "PI-china-2025-07-2" in done.content.decode()
    second = PriceIndexIssue.objects.get(revision=2)
    assert (
        "测算更正"
        not in client.get(
            reverse("admin:vouchers_priceindexissue_change", args=[second.issue_no])
        ).content.decode()
    )


def test_computed_rows_and_their_input_are_never_changed(cast, loaded):
    prices.compute_index(JULY, by=cast.policy_editor)
    for statement in (
        "UPDATE vouchers_priceindexrow SET base = 99",
        "DELETE FROM vouchers_priceindexrow",
        "UPDATE vouchers_pricesnapshot SET content = '{}'",
        "UPDATE vouchers_pricecheck SET sentence = ''",
    ):
        with pytest.raises(ProgrammingError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)


def test_an_issue_that_does_not_follow_from_its_snapshot_is_not_published(cast, loaded):
    issue = prices.compute_index(JULY, by=cast.policy_editor)
    prices.propose_index(issue, by=cast.policy_editor)
    PriceIndexIssue.objects.filter(pk=issue.pk).update(rows_hash="0" * 64)
    issue.refresh_from_db()
    with pytest.raises(NotNow) as refusal:
        prices.publish_index(issue, by=cast.price_publisher)
    assert refusal.value.code == "price.changed"


def test_on_the_first_of_the_month_drafts_are_computed_and_nothing_is_published(cast, loaded):
    with dates.fixed(JULY):
        assert compute_prices() == ["PI-china-2025-07-1"]
    assert PriceIndexIssue.objects.get().state == "draft"


@pytest.fixture
def in_august():
    with dates.fixed(date(2025, 8, 1)):
        yield


def test_jumps_above_the_limit_need_a_text_and_are_never_clamped(cast, loaded, in_august):
    publish(cast)
    prices.load_observations(market_rows(date(2025, 7, 20), ("22", "23", "23.5", "24", "25", "26", "27")))
    august = prices.compute_index(date(2025, 8, 1), by=cast.policy_editor)
    (jump,) = august.jumps
    assert (jump["cell"], jump["from"], jump["to"]) == (CELL, "19.000000", "24.000000")
    with pytest.raises(Invalid) as refusal:
        prices.propose_index(august, by=cast.policy_editor)
    assert refusal.value.code == "price.jump_text_missing"
    prices.propose_index(
        august, by=cast.policy_editor, jump_text="新一代芯片到货前供应紧张，已电话核实 3 家。"
    )
    assert august.rows.get(cell=CELL).base == Decimal("24.000000")
    with pytest.raises(Invalid) as refusal:
        prices.publish_index(august, by=cast.price_publisher)
    assert (refusal.value.code, refusal.value.field) == ("price.confirmation_missing", "confirmation")
    prices.publish_index(august, by=cast.price_publisher, confirmation="已核对 7 家合同，涨价属实。")
    august.refresh_from_db()
    assert (august.state, august.jump_confirmation) == ("published", "已核对 7 家合同，涨价属实。")


HIGHER = ("40", "41", "42", "43", "44", "45", "46")


def test_a_draft_from_before_the_last_issue_was_published_is_computed_anew(cast, loaded, in_august):
    prices.load_observations(market_rows(date(2025, 7, 20), HIGHER))
    early = prices.compute_index(date(2025, 8, 1), by=cast.policy_editor)
    assert early.jumps == []  # there is nothing before it yet
    publish(cast)
    with pytest.raises(NotNow) as refusal:
        prices.propose_index(early, by=cast.policy_editor)
    assert refusal.value.code == "price.previous_changed"
    again = prices.compute_index(date(2025, 8, 1), by=cast.policy_editor)
    assert (again.revision, [jump["cell"] for jump in again.jumps]) == (2, [CELL])
    with pytest.raises(Invalid) as refusal:
        prices.propose_index(again, by=cast.policy_editor)
    assert refusal.value.code == "price.jump_text_missing"
    assert prices.compute_index(date(2025, 8, 1), by=cast.policy_editor) == again


def test_a_proposal_is_not_published_when_the_month_before_was_corrected_meanwhile(cast, loaded, in_august):
    prices.load_observations(market_rows(date(2025, 7, 20)))
    publish(cast)
    august = prices.compute_index(date(2025, 8, 1), by=cast.policy_editor)
    assert august.jumps == []
    prices.propose_index(august, by=cast.policy_editor)
    prices.load_observations(market_rows(date(2025, 6, 25), HIGHER))
    publish(cast)
    with pytest.raises(NotNow) as refusal:
        prices.publish_index(august, by=cast.price_publisher)
    assert refusal.value.code == "price.previous_changed"
    august.refresh_from_db()
    assert august.state == "proposed"


def test_a_month_that_has_not_begun_is_neither_computed_nor_published(cast):
    prices.load_observations(market_rows(date(2025, 7, 10)))
    with dates.fixed(date(2025, 7, 31)), pytest.raises(NotNow) as refusal:
        prices.compute_index(date(2025, 8, 1), by=cast.policy_editor)
    assert refusal.value.code == "price.month_not_begun"
    with dates.fixed(date(2025, 8, 1)):
        august = prices.compute_index(date(2025, 8, 1), by=cast.policy_editor)
        prices.propose_index(august, by=cast.policy_editor)
    with dates.fixed(date(2025, 7, 31)), pytest.raises(NotNow) as refusal:
        prices.publish_index(august, by=cast.price_publisher)
    assert refusal.value.code == "price.month_not_begun"


def test_a_price_is_carried_forward_when_the_cell_runs_dry(cast, loaded):
    publish(cast)
    prices.load_observations([row(uscc(0), "17", date(2025, 8, 20))])
    with dates.fixed(date(2025, 9, 1)):
        september = prices.compute_index(date(2025, 9, 1), by=cast.policy_editor)
    held = september.rows.get(cell=CELL)
    assert (held.level, held.grade, held.base) == ("L5", "D", Decimal("19.000000"))


def test_affiliated_providers_share_a_vote(cast, loaded):
    parties = [
        Party.objects.create(uscc=uscc(n), name=f"供应方{n}", region_code="110000", is_provider=True)
        for n in (5, 6)
    ]
    Affiliation.objects.create(
        one=parties[0], other=parties[1], ground="common_control", effective_from=date(2025, 1, 1)
    )
    issue = prices.compute_index(JULY, by=cast.policy_editor)
    assert issue.rows.get(cell=CELL).n_groups == 6


def test_what_became_known_later_is_in_no_earlier_issue(cast, loaded):
    before = prices.compute_index(JULY, by=cast.policy_editor)
    held = PriceObservation.objects.get(source_key=uscc(0))
    prices.set_aside_observations(reason="withdrawn", by=None, observation_no=held.observation_no)
    assert prices.compute_index(JULY, by=cast.policy_editor) == before


def test_without_prices_there_is_no_issue(cast):
    with pytest.raises(Invalid) as refusal:
        prices.compute_index(JULY, by=cast.policy_editor)
    assert refusal.value.code == "price.no_observations"
    assert not PriceIndexIssue.objects.exists()
    assert not PriceSnapshot.objects.exists()


def test_strangers_and_case_workers_compute_nothing(cast, loaded):
    for person in (cast.stranger, cast.handler, cast.filer, cast.auditor):
        with pytest.raises(Forbidden):
            prices.compute_index(JULY, by=person)


def test_the_command_publishes_by_two_named_persons(cast, loaded):
    out = StringIO()
    people = {"proposer": "policy-editor", "publisher": "price-publisher"}
    call_command("publish_prices", month="2025-07", stdout=out, **people)
    assert "PI-china-2025-07-1 已发布：1 个单元（B 1）" in out.getvalue()
    call_command("publish_prices", month="2025-07", stdout=out, **people)
    assert PriceIndexIssue.objects.count() == 1
    with pytest.raises(CommandError, match="不是月份"):
        call_command("publish_prices", month="七月")
    with pytest.raises(CommandError, match="没有账号"):
        call_command("publish_prices", month="2025-07", proposer="nobody")
    assert Cell.parse(CELL).accelerator == "H800"
