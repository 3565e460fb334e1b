"""The shipped platform pushes its usage as carelessly as it settles, and still both sides have the same in the end."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import httpx
import pytest
from django.db import connections
from django.db.models import Sum

from applications.models import MeteringDay, MeteringReport
from applications.provider_simulator import Habits, ProviderSimulator
from tests import platform_scene
from vouchers import dates
from vouchers.models import ApiCredential

EVERY = Habits(confirms=0.5, releases=0.5, repeats=1, gives_up=1, changes_body=1, reuses_line=1, corrects=1)


class Served(httpx.WSGITransport):
    """The application itself. Whoever hangs up has been served all the same: the time-out after the success."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        try:
            with dates.fixed(platform_scene.DAY):  # in the thread that asks
                answer = super().handle_request(request)
                answer.read()
            return answer
        finally:
            connections.close_all()


@pytest.fixture
def scene(committed_db: Any) -> dict[str, Any]:
    return platform_scene.build(2)


def simulator(scene: dict[str, Any], **more: Any) -> ProviderSimulator:
    from config.wsgi import application

    return ProviderSimulator(
        "http://testserver",
        scene["token"],
        platform_scene.contracts_of(scene),
        run="sim",
        habits=EVERY,
        concurrency=2,
        transport=Served(app=application),
        **more,
    )


def test_usage_that_is_pushed_twice_unheard_changed_and_corrected_stands_once_as_it_was_acknowledged(
    scene: dict[str, Any],
):
    one = simulator(scene)
    one.meter(Decimal("24.00"), days_a_push=8)
    one.work(4)
    report = one.reconcile(platform_scene.DAY, platform_scene.DAY)
    assert report.faults == [] and report.equal
    assert (report.settlements, report.metered_days, report.corrected_days) == (4, 62, 8)
    assert MeteringDay.objects.count() == 62
    assert MeteringReport.objects.count() == 16  # four pushes of each lease, and the correction of each
    assert MeteringDay.objects.aggregate(all=Sum("card_hours"))["all"] == Decimal(report.metered_hours)


def test_a_day_that_the_system_has_otherwise_is_a_fault(scene: dict[str, Any]):
    one = simulator(scene)
    one.meter(Decimal("24.00"), days_a_push=31)
    ((lease_no, day), hours) = next(iter(one.usage.items()))
    one.usage[lease_no, day] = hours + 1
    report = one.reconcile(platform_scene.DAY, platform_scene.DAY)
    assert len(report.faults) == 1 and "用量不一致" in report.faults[0]


def test_a_token_without_the_scope_is_told_so(scene: dict[str, Any]):
    ApiCredential.objects.update(scopes=["settle", "read"])
    one = simulator(scene)
    one.meter(Decimal("24.00"), days_a_push=31)
    assert one.usage == {} and len(one.report.faults) == 2
    assert all("403" in fault for fault in one.report.faults)
