"""A new version in mid-year: what becomes of caps that are partly used, of open cases, and of decided ones."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from applications.actions.applications import accept_application, approve_application, recommend_application
from applications.models import Application, Claim, Message, Review
from applications.web.shown import shown_timeline
from tests import casework
from tests.cast import Cast
from vouchers import dates
from vouchers.actions import policies
from vouchers.actions.ledger_check import check_ledger
from vouchers.actions.policy_reach import count_reached, reach_back, reach_of
from vouchers.context import Actor, acting
from vouchers.errors import NotNow
from vouchers.models import LedgerAccount, OutboxMessage, Publication, Voucher
from vouchers.policy.documents import shipped_scheme
from vouchers.policy.examples import Example, Expected, shipped_examples
from vouchers.policy.rules import Scheme
from vouchers.policy.terms import InForceBy, Outcome
from vouchers.tasks import reach_back_of

JULY, AUGUST, SEPTEMBER = date(2025, 7, 15), date(2025, 8, 1), date(2025, 9, 1)
BEIJING = shipped_scheme("BJ-AIQ")


@pytest.fixture
def first(cast: Cast) -> Publication:
    publication = casework.published(cast, "BJ-AIQ")
    casework.funded(cast, publication.program)
    casework.fit_for_beijing(cast.alpha)
    return publication


def capped(limit: str, **changes: Any) -> Scheme:
    cap = dataclasses.replace(BEIJING.caps[0], amount=Decimal(limit))
    return dataclasses.replace(
        BEIJING, caps=(cap,), **({"label": "第二版", "effective_from": AUGUST} | changes)
    )


def publish(cast: Cast, scheme: Scheme) -> Publication:
    """Proposed and published, with an example whose amount the engine itself is not asked for."""
    facts = dataclasses.replace(shipped_examples("BJ-AIQ")[0].facts, on=SEPTEMBER, applied_on=SEPTEMBER)
    refused = Expected(outcome=Outcome.REFUSED, amount=Decimal(0))
    example = Example(
        code="none",
        title="没有合同",
        facts=dataclasses.replace(facts, contracts=(), items=()),
        expected=refused,
    )
    with acting(cast.policy_editor, "test"):
        version = policies.load_scheme(scheme, [example], by=cast.policy_editor)
        policies.propose_version(version, by=cast.policy_editor)
    with acting(cast.publisher, "test"):
        return policies.publish_version(version, by=cast.publisher)


def rent(cast: Cast, amount: str, number: str, **more: Any) -> Any:
    return casework.lease_fields(cast.provider, amount, contract_no=number, **more)


def issued(cast: Cast, publication: Publication, amount: str, number: str) -> Voucher:
    return casework.issued(cast, casework.submitted(cast, publication, rent(cast, amount, number)))


@contextmanager
def on(day: date) -> Iterator[None]:
    with dates.fixed(day):
        yield


def cap_account(event: str) -> LedgerAccount:
    return LedgerAccount.objects.get(kind="cap", code__contains=f"enterprise_year.{event}:")


# ---- caps


def test_a_higher_cap_in_mid_year_leaves_what_is_between(cast: Cast, first: Publication):
    issued(cast, first, "7500000.00", "HT-1")  # 1,500,000 of 2,000,000
    second = publish(cast, capped("3000000"))
    with on(SEPTEMBER):
        voucher = issued(cast, second, "90000000.00", "HT-2")
    assert voucher.face_value == Decimal("1500000.00")
    assert (cap_account("issue").used, cap_account("issue").limit_amount) == (3000000, 3000000)
    assert check_ledger() == []


def test_a_lower_cap_in_mid_year_gives_nothing_more_and_takes_nothing_back(cast: Cast, first: Publication):
    earlier = issued(cast, first, "7500000.00", "HT-1")
    second = publish(cast, capped("1000000"))
    with on(SEPTEMBER):
        application = casework.submitted(cast, second, rent(cast, "500000.00", "HT-2"))
    kept = application.assessment
    assert (kept["outcome"], kept["amount"]) == ("refused", "0")
    assert any("已全部用完" in one["sentence"] for one in kept["findings"])
    earlier.refresh_from_db()
    assert earlier.face_value == Decimal("1500000.00")
    assert cap_account("issue").used == Decimal("1500000.00")
    assert check_ledger() == []


def test_a_voucher_of_the_earlier_version_is_claimed_under_its_own_cap(cast: Cast, first: Publication):
    from applications.actions.basis_items import ItemFields

    voucher = issued(cast, first, "9000000.00", "HT-1")  # 1,800,000
    publish(cast, capped("1000000"))
    application = Application.objects.get(voucher_no=voucher.voucher_no)
    with on(SEPTEMBER):
        lease = application.lease
        item = ItemFields(
            kind="invoice_line",
            net_amount=Decimal("9000000.00"),
            invoice=casework.invoice(lease, "9000000.00"),
        )
        claim = casework.claimed(cast, voucher, lease, [item])
    assert (claim.state, claim.claimed_amount) == ("submitted", Decimal("1800000.00"))
    assert cap_account("claim").limit_amount == Decimal("2000000.00")


def test_claims_of_two_versions_share_one_cap_and_each_keeps_its_limit(cast: Cast, first: Publication):
    """The account of the claims is opened by the lower limit; the higher one is granted when it is first stated."""
    from applications.actions.basis_items import ItemFields

    old = issued(cast, first, "7500000.00", "HT-1")
    second = publish(cast, capped("3000000"))
    with on(SEPTEMBER):
        new = issued(cast, second, "90000000.00", "HT-2")
        for voucher, net, number in ((old, "7500000.00", "1"), (new, "7500000.00", "2")):
            lease = Application.objects.get(voucher_no=voucher.voucher_no).lease
            item = ItemFields(
                kind="invoice_line",
                net_amount=Decimal(net),
                invoice=casework.invoice(lease, net, number=f"2511200000000000000{number}"),
            )
            casework.claimed(cast, voucher, lease, [item])
    assert [claim.claimed_amount for claim in Claim.objects.order_by("pk")] == [1500000, 1500000]
    assert (cap_account("claim").used, cap_account("claim").limit_amount) == (3000000, 3000000)
    assert check_ledger() == []


# ---- which version decides


def test_by_the_day_of_application_and_the_case_says_so(cast: Cast, first: Publication):
    second = publish(cast, capped("3000000"))
    before = casework.submitted(cast, first, rent(cast, "500000.00", "HT-1"))
    with on(SEPTEMBER):
        after = casework.submitted(cast, second, rent(cast, "500000.00", "HT-2"))
    assert (before.publication, after.publication) == (first, second)
    assert before.pinned_reason == "按申领日适用：2025年7月15日施行中的“2023—2025年”"
    assert after.pinned_reason == "按申领日适用：2025年9月1日施行中的“第二版”"


def test_by_the_day_of_signing_whenever_it_is_filed(cast: Cast, first: Publication):
    by_signing = {"in_force_by": InForceBy.SIGNING}
    second = publish(cast, capped("3000000", **by_signing))
    with on(SEPTEMBER):
        old = casework.submitted(cast, second, rent(cast, "500000.00", "HT-1", signed_on=date(2025, 3, 1)))
        new = casework.submitted(
            cast,
            second,
            rent(cast, "500000.00", "HT-2", signed_on=date(2025, 8, 2), starts_on=date(2025, 8, 2)),
        )
    assert (old.publication, new.publication) == (first, second)
    assert old.pinned_reason == "按合同签订日适用：2025年3月1日施行中的“2023—2025年”"
    assert new.pinned_reason == "按合同签订日适用：2025年8月2日施行中的“第二版”"


def test_by_the_day_of_recognition_which_is_pinned_by_the_decision(cast: Cast, first: Publication):
    recognised = publish(
        cast, capped("2000000", label="按认定", effective_from=JULY, in_force_by=InForceBy.RECOGNITION)
    )
    application = casework.submitted(cast, recognised, rent(cast, "500000.00", "HT-1"))
    assert "认定前暂按申领日" in application.pinned_reason
    later = publish(
        cast, capped("3000000", label="后一版", effective_from=AUGUST, in_force_by=InForceBy.RECOGNITION)
    )
    with on(SEPTEMBER):
        decide(cast, application)
    application.refresh_from_db()
    assert application.publication == later
    assert application.pinned_reason == "按认定日适用：2025年9月1日施行中的“后一版”"


def decide(cast: Cast, application: Application) -> None:
    with acting(cast.handler, "test"):
        accept_application(application, by=cast.handler)
        casework.answer_all(cast, application)
    with acting(cast.second_handler, "test"):
        recommend_application(application, by=cast.second_handler)
    with acting(cast.approver, "test"):
        approve_application(application, by=cast.approver)


def test_no_version_holds_and_nothing_is_pinned(cast: Cast, first: Publication):
    drafted = casework.drafted(cast, first, rent(cast, "500000.00", "HT-1"))
    with acting(cast.publisher, "test"):
        policies.suspend_version(first, by=cast.publisher, on=JULY, reason="公平竞争审查")
    from applications.actions.applications import submit_application

    with acting(cast.filer, "test"), pytest.raises(NotNow) as refused:
        submit_application(drafted, by=cast.filer)
    assert refused.value.code == "policy.suspended"


# ---- text that reaches back


BACK = {"retroactive_from": date(2025, 7, 1)}


def in_august(publication: Publication) -> None:
    """What the queue does once the version holds."""
    reach_back_of(publication_no=publication.publication_no)


def test_without_such_words_no_case_changes_its_version(cast: Cast, first: Publication):
    application = casework.submitted(cast, first, rent(cast, "500000.00", "HT-1"))
    second = publish(cast, capped("3000000"))
    assert reach_of(second.program, second.scheme, second) is None
    with on(AUGUST):
        in_august(second)
    application.refresh_from_db()
    assert application.publication == first
    assert not OutboxMessage.objects.filter(task="vouchers.reach_back").exists()


def test_open_cases_of_those_days_go_over_with_the_reason(cast: Cast, first: Publication):
    application = casework.submitted(cast, first, rent(cast, "15000000.00", "HT-1"))
    assert application.assessment["amount"] == "2000000"
    second = publish(cast, capped("3000000", **BACK))
    with on(AUGUST):
        in_august(second)
        in_august(second)  # again does nothing
    application.refresh_from_db()
    assert application.publication == second
    assert (application.assessment["amount"], application.requested_amount) == ("3000000", 3000000)
    assert "溯及适用" in application.pinned_reason
    rows = Review.objects.filter(subject_no=application.application_no, verb="repin")
    assert [row.reason for row in rows] == [application.pinned_reason]
    assert "改按新版本办理" in [one["title"] for one in shown_timeline(application, internal=False)]
    assert OutboxMessage.objects.filter(payload__message="application_repinned").count() == 1


def test_decided_cases_stay_as_they_are_and_are_counted(cast: Cast, first: Publication):
    voucher = issued(cast, first, "7500000.00", "HT-1")
    decided = Application.objects.get(voucher_no=voucher.voucher_no)
    second = publish(cast, capped("3000000", **BACK))
    with on(AUGUST):
        in_august(second)
    decided.refresh_from_db()
    assert (decided.publication, decided.state) == (first, "issued")
    reach = reach_of(second.program, second.scheme, second)
    assert reach is not None
    assert (count_reached(reach).undecided, count_reached(reach).decided) == (0, 1)


def test_a_case_before_those_days_is_not_reached(cast: Cast, first: Publication):
    with on(date(2025, 6, 30)):
        application = casework.submitted(cast, first, rent(cast, "500000.00", "HT-1"))
    second = publish(cast, capped("3000000", **BACK))
    with on(AUGUST):
        in_august(second)
    application.refresh_from_db()
    assert application.publication == first


def test_before_its_first_day_nothing_goes_over(cast: Cast, first: Publication):
    application = casework.submitted(cast, first, rent(cast, "500000.00", "HT-1"))
    second = publish(cast, capped("3000000", **BACK))
    message = OutboxMessage.objects.get(task="vouchers.reach_back")
    assert message.not_before.astimezone(dates.SHANGHAI).date() == AUGUST
    with acting(Actor.service("test"), "test"):
        assert reach_back(second) == 0
    application.refresh_from_db()
    assert application.publication == first


def test_one_filed_again_later_keeps_its_day_and_comes_under_the_text_that_reaches_back(
    cast: Cast, first: Publication
):
    from applications.actions.applications import return_application, submit_application

    application = casework.submitted(cast, first, rent(cast, "500000.00", "HT-1"))
    with acting(cast.handler, "test"):
        return_application(application, by=cast.handler, reason="请补正")
    second = publish(cast, capped("3000000", **BACK))
    with on(SEPTEMBER), acting(cast.filer, "test"):
        application.refresh_from_db()
        application.statement_accepted = True
        application.save(update_fields=["statement_accepted"])
        submit_application(application, by=cast.filer)
    assert application.publication == second
    assert application.pinned_reason == "按申领日适用：2025年7月15日依其溯及适用规定适用“第二版”"


def test_the_enterprise_is_told(cast: Cast, first: Publication):
    from applications.actions.messages import tell_about_application

    application = casework.submitted(cast, first, rent(cast, "500000.00", "HT-1"))
    second = publish(cast, capped("3000000", **BACK))
    with on(AUGUST):
        in_august(second)
        application.refresh_from_db()
        with acting(Actor.service("test"), "test"):
            tell_about_application("application_repinned", application)
    assert "改按新版本政策办理" in Message.objects.latest("pk").title
