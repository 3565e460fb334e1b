"""A group's cap holds over the sum of what its members have used, whoever they are at the time, however many ask at once."""

from __future__ import annotations

import dataclasses
import json
import uuid
from datetime import date
from decimal import Decimal

from tests.cast import build
from tests.vouchers.policy.tiny import application, cap, contract, party, scheme
from tests.vouchers.storm import storm
from vouchers.actions import ledger
from vouchers.actions.caps import cap_changes, caps_of, used_amounts
from vouchers.actions.groups import members_of, top_of
from vouchers.actions.ledger_check import check_ledger
from vouchers.models import LedgerAccount, Party, Shareholding
from vouchers.policy import assess
from vouchers.policy import facts as f
from vouchers.policy import rules as r
from vouchers.policy import terms as t

BUDGET = ledger.Budget("BJ-AIQ", 2025, "110000")
CITE = r.Citation("测试文件", "第一条")
BEGIN, ON = date(2025, 1, 1), date(2025, 7, 15)


def grouped(limit: str = "300", period: t.CapPeriod = t.CapPeriod.CALENDAR_YEAR) -> r.Scheme:
    """30 % and a cap of a group, counted when vouchers are issued."""
    one = cap(limit, t.CapSubject.GROUP, code="group_year", period=period, counts_at=t.CountsAt.ISSUE)
    return scheme(program="BJ-AIQ", caps=(one,), voucher=r.VoucherKind(cite=CITE))


def controls(holder: Party, company: Party, since: date = BEGIN, until: date | None = None) -> None:
    Shareholding.objects.create(
        company=company,
        holder_kind="company",
        holder_id=holder.uscc,
        holder_name=holder.name,
        percent=Decimal(60),
        effective_from=since,
        effective_to=until,
    )


def fund() -> None:
    ledger.appropriate(BUDGET, Decimal("100000.00"), document_no="号", on=BEGIN, id=uuid.uuid4()).demand()


def case(who: Party, on: date = ON, rules: r.Scheme | None = None) -> f.Facts:
    """An application for 30 % of 1,000, with the group that the register shows on the day."""
    applicant = party(uscc=who.uscc, group_no=top_of(who.uscc, on))
    facts = application(contract(net_amount=Decimal(1000)), on=on, applicant=applicant)
    return dataclasses.replace(facts, used=used_amounts(rules or grouped(), facts))


def left(who: Party, on: date = ON, rules: r.Scheme | None = None) -> Decimal:
    return assess(rules or grouped(), case(who, on, rules)).amount


def chain(who: Party, amount: str, on: date = ON, rules: r.Scheme | None = None) -> ledger.Chain:
    """An issue of the amount, with the caps that a case of just that amount takes."""
    rules = rules or grouped()
    facts = case(who, on, rules)
    answer = assess(rules, dataclasses.replace(facts, used=f.UsedAmounts()))
    uses = tuple(dataclasses.replace(use, amount=Decimal(amount)) for use in answer.cap_uses)
    caps = caps_of(rules, facts, dataclasses.replace(answer, cap_uses=uses))
    return ledger.issue_chain(BUDGET, f"V-{uuid.uuid4()}", Decimal(amount), on=on, id=uuid.uuid4(), caps=caps)


def issued(who: Party, amount: str, on: date = ON, rules: r.Scheme | None = None) -> str:
    return chain(who, amount, on, rules).post().code


def test_what_one_member_uses_is_not_left_for_another(cast):
    fund()
    controls(cast.provider, cast.alpha)
    controls(cast.provider, cast.beta)
    assert members_of(cast.provider.uscc, ON) == {cast.provider.uscc, cast.alpha.uscc, cast.beta.uscc}
    assert issued(cast.alpha, "200") == "accepted"
    assert left(cast.beta) == left(cast.provider) == Decimal(100)
    refused = chain(cast.beta, "100.01").post()
    assert (refused.code, refused.available, refused.needed) == ("cap_exceeded", 100, Decimal("100.01"))
    assert refused.account.endswith(f":{cast.provider.uscc}:2025")
    assert issued(cast.beta, "100") == "accepted"
    assert left(cast.provider) == 0
    assert check_ledger(business_rows=False) == []


