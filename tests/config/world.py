"""One object of each kind: what every address of the site is asked for.

Everything belongs to 北京 (and 亦庄 for the settlement) and to 甲公司; the other region's and the other enterprise's people of
the cast have nothing here.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from rest_framework.test import APIClient

from applications.actions.basis_items import ItemFields, set_items
from applications.actions.claims import approve_claim, start_claim, verify_claim
from applications.actions.imports import import_folder
from applications.actions.objections import file_objection
from applications.models import (
    Application,
    Check,
    Claim,
    IssueBatch,
    PublicNotice,
    SettlementBatch,
    SettlementBatchLine,
    Undertaking,
    UndertakingMerge,
)
from audit.actions.rules import load_rules
from audit.actions.samples import Population, draw_sample
from audit.models import AuditEvent, Case, RuleVersion, ScanRun, Suspicion
from tests import casework
from tests.applications import past_year
from tests.cast import SINCE, Cast
from tests.vouchers.prices.feeds import market_rows, row, uscc
from vouchers import dates
from vouchers.access import Role
from vouchers.actions import prices
from vouchers.actions.credit_entries import record_entry
from vouchers.actions.credit_repairs import ask_repair
from vouchers.actions.debarments import notify_debarment, propose_debarment
from vouchers.actions.dry_runs import ask_dry_run
from vouchers.actions.holds import place_hold
from vouchers.actions.leniencies import propose_leniency
from vouchers.actions.payments import create_batch
from vouchers.actions.price_files import preview_file
from vouchers.actions.supervision import draft_table
from vouchers.context import Actor, acting
from vouchers.models import (
    ApiCredential,
    BankAccount,
    ChipModel,
    Clawback,
    DebarmentList,
    DeclaredAffiliation,
    FxRate,
    Listing,
    Party,
    Payment,
    PaymentBand,
    PlatformConnection,
    PriceIndexIssue,
    PriceMethod,
    PriceObservation,
    PriceReport,
    RecoveryTerm,
    Region,
    ReportingDuty,
    RoleGrant,
    Shareholding,
    User,
    Webhook,
)
from vouchers.numbers import next_no

TODAY = date(2025, 8, 1)


@dataclass
class World:
    """The cast, more people, and the numbers and keys of one object of each kind, by the names that addresses use."""

    cast: Cast
    people: dict[str, User] = field(default_factory=dict)
    parts: dict[str, Any] = field(default_factory=dict)
    rows: dict[str, Any] = field(default_factory=dict)
    """By model name, for the configuration."""
    tokens: dict[str, str] = field(default_factory=dict)

    def person(self, name: str) -> User:
        """Someone of the cast, or one of the people beside it."""
        return self.people.get(name) or getattr(self.cast, name)


def build(cast: Cast, folder: Path) -> World:
    """Call it with the clock at ``TODAY``; what must be earlier is made earlier. ``folder`` takes the files of the past year."""
    world = World(cast)
    _people(world)
    with acting(Actor.service("test"), "test"):
        prices.load_price_tables()
    with dates.fixed(date(2025, 7, 15)):
        _casework(world)
    _claims(world)
    with dates.fixed(date(2024, 6, 3)):
        _settlement(world)
    with acting(Actor.service("test"), "test"):
        _history(world, folder)
        _prices(world)
        _register(world)
    _credit(world)
    with acting(Actor.service("test"), "test"):
        _audit(world)
    for person in (*cast.people(), *world.people.values()):
        person.__dict__.pop("_grants_now", None)
    return world


def _people(world: World) -> None:
    cast = world.cast
    delta = Party.objects.create(
        uscc="91440300MA5DELTA0X", name="丁算力（深圳）有限公司", region_code="440300", is_provider=True
    )
    for name, role, place in (
        ("other_security_admin", Role.SECURITY_ADMIN, {"region": cast.shenzhen}),
        ("other_system_admin", Role.SYSTEM_ADMIN, {"region": cast.shenzhen}),
        ("other_price_publisher", Role.PRICE_PUBLISHER, {"region": cast.shenzhen}),
        ("other_publisher", Role.PUBLISHER, {"region": cast.shenzhen}),
        ("other_investigator", Role.INVESTIGATOR, {"region": cast.shenzhen}),
        ("other_platform", Role.PLATFORM, {"party": delta}),
    ):
        user = User.objects.create(username=name.replace("_", "-"), display_name=name)
        RoleGrant.objects.create(user=user, role=role, effective_from=SINCE, **place)
        world.people[name] = user
    token, prefix, digest = ApiCredential.new_token()
    ApiCredential.objects.create(
        provider=delta,
        user=world.people["other_platform"],
        label="另一平台",
        token_prefix=prefix,
        token_digest=digest,
    )
    world.tokens = {"platform": cast.platform_token, "other_platform": token}


def _casework(world: World) -> None:
    cast = world.cast
    publication = casework.published(cast, "BJ-AIQ")
    casework.funded(cast, publication.program)
    casework.fit_for_beijing(cast.alpha)
    application = casework.submitted(cast, publication, casework.lease_fields(cast.provider, "5000000.00"))
    voucher = casework.issued(cast, application)
    application.refresh_from_db()
    waiting = casework.submitted(
        cast, publication, casework.lease_fields(cast.provider, "3000000.00", contract_no="HT-2")
    )
    draft = casework.drafted(
        cast, publication, casework.lease_fields(cast.provider, "2000000.00", contract_no="HT-3")
    )
    with acting(cast.filer, "test"):
        paper = casework.paper(cast.alpha, "contract", "application", draft.application_no, cast.filer)
        objection = file_objection(application, text="对金额有异议。", by=cast.filer, party=cast.alpha)
    world.parts |= {
        "publication": publication,
        "program": publication.program,
        "voucher": voucher,
        "application": application,
        "waiting_application": waiting,
        "draft": draft,
        "paper": paper,
        "objection": objection,
        "notice": application.notice,
        "noticed_batch": _issued_batch(cast, application),
        "issue_batch": _issue_batch(cast, application),
        "project_merge": _project_merge(cast),
        "lease": application.lease,
        "check": Check.objects.filter(subject_kind="application", subject_no=waiting.application_no).first(),
    }
    with acting(cast.policy_editor, "test"):
        world.parts["dry_run"] = ask_dry_run(
            publication.version,
            from_on=date(2025, 1, 1),
            to_on=date(2026, 1, 1),
            sources=["cases"],
            by=cast.policy_editor,
        )
    world.rows |= {
        "program": publication.program,
        "publication": publication,
        "policyversion": publication.version,
        "platformconnection": PlatformConnection.objects.create(
            party=cast.provider,
            platform="监测调度平台",
            region_code=cast.beijing.code,
            effective_from=SINCE,
            document_no="接入通知1号",
        ),
        "provideradmission": casework.admitted(cast.provider, publication.program.code, "智能算力租用"),
    }


def _project_merge(cast: Cast) -> UndertakingMerge:
    """Two projects that somebody holds to be one."""
    with acting(cast.handler, "test"):
        part, survivor = (
            Undertaking.objects.create(name=name, declared_by=cast.alpha)
            for name in ("训练集群", "大模型平台")
        )
        made = UndertakingMerge.objects.create(
            part=part,
            survivor=survivor,
            region_code=cast.beijing.code,
            moves_money=True,
            reason="同一批复文件。",
            proposed_by=cast.handler,
            proposed_at=dates.now(),
        )
    made.refresh_from_db()
    return made


def _issue_batch(cast: Cast, application: Application) -> IssueBatch:
    """A batch as it is opened; the scheme itself grants singly, and would have none."""
    now = dates.now()
    with acting(cast.handler, "test"):
        return IssueBatch.objects.create(
            batch_no=next_no("B", dates.today()),
            title="第一批",
            program=application.program,
            publication=application.publication,
            filed_before=now,
            rule="first_come",
            state_since=now,
            opened_by=cast.handler,
            opened_on=dates.today(),
        )


def _issued_batch(cast: Cast, application: Application) -> IssueBatch:
    """One that went its whole way, with the application's notice on its list."""
    batch = _issue_batch(cast, application)
    with acting(cast.handler, "test"):
        shared = {
            "shared_by": cast.handler,
            "asked_amount": application.approved_amount,
            "allotted_amount": application.approved_amount,
        }
        for state in ("shared_out", "approved", "noticed", "issued"):
            IssueBatch.objects.filter(pk=batch.pk).update(state=state, **shared)
        PublicNotice.objects.filter(application=application).update(batch=batch)
    batch.refresh_from_db()
    return batch


