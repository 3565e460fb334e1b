"""The pages of a version's worked examples: uploading, what came out, one in words, and who may not."""

from __future__ import annotations

import io
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from openpyxl import load_workbook

from tests.cast import Cast
from tests.vouchers.test_policy_examples import address, codes, edited, setting, signed_in
from vouchers.actions import policies, policy_examples
from vouchers.models import PolicyExample, PolicyVersion
from vouchers.policy.documents import shipped_scheme
from vouchers.policy.examples import shipped_examples

pytestmark = pytest.mark.django_db


@pytest.fixture
def version(cast: Cast) -> PolicyVersion:
    return policies.load_scheme(shipped_scheme("BJ-AIQ"), shipped_examples("BJ-AIQ"), by=cast.policy_editor)


def sent(client: Client, version: PolicyVersion, content: bytes, name: str = "算例.xlsx") -> Any:
    return client.post(address(version, "examples"), {"file": SimpleUploadedFile(name, content)})


def test_the_editor_uploads_in_the_page_and_reads_how_each_came_out(cast: Cast, version: PolicyVersion):
    client = signed_in(cast.policy_editor)
    content = client.get(address(version, "examples-workbook"))
    assert content["Content-Type"].endswith("spreadsheetml.sheet")
    wrong = edited(content.content, setting("应得金额", 1999999))
    assert sent(client, version, wrong).status_code == 302
    text = client.get(address(version, "examples")).content.decode()
    assert "✕ 不一致" in text
    assert "1,999,999.00" in text
    only = client.get(address(version, "examples") + "?show=failed").context["rows"]
    assert [row["code"] for row in only] == ["rent_15m"]


def test_a_refused_upload_shows_each_cell_and_nothing_changes(cast: Cast, version: PolicyVersion):
    client = signed_in(cast.policy_editor)
    content = edited(policy_examples.examples_workbook(version), setting("用途", "挖矿"))
    refused = sent(client, version, content)
    assert refused.status_code == 422
    text = refused.content.decode()
    for word in ("挖矿", "不在可用值之内", "训练、微调、推理、其他", "算例!", "用途"):
        assert word in text
    assert policy_examples.examples_of(version) == shipped_examples("BJ-AIQ")
    assert client.post(address(version, "examples"), {}).status_code == 422


def test_one_example_is_read_in_words_with_its_working_and_no_json(cast: Cast, version: PolicyVersion):
    client = signed_in(cast.policy_editor)
    text = client.get(address(version, "example", "above_the_band")).content.decode()
    for word in ("不予支持", "公允价格", "合同金额（不含税）", "15,000,000.00 元", "计算过程", "训练"):
        assert word in text
    page = client.get(reverse("admin:vouchers_policyversion_change", args=[version.version_no]))
    assert "&quot;net_amount&quot;" not in page.content.decode()
    assert address(version, "example", "rent_15m") in page.content.decode()
    assert client.get(address(version, "example", "nothing")).status_code == 404


def test_the_results_come_as_a_workbook_with_the_difference_and_the_working(
    cast: Cast, version: PolicyVersion
):
    PolicyExample.objects.filter(version=version, code="rent_15m").update(expected={"amount": "1999999.99"})
    answer = signed_in(cast.publisher).get(address(version, "examples-results"))
    rows = list(load_workbook(io.BytesIO(answer.content))["结果"].iter_rows(values_only=True))
    first = dict(zip(rows[0], rows[1], strict=True))
    assert (first["应得金额"], first["算得金额"], first["差额（算得－应得）"]) == (1999999.99, 2000000, 0.01)
    assert first["是否一致"] == "不一致"
    assert "20%" in first["计算过程"]


def test_others_read_or_do_not_even_find_the_page(cast: Cast, version: PolicyVersion):
    content = policy_examples.examples_workbook(version)
    for person, shown in ((cast.publisher, 200), (cast.other_policy_editor, 404), (cast.stranger, 403)):
        client = signed_in(person)
        assert client.get(address(version, "examples")).status_code == shown
        sent(client, version, edited(content, setting("算例编号", "z")))
        assert "z" not in codes(version)


def test_a_published_version_s_examples_are_read_and_not_replaced(cast: Cast, version: PolicyVersion):
    policies.propose_version(version, by=cast.policy_editor)
    policies.publish_version(version, by=cast.publisher)
    client = signed_in(cast.policy_editor)
    text = client.get(address(version, "examples")).content.decode()
    assert "已不是草稿" in text
    assert 'type="file"' not in text
