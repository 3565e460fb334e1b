"""What was known when: an answer for a cell, a day and an instant is never changed by what is added, judged, taken out or
published later. By real rows, through every door by which an answer is given."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.vouchers.prices.feeds import market_rows, row, uscc
from vouchers import dates
from vouchers.access import Role
from vouchers.actions import prices
from vouchers.actions.price_book import PriceBook
from vouchers.actions.price_entries import take_own_observations
from vouchers.actions.price_explorer import explore
from vouchers.actions.price_published import factors_for
from vouchers.actions.price_reading import start_of
from vouchers.actions.price_sources import FirstDays, first_admissions, sources_at, with_admissions
from vouchers.context import Actor, acting
from vouchers.errors import DomainError
from vouchers.models import PriceIndexIssue, PriceObservation, ProviderAdmission, RoleGrant, User
from vouchers.policy import fair_price as fp
from vouchers.policy.fair_price import METHOD_V2, Cell

pytestmark = pytest.mark.django_db
CELL = Cell.parse("china/H800/SXM/specialist/east/1_6m")
JULY = date(2025, 7, 1)


@pytest.fixture(autouse=True)
def market(cast):
    with acting(Actor.service("test"), "test"):
        prices.load_price_tables()
        ProviderAdmission.objects.create(
            provider=cast.provider, program_code="BJ-AIQ", batch="一", tier="specialist", effective_from=date(2025, 6, 25)
        )  # fmt: skip
        yield


@pytest.fixture
def second(cast):
    """Another price publisher."""
    user = User.objects.create(username="price-publisher-2", display_name="京价格二")
    RoleGrant.objects.create(
        user=user, role=Role.PRICE_PUBLISHER, region=cast.beijing, effective_from=date(2020, 1, 1)
    )
    return user


def contract(cast, signed_on, **changes):
    given = {
        "subject_kind": "lease", "subject_no": "L-2025-000001", "lessee_uscc": cast.alpha.uscc,
        "lessor_uscc": cast.provider.uscc, "accelerator": "H800", "form_factor": "SXM", "region_code": "110000",
        "unit": "card_hour", "unit_price": Decimal("31.2"), "signed_on": signed_on, "term_months": 3,
        "program_code": "BJ-AIQ", "tier": "specialist",
    }  # fmt: skip
    return prices.ContractPrice(**{**given, **changes})


def finding(cast, signed_on, known_at=None, grounds=None):
    return prices.price_finding(
        contract(cast, signed_on), above_band="refuse", known_at=known_at, grounds=grounds
    )


def publish(cast, month, on=None):
    with dates.fixed(on or month):
        issue = prices.compute_index(month, by=cast.policy_editor)
        prices.propose_index(issue, by=cast.policy_editor, jump_text="已核实")
        return prices.publish_index(issue, by=cast.price_publisher, confirmation="属实")


def admit(cast, observation, **corrections):
    return prices.admit_observation(
        observation, by=cast.price_publisher, corrections=corrections, note="电话核实"
    )


def waiting():
    return PriceObservation.objects.filter(state="quarantined").order_by("pk")


# -- a judgement has its own instant ----------------------------------------------------------------------------------


def test_a_price_that_waited_was_waiting_then_whatever_became_of_it_since(cast):
    prices.load_observations([*market_rows(date(2025, 6, 20)), row(uscc(40), "19.5", date(2025, 6, 20), unit=""),
                              row(uscc(41), "19.5", date(2025, 6, 20), unit="")])  # fmt: skip
    known_at = start_of(date(2025, 6, 26))
    before = finding(cast, date(2025, 6, 25), known_at)
    assert before.row.exclusions["unit.missing"] == 2
    one, other = waiting()
    admit(cast, one, unit="card_hour")
    prices.dismiss_observation(other, by=cast.price_publisher, reason="chip.unknown", note="查无此型号")
    for grounds in (None, PriceBook()):
        again = finding(cast, date(2025, 6, 25), known_at, grounds)
        assert (again.row.exclusions, again.row.n_groups) == (before.row.exclusions, before.row.n_groups)
    assert finding(cast, date(2025, 6, 25), known_at).row == before.row
    now = finding(cast, date(2025, 6, 25), dates.now()).row
    assert (now.n_groups, now.exclusions) == (8, {"chip.unknown": 1})


def test_a_price_that_was_read_as_another_chip_was_in_the_other_cell_until_then(cast):
    there = row(uscc(40), "19.5", date(2025, 6, 20), accelerator="A100-80GB", carried_from="2025-06-01")
    prices.load_observations([*market_rows(date(2025, 6, 20)), there])
    (one,) = waiting()
    other = CELL._replace(accelerator="A100-80GB")
    known_at = start_of(date(2025, 6, 26))

    def told(cell, at):
        return [
            (fate.outcome, fate.observation.revision)
            for fate in explore(cell, as_of=date(2025, 6, 25), known_at=at, leave_out=False).working.fates
            if fate.observation.source == uscc(40)
        ]

    assert (told(other, known_at), told(CELL, known_at)) == ([("quote.carried", 1)], [])
    admit(cast, one, accelerator="H800", carried_from="2025-06-20")
    assert (told(other, known_at), told(CELL, known_at)) == ([("quote.carried", 1)], [])
    assert (told(other, dates.now()), told(CELL, dates.now())) == ([], [("votes", 2)])
    for cell, at, found in (
        (other, known_at, 1),
        (CELL, known_at, 0),
        (other, dates.now(), 0),
        (CELL, dates.now(), 1),
    ):
        book = PriceBook()
        _none, priced = book.priced(cell, as_of=date(2025, 6, 25), known_at=at, method=METHOD_V2, left_out=())
        seen = priced.exclusions.get("quote.carried", 0) if cell == other else int(priced.n_groups == 8)
        assert seen == found


def test_what_was_taken_out_later_still_counts_before(cast):
    prices.load_observations(market_rows(date(2025, 6, 20)))
    known_at = start_of(date(2025, 6, 26))
    before = finding(cast, date(2025, 6, 25), known_at)
    prices.set_aside_observations(source=uscc(3), reason="report.false", by=None)
    assert finding(cast, date(2025, 6, 25), known_at).row == before.row
    assert finding(cast, date(2025, 6, 25), dates.now()).row.n_groups == 6


def test_what_became_known_later_counts_for_nothing_before_by_whatever_door(cast):
    """Nine dear quotes of the same days, let in afterwards: as of the signing they are not there, though their own days are."""
    prices.load_observations(market_rows(date(2025, 6, 20)))
    known_at = start_of(date(2025, 6, 26))
    cell = CELL._replace(accelerator="H800")
    before = finding(cast, date(2025, 6, 25), known_at)
    explored = explore(cell, as_of=date(2025, 6, 25), known_at=known_at)
    prices.load_observations(
        [row(uscc(50 + n), "30", date(2025, 6, 21)) for n in range(9)], known_at=start_of(date(2025, 7, 1))
    )
    assert finding(cast, date(2025, 6, 25), known_at).row == before.row
    assert finding(cast, date(2025, 6, 25), known_at, PriceBook()).row.base == before.row.base == Decimal(19)
    again = explore(cell, as_of=date(2025, 6, 25), known_at=known_at)
    assert again.working.plain() == explored.working.plain()
    assert finding(cast, date(2025, 6, 25), start_of(date(2025, 7, 2))).row.base == Decimal(30)


# -- how long a source has been on the market ----------------------------------------------------------------------------

OWN = {
    "observed_on": "2025-07-10", "kind": "quote", "region_code": "110000", "accelerator": "H800", "form_factor": "SXM",
    "term_months": "3", "unit": "card_hour", "unit_price": "18.50", "currency": "CNY",
}  # fmt: skip


def since(names, known_at, as_of=date(2025, 7, 15)):
    """As one question to the database tells it, and as what is read once does."""
    asked = sources_at("china", as_of=as_of, known_at=known_at, names=names).since
    read = FirstDays("china").at(names, known_at)
    assert with_admissions(read, first_admissions("china"), names, as_of) == asked
    return asked


def test_what_waits_was_put_away_or_taken_out_tells_no_market_age(cast):
    mine, admission = cast.provider.uscc, date(2025, 6, 25)
    lie = {**OWN, "bookable_since": "2020-01-01", "unit_price": "19.9"}
    (taken,) = take_own_observations(cast.provider, [(1, lie)], feed="a")
    assert (taken.outcome, taken.code) == ("quarantined", "price.quote.unproven")
    assert since([mine], dates.now()) == {mine: admission}
    prices.dismiss_observation(taken.observation, by=cast.price_publisher, reason="withdrawn", note="无凭据")
    assert since([mine], dates.now()) == {mine: admission}

    prices.load_observations([row(uscc(1), "18", date(2025, 3, 1), bookable_since="2025-01-01")])
    assert since([uscc(1)], dates.now()) == {uscc(1): date(2025, 1, 1)}
    prices.set_aside_observations(source=uscc(1), reason="report.false", by=None)
    assert since([uscc(1)], dates.now()) == {}
    assert since([uscc(1)], start_of(date(2025, 7, 1))) == {uscc(1): date(2025, 1, 1)}


def test_a_providers_own_quote_makes_it_no_older_than_its_admission_and_is_corrected_when_it_is_admitted(
    cast,
):
    mine = cast.provider.uscc
    lies = [
        (1, {**OWN, "bookable_since": "2020-01-01"}),
        (2, {**OWN, "bookable_since": "2020-01-01", "unit_price": "18.6"}),
    ]
    first, second_one = [taken.observation for taken in take_own_observations(cast.provider, lies, feed="a")]
    admit(cast, first)
    assert first.bookable_since == date(2020, 1, 1)  # the person believed it
    assert since([mine], dates.now()) == {mine: date(2025, 6, 25)}  # the method does not
    admit(cast, second_one, bookable_since="2025-06-28")
    second_one.refresh_from_db()
    assert second_one.bookable_since == date(2025, 6, 28)
    assert second_one.original["bookable_since"] == "2020-01-01"
    (judged,) = second_one.judgements.all()
    assert judged.changes["bookable_since"] == ["2020-01-01", "2025-06-28"]
    assert since([mine], dates.now()) == {mine: date(2025, 6, 25)}


def test_a_source_is_as_old_as_what_had_been_admitted_by_then(cast):
    prices.load_observations([row(uscc(1), "18", date(2025, 3, 1), unit="")])
    (one,) = waiting()
    with dates.fixed(date(2025, 7, 10)):
        admit(cast, one, unit="card_hour")
    assert since([uscc(1)], start_of(date(2025, 7, 10))) == {}
    assert since([uscc(1)], start_of(date(2025, 7, 11))) == {uscc(1): date(2024, 11, 21)}


# -- a publication has its own instant --------------------------------------------------------------------------------


def test_an_issue_answers_nothing_from_before_it_was_published(cast):
    prices.load_observations(market_rows(date(2025, 5, 20)))
    signed = date(2025, 6, 25)
    before = finding(cast, signed)
    assert before.row.level == "none"  # the quotes of May are stale
    late = publish(cast, date(2025, 6, 1), on=date(2025, 7, 20))
    with dates.fixed(date(2025, 7, 21)):
        assert finding(cast, signed).row == before.row
        assert finding(cast, signed, grounds=PriceBook()).row.level == "none"
        check = prices.check_price(contract(cast, signed), above_band="refuse")
        assert check.index_row is None
        after = finding(cast, signed, known_at=start_of(date(2025, 7, 21)))
        assert (after.row.level, after.row.base) == ("L5", Decimal(19))
        assert finding(cast, signed, start_of(date(2025, 7, 21)), PriceBook()).row.base == Decimal(19)
    assert late.state == "published"


def test_a_correction_leaves_what_was_carried_before_it(cast):
    prices.load_observations(market_rows(date(2025, 5, 20)))
    first = publish(cast, date(2025, 6, 1))
    signed = date(2025, 6, 25)
    before = finding(cast, signed)
    assert (before.row.level, before.row.base) == ("L5", Decimal(19))
    prices.load_observations([row(uscc(50 + n), "12", date(2025, 5, 21)) for n in range(8)])
    again = publish(cast, date(2025, 6, 1), on=date(2025, 7, 10))
    first.refresh_from_db()
    assert (first.state, again.rows.get(cell=CELL.code).base) == ("superseded", Decimal(12))
    for grounds in (None, PriceBook()):
        assert finding(cast, signed, grounds=grounds).row.base == Decimal(19)


# -- a cell that runs dry ---------------------------------------------------------------------------------------------


@pytest.fixture
def dry(cast):
    """June's issue has the cell; from July on another chip alone is quoted."""
    prices.load_observations(market_rows(date(2025, 5, 20)))
    for month in range(6, 13):
        prices.load_observations(
            [one | {"accelerator": "A100-80GB"} for one in market_rows(date(2025, month, 25), ("7", "8", "8.5", "9", "10"))]
        )  # fmt: skip
    months = [*(date(2025, n, 1) for n in range(6, 13)), date(2026, 1, 1)]
    return [publish(cast, month) for month in months]


