"""Building blocks of casework for tests: published schemes, money, contracts, papers, each through the actions themselves."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

from django.core.files.base import ContentFile

from applications.actions import cases
from applications.actions.applications import (
    accept_application,
    approve_application,
    recommend_application,
    start_application,
    submit_application,
    update_draft,
)
from applications.actions.basis_items import ItemFields, set_items
from applications.actions.claims import start_claim, submit_claim
from applications.actions.issuing import issue_application, publish_notice
from applications.actions.leases import LeaseFields, draft_lease
from applications.models import Application, Claim, Invoice, Lease, Paper
from tests.cast import SINCE, Cast, bank_account
from vouchers import dates
from vouchers.access import Role
from vouchers.actions.budget_withdrawals import approve_withdrawal, propose_withdrawal
from vouchers.actions.policies import load_scheme, propose_version, publish_version
from vouchers.actions.programs import appropriate_budget
from vouchers.actions.treasury_parts import treasuries_of
from vouchers.context import acting
from vouchers.models import (
    BankAccount,
    Party,
    Program,
    ProgramBudget,
    ProviderAdmission,
    Publication,
    Region,
    RoleGrant,
    User,
    Voucher,
)
from vouchers.numbers import next_no
from vouchers.policy.documents import EXAMPLES, read_scheme, shipped_files
from vouchers.policy.examples import Example, read_examples
from vouchers.policy.rules import Scheme
from vouchers.policy.terms import Stage


def published(
    cast: Cast,
    name: str,
    change: Callable[[Scheme], Scheme] = lambda scheme: scheme,
    retell: Callable[[Example], Example] = lambda example: example,
) -> Publication:
    """A shipped scheme, or what ``change`` makes of it (and ``retell`` of its examples), proposed and published by two of the cast (in 北京's or 深圳's region or
    one made for it)."""
    path = next(path for path in shipped_files() if path.stem == name)
    scheme = change(read_scheme(path.read_text(encoding="utf-8")))
    beside = EXAMPLES / path.name
    examples = read_examples(beside.read_text(encoding="utf-8")) if beside.exists() else []
    examples = [retell(one) for one in examples]
    region, _created = Region.objects.get_or_create(
        code=scheme.region, defaults={"name": f"地区{scheme.region}"}
    )
    for person, role in (
        (cast.policy_editor, Role.POLICY_EDITOR),
        (cast.publisher, Role.PUBLISHER),
        (cast.handler, Role.HANDLER),
        (cast.second_handler, Role.HANDLER),
        (cast.expert, Role.EXPERT),
        (cast.approver, Role.APPROVER),
        (cast.finance, Role.FINANCE),
        (cast.second_finance, Role.FINANCE),
        (cast.investigator, Role.INVESTIGATOR),
        (cast.second_investigator, Role.INVESTIGATOR),
    ):
        RoleGrant.objects.get_or_create(
            user=person, role=role, region=region, defaults={"effective_from": SINCE}
        )
        person.__dict__.pop("_grants_now", None)
    with acting(cast.policy_editor, "test"):
        version = load_scheme(scheme, examples, by=cast.policy_editor)
        propose_version(version, by=cast.policy_editor)
    with acting(cast.publisher, "test"):
        return publish_version(version, by=cast.publisher)


def funded(cast: Cast, program: Program, amount: str = "100000000.00") -> None:
    """This year's budget, from each of the treasuries that share the program's cost."""
    with acting(cast.finance, "test"):
        for treasury in treasuries_of(program):
            appropriate_budget(
                program,
                dates.today().year,
                Decimal(amount),
                document_no=f"测试指标{amount}",
                by=cast.finance,
                treasury=treasury,
            )


def taken_back(
    cast: Cast, program: Program, amount: Decimal, document_no: str = "例财预〔2025〕99号"
) -> None:
    """So much of the year's budget goes back to the treasury, by two officers."""
    budget = ProgramBudget.objects.get(program=program, year=dates.today().year)
    with acting(cast.finance, "test"):
        row = propose_withdrawal(
            budget, amount=amount, document_no=document_no, reason="压减", by=cast.finance
        )
    with acting(cast.second_finance, "test"):
        approve_withdrawal(row, by=cast.second_finance)


def with_account(cast: Cast, party: Party, account_no: str = "") -> BankAccount:
    """A confirmed account for the party: one person entered it, another confirmed it."""
    account_no = account_no or f"6222{party.pk:012d}"
    known = BankAccount.objects.filter(party=party, account_no=account_no).first()
    return known or bank_account(
        party, account_no, entered_by=cast.filer, confirmed_by=cast.enterprise_approver, bank_name="某某银行"
    )


def fit_for_beijing(party: Party) -> None:
    """What Beijing's scheme asks of an applicant."""
    Party.objects.filter(pk=party.pk).update(
        industry_code="6510", registered_on=date(2019, 5, 1), ownership="private", size="medium"
    )
    party.refresh_from_db()


def admitted(provider: Party, program_code: str, service_item: str) -> ProviderAdmission:
    """The provider on the program's list."""
    return ProviderAdmission.objects.create(
        provider=provider,
        program_code=program_code,
        batch="2025年第一批",
        service_item=service_item,
        tier="specialist",
        effective_from=SINCE,
    )


