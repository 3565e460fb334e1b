"""信用 at the desk and in the portal: from the finding to the restriction, its answer, its repair; who sees what; refusals on the page."""

from __future__ import annotations

from datetime import date

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from applications.actions.credit import tell_about_credit
from applications.actions.objections import answer_objection
from applications.models import Message, Objection, Paper
from audit.models import AuditEvent
from tests.cast import Cast
from vouchers import dates
from vouchers.actions.credit_entries import record_entry
from vouchers.context import Actor, acting
from vouchers.errors import Forbidden
from vouchers.models import CreditEntry, CreditRepair, Debarment, Leniency, Listing, OutboxMessage

pytestmark = pytest.mark.django_db
PDF = b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[]/Count 0>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF"
ACT = {
    "region": "110000",
    "case_no": "K-2025-00000003",
    "ground": "false_papers",
    "facts": "付款凭证系伪造",
    "basis": "《算力券管理办法》",
    "article": "第二十条",
    "proposed_from": "2025-08-01",
    "proposed_to": "2026-08-01",
    "repair_from": "2025-11-01",
    "repair_terms": "退回资金，公开承诺",
}


def signed_in(person) -> Client:
    client = Client()
    client.force_login(person)
    return client


def deliver() -> None:
    """What the outbox would send of these deeds."""
    for message in OutboxMessage.objects.filter(task="applications.credit_told", done_at=None):
        with acting(Actor.service("test"), "message.send"):
            tell_about_credit(message.payload["message"], message.payload["number"])
        OutboxMessage.objects.filter(pk=message.pk).update(done_at=dates.now())


def entered(cast: Cast, **change) -> CreditEntry:
    given = {
        "region": cast.beijing,
        "aspect": "security",
        "bearing": "adverse",
        "found_on": date(2025, 7, 10),
        "document_no": "京网〔2025〕2号",
        "basis": "《算力券管理办法》",
        "article": "第十五条",
        "sentence": "租用到期后三日内未擦除数据",
    } | change
    with acting(cast.handler, "test"):
        return record_entry(cast.alpha, by=cast.handler, **given)


def test_the_whole_way_from_proposal_to_repair(cast: Cast):
    desk, second, portal = (
        signed_in(cast.investigator),
        signed_in(cast.second_investigator),
        signed_in(cast.filer),
    )
    assert desk.get(reverse("audit:credit-file", args=[cast.alpha.uscc])).status_code == 200
    form = reverse("audit:debar", args=[cast.alpha.uscc])
    assert "K-2025-00000003" in desk.get(form, {"case_no": "K-2025-00000003"}).text
    answer = desk.post(form, ACT)
    row = Debarment.objects.get()
    assert answer.url == reverse("audit:debarment", args=[row.debarment_no])
    assert portal.get(reverse("portal:debarment", args=[row.debarment_no])).status_code == 404  # not told yet
    desk.post(
        reverse("audit:decide-debarment", args=[row.debarment_no, "notify"]),
        {"document_no": "京告〔2025〕3号", "respond_until": "2025-07-22"},
    )
    deliver()
    assert "陈述申辩" in portal.get(reverse("portal:messages")).text
    assert "去陈述申辩" in portal.get(reverse("portal:credit")).text
    portal.post(
        reverse("portal:debarment_answer", args=[row.debarment_no]),
        {"statement": "凭证由代账公司提供", "hearing": "1"},
    )
    page = reverse("audit:decide-debarment", args=[row.debarment_no, "list"])
    decision = {
        "document_no": "京决〔2025〕3号",
        "reason": "陈述不成立",
        "effective_from": "2025-08-01",
        "effective_to": "2026-08-01",
    }
    with dates.fixed(date(2025, 7, 23)):
        refused = second.post(page, decision)
        assert (refused.status_code, "要求听证" in refused.text) == (409, True)
        second.post(
            reverse("audit:decide-debarment", args=[row.debarment_no, "hear"]),
            {"heard_on": "2025-07-23", "record": "双方到场"},
        )
        assert desk.post(page, decision).status_code == 403
        assert second.post(page, decision).status_code == 302
    deliver()
    assert Listing.objects.get().effective_to == date(2026, 8, 1)
    with dates.fixed(date(2025, 11, 3)):
        assert "失信限制" in portal.get(reverse("portal:credit")).text
        ask = reverse("portal:credit_ask", args=["debarment", row.debarment_no])
        bare = portal.post(ask, {"statement": "已全部退回"})
        assert (bare.status_code, CreditRepair.objects.count()) == (422, 0)
        portal.post(ask, {"statement": "已全部退回", "papers": SimpleUploadedFile("回单.pdf", PDF)})
        repair = CreditRepair.objects.get()
        assert Paper.objects.get().subject_no == repair.repair_no
        assert "回单.pdf" in desk.get(reverse("audit:repair", args=[repair.repair_no])).text
        desk.post(
            reverse("audit:decide-repair", args=[repair.repair_no, "examine"]), {"examination": "资金已到账"}
        )
        grant = {"document_no": "京修〔2025〕3号", "reason": "条件具备", "ends_on": "2025-11-03"}
        assert (
            desk.post(reverse("audit:decide-repair", args=[repair.repair_no, "grant"]), grant).status_code
            == 403
        )
        second.post(reverse("audit:decide-repair", args=[repair.repair_no, "grant"]), grant)
        deliver()
        assert "已准予" in portal.get(reverse("portal:credit_repair", args=[repair.repair_no])).text
    row.refresh_from_db()
    assert (row.state, Listing.objects.get().effective_to) == ("repaired", date(2025, 11, 3))
    told = list(Message.objects.filter(party=cast.alpha).order_by("pk").values_list("title", flat=True))
    assert told == ["拟列入失信限制，请陈述申辩", "已列入失信限制", "信用修复已准予"]


