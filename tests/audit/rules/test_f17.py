"""F17 一机多租."""

from __future__ import annotations

from datetime import date

from tests.audit.rules.rows import OTHER, THIRD, claim, flagged, lease, let, run

MARCH, MAY = date(2025, 3, 1), date(2025, 5, 31)


def two(**more) -> list[dict]:
    return [lease(1), lease(2, lessee=OTHER, **more)]


def claims() -> list[dict]:
    return [claim(1), claim(2, lease=2)]


def test_both_leases_and_their_claims_are_flagged():
    times = [let(1, 1, "A", MARCH, MAY), let(2, 2, "A", date(2025, 5, 1), date(2025, 6, 30))]
    found = run("F17", leases=two(), lease_devices=times, claims=claims())
    assert flagged(found) == [1, 2]
    assert {hit.value for hit in found.hits} == {"31 天"}
    assert all(len(hit.evidence) == 2 for hit in found.hits)


def test_a_handover_day_is_honest_and_two_days_are_not():
    def handed_over(on: date) -> list[dict]:
        return [let(1, 1, "A", MARCH, date(2025, 4, 10)), let(2, 2, "A", on, MAY)]

    assert not run("F17", leases=two(), lease_devices=handed_over(date(2025, 4, 10))).hits
    assert run("F17", leases=two(), lease_devices=handed_over(date(2025, 4, 9))).hits
    assert not run("F17", {"hours": 48}, leases=two(), lease_devices=handed_over(date(2025, 4, 9))).hits


def test_leases_that_contain_others_are_found_by_the_running_maximum():
    times = [
        let(1, 1, "A", MARCH, MAY),
        let(2, 2, "A", date(2025, 3, 5), date(2025, 3, 6)),
        let(3, 3, "A", date(2025, 5, 1), date(2025, 5, 10)),
    ]
    leases = [*two(), lease(3, lessee=THIRD)]
    found = run("F17", leases=leases, lease_devices=times, claims=[])
    assert {hit.lease for hit in found.hits} == {1, 2, 3}


def test_slices_within_one_are_honest_and_beyond_one_are_soft():
    def sliced(second: str) -> list[dict]:
        return [let(1, 1, "A", MARCH, MAY, "0.75"), let(2, 2, "A", MARCH, MAY, second)]

    shared = [lease(1, exclusive=False), lease(2, lessee=OTHER, exclusive=False)]
    assert not run("F17", leases=shared, lease_devices=sliced("0.25")).hits
    found = run("F17", leases=shared, lease_devices=sliced("0.250001"), claims=claims())
    assert (flagged(found), flagged(found, "soft")) == ([], [1, 2])
    assert {hit.points for hit in found.hits} == {6}


def test_three_slices_are_added_up_over_the_time_they_share():
    shared = [lease(n, lessee=who, exclusive=False) for n, who in ((1, 1), (2, OTHER), (3, THIRD))]
    at_once = [let(n, n, "A", MARCH, MAY, "0.4") for n in (1, 2, 3)]
    assert len(run("F17", leases=shared, lease_devices=at_once, claims=[]).hits) == 3
    one_after_another = [
        *at_once[:1],
        let(2, 2, "A", MARCH, date(2025, 4, 1), "0.4"),
        let(3, 3, "A", date(2025, 4, 2), MAY, "0.4"),
    ]
    assert not run("F17", leases=shared, lease_devices=one_after_another, claims=[]).hits


def test_a_renewal_by_the_same_lessee_is_honest():
    times = [let(1, 1, "A", MARCH, MAY), let(2, 2, "A", date(2025, 5, 1), date(2025, 6, 30))]
    assert not run("F17", leases=[lease(1), lease(2)], lease_devices=times).hits


def test_a_replaced_card_ends_when_its_successor_begins():
    swap = date(2025, 4, 1)
    times = [
        let(1, 1, "A", MARCH, MAY),
        let(2, 1, "B", swap, MAY),
        let(3, 2, "A", date(2025, 4, 1), date(2025, 6, 30)),
    ]
    replaced = [{"id": 1, "serial": "A"}, {"id": 2, "serial": "B", "replaces": "A"}]
    assert not run("F17", leases=two(), lease_devices=times, devices=replaced).hits
    assert run("F17", leases=two(), lease_devices=times, devices=[]).hits


def test_drafts_and_voided_leases_do_not_count():
    times = [let(1, 1, "A", MARCH, MAY), let(2, 2, "A", MARCH, MAY)]
    assert not run("F17", leases=two(live=False), lease_devices=times).hits


def test_a_lease_without_devices_is_not_testable():
    found = run("F17", lease_devices=[])
    assert (found.untestable_leases, found.untestable_claims) == ({1}, {1})