def lease_fields(lessor: Party, amount: str, **more: Any) -> LeaseFields:
    """A plain training lease of H800 cards."""
    fields: dict[str, Any] = {
        "lessor": lessor,
        "contract_no": "HT-2025-001",
        "region_code": "110000",
        "signed_on": date(2025, 3, 1),
        "starts_on": date(2025, 3, 1),
        "ends_on": date(2026, 2, 28),
        "accelerator": "H800",
        "form_factor": "SXM",
        "unit": "card_hour",
        "unit_price": Decimal("15.000000"),
        "amount": Decimal(amount),
        "purpose": "training",
    }
    fields.update(more)
    _let_enough(fields)
    return LeaseFields(**fields)


def _let_enough(fields: dict[str, Any]) -> None:
    """A quantity that comes to the amount, and cards that can run it in the term, where a test asks for neither."""
    if "quantity" not in fields and fields["unit_price"]:
        fields["quantity"] = (fields["amount"] / fields["unit_price"]).quantize(Decimal("0.0001"))
    if "cards" not in fields:
        hours = 24 * ((fields["ends_on"] - fields["starts_on"]).days + 1)
        fields["cards"] = max(128, math.ceil((fields.get("quantity") or 0) / hours)) if hours > 0 else 128


def paper(
    owner: Party, kind: str, subject_kind: str, subject_no: str, by: User, region_code: str = "110000"
) -> Paper:
    """A filed paper (its reading is tested with the papers' own tests)."""
    content = f"{kind} {subject_no}".encode()
    return Paper.objects.create(
        paper_no=next_no("F", dates.today()),
        owner=owner,
        kind=kind,
        subject_kind=subject_kind,
        subject_no=subject_no,
        region_code=region_code,
        filename=f"{kind}.pdf",
        content_type="application/pdf",
        size=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        file=ContentFile(content, name="x"),
        uploaded_by=by,
    )


def drafted(
    cast: Cast,
    publication: Publication,
    fields: LeaseFields,
    *,
    party: Party | None = None,
    by: User | None = None,
    facts: dict[str, Any] | None = None,
) -> Application:
    """An application that lacks nothing but its submission."""
    party, by = party or cast.alpha, by or cast.filer
    with acting(by, "test"):
        application = start_application(publication.program, party, by=by)
        lease = draft_lease(publication.program, party, fields, by=by)
        update_draft(application, facts or {}, by=by, lease=lease)
        for one in publication.scheme.papers:
            if one.stage is Stage.APPLICATION and one.required:
                paper(
                    party,
                    one.code,
                    "application",
                    application.application_no,
                    by,
                    publication.program.region.code,
                )
        application.statement_accepted = True
        application.save(update_fields=["statement_accepted"])
    return application


def submitted(cast: Cast, publication: Publication, fields: LeaseFields, **how: Any) -> Application:
    """A submitted application."""
    application = drafted(cast, publication, fields, **how)
    by = how.get("by") or cast.filer
    with acting(by, "test"):
        return submit_application(application, by=by, filer_ip="198.51.100.7")


def answer_all(cast: Cast, case: Application | Claim) -> None:
    """The handler answers what no machine could."""
    for check in cases.checks_of(case):
        if check.result == "waiting":
            cases.answer_check(check, case, result="passed", sentence="已核对材料原件。", by=cast.handler)


def issued(cast: Cast, application: Application, *, expert: bool = False) -> Voucher:
    """From submission to the voucher, by as many persons as it takes; the notice runs its days."""
    with acting(cast.handler, "test"):
        accept_application(application, by=cast.handler)
        answer_all(cast, application)
    recommender = cast.expert if expert else cast.second_handler
    with acting(recommender, "test"):
        recommend_application(application, by=recommender, passed=True if expert else None)
    with acting(cast.approver, "test"):
        approve_application(application, by=cast.approver)
        notice = publish_notice(application, by=cast.approver)
    with dates.fixed(max(notice.closes_on, dates.today())), acting(cast.approver, "test"):
        return issue_application(application, by=cast.approver)


def invoice(
    lease: Lease,
    net: str,
    *,
    number: str = "25112000000000000001",
    owner: Party | None = None,
    on: date | None = None,
) -> Invoice:
    """A digital invoice of the lease, as filed."""
    amount = Decimal(net)
    tax = (amount * Decimal("0.06")).quantize(Decimal("0.01"))
    return Invoice.objects.create(
        invoice_no=number,
        number_key=number,
        kind="digital_special",
        issued_on=on or date(2025, 6, 30),
        seller_uscc=lease.lessor.uscc,
        seller_name=lease.lessor.name,
        buyer_uscc=lease.lessee.uscc,
        buyer_name=lease.lessee.name,
        net_amount=amount,
        tax_amount=tax,
        gross_amount=amount + tax,
        lease=lease,
        owner=owner or lease.lessee,
        program_region_code=lease.program_region_code,
    )


def claimed(
    cast: Cast, voucher: Voucher, lease: Lease, items: list[ItemFields], *, by: User | None = None
) -> Claim:
    """A submitted claim with the papers that the scheme asks for."""
    by = by or cast.filer
    assert voucher.publication is not None
    with acting(by, "test"):
        claim = start_claim(voucher, lease, by=by)
        set_items(claim, items, by=by)
        for one in voucher.publication.scheme.papers:
            if one.stage is Stage.CLAIM and one.required:
                paper(voucher.enterprise, one.code, "claim", claim.claim_no, by, claim.program_region_code)
        return submit_claim(claim, by=by)
