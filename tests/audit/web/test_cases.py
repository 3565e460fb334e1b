"""核查案件 for people: who sees which, and the way from the list to the closing by two."""

from __future__ import annotations

from datetime import date

import pytest
from django.urls import reverse

from audit.actions.case_work import flags_of_case
from audit.actions.scans import run_scan
from audit.models import AuditEvent, Case
from tests.audit import scenes

pytestmark = pytest.mark.django_db


@pytest.fixture
def case(cast) -> Case:
    scene = scenes.build(cast)
    first = scene.lease(serials=("NVA1",))
    second = scene.lease(lessee=cast.beta, serials=("NVA1",), starts=date(2025, 4, 1), region="440300")
    scene.claim(first, [(scene.invoice(first, "25112000000000000001"), "100000.00")])
    scene.claim(second, [(scene.invoice(second, "25112000000000000002"), "100000.00")], region="440300")
    run_scan()
    return Case.objects.get(region_code="110000")


def text(response) -> str:
    return response.content.decode()


def deed(client, case: Case, verb: str, **sent):
    return client.post(reverse("audit:decide-case", args=(case.case_no, verb)), sent)


def test_the_list_and_a_case_are_read_in_ones_own_region_only(client, cast, case):
    other = Case.objects.get(region_code="440300")
    client.force_login(cast.auditor)
    page = text(client.get(reverse("audit:cases")))
    assert case.case_no in page and other.case_no not in page
    assert client.get(reverse("audit:case", args=(case.case_no,))).status_code == 200
    assert client.get(reverse("audit:case", args=(other.case_no,))).status_code == 404
    for account in (cast.handler, cast.filer, cast.approver):
        client.force_login(account)
        assert client.get(reverse("audit:cases")).status_code == 403
        assert client.get(reverse("audit:case", args=(case.case_no,))).status_code == 403


@pytest.mark.parametrize(
    ("asked", "there"),
    [
        ({"state": "open"}, True),
        ({"state": "closed"}, False),
        ({"outcome": "block"}, True),
        ({"q": "甲智能"}, True),
        ({"q": "乙数据"}, False),
        ({"rule": "F17"}, True),
        ({"rule": "F01"}, False),
        ({"mine": "on"}, False),
        ({"state": "nonsense"}, True),
    ],
)
def test_the_list_narrows(client, cast, case, asked, there):
    client.force_login(cast.auditor)
    assert (case.case_no in text(client.get(reverse("audit:cases"), asked))) is there


def test_a_case_shows_its_drawings_flags_and_story_and_that_it_was_read_is_an_event(client, cast, case):
    client.force_login(cast.auditor)
    page = text(client.get(reverse("audit:case", args=(case.case_no,))))
    assert "<svg" in page and "NVA1" in page and "一机多租" in page and "尚无结论" in page
    assert "乙数据" not in page  # the other region's lessee
    assert "分派本案" not in page  # an auditor changes nothing
    assert AuditEvent.objects.filter(verb="case.view", subject_no=case.case_no).exists()
    assert client.get(reverse("audit:trail-story", args=("case", case.case_no))).status_code == 200
    assert deed(client, case, "assign", to=cast.investigator.username).status_code == 403


def test_from_the_list_to_the_closing_by_two(client, cast, case):
    flag = flags_of_case(case).get(rule="F17")
    client.force_login(cast.investigator)
    assert deed(client, case, "assign", to=cast.handler.username).status_code == 422
    assert deed(client, case, "assign", to=cast.investigator.username).status_code == 302
    told = f"F17 {flag.claim_no}"
    assert deed(client, case, "conclude", flag=told, result="", reason="x").status_code == 422
    assert deed(client, case, "propose", reason="属实").status_code == 409
    assert (
        deed(client, case, "step", kind="inspection", words="到机房核对", done_on="2025-07-10").status_code
        == 302
    )
    assert (
        deed(client, case, "step", kind="inspection", words="明天去", done_on="2025-07-20").status_code == 422
    )
    for one in flags_of_case(case):
        number = one.claim_no or one.lease_no
        answer = deed(
            client, case, "conclude", flag=f"{one.rule} {number}", result="confirmed", reason="序列号一致"
        )
        assert answer.status_code == 302
    assert deed(client, case, "propose", reason="属实，建议追回。").status_code == 302
    assert deed(client, case, "close").status_code == 403
    client.force_login(cast.second_investigator)
    page = text(client.get(reverse("audit:case", args=(case.case_no,))))
    assert "复核办结" in page and "到机房核对" in page
    assert deed(client, case, "close").status_code == 302
    case.refresh_from_db()
    assert case.state == "closed"
    assert deed(client, case, "close").status_code == 409
    assert deed(client, case, "nonsense").status_code == 404
    assert "100.0 %" in text(client.get(reverse("audit:precision")))
    assert "属实的占 100.0 %" in text(client.get(reverse("audit:rule", args=("F17",))))


def test_whoever_conceals_a_key_behind_another_matter_is_refused(client, cast, case):
    client.force_login(cast.investigator)
    deed(client, case, "assign", to=cast.investigator.username)
    for flag in ("F17", "F17 C-2025-99999999", "", "F01 " + case.subjects.get().subject_no):
        assert deed(client, case, "conclude", flag=flag, result="confirmed", reason="x").status_code == 422


def test_what_is_raised_after_its_closing_is_no_matter_of_a_closed_case(client, cast, case):
    client.force_login(cast.investigator)
    deed(client, case, "assign", to=cast.investigator.username)
    for one in flags_of_case(case):
        deed(
            client,
            case,
            "conclude",
            flag=f"{one.rule} {one.claim_no or one.lease_no}",
            result="confirmed",
            reason="属实",
        )
    deed(client, case, "propose", reason="属实")
    client.force_login(cast.second_investigator)
    deed(client, case, "close")
    case.refresh_from_db()
    assert case.state == "closed"
    raised = flags_of_case(case).filter(rule="F17").first()
    raised.pk, raised.rule, raised.input_hash = None, "F29", "0" * 64
    raised.save(force_insert=True)
    page = text(client.get(reverse("audit:case", args=(case.case_no,))))
    assert "一机多租" in page and "F29" not in page and "尚无结论" not in page
    assert case.case_no not in text(client.get(reverse("audit:cases"), {"rule": "F29"}))
    assert case.case_no in text(client.get(reverse("audit:cases"), {"rule": "F17"}))
