"""A dry run's kept result as a page shows it: words and bars beside the figures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from vouchers.actions.dry_run_words import group_label, region_names
from vouchers.models import Job
from vouchers.money import thousands
from vouchers.policy.caps import cap_period_words
from vouchers.policy.dry_run_words import EVENTS
from vouchers.policy.words import day_words
from vouchers.web.bars import BarChart, BarPair, Tug, bar_chart, tugs
from vouchers.web.case_links import case_links

SHOWN_GROUPS = ("size", "ownership", "region", "class", "source")
MOST_GROUPS = 12
MOST_CHANGES = 10
"""Of the largest changes each way; the workbook has all that are named."""


@dataclass(frozen=True)
class Group:
    """One row of a breakdown, with its bars."""

    label: str
    figures: dict[str, Any]
    tug: Tug


@dataclass(frozen=True)
class Grouping:
    """One breakdown; what is beyond the rows shown is in the workbook."""

    label: str
    rows: list[Group]
    left_out: int


@dataclass(frozen=True)
class FlowView:
    """Commitments or payments."""

    code: str
    title: str
    lead: str
    total: dict[str, Any]
    chart: BarChart | None
    months: list[dict[str, Any]]
    groupings: list[Grouping]
    changes: list[tuple[str, list[dict[str, Any]]]]
    shifts: list[dict[str, Any]]
    untestable: list[dict[str, Any]]
    flow: dict[str, Any]


@dataclass
class ReportView:
    """The whole page."""

    flows: list[FlowView]
    pools: list[dict[str, Any]] = field(default_factory=list)
    outlooks: list[dict[str, Any]] = field(default_factory=list)
    """What caps that count at payment hold back, of each version that has such."""
    recorded: bool = False
    cases: int = 0


def _number(value: Any) -> Decimal:
    return Decimal(value or 0)


def _figures(change: Mapping[str, Any]) -> dict[str, Any]:
    """The change with Decimals, and its difference as a share of what was before."""
    names = ("before", "after", "difference", "won", "lost")
    figures = dict(change) | {name: _number(change[name]) for name in names}
    before, difference = figures["before"], figures["difference"]
    share = (difference / before * 100).quantize(Decimal("0.1")) if before else None
    figures["share"] = f"{_sign(share)}{abs(share)}%" if share is not None else ""
    figures["direction"] = "more" if difference > 0 else "less" if difference < 0 else "same"
    figures["signed"] = signed(difference)
    return figures


def signed(amount: Decimal) -> str:
    """With its sign, and a true minus."""
    return f"{_sign(amount)}{thousands(abs(amount))}"


def _sign(number: Decimal) -> str:
    return "+" if number > 0 else "−" if number < 0 else ""


_FLOWS = (
    ("commitments", "发券", "每件申领核定的券面额（不发券的为核定额度）。"),
    ("payments", "兑付", "每件兑付或即时抵扣的补贴。"),
)


def report_view(job: Job, user: Any) -> ReportView:
    """The kept result of a finished dry run, for one reader."""
    report = job.result["report"]
    numbers = [
        change["case_no"]
        for code, _title, _lead in _FLOWS
        for change in (*report[code]["gains"], *report[code]["losses"])
    ]
    links = case_links(user, numbers)
    regions = region_names()
    flows = [
        _flow(code, title, lead, report[code], links, regions)
        for code, title, lead in _FLOWS
        if report[code]["total"]["cases"] or report[code]["undecided"]
    ]
    return ReportView(
        flows=flows,
        pools=_pools(report),
        outlooks=_outlooks(report),
        recorded=not report["before_sha256"],
        cases=report["cases"],
    )


def _flow(
    code: str,
    title: str,
    lead: str,
    flow: Mapping[str, Any],
    links: Mapping[str, str],
    regions: Mapping[str, str],
) -> FlowView:
    months = [_figures(month) for month in flow["months"]]
    pairs = [
        BarPair(
            _month(month["value"], place),
            month["before"],
            month["after"],
            f"{month['value']}：{thousands(month['before'])} → {thousands(month['after'])} 元",
        )
        for place, month in enumerate(months)
    ]
    groupings = []
    for breakdown in flow["breakdowns"]:
        rows = [_figures(group) for group in breakdown["groups"]]
        if breakdown["by"] not in SHOWN_GROUPS or len(rows) < 2:
            continue
        rows.sort(key=lambda row: (-abs(row["difference"]), -row["cases"], row["value"]))
        shown = rows[:MOST_GROUPS]
        bars = tugs([(row["lost"], row["won"]) for row in shown])
        groupings.append(
            Grouping(
                breakdown["label"],
                [
                    Group(group_label(breakdown["by"], row["value"], row["label"], regions), row, bar)
                    for row, bar in zip(shown, bars, strict=True)
                ],
                len(rows) - len(shown),
            )
        )
    return FlowView(
        code=code,
        title=title,
        lead=lead,
        total=_figures(flow["total"]),
        chart=bar_chart(pairs),
        months=months,
        groupings=groupings,
        changes=[
            (words, [_change(change, links) for change in flow[name][:MOST_CHANGES]])
            for words, name in (("增加最多", "gains"), ("减少最多", "losses"))
            if flow[name]
        ],
        shifts=flow["shifts"],
        untestable=flow["untestable"],
        flow=dict(flow),
    )


def _month(value: str, place: int) -> str:
    year, month = value.split("-")
    return f"{int(month)}月" if place and month != "01" else f"{year[2:]}年{int(month)}月"


def _change(change: Mapping[str, Any], links: Mapping[str, str]) -> dict[str, Any]:
    amounts = {name: _number(change[name]) for name in ("before", "after", "difference")}
    return {
        **change,
        **amounts,
        "on": date.fromisoformat(change["on"]),
        "signed": signed(amounts["difference"]),
        "url": links.get(change["case_no"], ""),
    }


def _outlooks(report: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Of the version before and of this one; reports of earlier editions have none."""
    found = []
    for when, title in (("before", "测算前的版本"), ("after", "本版本")):
        one = report.get(f"payment_{when}")
        if one is None:
            continue
        amounts = {name: _number(one[name]) for name in ("asked", "paid", "waiting", "never")}
        caps = [
            dict(cap)
            | {name: _number(cap[name]) for name in ("limit", "asked", "paid", "waiting")}
            | {"period_words": cap_period_words(cap["period"])}
            for cap in one["caps"]
        ]
        found.append({"title": title, "one": dict(one) | amounts | {"caps": caps}})
    return found