def _claims(world: World) -> None:
    cast, voucher, lease = world.cast, world.parts["voucher"], world.parts["lease"]
    bill = casework.invoice(lease, "2000000.00")
    paid = casework.claimed(
        cast,
        voucher,
        lease,
        [ItemFields(kind="invoice_line", net_amount=Decimal("2000000.00"), invoice=bill)],
    )
    with acting(cast.handler, "test"):
        casework.answer_all(cast, paid)
        verify_claim(paid, by=cast.handler)
    with acting(cast.approver, "test"):
        approve_claim(paid, by=cast.approver)
    with acting(cast.finance, "test"):
        batch = create_batch(
            voucher.program, list(Payment.objects.filter(claim_no=paid.claim_no)), by=cast.finance
        )
    payment = Payment.objects.get(claim_no=paid.claim_no)
    demanded = Clawback.objects.create(
        clawback_no="R-2025-00000001",
        region=payment.region,
        program=payment.program,
        payment=payment,
        claim_no=paid.claim_no,
        party=payment.payee,
        ground="finding",
        reason="核查认定多领。",
        paid_amount=payment.amount,
        founded_amount=0,
        principal_amount=payment.amount,
        drafted_on=dates.today(),
        noticed_at=dates.now(),
        due_on=dates.today(),
    )
    second = casework.invoice(lease, "500000.00", number="25112000000000000002")
    waiting = casework.claimed(
        cast,
        voucher,
        lease,
        [ItemFields(kind="invoice_line", net_amount=Decimal("500000.00"), invoice=second)],
    )
    third = casework.invoice(lease, "100000.00", number="25112000000000000003")
    with acting(cast.filer, "test"):
        draft = start_claim(voucher, lease, by=cast.filer)
        set_items(
            draft,
            [ItemFields(kind="invoice_line", net_amount=Decimal("100000.00"), invoice=third)],
            by=cast.filer,
        )
        proof = casework.paper(cast.alpha, "payment_proof", "claim", draft.claim_no, cast.filer)
    with acting(cast.investigator, "test"):
        hold = place_hold(
            "claim",
            waiting.claim_no,
            ground="hand",
            sentence="请说明付款来源。",
            evidence=[],
            region_code="110000",
            party=cast.alpha,
            by=cast.investigator,
        )
    world.rows |= {
        "paymentband": PaymentBand.objects.create(
            program=payment.program,
            amount_from=Decimal("10000000.00"),
            approvers=2,
            document_no="京财〔2025〕1号",
            effective_from=SINCE,
            entered_by=cast.policy_editor,
        ),
        "recoveryterm": RecoveryTerm.objects.create(
            program=payment.program,
            kind="penalty",
            rate_low=Decimal("0.1"),
            rate_high=Decimal("0.5"),
            document_no="财政违法行为处罚处分条例",
            article="第十四条",
            effective_from=SINCE,
            entered_by=cast.policy_editor,
        ),
    }
    world.parts |= {
        "claim": paid,
        "waiting_claim": waiting,
        "draft_claim": draft,
        "claim_paper": proof,
        "invoice": bill,
        "batch": batch,
        "payment": payment,
        "payment_line": payment.lines.get(),
        "clawback": demanded,
        "hold": hold,
    }


