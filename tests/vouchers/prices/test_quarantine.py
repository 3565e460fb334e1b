"""The quarantine is worked off by people: admitted after a correction, by two where it moves the cell, or put away; the original stays."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from django.urls import reverse

from tests.vouchers.prices.feeds import market_rows, row, uscc
from vouchers import dates
from vouchers.access import Role
from vouchers.actions import prices
from vouchers.actions.price_grounds import PriceGrounds
from vouchers.context import Actor, acting
from vouchers.errors import Forbidden, Invalid, NotNow
from vouchers.models import PriceObservation, RoleGrant, User
from vouchers.policy import fair_price as fp

pytestmark = pytest.mark.django_db
ON = date(2025, 7, 1)
AUGUST = date(2025, 8, 1)


@pytest.fixture
def second(cast):
    """Another price publisher."""
    user = User.objects.create(username="price-publisher-2", display_name="京价格二")
    RoleGrant.objects.create(
        user=user, role=Role.PRICE_PUBLISHER, region=cast.beijing, effective_from=date(2020, 1, 1)
    )
    return user


def load(*rows):
    with acting(Actor.service("test"), "test"):
        prices.load_price_tables()
        prices.load_observations(list(rows))


def held():
    return PriceObservation.objects.get(source_key=uscc(99))


def five(*figures):
    return market_rows(ON, figures)


def test_a_correction_that_moves_its_cell_beyond_the_limit_waits_for_a_second_person(cast, second):
    # lower median of five is 12; with a sixth below it, 10: by more than 15 %
    load(*five("9", "10", "12", "18", "19"), row(uscc(99), "10", ON, unit=""))
    one = held()
    with acting(cast.price_publisher, "test"):
        prices.admit_observation(
            one, by=cast.price_publisher, corrections={"unit": "card_hour"}, note="电话核实"
        )
        assert (one.state, one.proposed_by) == ("quarantined", cast.price_publisher)
        assert (one.proposal["before"], one.proposal["after"]) == ("12.000000", "10.000000")
        with pytest.raises(NotNow):
            prices.admit_observation(one, by=cast.price_publisher, corrections={}, note="再来")
        with pytest.raises(Forbidden) as same:
            prices.confirm_admission(one, by=cast.price_publisher)
        assert same.value.code == "access.same_person"
    with acting(second, "test"):
        prices.confirm_admission(one, by=second)
    one = held()
    assert (one.state, one.normalised_price, one.proposal) == ("admitted", Decimal(10), None)
    (judgement,) = one.judgements.all()
    assert (judgement.proposed_by, judgement.judged_by) == (cast.price_publisher, second)
    assert judgement.changes["unit"] == ["", "card_hour"]
    assert "unit" not in one.original


def test_a_correction_within_the_limit_needs_one_person(cast):
    load(*market_rows(ON), row(uscc(99), "19", ON, unit=""))
    one = held()
    with acting(cast.price_publisher, "test"):
        prices.admit_observation(
            one, by=cast.price_publisher, corrections={"unit": "card_hour"}, note="电话核实"
        )
    assert (held().state, held().revision) == ("admitted", 2)


def test_a_proposal_may_be_declined_and_the_price_waits_on(cast, second):
    load(*five("9", "10", "12", "18", "19"), row(uscc(99), "10", ON, unit=""))
    one = held()
    with acting(cast.price_publisher, "test"):
        prices.admit_observation(
            one, by=cast.price_publisher, corrections={"unit": "card_hour"}, note="电话核实"
        )
        prices.decline_admission(one, by=second, note="没有书面材料")
    assert (held().state, held().proposal) == ("quarantined", None)


def test_a_price_is_put_away_for_good_with_a_reason(cast):
    load(*market_rows(ON), row(uscc(99), "152", ON))
    one = held()
    with acting(cast.price_publisher, "test"):
        for wrong in ({"reason": "because", "note": "x"}, {"reason": "withdrawn", "note": " "}):
            with pytest.raises(Invalid):
                prices.dismiss_observation(one, by=cast.price_publisher, **wrong)
        with pytest.raises(Forbidden):
            prices.dismiss_observation(one, by=cast.handler, reason="withdrawn", note="x")
        prices.dismiss_observation(
            one, by=cast.price_publisher, reason="unit.instance_total", note="八卡整机价"
        )
        with pytest.raises(NotNow):
            prices.admit_observation(one, by=cast.price_publisher, corrections={}, note="再来")
    assert (held().state, held().reason, held().original["unit_price"]) == (
        "set_aside",
        "unit.instance_total",
        "152",
    )


@pytest.mark.parametrize(
    "changes",
    [
        {"unit": ""},
        {"unit_price": "152"},
        {"unit_price": "1"},
        {"carried_from": "2025-05-01"},
        {"cards": "8"},
    ],
    ids=["unit unknown", "instance total", "placeholder", "carried forward", "ambiguous"],
)
def test_what_waits_is_never_averaged_in(cast, changes):
    load(*market_rows(ON))
    with acting(Actor.service("test"), "test"):
        with dates.fixed(AUGUST):
            before = prices.compute_index(AUGUST, by=None).rows.get()
        load(*(row(uscc(90 + n), "19", ON, **changes) for n in range(3)))
        with dates.fixed(AUGUST):
            after = prices.compute_index(AUGUST, by=None).rows.get()
    assert PriceObservation.objects.filter(state="quarantined").count() == 3
    assert (before.base, before.lower, before.upper, before.n_groups) == (
        after.base,
        after.lower,
        after.upper,
        after.n_groups,
    )


def test_many_are_settled_at_once_and_those_that_cannot_be_stay(client, cast):
    load(
        *market_rows(ON),
        *(row(uscc(80 + n), "19", ON, unit="") for n in range(3)),
        row(uscc(99), "19", ON, unit="", accelerator="H9000"),
    )
    client.force_login(cast.price_publisher)
    page = reverse("admin:vouchers_priceobservation_changelist")
    chosen = list(PriceObservation.objects.values_list("pk", flat=True))
    asked = client.post(page, {"action": "admit_chosen", "_selected_action": chosen})
    assert "7 条不在待核对之列" in asked.content.decode()
    answer = client.post(
        page,
        {
            "action": "admit_chosen",
            "_selected_action": chosen,
            "sure": "1",
            "unit": "card_hour",
            "note": "来函补充单位",
        },
        follow=True,
    )
    said = answer.content.decode()
    assert "3 条已办理" in said
    assert held().observation_no in said
    assert PriceObservation.objects.filter(state="quarantined").count() == 1
    client.post(
        page,
        {
            "action": "dismiss_chosen",
            "_selected_action": chosen,
            "sure": "1",
            "reason": "chip.unknown",
            "note": "查无此型号",
        },
    )
    assert held().state == "set_aside"


def test_nobody_but_the_price_office_settles_many(client, cast):
    load(*market_rows(ON), row(uscc(99), "19", ON, unit=""))
    client.force_login(cast.handler)
    client.post(
        reverse("admin:vouchers_priceobservation_changelist"),
        {
            "action": "admit_chosen",
            "_selected_action": [held().pk],
            "sure": "1",
            "unit": "card_hour",
            "note": "x",
        },
    )
    assert held().state == "quarantined"


def test_an_expert_enters_an_opinion_of_his_own_and_bad_figures_are_refused(client, cast):
    load(*market_rows(ON))
    client.force_login(cast.expert)
    given = {
        "kind": "expert",
        "source": "别人",
        "observed_on": "2025-07-10",
        "region_code": "110000",
        "tier": "specialist",
        "accelerator": "H800",
        "form_factor": "SXM",
        "term_months": "3",
        "unit": "card_hour",
        "unit_price": "18",
        "currency": "CNY",
        "reference": "意见书〔2025〕3号",
        "employer": "华北计算研究院",
    }
    address = reverse("admin:vouchers_priceobservation_add")
    for changes, code in (
        ({"unit_price": "0"}, "price.price.not_positive"),
        ({"unit_price": "NaN"}, "price.price.invalid"),
        ({"unit_price": "1e12"}, "price.price.implausible"),
        ({"observed_on": "2025-07-16"}, "price.date.future"),
        ({"employer": ""}, "price.employer_missing"),
    ):
        refused = client.post(address, {**given, **changes})
        assert (refused.status_code, code in refused.content.decode()) == (422, True)
    assert client.post(address, given).status_code == 302
    one = PriceObservation.objects.get(kind="expert")
    assert (one.source, one.source_key) == ("专家 京专家（expert）", "华北计算研究院")
    assert (one.state, one.reason) == ("quarantined", "expert.unconfirmed")
    client.force_login(cast.handler)
    assert client.get(address).status_code == 403


def opinion(by, name, employer, price):
    """A statement on a signed paper, typed by a person of the office."""
    with acting(by, "test"):
        return prices.record_observation(
            {
                "kind": "expert",
                "source": name,
                "employer": employer,
                "observed_on": "2025-07-10",
                "region_code": "110000",
                "tier": "cloud",
                "accelerator": "H800",
                "form_factor": "SXM",
                "term_months": "3",
                "unit": "card_hour",
                "unit_price": price,
                "currency": "CNY",
                "reference": f"意见书 {name}",
            },
            by=by,
        )


def test_whoever_types_an_experts_statement_lets_another_person_see_the_paper(cast, second):
    load(*market_rows(ON))
    one = opinion(cast.price_publisher, "张三", "甲院", "18")
    assert (one.state, one.reason) == ("quarantined", "expert.unconfirmed")
    with acting(cast.price_publisher, "test"), pytest.raises(Forbidden) as same:
        prices.admit_observation(one, by=cast.price_publisher, corrections={}, note="意见书在案")
    assert same.value.code == "access.same_person"
    with acting(second, "test"):
        prices.admit_observation(one, by=second, corrections={}, note="与意见书原件核对一致")
    assert (one.state, one.reason) == ("admitted", "")


def test_three_experts_of_one_employer_are_one_voice(cast, second):
    """No price of the tier but three opinions: of one institute they make no price, of three they do."""
    load(*market_rows(ON))
    rounds = (
        ((("张三", "甲院", "20"), ("李四", "甲院", "20"), ("王五", "甲院", "20")), (None, 0)),
        ((("赵六", "乙院", "18"), ("孙七", "丙院", "25")), (Decimal(20), 3)),
    )
    for statements, expected in rounds:
        for statement in statements:
            one = opinion(cast.price_publisher, *statement)
            with acting(second, "test"):
                prices.admit_observation(one, by=second, corrections={}, note="与意见书核对一致")
        cell = fp.Cell("china", "H800", "SXM", "cloud", one.region_group, one.term_bucket)
        grounds = PriceGrounds("china")
        method = replace(grounds.method(dates.today())[1], ladder=())
        _market, row = grounds.priced(
            cell, as_of=dates.today(), known_at=dates.now(), method=method, left_out=()
        )
        assert (row.base, row.n_groups) == expected


def test_many_small_steps_by_one_person_are_one_large_one(cast, second):
    """Each admission alone moves the median by less than the limit, the four together by more: the last of them waits."""
    load(
        *five("10", "11", "12", "13", "14"),
        row(uscc(97), "14.5", ON, unit=""),
        row(uscc(98), "14.5", ON, unit=""),
        row(uscc(99), "14.5", ON, unit=""),
        row(uscc(96), "14.5", ON, unit=""),
    )
    waiting = list(PriceObservation.objects.filter(state="quarantined").order_by("pk"))
    assert len(waiting) == 4
    with acting(cast.price_publisher, "test"):
        done = prices.admit_many(
            waiting, by=cast.price_publisher, corrections={"unit": "card_hour"}, note="电话核实"
        )
    assert all(one.refusal is None for one in done)
    states = [one.observation.state for one in done]
    assert states == ["admitted", "admitted", "admitted", "quarantined"]
    proposed = done[-1].observation
    assert (proposed.proposal["before"], proposed.proposal["after"]) == ("12.000000", "14.000000")
    assert proposed.proposal["alone"] == 3
    with acting(second, "test"):
        prices.confirm_admission(proposed, by=second)
    assert proposed.state == "admitted"


@pytest.mark.parametrize(
    ("kept", "changes", "reason"),
    [
        ("admitted", {"vcpus_per_card": "8", "memory_gb_per_card": "256"}, ""),
        ("quarantined", {"vcpus_per_card": "4"}, "bundle.unusual"),
        ("quarantined", {"vcpus_per_card": "64"}, "bundle.unusual"),
        ("quarantined", {"memory_gb_per_card": "257"}, "bundle.unusual"),
    ],
)
def test_a_card_with_far_more_or_less_of_a_host_is_left_out_and_never_adjusted(kept, changes, reason):
    load(row(uscc(99), "18", ON, **changes))
    one = held()
    assert (one.state, one.reason) == (kept, reason)