def _pools(report: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Each pool before and after, in one row."""
    rows: dict[str, dict[str, Any]] = {}
    for when in ("before", "after"):
        for pool in report[f"pools_{when}"]:
            row = rows.setdefault(
                pool["key"],
                {
                    "name": pool["name"],
                    "period": cap_period_words(pool["period"]),
                    "event": EVENTS.get(pool["event"], pool["event"]),
                    "limit": _number(pool["limit"]),
                },
            )
            spent = date.fromisoformat(pool["spent_on"]) if pool["spent_on"] else None
            used = _number(pool["used"])
            row[when] = {
                **pool,
                "used": used,
                "left": max(Decimal(0), _number(pool["limit"]) - used),
                "spent_on": spent,
            }
    return list(rows.values())


def headline(job: Job) -> list[dict[str, Any]]:
    """The total of each flow, for the version's page and the step of publishing."""
    report = job.result["report"]
    return [
        {"title": title, **_figures(report[code]["total"])}
        for code, title, _lead in _FLOWS
        if report[code]["total"]["cases"]
    ]


def is_synthetic(job: Job) -> bool:
    """Whether invented cases were among those that it was run on."""
    return any(one.get("synthetic") for one in job.result.get("sources", []))


def period_words(job: Job) -> str:
    """The period, both days counted."""
    last = date.fromisoformat(job.params["to_on"]) - timedelta(days=1)
    first = date.fromisoformat(job.params["from_on"])
    return _("%(from)s至%(to)s") % {"from": day_words(first), "to": day_words(last)}


def asked_facts(job: Job) -> list[tuple[str, Any]]:
    """What was asked for, as the report's head says it."""
    params = job.params
    against = (
        f"“{params['before_label']}”（{params['before']}）"
        if params["before_label"]
        else _("各件实际核定的金额")
    )
    return [
        (_("版本"), f"{params['version_no']} {params['label']}"),
        (_("期间"), period_words(job)),
        (_("比较对象"), against),
        (_("版本内容摘要"), f"SHA-256 {params['scheme_sha256']}"),
    ]
