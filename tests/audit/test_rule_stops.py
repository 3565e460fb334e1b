"""熔断, 暂不计分 and 随机抽查: what keeps soft flags from counting, and what is looked at although it passed."""

from __future__ import annotations

import hashlib
from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, transaction

from audit.actions.review_draws import drawn, lot_digest
from audit.actions.rule_stops import put_rule_back, usual_shares
from audit.actions.rules import load_rules
from audit.actions.scans import run_scan
from audit.actions.snoozes import end_snooze, place_snooze
from audit.models import Flag, ReviewDraw, ReviewPick, RuleStop, RuleVersion, ScanRun, Snooze, Suspicion
from audit.rules.facts import Facts
from audit.scan import Usual, ask, in_force, shipped
from tests.audit import scenes
from tests.audit.rules.rows import RowSource, claim, invoice, item, lease, party
from tests.cast import Cast
from vouchers import dates
from vouchers.errors import Forbidden, Invalid, NotNow

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
COUNT = 200


def batch(late: int, *, strange: int = 0) -> Facts:
    """Two hundred claims, some with an invoice long after the term (soft), some with another seller's (hard)."""
    invoices = [
        invoice(
            n,
            issued_on=date(2026, 6, 1) if n <= late else date(2025, 3, 31),
            seller="STRANGE" if n > COUNT - strange else "USCC2",
        )
        for n in range(1, COUNT + 1)
    ]
    rows = {
        "parties": [party(1), party(2)],
        "leases": [lease()],
        "invoices": invoices,
        "claims": [claim(n) for n in range(1, COUNT + 1)],
        "items": [item(n) for n in range(1, COUNT + 1)],
    }
    return Facts(RowSource(rows, {}))


def only(rule: str) -> dict:
    return {name: one for name, one in shipped().items() if name in (rule, "S01")}


def test_a_rule_that_flags_more_than_15_percent_goes_into_the_shadow():
    assert len(ask(batch(30), only("F04")).found["F04"].hits) == 30
    stopped = ask(batch(31), only("F04"))
    assert not stopped.found["F04"].hits and len(stopped.found["F04"].untestable_claims) == COUNT
    assert stopped.broken == {"F04"} and "已自行停用" in stopped.stopped["F04"]
    assert stopped.counted["F04"].soft == 31


def test_hard_flags_never_go_into_the_shadow():
    many = ask(batch(0, strange=150), only("F03"))
    assert len(many.found["F03"].hits) == 150 and not many.stopped


def test_a_rule_that_flags_five_times_its_usual_share_goes_into_the_shadow():
    usual = {"F04": Usual(mean=share(4))}
    assert not ask(batch(20), only("F04"), usual=usual).stopped  # five times exactly
    assert "5 倍" in ask(batch(21), only("F04"), usual=usual).stopped["F04"]
    assert not ask(batch(19), only("F04"), usual={"F04": Usual(mean=share(1))}).stopped  # too few to say


def share(flagged: int) -> Decimal:
    return Decimal(flagged) / COUNT


def test_a_stopped_rule_stays_in_the_shadow_until_a_person_puts_it_back(cast: Cast):
    load_rules()
    version = RuleVersion.objects.get(rule="F04")
    run = ScanRun.objects.create(kind="nightly", state="done", known_at=dates.now(), started_at=dates.now())
    RuleStop.objects.create(
        rule="F04",
        rule_version=version,
        scan_run=run,
        claims=COUNT,
        flagged=40,
        sentence="超过 15%",
        stopped_at=dates.now(),
    )
    assert in_force()["F04"].stopped == "超过 15%"
    one = ask(batch(1, strange=1), {**only("F04"), "F04": in_force()["F04"]})
    assert not one.found["F04"].hits and one.broken == set()
    with pytest.raises(Forbidden):
        put_rule_back("F04", by=cast.investigator, reason="核对过数据")
    with pytest.raises(Invalid) as refused:
        put_rule_back("F04", by=cast.audit_admin, reason=" ")
    assert refused.value.code == "rule_stop.reason"
    put_rule_back("F04", by=cast.audit_admin, reason="年度集中开票，数据无误")
    assert in_force()["F04"].stopped == ""
    usual = usual_shares(in_force())
    assert not ask(
        batch(60), only("F04"), usual=usual
    ).stopped  # 30 % is half above the 20 % that the person saw
    assert ask(batch(61), only("F04"), usual=usual).stopped
    with pytest.raises(NotNow):
        put_rule_back("F04", by=cast.audit_admin, reason="再试")


@pytest.fixture
def newcomer(cast: Cast):
    """A claim of a young enterprise (F22, two points), and one that shares its device with another's (F17, hard)."""
    scene = scenes.build(cast)
    young = scene.party("91110108MA0NEWCX0T", "新设企业有限公司", registered_on=date(2025, 2, 1))
    lease = scene.lease(lessee=young, serials=("NVA1",))
    made = scene.claim(
        lease, [(scene.invoice(lease, "25112000000000000001"), "100000.00")], voucher=scene.voucher(young)
    )
    return scene, young, made


