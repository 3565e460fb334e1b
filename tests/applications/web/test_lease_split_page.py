"""Where a bundled price is broken down: the enterprise's form, and the office's page beside the contract."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.urls import reverse

from applications.lease_prices import split_of
from applications.models import Application, Lease
from tests import casework
from tests.applications.test_lease_splits import PARTS, WHY, beijing, contract  # noqa: F401 - a fixture
from tests.applications.web.portal import filing
from vouchers.context import acting

pytestmark = pytest.mark.usefixtures("beijing")
FIELDS = {
    "part_compute": "12,000,000.00",
    "part_storage": "2,500,000",
    "part_network": "500000",
    "bundled": "on",
}


def test_the_enterprise_tells_the_parts_apart_with_its_contract_and_sees_the_sentence_before_it_submits(
    client, cast
):
    client.force_login(cast.filer)
    dates = {"signed_on": "2025-06-25", "starts_on": "2025-06-25", "ends_on": "2025-09-24"}
    application = filing.fill_in(client, cast, **FIELDS, **dates)
    assert split_of(application.lease).compute.unit_price == Decimal(12)
    number = application.application_no
    estimate = client.get(reverse("portal:application_estimate", args=[number])).text
    assert (
        "合同价款按企业填报拆分（算力 12,000,000.00 元、存储 2,500,000.00 元、网络 500,000.00 元）"
        in estimate
    )
    for told in (
        "7 个互不关联的供应方",
        "中位数 19.00",
        "四分位 18.00—21.00",
        "区间 17.10—20.90",
        "评级 B",
        "未剔除数据",
    ):
        assert told in estimate
    again = client.get(reverse("portal:application_contract", args=[number])).text
    assert 'value="2,500,000.00"' in again
    check = client.get(reverse("portal:application_check", args=[number])).text
    assert "价款构成" in check and "（企业填报）" in check


def test_parts_that_do_not_add_up_come_back_with_what_was_typed(client, cast):
    client.force_login(cast.filer)
    client.post(reverse("portal:application_new"), {"program": "BJ-AIQ"})
    number = Application.objects.latest("pk").application_no
    typed = filing.contract(cast, **(FIELDS | {"part_network": "1"}))
    page = client.post(reverse("portal:application_contract", args=[number]), typed)
    assert page.status_code == 422
    assert "各项合计 14,500,001.00 元，与合同金额 15,000,000.00 元不一致" in page.text
    assert 'value="12,000,000.00"' in page.text
    assert not Lease.objects.exists()


@pytest.fixture
def filed(cast, beijing) -> Application:  # noqa: F811
    return casework.submitted(cast, beijing, contract(cast))


def test_a_handler_splits_beside_the_contract_and_comes_back_to_the_case(client, cast, filed):
    client.force_login(cast.handler)
    case = reverse("desk:application", args=[filed.application_no])
    page = client.get(case).text
    address = reverse("desk:split_lease", args=[filed.lease.lease_no]) + f"?case={filed.application_no}"
    assert f'href="{address}"' in page
    page = client.get(address).text
    assert "单价含存储、网络等其他服务，尚未拆分" in page and "尚未拆分。" in page
    typed = {f"part_{part}": str(amount) for part, amount in PARTS.items()}
    empty = client.post(address, typed | {"quantity": "250000"})
    assert empty.status_code == 422 and "请写明拆分所依据的合同条款" in empty.text
    wrong = client.post(address, typed | {"quantity": "250000", "reason": WHY, "part_other": "1"})
    assert wrong.status_code == 422 and "与合同金额 5,000,000.00 元不一致" in wrong.text
    done = client.post(address, typed | {"quantity": "250000", "reason": WHY})
    assert (done.status_code, done.url) == (302, case)
    page = client.get(case).text
    assert "合同价款由一名经办拆分" in page and "待另一名经办核对" in page and WHY in page
    page = client.get(address).text
    assert "第 1 版" in page and "经办核定" in page and "÷ 250,000" in page
    client.force_login(cast.second_handler)
    assert (
        'value="4,000,000.00"' in client.get(address).text
    )  # what the first one wrote lies before the second
    client.post(address, typed | {"quantity": "250000", "reason": WHY})
    assert "合同价款已由经办核定拆分" in client.get(case).text


def test_who_does_not_handle_cases_sees_the_page_without_the_form(client, cast, filed):
    client.force_login(cast.approver)
    assert "拆分合同价款" not in client.get(reverse("desk:application", args=[filed.application_no])).text
    address = reverse("desk:split_lease", args=[filed.lease.lease_no])
    assert "保存拆分" not in client.get(address).text
    typed = {f"part_{part}": str(amount) for part, amount in PARTS.items()}
    refused = client.post(address, typed | {"quantity": "250000", "reason": WHY})
    assert refused.status_code == 422
    assert split_of(filed.lease) is None
    client.force_login(cast.other_handler)
    assert client.get(address).status_code == 404


def test_the_page_of_a_decided_case_goes_on_showing_what_it_was_decided_on(client, cast, filed):
    from applications.actions.lease_splitting import split_lease

    for handler in (cast.handler, cast.second_handler):
        with acting(handler, "test"):
            split_lease(filed.lease, PARTS, by=handler, reason=WHY)
    casework.issued(cast, filed)
    other = {"compute": Decimal("4500000.00"), "storage": Decimal("500000.00")}
    lease = Lease.objects.get(pk=filed.lease.pk)
    for handler in (cast.handler, cast.second_handler):
        with acting(handler, "test"):
            split_lease(lease, other, by=handler, reason=WHY)
    client.force_login(cast.handler)
    page = client.get(reverse("desk:application", args=[filed.application_no])).text
    assert "合同价 16.00" in page and "合同价 18.00" not in page