def test_who_joins_brings_along_what_it_has_used_and_who_leaves_takes_it_away(cast):
    fund()
    joined, left_on = date(2025, 3, 1), date(2025, 9, 1)
    controls(cast.provider, cast.alpha, joined, left_on)
    assert issued(cast.alpha, "250", date(2025, 2, 1)) == "accepted"  # still by itself
    assert left(cast.provider, date(2025, 2, 1)) == 300
    assert left(cast.provider, joined) == 50
    assert issued(cast.provider, "51", joined) == "cap_exceeded"
    assert issued(cast.provider, "50", joined) == "accepted"
    assert left(cast.provider, left_on) == 250
    assert left(cast.alpha, left_on) == 50
    assert check_ledger(business_rows=False) == []


def test_a_member_that_never_used_it_has_no_limit_granted(cast):
    fund()
    controls(cast.provider, cast.alpha)
    issued(cast.alpha, "10")
    other = LedgerAccount.objects.get(kind="cap", code__contains=f":{cast.provider.uscc}:")
    assert (other.limit_amount, other.used) == (None, 0)


def test_a_group_over_all_years_counts_them_together(cast):
    fund()
    controls(cast.provider, cast.alpha)
    rules = grouped(period=t.CapPeriod.TOTAL)
    assert issued(cast.alpha, "200", BEGIN, rules) == "accepted"
    later = date(2026, 2, 1)
    assert left(cast.provider, later, rules) == 100
    assert issued(cast.provider, "100.01", later, rules) == "cap_exceeded"


def test_a_rolling_year_of_a_group_frees_what_any_member_took_a_year_ago(cast):
    fund()
    controls(cast.provider, cast.alpha)
    controls(cast.provider, cast.beta)
    rules = grouped(period=t.CapPeriod.ROLLING_YEAR)
    assert issued(cast.alpha, "200", BEGIN, rules) == "accepted"
    assert issued(cast.beta, "100", ON, rules) == "accepted"
    later = date(2026, 1, 1)  # what was taken on 1 January 2025 counts no longer
    assert left(cast.provider, date(2025, 12, 31), rules) == 0
    assert left(cast.provider, later, rules) == 200
    assert issued(cast.provider, "200.01", later, rules) == "cap_exceeded"
    assert issued(cast.provider, "200", later, rules) == "accepted"


def test_a_lower_limit_of_another_version_holds_its_own_cases(cast):
    fund()
    controls(cast.provider, cast.alpha)
    assert issued(cast.alpha, "200") == "accepted"
    lower, higher = grouped("250"), grouped("500")
    assert issued(cast.provider, "50.01", rules=lower) == "cap_exceeded"
    assert issued(cast.provider, "300", rules=higher) == "accepted"
    assert issued(cast.alpha, "0.01") == "cap_exceeded"
    (change,) = cap_changes(grouped("600"), lower, ON)
    assert (change.used, change.above) == (1, 1)  # one group, with 500


def test_of_two_members_that_ask_at_once_exactly_one_gets_what_there_is_room_for(committed_db):
    cast = build()
    fund()
    controls(cast.provider, cast.alpha)
    controls(cast.provider, cast.beta)
    for _round in range(5):
        bodies = [
            [json.dumps(chain(who, "60", rules=grouped("100")).body())] for who in (cast.alpha, cast.beta)
        ]
        LedgerAccount.objects.count()
        outcome = storm(committed_db.dsn, bodies)
        assert outcome.errors == []
        assert outcome.codes["accepted"] <= 1
        if _round == 0:
            assert outcome.codes == {"accepted": 1, "cap_exceeded": 1}
    assert left(cast.provider, rules=grouped("100")) == 40
    assert check_ledger(business_rows=False) == []


def test_a_storm_of_twelve_members_takes_exactly_what_the_group_has(committed_db):
    cast = build()
    fund()
    members = [
        Party.objects.create(uscc=f"91110000MA{n:08d}", name=f"成员{n}", region_code="110000")
        for n in range(12)
    ]
    for member in members:
        controls(cast.provider, member)
    rules = grouped("50")
    bodies = [[json.dumps(chain(who, "1", rules=rules).body()) for _n in range(10)] for who in members]
    outcome = storm(committed_db.dsn, bodies)
    assert outcome.errors == []
    assert outcome.codes == {"accepted": 50, "cap_exceeded": 70}
    used = sum(row.used for row in LedgerAccount.objects.filter(kind="cap"))
    assert used == 50
    assert check_ledger(business_rows=False) == []