def test_a_cell_that_ran_dry_is_in_six_more_issues_and_then_gone(cast, dry):
    rows = [issue.rows.filter(cell=CELL.code).first() for issue in dry]
    assert [row and (row.level, row.grade, row.base) for row in rows] == [
        ("L0", "B", Decimal(19)), *[("L5", "D", Decimal(19))] * 6, None,
    ]  # fmt: skip
    assert [dict(row.record["steps"])["L5"] for row in rows[1:-1]] == [1, 2, 3, 4, 5, 6]
    for issue in dry:
        assert prices.verify_issue(issue)
    with dates.fixed(date(2026, 1, 5)):
        december = finding(cast, date(2025, 12, 20))
        assert (december.row.level, december.row.base) == ("L5", Decimal(19))
        assert finding(cast, date(2026, 1, 5)).row.level == "none"


def test_an_issue_that_did_not_yet_price_dry_cells_is_recomputed_as_it_was_published(dry):
    july = dry[1]
    text = july.snapshot.content
    assert f'"dry_cells":["{CELL.code}"]' in text
    before = text.replace(f'"dry_cells":["{CELL.code}"],', "")
    assert [row.cell.accelerator for row in fp.recompute(before)] == ["A100-80GB"]
    now = {row.cell.accelerator: row for row in fp.recompute(text)}
    assert now["A100-80GB"] == fp.recompute(before)[0]
    # an issue without a dry cell has the snapshot that it always had
    assert "dry_cells" not in dry[0].snapshot.content


