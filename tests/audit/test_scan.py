"""扫描: scores, outcomes, what is kept of a run, and the lines of the bulk format."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal

import pytest
from django.core.management import call_command
from django.urls import reverse

from audit import scoring
from audit.actions.rules import draft_rule_version, load_rules
from audit.actions.scans import run_scan
from audit.linking import Components
from audit.models import Flag, RuleVersion, ScanRun, Suspicion
from audit.rules import RULES, VERSIONED
from audit.scoring import Raised
from tests.audit import scenes
from tests.audit.scenes import Scene
from tests.cast import Cast
from vouchers import dates
from vouchers.errors import Invalid
from vouchers.models import Affiliation, Hold, PriceCheck, Screening, Shareholding

HARD, SOFT = "hard", "soft"
UNKNOWN = [
    "F11",
    "F14",
    "F18",
    "F19",
    "F20",
    "F23",
    "F24",
    "F26",
    "F27",
    "F28",
    "F29",
    "F31",
]  # the scene has no prices, capacity, holders …


def soft(rule: str, family: str, points: str) -> Raised:
    return Raised(rule, family, SOFT, Decimal(points))


def test_a_family_counts_its_strongest_and_a_quarter_of_the_others_up_to_ten():
    assert scoring.score([soft("F02", "A", "8"), soft("F04", "A", "3")]) == (Decimal("8.75"), 1)
    assert scoring.score([soft("F02", "A", "8"), soft("F04", "A", "9")]) == (Decimal("10.00"), 1)
    assert scoring.score([soft("F02", "A", "8"), soft("F24", "D", "8")]) == (Decimal("16.00"), 2)


@pytest.mark.parametrize(
    "flags,outcome",
    [
        ([], "pass"),
        ([Raised("F01", "A", HARD, None)], "block"),
        ([soft("F14", "B", "4.99")], "pass"),
        ([soft("F14", "B", "5")], "review"),
        ([soft("F02", "A", "6"), soft("F14", "B", "5.99")], "review"),
        ([soft("F02", "A", "6"), soft("F14", "B", "6")], "hold"),
        ([soft("F02", "A", "12")], "review"),  # one family only
        ([soft("F24", "D", "7.99")], "review"),
        ([soft("F25", "D", "1")], "review"),
        ([soft("F24", "D", "4.99")], "pass"),
    ],
)
def test_the_outcome_is_the_stricter_of_hard_flags_floors_and_sum(flags: list[Raised], outcome: str):
    assert scoring.outcome(flags) == outcome


def test_money_at_stake_moves_the_place_and_never_the_outcome():
    assert scoring.weight(Decimal(10), Decimal("100000")) == Decimal("10.0000")
    assert scoring.weight(Decimal(10), Decimal("1000000")) == Decimal("12.5000")
    assert scoring.weight(Decimal(10), Decimal("5")) == Decimal("10.0000")


def test_components_name_their_smallest_member():
    linked = Components()
    linked.join(5, 9)
    linked.join(9, 2)
    assert {linked.find(one) for one in (2, 5, 9)} == {2} and linked.find(7) == 7


def test_every_rule_has_a_page_a_basis_and_known_parameters():
    for rule in RULES.values():
        parts = ("方法", "例", "缘由", "排除", "假设", "参数")
        assert all(f"\n\n{part}：" in rule.page for part in parts), rule.id
        assert all(parameter.name in rule.page for parameter in rule.parameters), rule.id
        assert rule.page.startswith(rule.id) and rule.title and rule.legal_basis
        assert (rule.severity == HARD) or rule.points is not None


@pytest.fixture
def scene(cast: Cast) -> Scene:
    return scenes.build(cast)


@pytest.fixture
def doubled(scene: Scene):
    """An invoice used twice in Beijing, and an honest claim."""
    one = scene.lease(serials=("NVA1",))
    paper = scene.invoice(one, "25112000000000000001")
    first = scene.claim(one, [(paper, "100000.00")])
    second = scene.claim(one, [(paper, "100000.00")], on=date(2025, 6, 3))
    return scene, first, second


pytestmark = pytest.mark.django_db


def test_a_nightly_scan_keeps_flags_the_queue_and_holds_open_cases(doubled):
    _scene, first, second = doubled
    run = run_scan()
    assert (run.claims, run.outcomes["block"], run.flags_raised) == (2, 1, 1)
    flag = Flag.objects.get()
    assert (flag.rule, flag.claim_no, flag.severity, flag.region_code) == (
        "F01",
        second.claim_no,
        HARD,
        "110000",
    )
    assert flag.sentence and flag.counterfactual and flag.evidence and flag.rule_version.version == 1
    row = Suspicion.objects.get()
    assert (row.subject_no, row.outcome, row.rank, row.rules, row.not_testable) == (
        second.claim_no, "block", 1, ["F01"], UNKNOWN,
    )  # fmt: skip
    assert Hold.objects.get().subject_no == second.claim_no
    assert Screening.objects.get().moment == "nightly"
    assert first.claim_no not in {row.subject_no}


def test_a_flag_that_stands_is_not_written_again_and_one_that_no_longer_holds_is_cleared(doubled):
    _scene, _first, second = doubled
    run_scan()
    again = run_scan()
    assert (again.flags_raised, again.flags_cleared, Flag.objects.count()) == (0, 0, 1)
    second.items.update(net_amount=Decimal("0.01"))
    cleared = run_scan()
    assert (cleared.flags_raised, cleared.flags_cleared) == (0, 1)
    assert Flag.objects.get().cleared_at is not None and not Suspicion.objects.exists()


def test_a_scan_pushes_registered_control_down_and_ends_it_when_the_register_does(scene: Scene, cast: Cast):
    row = Shareholding.objects.create(
        company=cast.beta, holder_kind="company", holder_id=cast.alpha.uscc, percent=Decimal("51"),
        effective_from=date(2023, 5, 1),
    )  # fmt: skip
    run_scan()
    link = Affiliation.objects.get()
    assert ({link.one, link.other}, link.ground, link.effective_from, link.effective_to) == (
        {cast.alpha, cast.beta}, "holding", date(2023, 5, 1), None,
    )  # fmt: skip
    row.effective_to = date(2025, 7, 1)
    row.save()
    run_scan()
    link.refresh_from_db()
    assert link.effective_to == date(2025, 7, 15)


def test_a_price_far_above_the_band_is_flagged_from_the_last_check_of_its_lease(
    scene: Scene, cast: Cast, client
):
    lease = scene.lease(serials=("NVA1",))
    common = {
        "subject_kind": "lease", "subject_no": lease.lease_no, "as_of": lease.signed_on, "known_at": dates.now(),
        "above_band": "refuse", "consequence": "refused", "grade": "B", "base": Decimal("23"), "lower": Decimal("20.94"),
        "upper": Decimal("25.31"), "sentence": "合同签订价高于上限。", "row": {"mad": "0.05", "n_groups": 7},
    }  # fmt: skip
    PriceCheck.objects.create(check_no="PC-1", position="above", unit_price=Decimal("40"), **common)
    PriceCheck.objects.create(check_no="PC-2", position="above", unit_price=Decimal("31.20"), **common)
    run_scan()
    flag = Flag.objects.get()
    assert (flag.rule, flag.lease_no, flag.value, flag.threshold) == (
        "F14",
        lease.lease_no,
        "31.20 元/卡时",
        "25.31 元/卡时",
    )
    assert "偏离 4.11 个标准差" in flag.sentence and flag.evidence[0] == "price_check:PC-2"
    client.force_login(cast.auditor)
    page = client.get(reverse("audit:suspicion", args=("lease", lease.lease_no))).content.decode()
    assert "PC-2" in page and "verdict__mark" in page


def test_the_command_writes_a_line_a_claim_the_most_suspicious_first(doubled, tmp_path, capsys):
    _scene, first, second = doubled
    out = tmp_path / "scan.jsonl"
    call_command("scan_claims", out=str(out), no_record=True)
    lines = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    assert [line["claim_no"] for line in lines] == [second.claim_no, first.claim_no]
    top = lines[0]
    assert set(top) >= {
        "claim_no",
        "program_code",
        "enterprise_uscc",
        "case",
        "outcome",
        "score",
        "flags",
        "not_testable",
    }
    assert (top["outcome"], top["program_code"], top["case"]) == ("block", "BJ-AIQ", "K-000001")
    (flag,) = top["flags"]
    assert set(flag) >= {"id", "class", "points", "sentence", "rule_version", "evidence"}
    assert (flag["id"], flag["class"], flag["points"], flag["rule_version"]) == ("F01", "hard", None, 1)
    assert lines[1]["outcome"] == "pass" and lines[1]["not_testable"] == UNKNOWN
    assert not ScanRun.objects.exists()
    before = out.read_bytes()
    call_command("scan_claims", out=str(out))
    assert out.read_bytes() == before
    assert ScanRun.objects.get().kind == "on_demand" and Suspicion.objects.count() == 1


def test_history_shows_the_code_of_its_file(doubled):
    from audit.scan import line, party_words, scan

    _scene, _first, second = doubled
    type(second).objects.filter(pk=second.pk).update(program_code="EX-GZ-SLQ")
    facts, answers, found = scan()
    assert json.loads(line(party_words(facts, found), answers, found[0]))["program_code"] == "GZ-SLQ"


# ---- versions of rules


def test_the_shipped_rules_load_once(db):
    assert load_rules() == (len(VERSIONED), 0)
    assert load_rules() == (0, len(VERSIONED))
    assert RuleVersion.objects.filter(state="published").count() == len(VERSIONED)


@pytest.mark.parametrize("parameters", [{"no_such": 1}, {"days_after_end": 731}, {"days_after_end": "许多"}])
def test_parameters_out_of_range_are_refused(cast: Cast, parameters: dict):
    load_rules()
    with pytest.raises(Invalid) as refused:
        draft_rule_version("F04", by=cast.audit_admin, parameters=parameters, reason="试")
    assert refused.value.code == "rule.parameter"