def _settlement(world: World) -> None:
    cast = world.cast
    publication = casework.published(cast, "BDA-SLQ-v1")
    casework.funded(cast, publication.program)
    fields = casework.lease_fields(
        cast.provider,
        "2000000.00",
        contract_no="HT-4",
        region_code="110115",
        signed_on=date(2024, 5, 1),
        starts_on=date(2024, 5, 1),
        ends_on=date(2025, 4, 30),
    )
    application = casework.submitted(cast, publication, fields)
    caller = APIClient()
    caller.credentials(HTTP_AUTHORIZATION=f"Bearer {cast.platform_token}")
    answer = caller.post(
        "/api/v1/settlements",
        {
            "voucher_no": application.voucher_no,
            "lease_no": application.lease.lease_no,
            "reference": "ST-2024-05-0001",
            "net_amount": "100000.00",
            "period_from": "2024-05-01",
            "period_to": "2024-05-31",
        },
        headers={"Idempotency-Key": "world-000001"},
    )
    assert answer.status_code == 201, answer.content
    world.parts["settlement"] = Claim.objects.get(claim_no=answer.json()["settlement_no"])
    world.parts["settlement_batch"] = SettlementBatch.objects.create(
        batch_no="SB-2024-00000001",
        provider=cast.provider,
        credential=ApiCredential.objects.get(provider=cast.provider),
        idempotency_key="world-batch-001",
        file_sha256="0" * 64,
        line_count=1,
    )
    SettlementBatchLine.objects.create(
        batch=world.parts["settlement_batch"], line_no=1, idempotency_key="world-batch-001-1"
    )


