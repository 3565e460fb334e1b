"""What portal, desk and audit pages show of a case: working, findings, price, time line, facts. No decision is made here."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy

from applications.actions import cases
from applications.lease_prices import split_of, split_words
from applications.models import Application, BasisItem, Claim, Lease, Project, Review
from applications.models.projects import ProjectKind
from applications.web.batches import waiting_entry
from applications.web.places import place_names
from vouchers.models import Hold, PriceCheck
from vouchers.policy.facts import PriceVerdict
from vouchers.policy.terms import BasisKind, Component, ContractKind, Precision, ScaleUnit
from vouchers.web.assessments import shown_findings as shown_findings
from vouchers.web.assessments import shown_lines as shown_lines
from vouchers.web.wording import date_text, plain_number

DEEDS = {
    "answer_check": _lazy("核验项结论"),
    "merge_undertakings": _lazy("认定为同一项目"),
    "repin": _lazy("改按新版本办理"),
    "split_lease": _lazy("拆分合同价款"),
    "set_aside": _lazy("暂不列入本批"),
    "pass_over": _lazy("本批暂未发放"),
    "consent": _lazy("企业确认意愿"),
    "payment_returned": _lazy("银行退票"),
}
"""Deeds on a case that are no step of its lifecycle."""


def shown_price(check: PriceCheck | PriceVerdict | None) -> dict[str, Any] | None:
    """The price verdict as the component takes it."""
    if check is None:
        return None
    if isinstance(check, PriceCheck):
        verdict = {"unknown": "untested"}.get(check.position, check.position)
        return {
            "verdict": "review" if check.consequence == "review" and check.lower is not None else verdict,
            "lower": check.lower,
            "upper": check.upper,
            "price": check.unit_price,
            "benchmark": check.base,
            "grade": check.grade,
            "as_of": check.as_of,
            "sentence": check.sentence,
        }
    return {
        "verdict": {"untestable": "untested"}.get(check.verdict.value, check.verdict.value),
        "lower": check.lower,
        "upper": check.upper,
        "price": check.unit_price,
        "benchmark": check.base,
        "grade": check.grade,
        "as_of": None,
        "sentence": check.sentence,
    }


def reviews_of(case: Application | Claim, *, internal: bool) -> list[Review]:
    """The deeds on the case; internal ones only for the office."""
    kind, number = (
        ("application", case.application_no) if isinstance(case, Application) else ("claim", case.claim_no)
    )
    rows = Review.objects.filter(subject_kind=kind, subject_no=number).select_related("actor")
    return list(rows if internal else rows.filter(internal=False))


def _deed_title(case: Application | Claim, verb: str) -> str:
    """What was done; nothing is issued where a subsidy is paid without a voucher."""
    if verb == "issue" and isinstance(case, Application) and case.voucher_no.startswith("E-"):
        return str(_("核定"))
    return str(DEEDS.get(verb) or case.lifecycle.label_of(verb))


def shown_timeline(case: Application | Claim, *, internal: bool) -> list[dict[str, Any]]:
    """Who did what and when; last, who has it now and until when."""
    done: list[dict[str, Any]] = [
        {
            "title": _deed_title(case, review.verb),
            "state": "done",
            "tone": "refused" if review.verb in ("reject", "pay_back", "payment_returned") else "",
            # The enterprise is told the office, not the officer.
            "who": _who(review) if internal else "",
            "at": review.done_at,
            "note": review.reason if internal or review.verb in cases.REASONS_TOLD else "",
        }
        for review in reviews_of(case, internal=internal)
    ]
    waiting = [
        t
        for t in case.lifecycle.transitions
        if case.state in t.sources and t.roles and t.verb not in ("withdraw", "return", "reject")
    ]
    batched = waiting_entry(case, internal=internal) if isinstance(case, Application) else None
    if batched is not None:
        done.append(batched)
    elif waiting:
        step = waiting[0]
        rule = (
            str(_("自进入本环节起 %(days)s 个工作日内办结")) % {"days": step.working_days}
            if step.working_days
            else ""
        )
        done.append(
            {
                "title": step.label,
                "state": "current",
                "who": "、".join(_role_label(role) for role in step.roles)
                if internal
                else _who_has_it(step.roles),
                "at": case.state_since,
                "until": case.due_on,
                "rule": rule,
                "note": "",
            }
        )
    return done


def _who(review: Review) -> str:
    return review.actor_name if review.actor_id else str(_("系统自动办理"))


def _role_label(role: str) -> str:
    from vouchers.access import Role

    return str(Role(role).label)


def _who_has_it(roles: tuple[str, ...]) -> str:
    return str(_("等您办理")) if "filer" in roles else str(_("本机关办理中"))


# What the two sides and the days of a contract are called, by its kind: taker, giver, day of signing, term.
_LEASE_WORDS: dict[str, tuple[Any, Any, Any, Any]] = {
    ContractKind.DATA_PRODUCT.value: (_lazy("购买方"), _lazy("提供方"), _lazy("成交日"), _lazy("使用期限")),
    ContractKind.PURCHASE.value: (_lazy("采购方"), _lazy("供应商"), _lazy("签订日"), _lazy("供货期限")),
}


def lease_facts(lease: Lease) -> list[dict[str, Any]]:
    """A contract as a facts table, in the words of its kind; dates inclusive, as contracts write them."""
    last_day = lease.ends_before - timedelta(days=1)
    usual = (_("承租方"), _("出租方"), _("签订日"), _("租期"))
    taker, giver, signed, term = _LEASE_WORDS.get(lease.kind, usual)
    data = lease.kind == ContractKind.DATA_PRODUCT.value
    price = ""
    if lease.unit_price is not None:
        price = f"{plain_number(lease.unit_price)} {lease.get_unit_display()}（不含税）"
    rows: list[dict[str, Any]] = [
        {"label": _("合同备案号"), "value": lease.lease_no},
        {"label": _("平台订单号") if data else _("合同编号"), "value": lease.contract_no},
        {"label": taker, "value": lease.lessee.name},
        {"label": giver, "value": lease.lessor.name},
    ]
    if lease.product:
        rows.append({"label": _("产品名称"), "value": lease.product})
    rows += [
        {"label": signed, "value": date_text(lease.signed_on)},
        {"label": term, "value": _("%(from)s 至 %(to)s") % _span(lease.starts_on, last_day)},
    ]
    if not data:
        card = (lease.accelerator, lease.form_factor, f"× {lease.cards}" if lease.cards else "")
        rows.append({"label": _("加速卡"), "value": " ".join(part for part in card if part)})
    if lease.kind in (ContractKind.LEASE.value, ContractKind.PLATFORM_SERVICE.value):
        rows.append({"label": _("单价"), "value": price})
    rows.append({"label": _("合同金额（不含税）"), "amount": lease.amount})
    split = split_of(lease)
    if split is not None:
        words = f"{split_words(split)}（{split.get_source_display()}）"
        rows.append({"label": _("价款构成"), "value": words})
    elif lease.bundled:
        rows.append({"label": _("价款构成"), "value": _("单价含存储、网络等其他服务，尚未拆分")})
    if lease.kind in (ContractKind.LEASE.value, ContractKind.PLATFORM_SERVICE.value):
        rows.append({"label": _("用途"), "value": lease.get_purpose_display() if lease.purpose else ""})
    return rows


def _span(first: date, last: date) -> dict[str, str]:
    return {"from": date_text(first), "to": date_text(last)}


def project_rows(project: Project) -> list[dict[str, Any]]:
    """A project as a facts table, in the words of its kind."""
    kind = ProjectKind(project.kind)
    rows: list[dict[str, Any]] = [{"label": _("项目编号"), "value": project.project_no}]
    if kind is ProjectKind.SETTLEMENT:
        rows += [
            {"label": _("平台"), "value": project.site},
            {"label": _("结算单号"), "value": project.document_no},
        ]
        if project.period_from and project.period_to:
            span = _span(project.period_from, project.period_to - timedelta(days=1))
            rows.append({"label": _("结算期间"), "value": _("%(from)s 至 %(to)s") % span})
        others = [line.strip() for line in project.counterparties.splitlines() if line.strip()]
        rows.append({"label": _("结算对方单位"), "value": "、".join(others)})
        rows.append({"label": _("结算金额（不含税）"), "amount": project.amount})
        return rows
    rows.append({"label": _("项目名称"), "value": project.name})
    if kind is ProjectKind.INVESTMENT:
        rows.append({"label": _("立项或备案文号"), "value": project.document_no})
    place = place_names().get(project.region_code, project.region_code)
    rows.append({"label": _("所在地"), "value": " ".join(part for part in (place, project.site) if part)})
    if kind is ProjectKind.DEPLOYMENT:
        card = (project.accelerator, f"× {project.cards}" if project.cards else "")
        rows.append({"label": _("加速卡"), "value": " ".join(part for part in card if part)})
        rows.append(
            {
                "label": _("算力规模"),
                "value": scale_text(project.scale, project.scale_unit, project.precision),
            }
        )
    done = _("部署完成日") if kind is ProjectKind.DEPLOYMENT else _("建成投用日")
    since = _("可调度起始日") if kind is ProjectKind.DEPLOYMENT else _("开始调度日")
    for label, day in ((done, project.completed_on), (since, project.dispatchable_since)):
        if day is not None:
            rows.append({"label": label, "value": date_text(day)})
    if project.amount:
        invested = _("部署投入（不含税）") if kind is ProjectKind.DEPLOYMENT else _("实际投资额（不含税）")
        rows.append({"label": invested, "amount": project.amount})
    return rows


def scale_text(scale: Decimal | None, unit: str, precision: str) -> str:
    """A scale with its unit and precision, such as 1,012.736 PFLOPS（FP16/BF16）."""
    if scale is None:
        return ""
    words = f"{plain_number(scale)} {ScaleUnit(unit).label if unit else ''}".strip()
    return f"{words}（{Precision(precision).label}）" if precision else words


UNPAID_KINDS = frozenset({BasisKind.SETTLEMENT_LINE.value, BasisKind.DEPLOYED_CAPACITY.value})


def item_note(item: BasisItem, *, paid: bool = True) -> str:
    """What else an item says: its content, its component, its scale, and if wanted how it was paid."""
    notes = [item.description]
    if item.component and item.component != Component.COMPUTE.value:
        notes.append(item.get_component_display())
    if item.quantity is not None and item.scale_unit:
        notes.append(scale_text(item.quantity, item.scale_unit, item.precision))
    if not paid:
        return "，".join(note for note in notes if note)
    if item.bank_transfer is not None:
        notes.append(_("银行流水 %(ref)s") % {"ref": item.bank_transfer.bank_ref})
    elif item.kind not in UNPAID_KINDS:
        notes.append(_("未填写付款"))
    return "，".join(note for note in notes if note)


def noted(claim: Claim) -> list[BasisItem]:
    """The claim's items, each with its note for the page."""
    items = list(claim.items.select_related("invoice", "bank_transfer", "paper"))
    for item in items:
        item.note = item_note(item, paid=False)  # type: ignore[attr-defined]
        item.last_day = item.period_to - timedelta(days=1) if item.period_to else None  # type: ignore[attr-defined]
    return items


def application_of(claim: Claim) -> Application | None:
    """The application that the claim's voucher came from."""
    rows = Application.objects.filter(application_no=claim.voucher.application_no)
    return rows.select_related("project").first()


def project_of(claim: Claim) -> Project | None:
    """The project that the claim rests on, if it does not rest on a contract."""
    application = application_of(claim) if claim.lease_id is None else None
    return application.project if application is not None else None


def holds_on(*subjects: tuple[str, str]) -> list[Hold]:
    """The holds, open or not, on any of the subjects; the open ones first."""
    from django.db.models import Q

    wanted = Q(pk__in=[])
    for kind, number in subjects:
        wanted |= Q(subject_kind=kind, subject_no=number)
    rows = (
        Hold.objects.filter(wanted)
        .select_related("placed_by", "lift_requested_by", "lifted_by")
        .order_by("-pk")
    )
    return sorted(rows, key=lambda hold: hold.state not in ("open", "lift_requested"))