# -- whatever happens later -----------------------------------------------------------------------------------------------

FIRST = datetime(2025, 5, 2, 10, tzinfo=dates.SHANGHAI)
CHIPS = ("H800", "H100")
SOURCES = range(8)
DEEDS = st.one_of(
    st.tuples(st.just("see"), st.sampled_from(SOURCES), st.integers(15, 24), st.sampled_from(CHIPS), st.integers(0, 25)),
    st.tuples(st.just("wait"), st.sampled_from(SOURCES), st.integers(15, 24), st.sampled_from(CHIPS), st.integers(0, 25)),
    st.tuples(st.just("crowd"), st.integers(15, 22), st.sampled_from(CHIPS)),
    st.tuples(st.just("own"), st.integers(15, 24)),
    st.tuples(st.just("admit"), st.integers(0, 9), st.sampled_from(("", *CHIPS)), st.sampled_from(("", "2025-04-20"))),
    st.tuples(st.just("confirm"), st.integers(0, 9)),
    st.tuples(st.just("decline"), st.integers(0, 9)),
    st.tuples(st.just("dismiss"), st.integers(0, 9)),
    st.tuples(st.just("aside"), st.integers(0, 30)),
    st.tuples(st.just("publish")),
)  # fmt: skip


def did(cast, second, deed, turn) -> None:
    """One deed as of now; what is refused does not happen."""
    verb, *given = deed
    today = dates.today()
    waits = list(waiting())
    if verb in ("see", "wait"):
        source, price, chip, days_ago = given
        unit = "card_hour" if verb == "see" else ""
        one = row(
            uscc(source), f"{price}.{turn:02d}", today - timedelta(days=days_ago), unit=unit, accelerator=chip
        )
        prices.load_observations([one], known_at=dates.now())
    elif verb == "crowd":
        price, chip = given
        rows = [
            row(uscc(n), f"{price + n % 3}.{turn:02d}", today - timedelta(days=n), accelerator=chip)
            for n in SOURCES
        ]
        prices.load_observations(rows, known_at=dates.now())
    elif verb == "own":
        own = {
            **OWN,
            "observed_on": f"{today}",
            "unit_price": f"{given[0]}.{turn:02d}",
            "bookable_since": "2024-01-01",
        }
        take_own_observations(cast.provider, [(1, own)], feed="a")
    elif verb == "admit" and waits:
        which, chip, since_day = given
        corrections = {"unit": "card_hour", "accelerator": chip, "bookable_since": since_day}
        admit(cast, waits[which % len(waits)], **corrections)
    elif verb in ("confirm", "decline") and waits:
        proposed = [one for one in waits if one.proposal is not None]
        if proposed and verb == "confirm":
            prices.confirm_admission(proposed[given[0] % len(proposed)], by=second)
        elif proposed:
            prices.decline_admission(proposed[given[0] % len(proposed)], by=second, note="没有书面材料")
    elif verb == "dismiss" and waits:
        prices.dismiss_observation(
            waits[given[0] % len(waits)], by=cast.price_publisher, reason="withdrawn", note="查无"
        )
    elif verb == "aside":
        every = list(PriceObservation.objects.order_by("pk").values_list("observation_no", flat=True))
        if every:
            prices.set_aside_observations(
                reason="withdrawn",
                by=cast.price_publisher,
                observation_no=every[given[0] % len(every)],
                note="与来源核对",
            )
    elif verb == "publish":
        publish(cast, today.replace(day=1), on=dates.now())


