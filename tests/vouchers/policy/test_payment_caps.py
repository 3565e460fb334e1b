"""限额在拨付时计入: it takes nothing from what is granted, and says how much of it may be paid in a period."""

from __future__ import annotations

import dataclasses
from datetime import date
from decimal import Decimal

import pytest

from tests.vouchers.policy.tiny import CITE, application, cap, claim, contract, party, scheme, track
from vouchers.policy import assess, cap_keys, checks, parse, render
from vouchers.policy import facts as f
from vouchers.policy import rules as r
from vouchers.policy import terms as t
from vouchers.policy.documents import shipped_files, shipped_scheme
from vouchers.policy.engines import ENGINES
from vouchers.policy.payment_caps import PaymentTerm, payment_sentences, payment_terms, too_large
from vouchers.policy.plain import from_plain, to_plain
from vouchers.policy.prose import describe

D = Decimal
YEAR = t.CapPeriod.CALENDAR_YEAR


def paid(amount: str = "100", subject: t.CapSubject = t.CapSubject.ENTERPRISE, **how: object) -> r.Cap:
    values = {"code": "paid", "name": "年度拨付限额", "period": YEAR, "counts_at": t.CountsAt.PAYMENT}
    return cap(amount, subject, **(values | how))


def terms(one: r.Cap, facts: f.Facts | None = None, **more: object) -> tuple[PaymentTerm, ...]:
    return payment_terms(scheme(caps=(one,), **more), facts or claim("1000", on=date(2025, 12, 30)))


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("facts", [application(contract()), claim("1000")], ids=["application", "claim"])
def test_no_engine_takes_anything_from_a_case_for_it(facts: f.Facts, engine: str):
    without, with_it = scheme(), scheme(caps=(paid("1"),))
    assert cap_keys(with_it, facts) == []
    told, same = (assess(one, facts, engine_version=engine) for one in (with_it, without))
    assert dataclasses.replace(told, scheme_sha256="") == dataclasses.replace(same, scheme_sha256="")


@pytest.mark.parametrize(
    ("year_by", "period", "limit_day", "expected"),
    [
        (t.YearBy.EVENT, YEAR, date(2026, 1, 2), "2026"),
        (t.YearBy.EVENT, YEAR, date(2025, 12, 31), "2025"),
        (t.YearBy.FILING, YEAR, date(2026, 1, 2), "2025"),
        (t.YearBy.EVENT, t.CapPeriod.PROGRAMME_YEAR, date(2026, 3, 31), "2025-04-01"),
        (t.YearBy.EVENT, t.CapPeriod.PROGRAMME_YEAR, date(2026, 4, 1), "2026-04-01"),
        (t.YearBy.EVENT, t.CapPeriod.TOTAL, date(2026, 4, 1), "total"),
    ],
)
def test_the_year_is_that_of_the_payment_or_of_the_filing_as_the_text_says(
    year_by: t.YearBy, period: t.CapPeriod, limit_day: date, expected: str
):
    (term,) = terms(paid(period=period, year_by=year_by, year_starts="04-01"))
    assert term.key(limit_day).period == expected
    assert term.key(limit_day).key.split(":")[1:3] == ["paid", "payment"]


def test_what_does_not_fit_may_be_paid_from_the_next_period_on_where_there_is_one():
    (by_payment,), (by_filing,) = terms(paid()), terms(paid(year_by=t.YearBy.FILING))
    assert by_payment.again_on(date(2025, 12, 30)) == date(2026, 1, 1)
    assert by_filing.again_on(date(2025, 12, 30)) is None


@pytest.mark.parametrize(
    ("subject", "facts", "counted"),
    [
        (t.CapSubject.ENTERPRISE, claim("1"), party().uscc),
        (t.CapSubject.GROUP, claim("1"), party().uscc),
        (t.CapSubject.POOL, claim("1"), "*"),
        (t.CapSubject.PROJECT, claim("1", project_no="XM-1"), "XM-1"),
    ],
)
def test_it_counts_by_its_subject(subject: t.CapSubject, facts: f.Facts, counted: str):
    (term,) = terms(paid(subject=subject), facts)
    assert term.subject == counted


