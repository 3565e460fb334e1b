"""The guided claim, a step a page: basis, papers, check and submit."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from applications.actions.claims import submit_claim
from applications.actions.papers import remove_paper
from applications.invoice_prices import sentences
from applications.models import Claim
from applications.models.claims import ClaimState
from applications.web.portal.access import act, attempt, filed_from, may_file, portal_view, refused
from applications.web.portal.estimates import shown_estimate
from applications.web.portal.papers import ACCEPT, checklist, papers_of, receive_all, shown_files
from applications.web.shown import item_note
from vouchers.access import PARTY_ROLES
from vouchers.errors import DomainError
from vouchers.models import User
from vouchers.web.wording import date_text

EDITABLE = (ClaimState.DRAFT, ClaimState.RETURNED)
STEPS = ("items", "papers", "check")


def find_claim(request: HttpRequest, claim_no: str) -> Claim:
    """The claim, if it concerns one of the viewer's own parties; otherwise there is none (404)."""
    rows = Claim.objects.visible_to(request.user, *PARTY_ROLES).select_related(
        "voucher__program__region",
        "voucher__publication",
        "publication",
        "enterprise",
        "provider",
        "payee",
        "lease__lessor",
        "lease__lessee",
        "price_check",
    )
    return get_object_or_404(rows, claim_no=claim_no)


def editable_claim(request: HttpRequest, claim_no: str) -> Claim | HttpResponse:
    """The draft, or the way to its page when nothing can be changed any more."""
    claim = find_claim(request, claim_no)
    if claim.state not in EDITABLE or claim.publication is None or claim.kind != "claim":
        messages.info(request, _("该兑付申请已提交，不能再修改。如需更正，请等候退回补正或先撤回。"))
        return redirect("portal:claim", claim_no)
    if not may_file(request, claim.enterprise):
        messages.info(request, _("您可以查看该兑付申请；填写和提交由本单位经办人办理。"))
        return redirect("portal:claim", claim_no)
    return claim


def shown_claim_steps(claim: Claim, current: str) -> list[dict[str, Any]]:
    """For the stepper."""
    direct = claim.voucher.is_entitlement
    labels = {
        "items": _("拨付依据") if direct else _("兑付依据"),
        "papers": _("材料"),
        "check": _("核对并提交"),
    }
    scheme = claim.publication.scheme if claim.publication else None
    done = {
        "items": claim.items.exists(),
        "papers": scheme is not None and all(row.done for row in checklist(claim, scheme)),
        "check": False,
    }
    first = _("核定额度") if direct else _("选择算力券")
    rows: list[dict[str, Any]] = [{"label": first, "state": "done", "url": ""}]
    for step in STEPS:
        state = "current" if step == current else ("done" if done[step] else "todo")
        rows.append(
            {
                "label": labels[step],
                "state": state,
                "url": reverse(f"portal:claim_{step}", args=[claim.claim_no]),
            }
        )
    return rows


def _page(request: HttpRequest, claim: Claim, step: str, **context: Any) -> HttpResponse:
    shown = {
        "claim": claim,
        "voucher": claim.voucher,
        "lease": claim.lease,
        "steps": shown_claim_steps(claim, step),
        "crumbs": [
            (_("兑付申请"), reverse("portal:claims")),
            (claim.claim_no, reverse("portal:claim", args=[claim.claim_no])),
        ],
        **context,
    }
    return render(request, f"portal/claim_{step}.html", shown, status=422 if context.get("refusals") else 200)


@portal_view
def papers(request: HttpRequest, claim_no: str) -> HttpResponse:
    """The papers of a claim."""
    claim = editable_claim(request, claim_no)
    if isinstance(claim, HttpResponse):
        return claim
    assert claim.publication is not None
    scheme = claim.publication.scheme
    wanted = checklist(claim, scheme)
    refusals: list[DomainError] = []
    if request.method == "POST":
        _taken, refusals = receive_all(request, claim, wanted, claim.program_region_code)
        if not refusals:
            stay = request.POST.get("next") == "stay"
            return redirect("portal:claim_papers" if stay else "portal:claim_check", claim_no)
        request.refusal = refusals[0]  # type: ignore[attr-defined]
        for row, fresh in zip(wanted, checklist(claim, scheme), strict=True):
            row.filed = fresh.filed
    rows = [(row, shown_files(row.filed)) for row in wanted]
    return _page(request, claim, "papers", rows=rows, accept=ACCEPT, refusals=refusals)


