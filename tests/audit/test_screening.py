"""筛查 through the port: nothing is approved without one, a hard flag holds the case, two persons lift it."""

from __future__ import annotations

import re
import time
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection

from audit.actions.rules import load_rules
from audit.screener import SCREENER, inputs_hash
from tests.audit import scenes
from tests.audit.scenes import Scene
from tests.cast import Cast
from vouchers.actions import holds
from vouchers.errors import Forbidden, Invalid, NotFound, NotNow
from vouchers.models import Affiliation, Hold, Screening, Shareholding
from vouchers.models.holds import HoldState

pytestmark = pytest.mark.django_db


@pytest.fixture
def scene(cast: Cast) -> Scene:
    load_rules()
    return scenes.build(cast)


def test_a_sound_claim_passes_and_is_clear(scene: Scene):
    lease = scene.lease(serials=("NVA1",))
    claim = scene.claim(lease, [(scene.invoice(lease, "25112000000000000001"), "100000.00")])
    screening = holds.screen("claim", claim.claim_no, "filing")
    assert (screening.outcome, screening.flags, screening.not_testable) == (
        "pass", [], ["F18", "F19", "F24", "F27", "F28"],
    )  # fmt: skip
    assert holds.require_clear("claim", claim.claim_no) == screening


def test_without_a_screening_of_the_same_facts_nothing_goes_on(scene: Scene):
    lease = scene.lease(serials=("NVA1",))
    invoice = scene.invoice(lease, "25112000000000000001")
    claim = scene.claim(lease, [(invoice, "50000.00")])
    with pytest.raises(NotNow) as refused:
        holds.require_clear("claim", claim.claim_no)
    assert refused.value.code == "screening.missing"
    holds.screen("claim", claim.claim_no, "filing")
    holds.require_clear("claim", claim.claim_no)
    scene.claim(lease, [(invoice, "1000.00")])  # another claim on the same invoice is a new fact
    with pytest.raises(NotNow) as refused:
        holds.require_clear("claim", claim.claim_no)
    assert refused.value.code == "screening.missing"


def test_the_second_use_of_an_invoice_is_held_and_the_first_is_not(scene: Scene):
    lease = scene.lease(serials=("NVA1",))
    invoice = scene.invoice(lease, "25112000000000000001")
    first = scene.claim(lease, [(invoice, "100000.00")], on=date(2025, 6, 2))
    second = scene.claim(lease, [(invoice, "100000.00")], on=date(2025, 6, 3))
    assert holds.screen("claim", first.claim_no, "approval").outcome == "pass"
    assert holds.screen("claim", second.claim_no, "approval").outcome == "block"
    hold = Hold.objects.get()
    assert (hold.subject_no, hold.ground, hold.region_code, hold.party) == (
        second.claim_no, "F01", "110000", scene.cast.alpha,
    )  # fmt: skip
    assert "共 100,000.00 元" in hold.sentence
    flag = Screening.objects.filter(subject_no=second.claim_no).latest("pk").flags[0]
    # The office reads where the invoice was used; the enterprise that it was.
    assert "BJ-AIQ 专项 2025-06-02" in flag["sentence"] and "2025-06-02" not in hold.sentence
    with pytest.raises(NotNow) as refused:
        holds.require_clear("claim", second.claim_no)
    assert refused.value.code == "hold.open" and refused.value.keep


def test_a_hold_is_lifted_by_two_investigators_with_a_reason_and_stays_lifted(scene: Scene, cast: Cast):
    lease = scene.lease(serials=("NVA1",))
    invoice = scene.invoice(lease, "25112000000000000001")
    scene.claim(lease, [(invoice, "100000.00")])
    second = scene.claim(lease, [(invoice, "100000.00")], on=date(2025, 6, 3))
    holds.screen("claim", second.claim_no, "approval")
    hold = Hold.objects.get()
    with pytest.raises(Forbidden):
        holds.request_lift(hold, by=cast.handler, reason="看过")
    with pytest.raises(Invalid):
        holds.request_lift(hold, by=cast.investigator, reason="  ")
    holds.request_lift(hold, by=cast.investigator, reason="销方出具更正说明，发票为两张。")
    with pytest.raises(Forbidden) as refused:
        holds.lift_hold(hold, by=cast.investigator)
    assert refused.value.code == "access.same_person"
    holds.lift_hold(hold, by=cast.second_investigator)
    assert hold.state == HoldState.LIFTED
    holds.screen("claim", second.claim_no, "payment")  # the same fact does not stop the case again
    holds.require_clear("claim", second.claim_no)
    assert Hold.objects.open().count() == 0