def _history(world: World, folder: Path) -> None:
    """A past year of 甲公司, as the import leaves it."""
    # the affiliation that the year declares would hold today's cases between the same two companies
    rows = past_year.rows()
    del rows["declared_affiliations"]
    import_folder(past_year.write(folder / "year", rows), out=folder / "out")
    claim = Claim.objects.get(origin="imported")
    world.parts |= {
        "past_application": Application.objects.get(application_no=claim.voucher.application_no),
        "past_voucher": claim.voucher,
        "past_claim": claim,
        "past_lease": claim.lease,
    }


def _prices(world: World) -> None:
    cast = world.cast
    seen = date(2025, 6, 20)
    prices.load_observations([*market_rows(seen), row(uscc(9), "19", seen, unit="")])
    issue = prices.compute_index(date(2025, 7, 1), by=cast.policy_editor)
    prices.propose_index(issue, by=cast.policy_editor)
    prices.publish_index(issue, by=cast.price_publisher)
    file = preview_file(
        b"\xef\xbb\xbf"
        + ",".join(market_rows(seen)[0]).encode()
        + b"\n"
        + ",".join(market_rows(seen)[0].values()).encode(),
        "prices.csv",
        backfilled=False,
        by=cast.price_publisher,
    )
    duty = ReportingDuty.objects.create(
        duty_no="RD-2025-00000001",
        region=cast.beijing,
        title="测试报送",
        document_no="测〔2025〕1号",
        period_from=date(2025, 1, 1),
        period_to=date(2026, 1, 1),
        due_on=TODAY,
        remind_days=[1],
        opened_by=cast.price_publisher,
        opened_at=dates.now(),
    )
    own = prices.record_observation(row(cast.provider.uscc, "19", seen), by=None)
    world.parts["own_observation"] = own
    world.rows |= {
        "pricefile": file,
        "reportingduty": duty,
        "pricereport": PriceReport.objects.create(
            report_no="PR-2025-00000001", duty=duty, party=cast.provider, due_on=duty.due_on
        ),
        "chipmodel": ChipModel.objects.first(),
        "fxrate": FxRate.objects.first(),
        "pricemethod": PriceMethod.objects.first(),
        "priceobservation": PriceObservation.objects.filter(state="quarantined").first(),
        "priceindexissue": PriceIndexIssue.objects.get(),
        "priceindexrow": issue.rows.exclude(base=None).first(),
    }


