"""How a party stands on a day: its group, its years of support, its connections; what an invoice's words say it bills."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from applications.actions.projects import ProjectFields
from applications.actions.settlements import SettlementRequest, reserve_settlement
from applications.components import by_component, suggested
from applications.facts import platform_traded
from applications.models import Application
from applications.standing import connected, group_of, years_supported
from tests import casework
from tests.applications import kinds
from vouchers import dates
from vouchers.context import acting
from vouchers.models import DeclaredAffiliation, Party, PlatformConnection, Shareholding
from vouchers.policy.terms import Component, InForceBy

TODAY = date(2025, 7, 15)


def holds(company: Party, holder: Party, percent: str, since: date, until: date | None = None) -> None:
    Shareholding.objects.create(
        company=company,
        holder_kind="company",
        holder_id=holder.uscc,
        holder_name=holder.name,
        percent=Decimal(percent),
        effective_from=since,
        effective_to=until,
    )


def test_a_group_is_named_after_the_company_at_its_top(cast):
    holds(cast.alpha, cast.beta, "60.00", date(2020, 1, 1))
    holds(cast.beta, cast.provider, "51.00", date(2020, 1, 1))
    assert group_of(cast.alpha, TODAY) == cast.provider.uscc
    assert group_of(cast.beta, TODAY) == cast.provider.uscc
    assert group_of(cast.provider, TODAY) == cast.provider.uscc


def test_half_of_the_shares_is_no_control_and_a_sold_holding_no_longer_counts(cast):
    holds(cast.alpha, cast.beta, "50.00", date(2020, 1, 1))
    holds(cast.alpha, cast.provider, "80.00", date(2020, 1, 1), date(2025, 1, 1))
    assert group_of(cast.alpha, TODAY) == cast.alpha.uscc
    assert group_of(cast.alpha, date(2024, 12, 31)) == cast.provider.uscc


def test_a_declared_parent_stands_where_the_register_shows_none_and_a_ring_ends(cast):
    for party, parent in ((cast.alpha, cast.beta), (cast.beta, cast.alpha)):
        DeclaredAffiliation.objects.create(
            party=party, other=parent, relation="parent", declared_on=date(2024, 5, 1)
        )
    assert group_of(cast.alpha, TODAY) == cast.beta.uscc
    assert group_of(cast.alpha, date(2024, 4, 30)) == cast.alpha.uscc


def granted_once(cast, publication, reference: str) -> Application:
    last = dates.today()
    fields = ProjectFields(
        kind="settlement",
        name="平台结算",
        site="监测调度平台",
        document_no=reference,
        period_from=date(last.year, 1, 1),
        period_to=last,
        amount=Decimal("1000000.00"),
    )
    application = kinds.project_application(cast, publication, fields)
    kinds.granted(cast, application)
    return application


def test_years_of_support_count_in_a_row_up_to_the_year_before(cast):
    with dates.fixed(date(2024, 10, 10)):
        publication = kinds.opened(cast, "NM-JS")
        kinds.connect(cast, cast.alpha, publication, date(2024, 6, 1))
        granted_once(cast, publication, "JS-2024")
    with dates.fixed(TODAY):
        casework.funded(cast, publication.program)
        latest = granted_once(cast, publication, "JS-2025")
    code = publication.program.code
    assert years_supported(cast.alpha, code, TODAY) == 1
    assert years_supported(cast.alpha, code, date(2026, 3, 1)) == 2
    assert years_supported(cast.alpha, code, date(2027, 3, 1)) == 0  # nothing in 2026
    assert years_supported(cast.alpha, code, date(2026, 3, 1), besides=latest.application_no) == 0
    assert years_supported(cast.beta, code, date(2026, 3, 1)) == 0


def test_a_connection_holds_from_its_day_to_the_day_before_its_end(cast):
    scheme = casework.published(cast, "NM-JS").scheme
    assert connected(cast.alpha, scheme, TODAY) is None  # nothing known is not no
    PlatformConnection.objects.create(
        party=cast.alpha,
        platform="监测调度平台",
        region_code="150000",
        effective_from=date(2024, 1, 1),
        effective_to=date(2025, 1, 1),
        document_no="1号",
    )
    days = (date(2023, 12, 31), date(2024, 1, 1), date(2024, 12, 31), date(2025, 1, 1))
    assert [connected(cast.alpha, scheme, day) for day in days] == [False, True, True, False]
    elsewhere = replace(scheme, program="OTHER", region="110000")
    assert connected(cast.alpha, elsewhere, date(2024, 6, 1)) is None


def test_the_platforms_own_settlements_show_that_a_contract_was_traded_there(cast):
    with dates.fixed(TODAY):
        publication = kinds.opened(cast, "GZ-SLQ-DEMO")
        fields = casework.lease_fields(cast.provider, "600000.00")
        application = casework.submitted(cast, publication, fields, facts={"is_platform_traded": True})
        assert platform_traded(application.lease, publication.scheme, application.facts) is None
        voucher = kinds.granted(cast, application)
        request = SettlementRequest(
            voucher_no=voucher.voucher_no,
            lease_no=application.lease.lease_no,
            reference="PT-1",
            net_amount=Decimal("1000.00"),
            period_from=fields.starts_on,
            period_to=fields.starts_on,
        )
        with acting(cast.platform, "test"):
            reserve_settlement(request, provider=cast.provider, key="traded-0001", by=cast.platform)
        assert platform_traded(application.lease, publication.scheme, {}) is True
        assert platform_traded(application.lease, publication.scheme, {"is_platform_traded": False}) is False


def test_where_the_text_goes_by_recognition_the_decision_pins_the_version(cast):
    with dates.fixed(TODAY):
        publication = kinds.opened(
            cast, "QH-DDPT-DEMO", change=lambda one: replace(one, in_force_by=InForceBy.RECOGNITION)
        )
        fields = ProjectFields(
            kind="investment", name="平台一期", completed_on=date(2025, 3, 31), amount=Decimal("1000000.00")
        )
        application = kinds.project_application(cast, publication, fields)
        assert "认定前暂按申领日" in application.pinned_reason
        kinds.granted(cast, application)
        application.refresh_from_db()
        assert application.pinned_reason.startswith("按认定日适用：2025年7月15日")


@pytest.mark.parametrize(
    ("words", "component"),
    [
        ("*信息系统服务*算力服务费", Component.COMPUTE),
        ("*信息技术服务*云存储服务费", Component.STORAGE),
        ("GPU裸金属租赁", Component.COMPUTE),
        ("*电信服务*互联网专线接入", Component.NETWORK),
        ("*信息技术服务*网络安全防护服务", Component.SECURITY),
        ("*信息技术服务*等保测评", Component.SECURITY),
        ("气象数据集", Component.DATA),
        ("*软件*授权费", Component.SOFTWARE),
        ("服务费", Component.OTHER),
        ("*", Component.OTHER),
        ("", Component.OTHER),
    ],
)
def test_the_words_of_a_line_suggest_what_it_bills(words, component):
    assert suggested(words) is component


def test_an_invoice_is_added_up_by_what_it_bills():
    class Line:
        def __init__(self, description: str, net_amount: str) -> None:
            self.description, self.net_amount = description, Decimal(net_amount)

    lines = [Line("存储", "1.00"), Line("算力", "3.00"), Line("算力（二期）", "0.50")]
    assert by_component(lines) == {Component.COMPUTE: Decimal("3.50"), Component.STORAGE: Decimal("1.00")}