def test_it_binds_only_its_classes_and_tracks_and_not_when_it_is_off():
    young = r.ApplicantClass(cite=CITE, code="young", name="初创企业")
    of_the_class = claim("1", applicant=party(classes=("young",)))
    assert terms(paid(waived_for=("young",)), of_the_class, classes=(young,)) == ()
    assert len(terms(paid(waived_for=("young",)), claim("1"), classes=(young,))) == 1
    assert terms(paid(tracks=("b",)), tracks=(track("a"), track("b"))) == ()
    assert terms(paid(switched_on=False)) == ()
    assert terms(paid(counts_at=t.CountsAt.BOTH)) == ()


def test_the_terms_that_a_payable_keeps_come_back_the_same():
    (term,) = terms(paid(waived_for=()))
    assert from_plain(PaymentTerm, to_plain(term)) == term


def test_a_claim_larger_than_the_cap_could_be_paid_in_no_period():
    found = terms(paid("100"))
    assert too_large(found, D("100.00")) is None
    assert too_large(found, D("100.01")) == found[0]


@pytest.mark.parametrize(
    ("one", "path"),
    [
        (paid(subject=t.CapSubject.USE, period=t.CapPeriod.NONE), "caps.paid.counts_at"),
        (paid(subject=t.CapSubject.CONTRACT), "caps.paid.counts_at"),
        (paid(subject=t.CapSubject.BATCH), "caps.paid.counts_at"),
        (paid(year_by=t.YearBy.FILING, period=t.CapPeriod.ROLLING_YEAR), "caps.paid.year_by"),
        (paid(year_by=t.YearBy.FILING, counts_at=t.CountsAt.CLAIM), "caps.paid.year_by"),
    ],
)
def test_what_a_payment_cannot_be_counted_by_is_refused_beside_the_field(one: r.Cap, path: str):
    assert path in [problem.path for problem in checks.check(scheme(caps=(one,)))]
    assert checks.check(scheme(caps=(paid(),))) == []


def test_of_tracks_that_are_added_a_payment_knows_no_part():
    two = (track("a"), track("b"))
    chosen = scheme(tracks=two, caps=(paid(tracks=("a",)),))
    added = dataclasses.replace(chosen, track_choice=t.TrackChoice.SUM)
    assert "caps.paid.tracks" not in [one.path for one in checks.check(chosen)]
    assert "caps.paid.tracks" in [one.path for one in checks.check(added)]


def test_the_prose_says_when_it_counts_and_by_which_day():
    def told(one: r.Cap) -> str:
        return "".join(
            line.text
            for part in describe(scheme(caps=(one,)))
            for line in part.sentences
            if "拨付限额" in line.text
        )

    assert "拨付时计入；按报送银行之日计年度，超过的部分留待下一年度拨付" in told(paid())
    assert "按申请兑付之日计年度" in told(paid(year_by=t.YearBy.FILING))
    assert "超过的部分暂不拨付" in told(paid(period=t.CapPeriod.TOTAL))


def test_it_is_written_to_a_file_and_read_back_and_versions_without_it_keep_their_bytes():
    with_it = scheme(caps=(paid(year_by=t.YearBy.FILING),))
    assert parse(render(with_it)) == with_it
    for path in shipped_files():
        assert "year_by" not in str(render(shipped_scheme(path.stem)))


def test_a_tried_claim_is_told_what_will_hold_its_payment():
    said = payment_sentences(scheme(caps=(paid("100"),)), claim("1"), D(50))
    assert said == [
        "“年度拨付限额”：自然年度100.00 元，按报送银行之日计年度；放不下的整笔留待额度恢复时拨付。"
    ]
    (never,) = payment_sentences(scheme(caps=(paid("100"),)), claim("1"), D(101))
    assert "无法拨付" in never
    assert payment_sentences(scheme(caps=(paid("100"),)), application(contract()), D(50)) == []
