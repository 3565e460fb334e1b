"""可疑合同 and 暂缓 for people: who sees what, evidence, download, and lifting by two."""

from __future__ import annotations

import io
from datetime import date

import pytest
from django.urls import reverse
from openpyxl import load_workbook

from audit.actions.scans import run_scan
from audit.models import AuditEvent
from tests.audit import scenes
from vouchers.models import Hold

pytestmark = pytest.mark.django_db


@pytest.fixture
def scene(cast):
    return scenes.build(cast)


@pytest.fixture
def twice(scene, cast):
    """A machine let in 北京 and, at the same time, in 深圳; each with a claim."""
    first = scene.lease(serials=("NVA1",))
    second = scene.lease(lessee=cast.beta, serials=("NVA1",), starts=date(2025, 4, 1), region="440300")
    claims = (
        scene.claim(first, [(scene.invoice(first, "25112000000000000001"), "100000.00")]),
        scene.claim(second, [(scene.invoice(second, "25112000000000000002"), "100000.00")], region="440300"),
    )
    run_scan()
    return claims


def text(response) -> str:
    return response.content.decode()


@pytest.mark.parametrize("account", ["filer", "handler", "approver", "finance", "stranger", "system_admin"])
def test_only_people_of_inspection_may_look(client, cast, twice, account):
    client.force_login(getattr(cast, account))
    hold = Hold.objects.first()
    for address in (
        reverse("audit:suspicions"),
        reverse("audit:suspicion", args=("claim", twice[0].claim_no)),
        reverse("audit:holds"),
        reverse("audit:hold", args=(hold.hold_no,)),
        reverse("audit:rules"),
        reverse("audit:rule", args=("F17",)),
    ):
        assert client.get(address).status_code == 403
    for address in (
        reverse("audit:workbook"),
        reverse("audit:place-hold", args=("claim", twice[0].claim_no)),
        reverse("audit:decide-hold", args=(hold.hold_no, "request-lift")),
    ):
        assert client.post(address, {"reason": "x"}).status_code == 403


def test_the_queue_shows_the_region_of_the_reader_only(client, cast, twice):
    client.force_login(cast.auditor)
    page = text(client.get(reverse("audit:suspicions")))
    assert twice[0].claim_no in page and twice[1].claim_no not in page
    client.force_login(cast.other_auditor)
    page = text(client.get(reverse("audit:suspicions")))
    assert twice[1].claim_no in page and twice[0].claim_no not in page


def test_the_queue_narrows_by_rule_outcome_and_name(client, cast, twice):
    client.force_login(cast.auditor)
    for asked, there in (
        ({"rule": "F17"}, True),
        ({"rule": "F01"}, False),
        ({"outcome": "block"}, True),
        ({"outcome": "review"}, False),
        ({"q": "甲智能"}, True),
        ({"q": "乙数据"}, False),
        ({"program": "bj-aiq"}, True),
        ({"rule": "nonsense"}, True),
    ):
        assert (twice[0].claim_no in text(client.get(reverse("audit:suspicions"), asked))) is there, asked


def test_a_case_shows_the_bars_and_of_another_region_only_program_and_dates(client, cast, twice):
    client.force_login(cast.auditor)
    page = text(client.get(reverse("audit:suspicion", args=("claim", twice[0].claim_no))))
    assert "<svg" in page and "NVA1" in page and "一机多租" in page
    assert twice[1].lease.lease_no not in page and cast.beta.name not in page
    assert client.get(reverse("audit:suspicion", args=("claim", twice[1].claim_no))).status_code == 404
    assert AuditEvent.objects.filter(operation="read", subject_no=twice[0].claim_no).exists()


def test_an_unknown_number_or_kind_is_hidden(client, cast, twice):
    client.force_login(cast.auditor)
    for args in (("claim", "C-0"), ("lease", "L-0"), ("voucher", "V-0")):
        assert client.get(reverse("audit:suspicion", args=args)).status_code == 404
    assert client.get(reverse("audit:rule", args=("F99",))).status_code == 404
    assert client.get(reverse("audit:hold", args=("H-0",))).status_code == 404


def test_every_lease_and_rule_page_opens(client, cast, twice):
    client.force_login(cast.auditor)
    assert client.get(reverse("audit:suspicion", args=("lease", twice[0].lease.lease_no))).status_code == 200
    assert client.get(reverse("audit:rules")).status_code == 200
    assert "最晚的结束日" in text(client.get(reverse("audit:rule", args=("F17",))))


def test_two_investigators_lift_a_hold_on_the_page(client, cast, twice):
    hold = Hold.objects.get(subject_no=twice[0].claim_no)
    page = reverse("audit:hold", args=(hold.hold_no,))
    client.force_login(cast.auditor)  # reads, changes nothing
    assert "提请解除" not in text(client.get(page))
    assert (
        client.post(
            reverse("audit:decide-hold", args=(hold.hold_no, "request-lift")), {"reason": "x"}
        ).status_code
        == 403
    )
    client.force_login(cast.investigator)
    assert "提请解除" in text(client.get(page))
    assert (
        client.post(
            reverse("audit:decide-hold", args=(hold.hold_no, "request-lift")), {"reason": " "}
        ).status_code
        == 422
    )
    client.post(
        reverse("audit:decide-hold", args=(hold.hold_no, "request-lift")), {"reason": "机房更换设备，附照片"}
    )
    assert 'id="lift"' not in text(client.get(page))
    assert client.post(reverse("audit:decide-hold", args=(hold.hold_no, "lift"))).status_code == 403
    client.force_login(cast.second_investigator)
    assert 'id="lift"' in text(client.get(page))
    answer = client.post(reverse("audit:decide-hold", args=(hold.hold_no, "lift")), follow=True)
    assert "已解除" in text(answer)
    hold.refresh_from_db()
    assert hold.state == "lifted"
    assert client.post(reverse("audit:decide-hold", args=(hold.hold_no, "lift"))).status_code == 409


def test_an_investigator_stops_a_case_by_hand_with_a_reason(client, cast, scene):
    lease = scene.lease(serials=("NVA1",))
    claim = scene.claim(lease, [(scene.invoice(lease, "25112000000000000001"), "100.00")])
    place = reverse("audit:place-hold", args=("claim", claim.claim_no))
    client.force_login(cast.investigator)
    assert client.post(place, {"reason": ""}).status_code == 422
    assert client.post(place, {"reason": "接到实名举报，正在核实交付情况。"}).status_code == 302
    hold = Hold.objects.get()
    assert (hold.subject_no, hold.ground, hold.placed_by) == (claim.claim_no, "manual", cast.investigator)
    assert client.get(reverse("audit:hold", args=(hold.hold_no,))).status_code == 200
    assert hold.hold_no in text(client.get(reverse("audit:holds")))


def test_the_workbook_is_a_post_in_scope_and_logged(client, cast, twice):
    client.force_login(cast.auditor)
    assert client.get(reverse("audit:workbook")).status_code == 405
    answer = client.post(reverse("audit:workbook"), {"filter": "rule=F17"})
    assert answer.status_code == 200 and "attachment" in answer["Content-Disposition"]
    book = load_workbook(io.BytesIO(answer.content))
    numbers = [row[1] for row in book["兑付申请"].iter_rows(min_row=2, values_only=True)]
    assert numbers == [twice[0].claim_no]
    event = AuditEvent.objects.get(operation="export")
    assert event.actor == cast.auditor.username
