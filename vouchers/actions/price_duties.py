"""报送任务: providers are asked for prices and costs of a period, reminded, and what they leave undone is on record."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from django.db.models import Q

from vouchers import dates
from vouchers.access import Role, require_role
from vouchers.actions.outbox import enqueue
from vouchers.context import announce
from vouchers.errors import Invalid, NotNow
from vouchers.models import (
    CreditRecord,
    Party,
    PriceReport,
    Program,
    ProviderAdmission,
    Region,
    ReportingDuty,
    User,
)
from vouchers.models.credit_records import CreditGround
from vouchers.models.price_reports import DutyState, ReportState
from vouchers.numbers import next_no
from vouchers.states import advance

TELL = "applications.price_report_told"
LEAST_DAYS = 5
"""A provider has at least so many working days."""
STILL_OPEN = (
    ReportState.DUE,
    ReportState.SUBMITTED,
    ReportState.RETURNED,
    ReportState.SUSPECTED,
)


def tell(report: PriceReport, message: str) -> None:
    """A message to the provider once this is committed."""
    enqueue(TELL, {"report_no": report.report_no, "message": message})


def owing_providers(region: Region, program: Program | None, *, on: date) -> list[Party]:
    """The providers that are admitted on the day to the program, or to any of the region's."""
    codes = (
        [program.code]
        if program is not None
        else list(Program.objects.filter(region=region).values_list("code", flat=True))
    )
    admitted = ProviderAdmission.objects.filter(program_code__in=codes, effective_from__lte=on).filter(
        Q(effective_to=None) | Q(effective_to__gt=on)
    )
    return list(Party.objects.filter(pk__in=admitted.values("provider"), status="active").order_by("uscc"))


def open_duty(
    *,
    region: Region,
    program: Program | None,
    title: str,
    document_no: str,
    period_from: date,
    period_to: date,
    due_on: date,
    remind_days: Sequence[int],
    instructions: str = "",
    by: User,
) -> ReportingDuty:
    """Ask every admitted provider for a report of the half-open period until the day, and tell them.

    Raises ``Forbidden`` (``access.role``) and ``Invalid`` (``reporting_duty.title``, ``.document``, ``.period``, ``.due_on``,
    ``.remind_days``, ``.program``, ``.nobody``).
    """
    announce("reporting_duty.open", title)
    require_role(by, Role.PRICE_PUBLISHER, region=region)
    if not title.strip():
        raise Invalid("reporting_duty.title", "请填写名称。", field="title")
    if not document_no.strip():
        raise Invalid("reporting_duty.document", "请填写要求报送所依据的文件。", field="document_no")
    if period_to <= period_from:
        raise Invalid("reporting_duty.period", "所属期的截止日应晚于起始日。", field="period_to")
    if program is not None and program.region_id != region.pk:
        raise Invalid("reporting_duty.program", "该专项不属于所选地区。", field="program")
    if due_on < dates.add_working_days(dates.today(), LEAST_DAYS):
        raise Invalid("reporting_duty.due_on", f"报送期限至少留 {LEAST_DAYS} 个工作日。", field="due_on")
    if not remind_days or any(not 0 <= days <= 60 for days in remind_days):
        raise Invalid(
            "reporting_duty.remind_days", "请填写期限前 0 至 60 个工作日的提醒日。", field="remind_days"
        )
    owing = owing_providers(region, program, on=dates.today())
    if not owing:
        raise Invalid("reporting_duty.nobody", "没有在库的服务商。", hint="请先登记入库，再发起报送。")
    duty = ReportingDuty.objects.create(
        duty_no=next_no("RD", dates.today()),
        region=region,
        program=program,
        title=title.strip(),
        document_no=document_no.strip(),
        period_from=period_from,
        period_to=period_to,
        due_on=due_on,
        remind_days=sorted(set(remind_days), reverse=True),
        instructions=instructions.strip(),
        opened_by=by,
        opened_at=dates.now(),
    )
    for party in owing:
        _ask(duty, party)
    return duty