def answers(cast, client, chip, as_of, known_at):
    """What every door says of the cell as of the day, with what was known at the instant."""
    cell = CELL._replace(accelerator=chip)
    checked = prices.price_finding(
        replace(contract(cast, as_of), accelerator=chip), above_band="refuse", known_at=known_at
    )
    book = prices.price_finding(
        replace(contract(cast, as_of), accelerator=chip), above_band="refuse", known_at=known_at, grounds=PriceBook()
    )  # fmt: skip
    explored = explore(cell, as_of=as_of, known_at=known_at)
    asked = {"cell": cell.code, "as_of": as_of.isoformat(), "known_at": known_at.isoformat()}
    published = client.get("/api/v1/prices/as-of", asked)
    computed = client.get("/api/v1/prices/as-of", {**asked, "basis": "computed"})
    assert computed.status_code == 200
    assert (book.row.base, book.row.level, book.row.exclusions, book.row.steps, book.sentence) == (
        checked.row.base, checked.row.level, checked.row.exclusions, checked.row.steps, checked.sentence
    )  # fmt: skip
    return (
        checked.row.record(),
        checked.sentence,
        checked.consequence,
        explored.working.plain(),
        explored.snapshot_sha256,
        (published.status_code, published.json() if published.status_code == 200 else ""),
        computed.json(),
        sources_at("china", as_of=as_of, known_at=known_at, names=[uscc(n) for n in SOURCES]).plain(),
    )


