"""单元测算: any cell at any day with what was known at any instant, worked out anew with its whole working; for staff."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext_lazy as _

from vouchers import dates
from vouchers.access import has_role
from vouchers.actions.price_explorer import PRICE_READERS, Explored, explore, explore_issue, names_of
from vouchers.actions.price_reading import start_of
from vouchers.errors import DomainError
from vouchers.middleware import note_refusal
from vouchers.models import ChipModel, PriceIndexIssue, PriceMethod
from vouchers.models.parties import Tier
from vouchers.models.prices import Market, TermBucket
from vouchers.policy import fair_price as fp
from vouchers.policy.prices.cells import UNIT_LABEL
from vouchers.policy.prices.regions import region_groups
from vouchers.policy.prices.rows import BASES
from vouchers.policy.prices.verdicts import percent_text
from vouchers.policy.prices.working import FATES, Fate, GroupWorking
from vouchers.web.downloads import attachment
from vouchers.web.fields import DayField
from vouchers.web.price_files import csv_attachment

MOST_SHOWN = 100  # observations of one group or reason on the page; the file has all
CELL_PARTS = ("accelerator", "form_factor", "tier", "region_group", "term")
KINDS = {"transaction": _("成交"), "quote": _("报价"), "expert": _("专家意见")}
FILE_COLUMNS = (
    "observation_no", "revision", "source", "group", "kind", "cell", "region", "sku", "observed_on", "unit_price", "factor",
    "price_here", "outcome", "outcome_word",
)  # fmt: skip


class ExplorerForm(forms.Form):
    """Which cell, when, and with what was known when."""

    market = forms.ChoiceField(label=_("市场"), choices=Market.choices)
    accelerator = forms.ChoiceField(label=_("加速卡"))
    form_factor = forms.ChoiceField(label=_("形态"), required=False)
    tier = forms.ChoiceField(label=_("供应方类别"), choices=Tier.choices)
    region_group = forms.ChoiceField(label=_("区域组"))
    term = forms.ChoiceField(
        label=_("租期"), choices=[pair for pair in TermBucket.choices if pair[0] != "spot"]
    )
    as_of = DayField(label=_("基准日（签订日）"))
    known_on = DayField(label=_("数据截至（含当日）"))
    version = forms.ChoiceField(label=_("方法版本"), required=False)
    left_out = forms.CharField(label=_("不计的来源"), required=False, max_length=2000, help_text=_("多个以逗号分隔；其所在组均不投票。"))  # fmt: skip

    def __init__(self, given: Any = None, *, market: str, **options: Any) -> None:
        super().__init__(given, **options)
        chips = ChipModel.objects.order_by("accelerator").values_list("accelerator", "form_factor").distinct()
        names = sorted({name for name, _form in chips})
        forms_known = sorted({form for _name, form in chips if form})
        versions = (
            PriceMethod.objects.filter(market=market).order_by("-version").values_list("version", flat=True)
        )
        choices: dict[str, list[tuple[str, Any]]] = {
            "accelerator": [(name, name) for name in names],
            "form_factor": [("", _("不分")), *((form, form) for form in forms_known)],
            "region_group": [*region_groups(market).items()],
            "version": [("", _("基准日有效的版本")), *((str(no), f"第 {no} 版") for no in versions)],
        }
        for name, found in choices.items():
            field = self.fields[name]
            assert isinstance(field, forms.ChoiceField)
            field.choices = found

    def clean(self) -> dict[str, Any]:
        """Nothing is computed as of a day that has not come."""
        cleaned = super().clean() or {}
        as_of = cleaned.get("as_of")
        if as_of is not None and as_of > dates.today():
            self.add_error("as_of", _("基准日不得晚于今日。"))
        return cleaned


def explorer_view(request: HttpRequest) -> HttpResponse:
    """The working of a cell, on the page or as a file (``file`` csv or json)."""
    if not has_role(request.user, *PRICE_READERS):
        raise PermissionDenied
    market = request.GET.get("market", Market.CHINA)
    market = market if market in Market.values else Market.CHINA
    asked = "accelerator" in request.GET or "cell" in request.GET
    given = _given(request, market)
    market = (
        given["market"] if given["market"] in Market.values else market
    )  # a cell or an issue names its own
    form = ExplorerForm(given if asked else None, market=market, initial=given)
    found: Explored | None = None
    problem: DomainError | None = None
    status = 200
    if asked and form.is_valid():
        try:
            found = _explored(request, form.cleaned_data)
        except DomainError as refusal:
            note_refusal(request, refusal)
            problem, status = refusal, refusal.status
    elif asked:
        status = 422
    wanted = request.GET.get("file", "")
    if found is not None and wanted in ("csv", "json"):
        return _file(request, found, wanted)
    context = {
        **admin.site.each_context(request),
        "title": _("单元测算"),
        "form": form,
        "asked": asked,
        "problem": problem,
        "shown": _shown(request, found) if found is not None else None,
    }
    return TemplateResponse(request, "admin/vouchers/price_explorer.html", context, status=status)


def _given(request: HttpRequest, market: str) -> dict[str, str]:
    """What the form begins with: the address's, a ``cell``'s parts, and today for the days."""
    given = {key: str(value) for key, value in request.GET.items()}
    if code := given.get("cell"):
        try:
            cell = fp.Cell.parse(code)
        except ValueError:
            raise Http404("没有该单元") from None
        given |= dict(zip(("market", *CELL_PARTS), cell, strict=True))
    issue = _issue(request)
    if issue is not None:
        given |= {
            "market": issue.market,
            "as_of": issue.as_of.isoformat(),
            "known_on": (issue.known_at.astimezone(dates.SHANGHAI).date() - timedelta(days=1)).isoformat(),
            "version": str(issue.method.version),
        }
    today = dates.today().isoformat()
    return {"market": market, "as_of": today, "known_on": given.get("as_of", today), **given}


def _issue(request: HttpRequest) -> PriceIndexIssue | None:
    number = request.GET.get("issue", "")
    if not number:
        return None
    issue = PriceIndexIssue.objects.select_related("method", "snapshot").filter(issue_no=number).first()
    if issue is None:
        raise Http404("没有该期价格")
    return issue


def _explored(request: HttpRequest, cleaned: dict[str, Any]) -> Explored:
    cell = fp.Cell(cleaned["market"], *(cleaned[name] for name in CELL_PARTS))
    left_out = [name.strip() for name in cleaned["left_out"].replace("，", ",").split(",") if name.strip()]
    issue = _issue(request)
    if issue is not None:
        return explore_issue(issue, cell, left_out=left_out)
    return explore(
        cell,
        as_of=cleaned["as_of"],
        known_at=start_of(cleaned["known_on"] + timedelta(days=1)),
        version=int(cleaned["version"]) if cleaned["version"] else None,
        left_out=left_out,
    )


def _file(request: HttpRequest, found: Explored, wanted: str) -> HttpResponse:
    row = found.working.row
    name = f"price-working-{row.as_of}-{'-'.join(part for part in row.cell if part)}.{wanted}"
    plain = found.working.plain() | {"snapshot_sha256": found.snapshot_sha256}
    if wanted == "json":
        content = json.dumps(plain, ensure_ascii=False, indent=1).encode()
        return attachment(request, content, name, "application/json", "price_working", row.cell.code)
    values = (
        ["" if entry[column] is None else str(entry[column]) for column in FILE_COLUMNS]
        for entry in plain["observations"]
    )
    return csv_attachment(request, name, FILE_COLUMNS, values, "price_working", row.cell.code)


# -- what the page draws ----------------------------------------------------------------------------------------------


def _shown(request: HttpRequest, found: Explored) -> dict[str, Any]:
    working, row = found.working, found.working.row
    names = names_of(fate.observation.source for fate in working.fates)
    query = {
        key: str(value) for key, value in request.GET.items() if key not in ("file", "left_out") and value
    }
    left_out = request.GET.get("left_out", "")

    def without(group: str) -> str:
        return "?" + urlencode(query | {"left_out": ",".join(filter(None, (left_out, group)))})

    def called(source: str) -> str:
        return names.get(source, source)

    return {
        "row": row,
        "unit": UNIT_LABEL[row.cell.market],
        "sentence": fp.auditor_sentence(row),
        "facts": _facts(found),
        "hashes": _hashes(found),
        "issue": found.issue,
        "steps": [
            {
                "level": step.level,
                "word": step.word,
                "groups": step.groups,
                "pool": [{"label": cell.code, "factor": _six(factor)} for cell, factor in step.pool],
                "decides": step.level == row.level,
            }
            for step in working.steps
        ],
        "limit": working.limit,
        "groups": [
            {
                "name": called(group.group),
                "members": [called(name) for name in group.members],
                "code": group.group,
                "group": group,
                "kind": KINDS.get(group.vote.kind, group.vote.kind),
                "change": _change(group),
                "far": _six(group.deviation),
                "url": without(group.group),
                "fates": _fates(group.fates, called),
                "more": max(0, len(group.fates) - MOST_SHOWN),
            }
            for group in working.groups
        ],
        "merged": len(working.merged),
        "excluded": [
            {
                "word": FATES.get(reason, reason),
                "code": reason,
                "count": len(fates),
                "fates": _fates(fates, called),
                "more": max(0, len(fates) - MOST_SHOWN),
            }
            for reason, fates in working.excluded
        ],
        "left_out": [called(name) for name in row.left_out],
        "whole": "?" + urlencode(query),
        "csv": "?" + urlencode(query | {"left_out": left_out, "file": "csv"}),
        "json": "?" + urlencode(query | {"left_out": left_out, "file": "json"}),
    }


def _facts(found: Explored) -> list[tuple[Any, Any]]:
    working, row = found.working, found.working.row
    facts: list[tuple[Any, Any]] = [
        (_("评级"), row.grade or "—"),
        (_("依据"), BASES.get(row.basis, row.basis) or "—"),
    ]
    if row.base is not None and row.phi is not None:
        facts += [
            (_("基准价"), f"{row.base:f}"),
            (_("浮动区间"), f"{row.lower:f} — {row.upper:f}"),
            (_("四分位"), f"{row.q25:f} — {row.q75:f}" if row.q25 is not None else "—"),
        ]
        if row.dispersion is not None:
            facts.append(
                (
                    _("浮动幅度"),
                    f"φ = {working.spread_factor} × D，D = {row.dispersion:f}，限定后 {percent_text(row.phi)}",
                )
            )
        else:
            facts.append((_("浮动幅度"), percent_text(row.phi)))
        facts += [
            (_("去一最大变化 Δ1"), percent_text(row.delta1) if row.delta1 is not None else "—"),
            (_("去二最大变化 Δ2"), percent_text(row.delta2) if row.delta2 is not None else "—"),
            (_("须串通的供应方数"), row.breakdown or "—"),
        ]
    facts.append((_("互不关联的供应方"), f"{row.n_groups}（成交 {row.n_t}，报价 {row.n_q}）"))
    facts.append((_("方法"), f"{found.method}，芯片表第 {row.chip_table} 版"))
    if row.under_confirmation:
        facts.append((_("待确认"), _("离群比例过高，未剔除任何一组")))
    return facts


def _hashes(found: Explored) -> list[tuple[Any, str]]:
    row = found.working.row
    return [
        (_("参数摘要"), row.params_hash),
        (_("系数摘要"), row.factors_hash),
        (_("输入摘要"), row.input_set_hash),
        (_("结果摘要"), row.output_hash),
        (_("快照摘要"), found.snapshot_sha256),
    ]


def _change(group: GroupWorking) -> str:
    if group.change is None:
        return "—"
    return "0" if not group.change else f"{'+' if group.change > 0 else '−'}{percent_text(abs(group.change))}"


def _six(value: Any) -> str:
    return "—" if value is None else f"{value:f}"


def _fates(fates: tuple[Fate, ...], called: Any) -> list[dict[str, Any]]:
    return [
        {
            "no": fate.observation.observation_no,
            "url": reverse("admin:vouchers_priceobservation_change", args=[fate.observation.observation_no]),
            "source": called(fate.observation.source),
            "kind": KINDS.get(fate.observation.kind, fate.observation.kind),
            "day": fate.observation.observed_on,
            "price": fate.price,
            "factor": fate.factor if fate.factor != 1 else None,
            "sku": fate.observation.sku,
            "region": fate.observation.region,
        }
        for fate in fates[:MOST_SHOWN]
    ]