def test_new_evidence_on_the_same_ground_holds_again(scene: Scene, cast: Cast):
    lease = scene.lease(serials=("NVA1",))
    invoice = scene.invoice(lease, "25112000000000000001")
    scene.claim(lease, [(invoice, "100000.00")])
    second = scene.claim(lease, [(invoice, "100000.00")], on=date(2025, 6, 3))
    holds.screen("claim", second.claim_no, "approval")
    hold = Hold.objects.get()
    holds.request_lift(hold, by=cast.investigator, reason="已核对。")
    holds.lift_hold(hold, by=cast.second_investigator)
    scene.claim(lease, [(invoice, "100000.00")], on=date(2025, 6, 1))
    holds.screen("claim", second.claim_no, "payment")
    with pytest.raises(NotNow):
        holds.require_clear("claim", second.claim_no)


def test_one_machine_in_two_leases_holds_the_lease_and_the_claim(scene: Scene, cast: Cast):
    first = scene.lease(serials=("NVA1", "NVA2"))
    second = scene.lease(lessee=cast.beta, serials=("NVA1",), starts=date(2025, 4, 1), last=date(2025, 6, 30))
    claim = scene.claim(second, [(scene.invoice(second, "25112000000000000002"), "100000.00")])
    assert holds.screen("claim", claim.claim_no, "filing").outcome == "block"
    assert holds.screen("lease", first.lease_no, "filing").outcome == "block"
    assert set(Hold.objects.values_list("subject_no", "ground")) == {
        (claim.claim_no, "F17"),
        (first.lease_no, "F17"),
    }


def test_a_draft_lease_is_screened_as_if_it_were_filed(scene: Scene, cast: Cast):
    scene.lease(serials=("NVA1",))
    draft = scene.lease(lessee=cast.beta, serials=("NVA1",), filed=False)
    assert holds.screen("lease", draft.lease_no, "filing").outcome == "block"


def test_an_affiliated_lessor_is_held_and_the_affiliation_pushed_down(scene: Scene, cast: Cast):
    Shareholding.objects.create(
        company=cast.alpha, holder_kind="company", holder_id=cast.provider.uscc, holder_name=cast.provider.name,
        percent=Decimal("25.0000"), effective_from=date(2024, 1, 1),
    )  # fmt: skip
    lease = scene.lease(serials=("NVA1",))
    assert holds.screen("lease", lease.lease_no, "filing").outcome == "block"
    row = Affiliation.objects.get()
    assert {row.one, row.other} == {cast.alpha, cast.provider}
    assert (row.ground, row.effective_from) == ("holding", date(2024, 1, 1))
    holds.screen("lease", lease.lease_no, "approval")
    assert Affiliation.objects.count() == 1


def test_whatever_the_screening_reads_changes_the_hash(scene: Scene):
    lease = scene.lease(serials=("NVA1",))
    invoice = scene.invoice(lease, "25112000000000000001")
    claim = scene.claim(lease, [(invoice, "100000.00")])
    seen = {inputs_hash("claim", claim.claim_no)}
    assert inputs_hash("claim", claim.claim_no) in seen
    invoice.status = "red"
    invoice.save()
    seen.add(inputs_hash("claim", claim.claim_no))
    lease.devices.create(serial="NVA9", effective_from=date(2025, 3, 1), effective_to=date(2025, 4, 1))
    seen.add(inputs_hash("claim", claim.claim_no))
    lease.lessor.legal_rep_id = "ab" * 32
    lease.lessor.save()
    seen.add(inputs_hash("claim", claim.claim_no))
    claim.items.update(net_amount=Decimal("99999.99"))
    seen.add(inputs_hash("claim", claim.claim_no))
    assert len(seen) == 5


def test_an_unknown_number_is_not_found(scene: Scene):
    with pytest.raises(NotFound) as refused:
        SCREENER.screen("claim", "C-0", "filing")
    assert refused.value.code == "screening.subject"
    assert not Screening.objects.exists()


def test_every_look_up_of_a_screening_has_its_index(scene: Scene):
    """So that one claim is as quick beside a million as beside none: no table of the facts is read from end to end."""
    lease = scene.lease(serials=("NVA1",))
    claim = scene.claim(lease, [(scene.invoice(lease, "25112000000000000001"), "1000.00")])
    asked: list[tuple[str, Any]] = []

    def note(execute, sql, params, many, context):
        asked.append((sql, params))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(note):
        inputs_hash("claim", claim.claim_no)
    read_whole: set[str] = set()
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        for sql, params in asked:
            cursor.execute("EXPLAIN (FORMAT JSON) " + sql, params)
            read_whole |= set(
                re.findall(r"'Node Type': 'Seq Scan'.*?'Relation Name': '(\w+)'", str(cursor.fetchone()))
            )
    assert len(asked) >= 3
    assert {table for table in read_whole if table.startswith(("applications_", "vouchers_"))} == set()


def test_a_screening_takes_less_than_300_milliseconds(scene: Scene):
    lease = scene.lease(serials=tuple(f"NV{n}" for n in range(64)))
    claim = scene.claim(
        lease, [(scene.invoice(lease, f"251120000000000{n:05d}"), "1000.00") for n in range(12)]
    )
    holds.screen("claim", claim.claim_no, "filing")
    begun = time.perf_counter()
    holds.screen("claim", claim.claim_no, "approval")
    assert time.perf_counter() - begun < 0.3