def _register(world: World) -> None:
    cast = world.cast
    world.rows |= {
        "user": cast.handler,
        "rolegrant": RoleGrant.objects.get(user=cast.handler, region=cast.beijing),
        "apicredential": ApiCredential.objects.get(user=cast.platform),
        "webhook": Webhook.objects.create(
            webhook_no="WH-2024-00000001",
            provider=cast.provider,
            region=cast.beijing,
            url="https://example.org/hook",
            secret_sealed="x",
            proposed_by=cast.security_admin,
        ),
        "region": Region.objects.get(code="110000"),
        "party": cast.alpha,
        "bankaccount": BankAccount.objects.filter(party=cast.alpha).first(),
        "listing": Listing.objects.create(
            party=cast.beta, kind="serious_dishonesty", effective_from=SINCE, document_no="测〔2020〕1号"
        ),
        "shareholding": Shareholding.objects.create(
            company=cast.alpha, holder_kind="person", holder_id="x", percent="60", effective_from=SINCE
        ),
        "declaredaffiliation": DeclaredAffiliation.objects.create(
            party=cast.alpha, other=cast.beta, relation="sister", declared_on=SINCE
        ),
    }


def _credit(world: World) -> None:
    """甲公司's file in 北京: an adverse entry with a request for repair, a restriction that it was told of, a leniency, a table, an issue."""
    cast = world.cast
    law = {"basis": "《测试办法》", "article": "第三条"}
    with acting(cast.investigator, "test"):
        found = {"region": cast.beijing, "by": cast.investigator, **law}
        entry = record_entry(
            cast.alpha, aspect="compliance", bearing="adverse", found_on=TODAY, document_no="测〔2025〕1号",
            sentence="逾期报告登记变更", **found,
        )  # fmt: skip
        debarment = propose_debarment(
            cast.alpha, ground="false_papers", facts="提供虚假材料", proposed_from=TODAY, proposed_to=TODAY.replace(year=2026),
            repair_terms="改正并公开承诺", repair_from=TODAY.replace(month=11), **found,
        )  # fmt: skip
        notify_debarment(debarment, document_no="测告〔2025〕1号", by=cast.investigator)
        leniency = propose_leniency(
            cast.alpha, region=cast.beijing, breach="late_filing", breached_on=TODAY, facts="逾期一日", slightness="未造成损失",
            corrected_on=TODAY, correction="已补报", document_no="测免〔2025〕1号", by=cast.investigator,
        )  # fmt: skip
    with acting(cast.filer, "test"):
        repair = ask_repair(entry=entry, statement="已改正", by=cast.filer)
    with acting(cast.policy_editor, "test"):
        table = draft_table(
            cast.beijing,
            document_no="《测试分级办法》",
            article="第二条",
            effective_from=TODAY,
            by=cast.policy_editor,
        )
    issue = DebarmentList.objects.create(region=cast.beijing, number=1, issued_on=TODAY, sha256="0" * 64)
    world.parts |= {
        "credit_entry": entry,
        "debarment": debarment,
        "leniency": leniency,
        "credit_repair": repair,
        "debarment_list": issue,
    }
    world.rows |= {"supervisiontable": table, "debarmentlist": issue}


def _inquiry() -> Case:
    """A case of 北京 that a scan opened and nobody works yet."""
    run = ScanRun.objects.create(kind="nightly", state="done", known_at=dates.now(), started_at=dates.now())
    return Case.objects.create(
        case_no="K-2025-00000099", region_code="110000", opened_by_run=run, opened_at=dates.now()
    )


def _audit(world: World) -> None:
    claim = world.parts["waiting_claim"]
    load_rules()
    run = ScanRun.objects.create(kind="on_demand", state="done", known_at=dates.now(), started_at=dates.now())
    Suspicion.objects.create(
        subject_kind="claim",
        subject_no=claim.claim_no,
        lease_no=claim.lease.lease_no,
        program_code=claim.program_code,
        region_code="110000",
        enterprise_uscc=claim.enterprise.uscc,
        enterprise_name=claim.enterprise.name,
        amount=claim.claimed_amount,
        case_no="K-000077",
        outcome="review",
        score="1",
        weight="1",
        rank=1,
        scan_run=run,
    )
    world.parts |= {
        "event": AuditEvent.objects.filter(subject_kind="claim", region_code="110000").first(),
        "rule": RuleVersion.objects.first(),
        "inquiry": _inquiry(),
        "sample": draw_sample(Population("110000"), size=1, reason="年度专项审计", by=world.cast.auditor),
    }
    assert world.parts["event"] is not None


__all__ = ["TODAY", "World", "build"]