@require_POST
@portal_view
def remove_claim_paper(request: HttpRequest, claim_no: str, paper_no: str) -> HttpResponse:
    """Take a paper away again."""
    claim = find_claim(request, claim_no)
    paper = next((one for one in papers_of(claim) if one.paper_no == paper_no), None)
    by = request.user
    assert isinstance(by, User)

    def deed() -> None:
        if paper is not None:
            remove_paper(paper, by=by)

    return act(request, deed, _("材料已移除。"), "portal:claim_papers", claim_no)


@portal_view
def check(request: HttpRequest, claim_no: str) -> HttpResponse:
    """The working once more, all that will be filed, and the submission, which reserves the amount on the voucher."""
    claim = editable_claim(request, claim_no)
    if isinstance(claim, HttpResponse):
        return claim
    assert claim.publication is not None
    by = request.user
    assert isinstance(by, User)
    refusals: list[DomainError] = []
    if request.method == "POST":
        try:
            attempt(partial(submit_claim, claim, by=by, **filed_from(request)))
        except DomainError as refusal:
            refusals = refused(request, refusal)
            claim = find_claim(request, claim_no)
        else:
            return redirect("portal:claim_submitted", claim_no)
    shown = shown_estimate(claim) if claim.items.exists() else {"assessment": None}
    assert claim.publication is not None
    told = sentences(claim, claim.publication.scheme)
    return _page(
        request, claim, "check", groups=answers(claim), refusals=refusals, invoice_prices=told, **shown
    )


def answers(claim: Claim) -> list[dict[str, Any]]:
    """All that will be filed."""
    voucher, lease = claim.voucher, claim.lease
    payee = claim.payee or claim.enterprise
    account = payee.current_account
    head: list[Any] = [
        (voucher.noun, voucher.voucher_no),
        (_("有效期"), _("%(day)s前") % {"day": date_text(voucher.expires_on)}),
        (_("收款单位"), payee.name),
    ]
    if payee == claim.enterprise:
        head.append(
            (
                _("收款账户"),
                f"{account.bank_name} 尾号 {account.account_no[-4:]}"
                if account
                else _("尚未登记，拨付前请在“单位信息”中登记"),
            )
        )
    if lease is not None:
        head += [
            (_("合同"), f"{lease.lease_no} · {lease.lessor.name}"),
            {"label": _("合同金额（不含税）"), "amount": lease.amount},
        ]
    rows: list[Any] = []
    for item in claim.items.select_related("invoice", "bank_transfer"):
        number = item.invoice.invoice_no if item.invoice else item.reference
        paid = item_note(item)
        rows.append(
            {
                "label": f"{item.position}. {item.get_kind_display()} {number}",
                "amount": item.net_amount,
                "note": paid,
            }
        )
    number = claim.claim_no
    assert claim.publication is not None
    return [
        {"title": _("兑付"), "change_url": "", "rows": head},
        {
            "title": _("兑付依据"),
            "change_url": reverse("portal:claim_items", args=[number]),
            "rows": rows or [(_("依据"), "")],
        },
        {
            "title": _("材料"),
            "change_url": reverse("portal:claim_papers", args=[number]),
            "rows": [
                (row.paper.name, "、".join(one.filename for one in row.filed) or row.covered)
                for row in checklist(claim, claim.publication.scheme)
            ],
        },
    ]


@portal_view
def submitted(request: HttpRequest, claim_no: str) -> HttpResponse:
    """The number, what happens next, and by when."""
    claim = find_claim(request, claim_no)
    if claim.submitted_at is None:
        return redirect("portal:claim", claim_no)
    sentences = [
        _("申请金额已从核定额度中预占，办理期间不会被他用；不予支持或撤回的，退回额度。")
        if claim.voucher.is_entitlement
        else _("申请金额已在券面预占，办理期间不会被他用；不予支持或撤回的，退回算力券。"),
        _("本机关逐项核验依据后，由另一人核准。"),
        _("核准后列入最近一批拨付，到账时发消息告知您。"),
    ]
    return render(request, "portal/claim_submitted.html", {"claim": claim, "next": sentences})