def ask_newcomers(duty: ReportingDuty, *, by: User) -> int:
    """补充: providers that were admitted since are asked as well; how many. Raises ``NotNow`` (``reporting_duty.over``)."""
    announce("reporting_duty.ask_newcomers")
    require_role(by, Role.PRICE_PUBLISHER, region=duty.region)
    if duty.state != DutyState.OPEN or dates.today() > duty.due_on:
        raise NotNow("reporting_duty.over", "该任务已到期或已结束，不能再补充报送单位。")
    asked = set(duty.reports.values_list("party_id", flat=True))
    fresh = [
        party
        for party in owing_providers(duty.region, duty.program, on=dates.today())
        if party.pk not in asked
    ]
    for party in fresh:
        _ask(duty, party)
    return len(fresh)


def _ask(duty: ReportingDuty, party: Party) -> None:
    report = PriceReport.objects.create(
        report_no=next_no("PR", dates.today()), duty=duty, party=party, due_on=duty.due_on
    )
    tell(report, "asked")


def close_duty(duty: ReportingDuty, *, by: User) -> ReportingDuty:
    """结束: nothing more is taken. Raises ``NotNow`` (``reporting_duty.open_reports``) while reports wait to come or to be checked."""
    announce("reporting_duty.close")
    require_role(by, Role.PRICE_PUBLISHER, region=duty.region)
    left = duty.reports.filter(state__in=STILL_OPEN).count()
    if left:
        raise NotNow(
            "reporting_duty.open_reports",
            f"还有 {left} 份报送表待报送或待核对。",
            hint="逐份办理后再结束；确无业务的可以免报。",
        )
    advance(duty, "close", by=by, region=duty.region)
    return duty


# -- the clock --------------------------------------------------------------------------------------------------------


def remind_due(on: date) -> list[str]:
    """On the working days that a duty names before a report is due, and on the day itself: everyone who has not reported is
    reminded, once a day. Answers the numbers."""
    announce("price_report.remind")
    reminded = []
    rows = (
        PriceReport.objects.select_for_update(of=("self",))
        .filter(state__in=(ReportState.DUE, ReportState.RETURNED), due_on__gte=on, duty__state=DutyState.OPEN)
        .exclude(reminded_on=on)
        .select_related("duty")
        .order_by("pk")
    )
    for report in rows:
        if on != report.due_on and not any(
            dates.add_working_days(on, days) == report.due_on for days in report.duty.remind_days if days
        ):
            continue
        report.reminded_on = on
        report.save(update_fields=["reminded_on"])
        tell(report, "reminder")
        reminded.append(report.report_no)
    return reminded


def mark_overdue(on: date) -> list[str]:
    """The day after it was due, a report that has not come is overdue, and its party's credit record says so. Answers the numbers."""
    announce("price_report.mark_overdue")
    marked = []
    rows = (
        PriceReport.objects.select_for_update(of=("self",))
        .filter(state__in=(ReportState.DUE, ReportState.RETURNED), due_on__lt=on)
        .select_related("duty__region")
        .order_by("pk")
    )
    for report in rows:
        advance(report, "mark_overdue", by=None)
        record(
            report, CreditGround.REPORT_OVERDUE, f"价格报送 {report.report_no} 期限 {report.due_on}，逾期未报"
        )
        tell(report, "overdue")
        marked.append(report.report_no)
    return marked


def record(report: PriceReport, ground: str, sentence: str) -> CreditRecord:
    """Into the party's credit record, once a ground while it is open."""
    row, _made = CreditRecord.objects.get_or_create(
        report=report,
        ground=ground,
        repaired_on=None,
        defaults={
            "party_id": report.party_id,
            "region_code": report.duty.region.code,
            "opened_on": dates.today(),
            "sentence": sentence[:300],
        },
    )
    return row


def repair(report: PriceReport, *grounds: str) -> None:
    """What was done after all: the record says since when."""
    CreditRecord.objects.filter(report=report, ground__in=grounds, repaired_on=None).update(
        repaired_on=dates.today()
    )
