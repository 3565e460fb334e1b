"""A version of another year takes the cases of this one, with its dates where the cases are."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from vouchers.policy.documents import read_scheme, shipped_files
from vouchers.policy.rules import Scheme
from vouchers.policy.transposed import transpose

FROM, TO = date(2025, 1, 1), date(2026, 1, 1)


def scheme(name: str = "BJ-AIQ") -> Scheme:
    path = next(path for path in shipped_files() if path.stem == name)
    return read_scheme(path.read_text(encoding="utf-8"))


def dated(
    effective_from: date | None, effective_to: date | None, counted_from: date, counted_to: date
) -> Scheme:
    base = scheme()
    track = replace(base.tracks[0], counted_from=counted_from, counted_to=counted_to)
    return replace(base, effective_from=effective_from, effective_to=effective_to, tracks=(track,))


def test_a_draft_for_next_year_moves_back_to_where_the_cases_are():
    draft = dated(date(2026, 3, 1), None, date(2026, 3, 1), date(2027, 3, 1))
    moved = transpose(draft, FROM, TO)
    assert moved.years == -1
    (track,) = moved.scheme.tracks
    assert (track.counted_from, track.counted_to) == (date(2025, 3, 1), date(2026, 3, 1))


def test_a_version_that_has_ended_moves_forward():
    ended = dated(date(2023, 1, 1), date(2024, 1, 1), date(2023, 1, 1), date(2024, 1, 1))
    moved = transpose(ended, FROM, TO)
    assert moved.years == 2
    assert moved.scheme.tracks[0].counted_from == date(2025, 1, 1)


def test_a_version_that_holds_for_a_part_of_the_period_keeps_its_dates():
    current = dated(date(2024, 6, 1), date(2025, 6, 1), date(2024, 1, 1), date(2025, 1, 1))
    moved = transpose(current, FROM, TO)
    assert moved.years == 0
    assert moved.scheme.tracks == current.tracks


def test_its_validity_is_open_and_windows_are_taken_as_kept():
    shenzhen = scheme("SZ-XLQ")
    moved = transpose(shenzhen, FROM, TO).scheme
    assert (moved.effective_from, moved.effective_to, moved.windows) == (None, None, ())
    assert [gate.code for gate in moved.gates] == [gate.code for gate in shenzhen.gates]


def test_the_29th_of_february_becomes_the_28th():
    draft = dated(date(2028, 1, 1), None, date(2028, 2, 29), date(2029, 1, 1))
    assert transpose(draft, FROM, TO).scheme.tracks[0].counted_from == date(2025, 2, 28)


def test_a_last_day_of_the_voucher_within_the_period_gives_way_to_the_years_end():
    base = scheme()
    early = replace(base, voucher=replace(base.voucher, valid_to=date(2025, 6, 30)))
    assert transpose(early, FROM, TO).scheme.voucher.valid_to is None
    late = replace(base, voucher=replace(base.voucher, valid_to=date(2026, 6, 30)))
    assert transpose(late, FROM, TO).scheme.voucher.valid_to == date(2026, 6, 30)