def issues():
    return {
        issue.issue_no: (issue.rows_hash, issue.snapshot.sha256, [row.record for row in issue.rows.order_by("cell")])
        for issue in PriceIndexIssue.objects.exclude(published_at=None).select_related("snapshot")
    }  # fmt: skip


@settings(max_examples=6, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(
    deeds=st.lists(st.tuples(st.integers(1, 20), DEEDS), min_size=8, max_size=16),
    asked=st.lists(st.tuples(st.integers(0, 15), st.integers(0, 40), st.sampled_from(CHIPS)), min_size=3, max_size=5),
)  # fmt: skip
def test_no_answer_is_changed_by_anything_later(client, cast, second, deeds, asked):
    client.force_login(cast.price_publisher)
    told = []
    with transaction.atomic():
        moment, known_issues = FIRST, {}
        with dates.fixed(FIRST):
            did(cast, second, ("crowd", 18, "H800"), 0)
            did(cast, second, ("crowd", 16, "H100"), 0)
        for turn, (days, deed) in enumerate(deeds, start=1):
            moment += timedelta(days=days, minutes=turn)
            with dates.fixed(moment):
                try:
                    with transaction.atomic():
                        did(cast, second, deed, turn)
                except DomainError as refusal:
                    assert refusal.code.startswith(("price.", "access."))
                for at, days_ago, chip in asked:
                    if at == turn % len(deeds) or turn == len(deeds):
                        question = chip, moment.date() - timedelta(days=days_ago), moment
                        told.append((question, answers(cast, client, *question)))
                known_issues |= {
                    number: held for number, held in issues().items() if number not in known_issues
                }
        with dates.fixed(moment + timedelta(days=1)):
            did(cast, second, ("crowd", 30, "H800"), 60)
            for month in range(6, moment.month + 1 if moment.year == 2025 else 13):  # months published late
                try:
                    with transaction.atomic():
                        publish(cast, date(2025, month, 1), on=dates.now())
                except DomainError as refusal:  # out already, or nothing to publish
                    assert refusal.code.startswith("price")
            for one in waiting()[:2]:
                prices.dismiss_observation(one, by=cast.price_publisher, reason="withdrawn", note="查无")
            for question, answer in told:
                assert answers(cast, client, *question) == answer
            assert issues().items() >= known_issues.items()
            for issue in PriceIndexIssue.objects.exclude(published_at=None):
                assert prices.verify_issue(issue)
        transaction.set_rollback(True)


def admitted(cast, tier, effective_from, recorded, batch):
    return ProviderAdmission.objects.create(
        provider=cast.provider, program_code="BJ-AIQ", batch=batch, tier=tier, effective_from=effective_from,
        recorded_at=start_of(recorded),
    )  # fmt: skip


def test_an_admission_recorded_after_the_signing_is_no_other_tier_for_it(cast):
    """With effect from whenever: the earliest would win, and another cell be asked."""
    ProviderAdmission.objects.all().delete()
    admitted(cast, "specialist", date(2025, 1, 1), date(2025, 1, 5), "一")
    signed_on = date(2025, 6, 25)
    admitted(cast, "cloud", date(2019, 1, 1), date(2025, 6, 26), "补")
    assert prices.registered_tier(cast.provider.uscc, signed_on, "BJ-AIQ") == "specialist"
    assert PriceBook().tier(cast.provider.uscc, signed_on, "BJ-AIQ") == "specialist"
    after = signed_on + timedelta(days=1)  # signed when it stood in the register
    assert prices.registered_tier(cast.provider.uscc, after, "BJ-AIQ") == "cloud"


def test_of_a_provider_admitted_after_the_signing_what_was_recorded_first_counts(cast):
    ProviderAdmission.objects.all().delete()
    uscc_of, signed_on = cast.provider.uscc, date(2025, 3, 1)
    assert prices.registered_tier(uscc_of, signed_on) == ""
    admitted(cast, "specialist", date(2025, 4, 1), date(2025, 4, 2), "一")
    admitted(cast, "cloud", date(2019, 1, 1), date(2025, 5, 1), "补")
    assert prices.registered_tier(uscc_of, signed_on) == "specialist"
    assert PriceBook().tier(uscc_of, signed_on, "") == "specialist"


def test_factors_of_an_issue_older_than_any_price_is_carried_price_nothing(cast):
    """One cell with enough votes lends to its neighbour by the issue's factors, for six months."""
    prices.load_observations(market_rows(date(2025, 6, 20)))
    with dates.fixed(date(2025, 7, 2)):
        issue = prices.compute_index(JULY, by=cast.policy_editor)
        prices.propose_index(issue, by=cast.policy_editor)
        prices.publish_index(issue, by=cast.price_publisher)
    for day, known in ((date(2026, 1, 31), True), (date(2026, 2, 1), False)):
        held = factors_for(issue, day, METHOD_V2)
        assert (held is not None) is known
        assert (PriceBook()._factors_of(issue, day, METHOD_V2) is not None) is known
