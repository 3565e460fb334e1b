"""规则版本: edited by one, published by another after a shadow run of exactly this content, in force from its day."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
from django.db import DatabaseError, transaction
from openpyxl import load_workbook

from audit.actions.rules import (
    delete_rule_version,
    draft_rule_version,
    edit_rule_version,
    load_rules,
    propose_rule_version,
    publish_rule_version,
    return_rule_version,
    version_in_force,
)
from audit.actions.scans import run_scan
from audit.actions.shadow_runs import ask_shadow_run
from audit.models import Flag, RuleVersion, ShadowRun
from audit.rules import RULES, SCORING, VERSIONED
from audit.rules.parameters import faults, read, shown
from audit.scan import in_force
from tests.audit import scenes
from tests.cast import Cast
from vouchers import dates
from vouchers.actions.job_runs import run_waiting
from vouchers.actions.jobs import cancel_job, result_path
from vouchers.errors import DomainError, Forbidden, Invalid, NotNow
from vouchers.models import Job, RoleGrant, User

pytestmark = pytest.mark.django_db

FROM, TO = date(2025, 5, 1), date(2025, 7, 1)


@pytest.fixture
def people(cast: Cast):
    """Two who keep the rules."""
    load_rules()
    second = User.objects.create(username="second-audit-admin", display_name="京审管二")
    RoleGrant.objects.create(
        user=second, role="audit_admin", region=cast.beijing, effective_from=date(2020, 1, 1)
    )
    return cast.audit_admin, second


def draft(by: User, rule: str = "F04", **parameters: object) -> RuleVersion:
    return draft_rule_version(
        rule, by=by, parameters=parameters or {"days_before_signing": 30}, reason="三件结论为资料瑕疵"
    )


def shadowed(version: RuleVersion, by: User) -> ShadowRun:
    ask_shadow_run(version, from_on=FROM, to_on=TO, by=by)
    assert run_waiting() == 1
    job = Job.objects.order_by("-pk")[0]
    assert job.state == "done", job.message
    return ShadowRun.objects.get(job_no=job.job_no)


def refused(code: str, kind: type[DomainError], deed, *args, **more) -> DomainError:
    with pytest.raises(kind) as caught:
        deed(*args, **more)
    assert caught.value.code == code
    return caught.value


def test_a_version_needs_a_shadow_run_of_its_content_and_another_person(
    people, cast: Cast, settings, tmp_path
):
    settings.VAR_DIR = tmp_path
    first, second = people
    version = draft(first)
    refused("access.role", Forbidden, propose_rule_version, version, by=cast.auditor)
    propose_rule_version(version, by=first)
    refused("access.same_person", Forbidden, publish_rule_version, version, by=first)
    refused("rule_version.no_shadow_run", NotNow, publish_rule_version, version, by=second)
    shadowed(version, second)
    return_rule_version(version, by=second, reason="三十天过宽")
    edit_rule_version(version, by=first, parameters={"days_before_signing": 20}, reason="改为二十天")
    version.refresh_from_db()
    propose_rule_version(version, by=first)
    refused(
        "rule_version.no_shadow_run", NotNow, publish_rule_version, version, by=second
    )  # of other content
    shadowed(version, first)
    publish_rule_version(version, by=second)
    now = in_force()["F04"]
    assert (now.version, now.row) == (2, version.pk)
    assert (now.parameters["days_before_signing"], now.parameters["days_after_end"]) == (20, 180)
    assert RuleVersion.objects.get(rule="F04", version=1).state == "superseded"


def test_a_version_is_in_force_from_its_day_and_its_predecessor_until_then(people, settings, tmp_path):
    settings.VAR_DIR = tmp_path
    first, second = people
    day = dates.now() + timedelta(days=5)
    version = draft_rule_version(
        "F22", by=first, parameters={"days": 90}, reason="园区新设企业多", effective_from=day
    )
    propose_rule_version(version, by=first)
    shadowed(version, first)
    publish_rule_version(version, by=second)
    assert in_force()["F22"].version == 1
    assert in_force(day - timedelta(seconds=1))["F22"].parameters["days"] == 180
    assert in_force(day)["F22"].parameters["days"] == 90
    sooner = draft(first, "F22", days=100)
    propose_rule_version(sooner, by=first)
    shadowed(sooner, first)
    refused("rule_version.later_one", NotNow, publish_rule_version, sooner, by=second)
    refused(
        "rule.effective_from", Invalid, edit_rule_version, return_rule_version(sooner, by=second, reason="改期"),
        by=first, parameters={}, reason="x", effective_from=dates.now() - timedelta(days=1),
    )  # fmt: skip


def test_what_is_published_or_proposed_stays_as_it_is_whoever_writes(people):
    version = RuleVersion.objects.get(rule="F01")
    for change in (
        {"parameters": {"tolerance_fen": 100}},
        {"legal_basis": "x"},
        {"published_at": datetime.now(dates.SHANGHAI)},
    ):
        with pytest.raises(DatabaseError), transaction.atomic():
            RuleVersion.objects.filter(pk=version.pk).update(**change)
    with pytest.raises(DatabaseError), transaction.atomic():
        version.delete()
    proposed = propose_rule_version(draft(people[0]), by=people[0])
    with pytest.raises(DatabaseError), transaction.atomic():
        RuleVersion.objects.filter(pk=proposed.pk).update(parameters={})
    refused(
        "rule_version.not_draft", NotNow, edit_rule_version, proposed, by=people[0], parameters={}, reason="x"
    )
    refused("rule_version.under_way", NotNow, draft, people[0])


def test_a_draft_without_a_run_can_be_deleted(people, settings, tmp_path):
    settings.VAR_DIR = tmp_path
    delete_rule_version(draft(people[0]), by=people[0])
    version = draft(people[0])
    assert version.version == 2
    shadowed(version, people[0])
    refused("rule_version.has_runs", NotNow, delete_rule_version, version, by=people[0])
    refused(
        "rule.unchanged",
        Invalid,
        edit_rule_version,
        version,
        by=people[0],
        parameters={"days_before_signing": 0},
        reason="x",
    )


def test_a_shadow_run_shows_what_would_change_and_records_no_flag(people, cast: Cast, settings, tmp_path):
    settings.VAR_DIR = tmp_path
    scene = scenes.build(cast)
    early = scene.lease(serials=("NVA1",), signed=date(2025, 2, 20))
    claims = [
        scene.claim(
            early, [(scene.invoice(early, "25112000000000000001", issued=date(2025, 2, 18)), "100000.00")]
        ),
        scene.claim(early, [(scene.invoice(early, "25112000000000000002"), "100000.00")]),
    ]
    other = scene.lease(lessee=cast.beta, serials=("NVB1",), region="440300")
    paper = scene.invoice(other, "25112000000000000003", issued=date(2025, 2, 18), buyer_name="=HYPERLINK(1)")
    elsewhere = scene.claim(other, [(paper, "100000.00")], region="440300")
    version = draft(people[0])
    run = shadowed(version, people[0])
    assert (run.digest, run.claims, run.changed) == (version.digest, 3, 2)
    assert run.against["F04"] == 1 and run.result["kinds"] == {"cleared": 2}
    assert run.result["moves"] == [["block", "pass", 2]]
    assert run.result["regions"] == {
        "110000": {"cleared": 1, "moved": 1},
        "440300": {"cleared": 1, "moved": 1},
    }
    assert run.result["families"]["A"]["cleared"] == 2
    assert {one["claim_no"] for one in run.result["examples"]} == {claims[0].claim_no, elsewhere.claim_no}
    assert not Flag.objects.exists()
    path = result_path(Job.objects.get(job_no=run.job_no))
    assert path is not None
    rows = list(load_workbook(path).active.iter_rows(values_only=True))
    assert len(rows) == 2 and rows[1][:2] == ("不再命中", claims[0].claim_no)  # the asker's region only


def test_a_shadow_run_is_over_a_closed_period_and_can_be_cancelled(people, settings, tmp_path):
    settings.VAR_DIR = tmp_path
    version = draft(people[0])
    today = dates.today()
    for from_on, to_on in (
        (FROM, today + timedelta(days=1)),
        (today - timedelta(days=27), today),
        (date(2020, 1, 1), today),
    ):
        refused(
            "shadow_run.period", Invalid, ask_shadow_run, version, from_on=from_on, to_on=to_on, by=people[0]
        )
    job = ask_shadow_run(version, from_on=FROM, to_on=TO, by=people[0])
    refused("job.under_way", NotNow, ask_shadow_run, version, from_on=FROM, to_on=TO, by=people[1])
    cancel_job(job, by=people[0])
    assert run_waiting() == 0 and not ShadowRun.objects.exists()
    job = ask_shadow_run(version, from_on=FROM, to_on=TO, by=people[0])
    edit_rule_version(version, by=people[0], parameters={"days_before_signing": 3}, reason="改为三天")
    run_waiting()
    job.refresh_from_db()
    assert (job.state, job.outcome_code) == ("failed", "shadow_run.changed")


def test_a_scan_flags_by_the_version_in_force_and_says_so(people, cast: Cast, settings, tmp_path):
    settings.VAR_DIR = tmp_path
    scene = scenes.build(cast)
    lease = scene.lease(serials=("NVA1",))
    scene.claim(
        lease, [(scene.invoice(lease, "25112000000000000001", issued=date(2025, 2, 18)), "100000.00")]
    )
    assert run_scan().outcomes["block"] == 1
    version = draft(people[0])
    propose_rule_version(version, by=people[0])
    shadowed(version, people[0])
    publish_rule_version(version, by=people[1])
    run = run_scan()
    assert (run.rule_versions["F04"], run.outcomes["block"], run.flags_cleared) == (2, 0, 1)
    assert run.rule_versions[SCORING.id] == 1


def test_the_terms_of_scoring_are_a_version_like_every_rule(people, cast: Cast, settings, tmp_path):
    settings.VAR_DIR = tmp_path
    scene = scenes.build(cast)
    party = scene.party("91110108MA0NEWCX0T", "新设企业有限公司", registered_on=date(2025, 2, 1))
    lease = scene.lease(lessee=party, serials=("NVA1",))
    scene.claim(
        lease, [(scene.invoice(lease, "25112000000000000001"), "100000.00")], voucher=scene.voucher(party)
    )
    assert run_scan().outcomes == {"block": 0, "hold": 0, "review": 0, "pass": 1}
    version = draft(people[0], SCORING.id, review_from="2")
    propose_rule_version(version, by=people[0])
    assert shadowed(version, people[0]).result["moves"] == [["pass", "review", 1]]
    publish_rule_version(version, by=people[1])
    run = run_scan()
    assert (run.outcomes["review"], run.rule_versions[SCORING.id]) == (1, 2)
    found = version_in_force(SCORING.id)
    assert found is not None and found.version == 2


# ---- what a field takes


def parameter(rule: str, name: str):
    return next(one for one in VERSIONED[rule].parameters if one.name == name)


@pytest.mark.parametrize(
    "rule,name,typed,said",
    [
        ("F24", "share_percent", "0.25", "整数"),
        ("F24", "share_percent", "25%", "不必写出"),
        ("F04", "days_after_end", "30天", "不必写出"),
        ("F04", "days_after_end", "6个月", "单位不对"),
        ("F04", "days_after_end", "", "请填写数字"),
        ("F04", "days_after_end", "许多", "不是数字"),
        ("F04", "days_after_end", "731", "须在 0 至 730"),
        ("F04", "days_after_end", "1e2", "不是数字"),
        ("F14", "excess_from", "3.50001", "小数"),
        ("F12", "thresholds", "SZ-XLQ 一百万", "第 1 行"),
        ("F12", "thresholds", "A 1\nA 2", "重复"),
        ("F24", "points", "account 8", "缺少"),
        ("F05", "stackable", "A", "两个代码"),
        ("F25", "least_amount", "-1", "须在"),
    ],
)
def test_a_wrong_entry_is_refused_with_what_to_do(rule: str, name: str, typed: str, said: str):
    with pytest.raises(ValueError, match=said):
        read(parameter(rule, name), typed)


def test_full_width_digits_and_separators_are_understood_and_no_float_comes_near():
    assert read(parameter("F25", "least_amount"), "５０，０００") == 50000
    assert read(parameter("F14", "excess_from"), "3.50") == "3.5"
    assert read(parameter("F05", "stackable"), "SH-A SH-B\n\n") == [["SH-A", "SH-B"]]


def test_every_default_can_be_read_as_it_is_shown():
    for rule in VERSIONED.values():
        assert not faults(rule, rule.defaults)
        for one in rule.parameters:
            assert read(one, shown(one, one.default)) == one.default, (rule.id, one.name)


@pytest.mark.parametrize(
    "rule,values,field",
    [
        ("F18", {"soft_percent": 150}, "hard_percent"),
        ("F29", {"least": 8}, "hub_cap"),
        (SCORING.id, {"review_from": "12"}, "hold_from"),
        ("F04", {"no_such": 1}, "no_such"),
        ("F04", {"days_after_end": 1.5}, "days_after_end"),
    ],
)
def test_contradictory_values_are_refused_beside_their_field(rule: str, values: dict, field: str):
    assert set(faults(VERSIONED[rule], values)) == {field}
    assert field == "no_such" or faults(RULES.get(rule, SCORING), values)[field]