def test_a_snoozed_rule_does_not_count_for_the_party_until_its_day(newcomer, cast: Cast):
    _scene, young, made = newcomer
    run_scan()
    assert Suspicion.objects.get(subject_no=made.claim_no).score == 2
    today = dates.today()
    row = place_snooze(
        "F22", young, region="110000", to_on=today + 30 * DAY, reason="现场核查属实", by=cast.investigator
    )
    run_scan()
    after = Suspicion.objects.get(subject_no=made.claim_no)
    assert (after.score, after.snoozed, after.rules) == (0, ["F22"], ["F22"])
    assert Flag.objects.get(cleared_at=None).rule == "F22"  # it is still written down
    with dates.fixed(today + 29 * DAY):
        run_scan()
        assert Suspicion.objects.get().score == 0
    with dates.fixed(today + 30 * DAY):
        run_scan()
        assert Suspicion.objects.get().score == 2
    end_snooze(row, by=cast.investigator, reason="情况有变")
    run_scan()
    assert Suspicion.objects.get().score == 2
    with pytest.raises(NotNow):
        end_snooze(row, by=cast.investigator, reason="再办")


def test_a_snooze_of_another_region_counts_for_nothing_here(newcomer, cast: Cast):
    _scene, young, _made = newcomer
    with pytest.raises(Forbidden):
        place_snooze(
            "F22", young, region="440300", to_on=dates.today() + DAY, reason="x", by=cast.investigator
        )
    Snooze.objects.create(
        snooze_no="SN-1", rule="F22", party_uscc=young.uscc, party_name=young.name, region_code="440300", reason="x",
        from_on=dates.today(), to_on=dates.today() + DAY, placed_by=cast.investigator,
    )  # fmt: skip
    run_scan()
    assert Suspicion.objects.get().score == 2


def test_a_hard_flag_is_never_snoozed_and_no_snooze_lasts_more_than_180_days(newcomer, cast: Cast):
    _scene, young, _made = newcomer
    today, by = dates.today(), cast.investigator

    def refused(rule: str, to_on: date, reason: str = "核查属实") -> str:
        with pytest.raises(Invalid) as caught:
            place_snooze(rule, young, region="110000", to_on=to_on, reason=reason, by=by)
        return caught.value.code

    assert refused("F01", today + DAY) == refused("F99", today + DAY) == "snooze.rule"
    assert refused("F22", today) == refused("F22", today + 181 * DAY) == "snooze.period"
    assert refused("F22", today + DAY, " ") == "snooze.reason"
    place_snooze("F22", young, region="110000", to_on=today + 180 * DAY, reason="核查属实", by=by)
    with pytest.raises(NotNow) as caught:
        place_snooze("F22", young, region="110000", to_on=today + DAY, reason="再办", by=by)
    assert caught.value.code == "snooze.twice"
    with pytest.raises(DatabaseError), transaction.atomic():
        Snooze.objects.update(to_on=today + 400 * DAY)


def test_the_hard_part_of_a_rule_counts_although_its_soft_part_is_snoozed(newcomer, cast: Cast):
    scene, young, made = newcomer
    twin = scene.lease(lessee=cast.beta, serials=("NVA1",))
    scene.claim(twin, [(scene.invoice(twin, "25112000000000000009"), "100000.00")])
    place_snooze(
        "F17", young, region="110000", to_on=dates.today() + DAY, reason="切分租用", by=cast.investigator
    )
    run_scan()
    assert Suspicion.objects.get(subject_no=made.claim_no).outcome == "block"


# ---- 随机抽查


def test_a_seed_draws_the_same_claims_of_the_same_list():
    lot = "\n".join(f"C-{n:04d}" for n in range(1, 102))
    first = drawn(lot, "00", 20)
    assert len(first) == 3  # two per cent of 101, rounded up
    assert first == drawn(lot, "00", 20) != drawn(lot, "01", 20)
    assert first[0] == min(lot.split("\n"), key=lambda no: hashlib.sha256(f"00:{no}".encode()).hexdigest())


def test_the_night_draws_among_what_passed_each_claim_in_one_list(newcomer, cast: Cast, capsys):
    scene, _young, made = newcomer
    run = run_scan()
    draw = ReviewDraw.objects.get()
    assert (draw.scan_run, draw.lot, draw.lot_size, draw.per_mille) == (run, made.claim_no, 1, 20)
    assert draw.lot_digest == lot_digest(made.claim_no) and len(draw.seed) == 64
    assert ReviewPick.objects.get().claim_no == made.claim_no
    run_scan()
    assert ReviewDraw.objects.count() == 1  # nothing new passed
    lease = scene.lease(serials=("NVZ9",))
    late = scene.claim(lease, [(scene.invoice(lease, "25112000000000000077"), "100000.00")])
    run_scan("on_demand")
    assert ReviewDraw.objects.count() == 1
    run_scan()
    assert ReviewDraw.objects.first().lot == late.claim_no
    call_command("review_draw", draw.draw_no)
    said = capsys.readouterr().out
    assert draw.seed in said and draw.lot_digest in said and made.claim_no in said and "一致" in said
    with pytest.raises(CommandError, match="没有编号"):
        call_command("review_draw", "RV-1999-00000001")
    with pytest.raises(DatabaseError), transaction.atomic():
        ReviewDraw.objects.update(seed="0")


def test_a_blocked_or_dead_claim_is_in_no_list(newcomer, cast: Cast):
    scene, _young, made = newcomer
    twin = scene.lease(lessee=cast.beta, serials=("NVA1",))
    scene.claim(twin, [(scene.invoice(twin, "25112000000000000009"), "100000.00")])
    run_scan()
    assert not ReviewDraw.objects.exists() and made.claim_no
