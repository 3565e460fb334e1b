"""Batches and lists on the pages: what the office uploads, downloads and is told; where the enterprise confirms."""

from __future__ import annotations

import io
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from openpyxl import load_workbook

from applications.actions.batch_lists import make_list
from applications.actions.batches import share_out_batch
from applications.models import Application, IssueBatch
from tests.applications.batch_office import batched, decided, filed, issued, noticed, shared_out
from tests.applications.test_batch_lists import book, reviewed, row, settled
from tests.cast import Cast
from vouchers.context import acting
from vouchers.models import Publication
from vouchers.policy.terms import Shortage

__all__ = ["settled"]


def sheet(content: bytes, title: str) -> list[list[Any]]:
    return [[cell.value for cell in line] for line in load_workbook(io.BytesIO(content))[title].iter_rows()]


def test_the_list_of_a_batch_as_excel_says_how_each_amount_came_about_and_the_annex_does_not(
    client: Any, cast: Cast
):
    publication = batched(cast, Shortage.BY_SCORE)
    case = decided(cast, filed(cast, publication, "10000000.00", "HT-1"), score="88")
    batch = shared_out(cast, publication)
    client.force_login(cast.handler)
    page = client.get(reverse("desk:issue_batch_workbook", args=[batch.batch_no]))
    (head, line) = sheet(page.content, "分配清单")
    found = dict(zip(head, line, strict=True))
    assert found["申领编号"] == case.application_no and found["得分"] == 88
    assert found["分配金额（元）"] == 2000000 and "全额支持" in found["分配过程"]
    noticed(cast, batch)
    annex = client.get(reverse("public:notice_annex", args=[batch.batch_no]))
    assert annex.status_code == 200
    (head, line, total) = sheet(annex.content, "拟支持名单")
    assert head == ["序号", "单位名称", "统一社会信用代码", "拟支持金额（元）"]
    assert line[1:] == [cast.alpha.name, cast.alpha.uscc, 2000000] and total[3] == 2000000


def test_what_is_only_proposed_is_not_public(client: Any, cast: Cast):
    publication = batched(cast, Shortage.PRO_RATA)
    case = decided(cast, filed(cast, publication, "10000000.00", "HT-1"))
    batch = shared_out(cast, publication)
    for name in ("notice_batch", "notice_annex"):
        assert client.get(reverse(f"public:{name}", args=[batch.batch_no])).status_code == 404
    client.force_login(cast.filer)
    page = client.get(reverse("portal:application", args=[case.application_no])).text
    assert "待整批核定" in page and batch.batch_no not in page


def test_a_faulty_list_is_shown_with_its_cells_and_a_good_one_becomes_a_batch(
    client: Any, cast: Cast, settled: Publication
):
    client.force_login(cast.handler)
    assert settled.program.name in client.get(reverse("desk:issue_batches")).text
    template = client.get(reverse("desk:issue_list_template", args=[settled.program.code]))
    assert sheet(template.content, "名单")[0][0] == "统一社会信用代码"

    def upload(*rows: dict[str, Any]) -> Any:
        file = SimpleUploadedFile("名单.xlsx", book(settled, *rows))
        return client.post(reverse("desk:upload_issue_list"), {"program": settled.program.code, "file": file})

    refused = upload(row(cast.alpha, "999999.00"), row(cast.beta, "1.00", number="JS-2"))
    assert refused.status_code == 422
    assert "H2" in refused.text and "不得超过" in refused.text
    assert not IssueBatch.objects.exists() and not Application.objects.exists()
    done = upload(row(cast.alpha, "100000.00"))
    batch = IssueBatch.objects.get()
    assert done.url == reverse("desk:issue_batch", args=[batch.batch_no])
    assert "待审核的名单" in client.get(done.url).text


def test_the_enterprise_confirms_on_its_applications_page(client: Any, cast: Cast, settled: Publication):
    from applications.actions.batch_lists import make_list

    with acting(cast.handler, "test"):
        batch = make_list(settled.program, book(settled, row(cast.alpha, "100000.00")), by=cast.handler)
    reviewed(cast, batch)
    with acting(cast.handler, "test"):
        share_out_batch(batch, by=cast.handler)
    issued(cast, noticed(cast, batch))
    number = batch.members.get().application.application_no
    client.force_login(cast.filer)
    address = reverse("portal:application", args=[number])
    assert "确认意愿" in client.get(address).text
    client.post(reverse("portal:application_consent", args=[number]), {})
    assert Application.objects.get(application_no=number).consented_at is None
    client.post(reverse("portal:application_consent", args=[number]), {"accepted": "yes"})
    assert Application.objects.get(application_no=number).consented_by == cast.filer
    assert "已于" in client.get(address).text


@pytest.mark.parametrize("person", ["other_handler", "filer", "stranger"])
def test_nobody_else_sees_or_makes_a_list(client: Any, cast: Cast, settled: Publication, person: str):
    client.force_login(getattr(cast, person))
    template = client.get(reverse("desk:issue_list_template", args=[settled.program.code]))
    upload = client.post(reverse("desk:upload_issue_list"), {"program": settled.program.code})
    assert {template.status_code, upload.status_code} <= {403, 404}
    assert not IssueBatch.objects.exists()


def test_one_that_is_set_aside_is_taken_back_on_the_page_and_a_row_of_a_list_leaves_on_its_own(
    client: Any, cast: Cast, settled: Publication
):
    with acting(cast.handler, "test"):
        batch = make_list(settled.program, book(settled, row(cast.alpha, "20000.00")), by=cast.handler)
    reviewed(cast, batch)
    case = batch.members.get().application
    client.force_login(cast.handler)
    address = reverse("desk:set_aside", args=[batch.batch_no, case.application_no])
    page = reverse("desk:issue_batch", args=[batch.batch_no])
    client.post(address, {"reason": "核查未结束。"})
    assert batch.members.get().set_aside_reason and "恢复列入" in client.get(page).text
    client.post(address, {"reason": "核查完毕。", "deed": "take_back"})
    assert not batch.members.get().set_aside_reason
    shown = client.get(page).text
    assert "核查完毕。" in shown and f"back-{case.application_no}" not in shown
    assert "移出名单" in client.get(reverse("desk:application", args=[case.application_no])).text
    client.post(
        reverse("desk:decide_application", args=[case.application_no, "unlist"]), {"reason": "单位已注销。"}
    )
    case.refresh_from_db()
    assert case.state == "withdrawn"
    client.force_login(cast.filer)
    told = client.get(reverse("portal:application", args=[case.application_no])).text
    assert "移出名单" in told and "单位已注销。" in told


def test_what_was_applied_for_has_no_way_off_a_list(client: Any, cast: Cast):
    case = decided(cast, filed(cast, batched(cast, Shortage.PRO_RATA), "1000000.00", "HT-1"))
    client.force_login(cast.handler)
    assert "移出名单" not in client.get(reverse("desk:application", args=[case.application_no])).text


def test_what_was_issued_is_told_beside_what_was_allotted(client: Any, cast: Cast):
    publication = batched(cast, Shortage.PRO_RATA)
    decided(cast, filed(cast, publication, "10000000.00", "HT-1"))
    batch = noticed(cast, shared_out(cast, publication))
    client.force_login(cast.handler)
    address = reverse("desk:issue_batch", args=[batch.batch_no])
    assert "实际发放" not in client.get(address).content.decode()
    issued(cast, batch)
    page = client.get(address)
    assert (page.context["issued"], page.context["total"]) == (1, 1)
    assert page.context["issued_amount"] == batch.allotted_amount and "实际发放" in page.content.decode()