def test_a_form_that_lacks_something_is_shown_again_with_what_was_typed(cast: Cast):
    page = signed_in(cast.investigator).post(
        reverse("audit:debar", args=[cast.alpha.uscc]), ACT | {"proposed_to": "2025-08-01"}
    )
    assert page.status_code == 422
    assert "移出日须晚于列入日" in page.text
    assert "付款凭证系伪造" in page.text
    assert not Debarment.objects.exists()


def test_opening_a_file_is_in_the_trail(cast: Cast):
    signed_in(cast.auditor).get(reverse("audit:credit-file", args=[cast.alpha.uscc]))
    event = AuditEvent.objects.get(verb="credit_file.open")
    assert (event.subject_kind, event.subject_no) == ("party", cast.alpha.uscc)


def test_another_region_reads_kind_and_day_and_no_fact(cast: Cast):
    entry = entered(cast)
    page = signed_in(cast.other_auditor).get(reverse("audit:credit-file", args=[cast.alpha.uscc])).text
    assert "租用到期后" not in page
    assert entry.document_no not in page
    assert "其他地区" in page
    assert "2025年7月10日" in page
    correct = reverse("audit:credit-correct", args=[entry.entry_no])
    assert signed_in(cast.other_handler).get(correct).status_code == 404


@pytest.mark.parametrize("who", ["auditor", "finance", "expert"])
def test_whoever_only_reads_writes_nothing(cast: Cast, who):
    client = signed_in(getattr(cast, who))
    assert client.get(reverse("audit:credit-file", args=[cast.alpha.uscc])).status_code == 200
    for name in ("credit-record", "debar", "credit-leniency"):
        assert client.get(reverse(f"audit:{name}", args=[cast.alpha.uscc])).status_code == 403


def test_an_entry_and_a_leniency_are_written_at_the_desk(cast: Cast):
    desk, second = signed_in(cast.investigator), signed_in(cast.second_investigator)
    desk.post(
        reverse("audit:credit-record", args=[cast.alpha.uscc]),
        {
            "region": "110000", "aspect": "security", "bearing": "adverse", "found_on": "2025-07-10", "sentence": "未按时擦除数据",
            "document_no": "京网〔2025〕2号", "basis": "《办法》", "article": "第十五条",
        },
    )  # fmt: skip
    entry = CreditEntry.objects.get()
    desk.post(
        reverse("audit:credit-leniency", args=[cast.alpha.uscc]),
        {
            "region": "110000", "breach": "paper_defect", "breached_on": "2025-07-01", "facts": "缺骑缝章", "slightness": "不影响认定",
            "corrected_on": "2025-07-02", "correction": "已补盖", "document_no": "京免〔2025〕2号", "basis": "《中华人民共和国行政处罚法》",
            "article": "第三十三条第一款",
        },
    )  # fmt: skip
    row = Leniency.objects.get()
    decide = reverse("audit:decide-leniency", args=[row.leniency_no, "grant"])
    assert desk.post(decide, {"reason": "同意"}).status_code == 403
    assert second.post(decide, {"reason": "同意"}).status_code == 302
    page = desk.get(reverse("audit:credit-file", args=[cast.alpha.uscc])).text
    for words in (entry.entry_no, row.leniency_no, "本地区尚未公布分级标准", "缺骑缝章"):
        assert words in page


def test_an_objection_that_is_upheld_takes_the_entry_back(cast: Cast):
    entry = entered(cast)
    portal = signed_in(cast.filer)
    assert entry.sentence in portal.get(reverse("portal:credit_entry", args=[entry.entry_no])).text
    portal.post(reverse("portal:credit_object", args=["entry", entry.entry_no]), {"text": "当日已擦除"})
    objection = Objection.objects.get()
    with acting(cast.approver, "test"), pytest.raises(Forbidden):
        answer_objection(objection, uphold=True, answer="属实", by=cast.approver)
    with acting(cast.investigator, "test"):
        answer_objection(objection, uphold=True, answer="日志显示当日已擦除", by=cast.investigator)
    assert not CreditEntry.objects.all().standing().exists()
    assert "撤回" in portal.get(reverse("portal:credit")).text
    assert (
        signed_in(cast.investigator).get(reverse("desk:objection", args=[objection.objection_no])).status_code
        == 200
    )


def test_strangers_and_other_companies_read_no_file(cast: Cast):
    entry = entered(cast)
    for name, number in (("credit_entry", entry.entry_no),):
        assert signed_in(cast.other_filer).get(reverse(f"portal:{name}", args=[number])).status_code == 404
    assert signed_in(cast.stranger).get(reverse("portal:credit")).status_code == 403
    assert signed_in(cast.stranger).get(reverse("audit:credit-files")).status_code == 403
    assert entry.sentence not in signed_in(cast.other_filer).get(reverse("portal:credit")).text


def test_many_files_are_listed_in_few_statements(cast: Cast, django_assert_max_num_queries):
    client = signed_in(cast.investigator)
    entered(cast)
    with django_assert_max_num_queries(40):
        page = client.get(reverse("audit:credit-files"))
    assert cast.alpha.name in page.text
