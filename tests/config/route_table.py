"""Which answer every address of the site gives to whom: one's own person, the same role elsewhere, a stranger, nobody.

200 shown · 302 led elsewhere (nobody: to the sign-in page) · 401 and 403 refused · 404 not there for this person. A POST-only
address is asked by POST with an empty body; the others by GET. A route that is not here fails the test.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tests.config.admin_routes import ADMIN
from tests.config.route_rows import APPROVER, FINANCE, HANDLER, Row, own_list, own_page, parts, posted

# -- portal ---------------------------------------------------------------------------------------------------------

FILER, OTHER = "filer", "other_filer"
DRAFT, CASE = "draft.application_no", "application.application_no"
CLAIM, DRAFT_CLAIM = "claim.claim_no", "draft_claim.claim_no"
PROVIDER, PRICE_REPORT = "platform", "pricereport.report_no"


def _portal(*names: str, **more: Any) -> Row:
    return own_page(FILER, OTHER, *names, **more)


PORTAL: dict[str, Row] = {
    "home": own_list(FILER, OTHER),
    "applications": own_list(FILER, OTHER),
    "application_new": own_list(FILER, OTHER),
    "application": _portal(CASE),
    "application_track": _portal(DRAFT, mine=302),  # one way of support: nothing to choose
    "application_contract": _portal(DRAFT),
    "application_statements": _portal(DRAFT),
    "application_papers": _portal(DRAFT),
    "application_paper_remove": posted(_portal(DRAFT, "paper.paper_no")),
    "application_estimate": _portal(DRAFT),
    "application_check": _portal(DRAFT),
    "application_submitted": _portal(CASE),
    "application_letter": _portal(CASE),
    "application_withdraw": posted(_portal("waiting_application.application_no")),
    "application_consent": posted(_portal(CASE)),
    "application_object": posted(_portal(CASE), 422),
    "vouchers": own_list(FILER, OTHER),
    "voucher": _portal("voucher.voucher_no"),
    "certificate": _portal("voucher.voucher_no"),
    "claim_start": posted(_portal("voucher.voucher_no")),
    "claims": own_list(FILER, OTHER),
    "claim": _portal(CLAIM),
    "claim_letter": _portal(CLAIM),
    "claim_items": _portal(DRAFT_CLAIM),
    "claim_invoice": _portal(DRAFT_CLAIM),
    "claim_item": _portal(DRAFT_CLAIM, mine=302),  # 北京 admits invoices alone
    "claim_preview": posted(_portal(DRAFT_CLAIM), 200),
    "claim_item_remove": posted(_portal(DRAFT_CLAIM, "1")),
    "claim_papers": _portal(DRAFT_CLAIM),
    "claim_paper_remove": posted(_portal(DRAFT_CLAIM, "claim_paper.paper_no")),
    "claim_check": _portal(DRAFT_CLAIM),
    "claim_submitted": _portal(CLAIM),
    "claim_withdraw": posted(_portal("waiting_claim.claim_no")),
    "claim_object": posted(_portal(CLAIM), 422),
    "leases": own_list(FILER, OTHER),
    "lease": _portal("lease.lease_no"),
    "invoice": _portal("invoice.number_key"),
    "messages": own_list(FILER, OTHER),
    "messages_read": posted(own_list(FILER, OTHER), 302, 302),
    "objections": own_list(FILER, OTHER),
    "objection": _portal("objection.objection_no"),
    "price_reports": own_list(FILER, OTHER),
    "price_report_template": own_list(FILER, OTHER),
    "price_report": own_page(PROVIDER, OTHER, PRICE_REPORT),
    "price_report_add": posted(own_page(PROVIDER, OTHER, PRICE_REPORT), 422),  # nothing typed
    "price_report_upload": posted(own_page(PROVIDER, OTHER, PRICE_REPORT), 422),  # no file
    "price_report_copy": posted(own_page(PROVIDER, OTHER, PRICE_REPORT)),
    "price_report_remove": posted(own_page(PROVIDER, OTHER, PRICE_REPORT, "1")),
    "price_report_submit": posted(own_page(PROVIDER, OTHER, PRICE_REPORT), 422),  # not vouched for
    "credit": own_list(FILER, OTHER),
    "debarment": _portal("debarment.debarment_no"),
    "debarment_answer": posted(_portal("debarment.debarment_no")),
    "credit_entry": _portal("credit_entry.entry_no"),
    "credit_repair": _portal("credit_repair.repair_no"),
    "credit_repair_withdraw": posted(_portal("credit_repair.repair_no")),
    "credit_ask": _portal("entry", "credit_entry.entry_no"),
    "credit_object": posted(_portal("entry", "credit_entry.entry_no")),
    "unit": own_list(FILER, OTHER),
    "clawbacks": own_list(FILER, OTHER),
    "clawback": _portal("clawback.clawback_no"),
    "clawback_notice": _portal("clawback.clawback_no"),
    "clawback_instalments": posted(_portal("clawback.clawback_no")),
    "clawback_object": posted(_portal("clawback.clawback_no")),
    "offer_return": posted(_portal("payment.payment_no")),
    "account_confirm": posted(
        own_list("enterprise_approver", OTHER), 404, 404
    ),  # which account is in the body
    "account_withdraw": posted(own_list(FILER, OTHER), 404, 404),
}

# -- desk -----------------------------------------------------------------------------------------------------------

DESK: dict[str, Row] = {
    "home": own_list(*HANDLER),
    "applications": own_list(*HANDLER),
    "application": own_page(*HANDLER, CASE),
    "decide_application": posted(own_page(*HANDLER, "waiting_application.application_no", "accept")),
    "application_letter": own_page(*HANDLER, CASE),
    "claims": own_list(*HANDLER),
    "claim_letter": own_page(*HANDLER, CLAIM),
    "claim": own_page(*HANDLER, CLAIM),
    "decide_claim": posted(own_page(*HANDLER, "waiting_claim.claim_no", "verify")),
    "answer_check": posted(
        own_page(*HANDLER, "application", "waiting_application.application_no", "check.code")
    ),
    "issue_batches": own_list(*HANDLER),
    "open_issue_batch": posted(own_list(*HANDLER), 404, 404),  # which program is in the body
    "upload_issue_list": posted(own_list(*HANDLER), 404, 404),  # which program is in the body
    "issue_list_template": own_page(*HANDLER, "program.code"),
    "issue_batch": own_page(*HANDLER, "issue_batch.batch_no"),
    "issue_batch_workbook": own_page(*HANDLER, "issue_batch.batch_no", mine=422),  # nothing is shared out
    "decide_issue_batch": posted(own_page(*HANDLER, "issue_batch.batch_no", "cancel")),
    "set_aside": posted(own_page(*HANDLER, "issue_batch.batch_no", "waiting_application.application_no")),
    "project_merges": own_list(*HANDLER),
    "decide_merge": posted(own_page(*HANDLER, "project_merge.merge_no", "decline")),
    "merge_project": posted(own_page(*HANDLER, "waiting_application.application_no")),
    "rescreen": posted(own_page(*HANDLER, "application", "waiting_application.application_no")),
    "payables": own_list(*FINANCE),
    "budgets": own_list(*FINANCE),
    "appropriate": posted(own_page(*FINANCE, "program.code")),  # nothing typed: said on the page
    "close_budget": posted(own_page(*FINANCE, "program.code", "2025")),  # still running: said on the page
    "carry_over": posted(own_page(*FINANCE, "program.code", "2025")),
    "decide_carry_over": posted(
        own_page(*FINANCE, "CO-2026-1", "approve", mine=404), 404
    ),  # nothing proposed
    "withdraw_budget": posted(own_page(*FINANCE, "program.code", "2025")),
    "decide_withdrawal": posted(
        own_page(*FINANCE, "BW-2026-1", "approve", mine=404), 404
    ),  # nothing proposed
    "ledger_days": own_list(*FINANCE),
    "ledger_day": own_page(*FINANCE, "2025-07-15", mine=404),  # nothing closed yet
    "create_batch": posted(own_list(*FINANCE), 404, 404),  # which program is in the body
    "batch": own_page(*FINANCE, "batch.batch_no"),
    "batch_workbook": own_page(*FINANCE, "batch.batch_no", mine=422),  # not approved yet
    "decide_batch": posted(own_page(*FINANCE, "batch.batch_no", "propose")),
    "remove_payment": posted(own_page(*FINANCE, "batch.batch_no", "payment.payment_no")),
    "batch_instructions": own_page(*FINANCE, "batch.batch_no", mine=422),
    "batch_inquiry": own_page(*FINANCE, "batch.batch_no", mine=422),  # nothing was sent yet
    "payment_line": posted(own_page(*FINANCE, "batch.batch_no", "payment_line.instruction_no")),
    "vouchers": own_list(*HANDLER),
    "voucher": own_page(*HANDLER, "voucher.voucher_no"),
    "decide_voucher": posted(own_page(*HANDLER, "voucher.voucher_no", "freeze")),
    "imports": own_list("auditor", "other_auditor"),
    "import_job": own_page("auditor", "other_auditor", "J-0", mine=404),  # nothing was sent
    "contracts": own_list(*HANDLER),
    "contract": own_page(*HANDLER, "lease.lease_no"),
    "decide_contract": posted(own_page(*HANDLER, "lease.lease_no", "verify")),
    "split_lease": own_page(*HANDLER, "lease.lease_no"),
    "payee": own_page(*FINANCE, "alpha.uscc"),
    "payee_paper": own_page(*FINANCE, "alpha.uscc", "BA-0", mine=404),  # entered by the company itself
    "receiving_accounts": own_list(*FINANCE),
    "decide_set_off": posted(own_page(*FINANCE, "clawback.clawback_no", "SO-0", "confirm", mine=404), 404),
    "decide_refund": posted(own_page(*FINANCE, "clawback.clawback_no", "RF-0", "approve", mine=404), 404),
    "clawbacks": own_list(*FINANCE),
    "refunds": own_list(*FINANCE),
    "clawback": own_page(*FINANCE, "clawback.clawback_no"),
    "clawback_notice": own_page(*FINANCE, "clawback.clawback_no"),
    "decide_clawback": posted(own_page(*FINANCE, "clawback.clawback_no", "revise")),
    "clawback_start": own_page(*HANDLER, CLAIM),
    "invoice_status": posted(own_page(*HANDLER, CLAIM, "invoice.number_key")),
    "objections": own_list(*APPROVER),
    "objection": own_page(*APPROVER, "objection.objection_no"),
    "answer_objection": posted(own_page(*APPROVER, "objection.objection_no")),
}

# -- audit ----------------------------------------------------------------------------------------------------------

AUDITOR = ("auditor", "other_auditor")
INVESTIGATOR = ("investigator", "other_investigator")
WAITING = "waiting_claim.claim_no"

AUDIT: dict[str, Row] = {
    "home": own_list(*AUDITOR),
    "suspicions": own_list(*AUDITOR),
    "suspicion": own_page(*AUDITOR, "claim", WAITING),
    "cases": own_list(*AUDITOR),
    "precision": own_list(*AUDITOR),
    "case": own_page(*AUDITOR, "inquiry.case_no"),
    "decide-case": posted(own_page(*INVESTIGATOR, "inquiry.case_no", "step"), 422),  # which kind is not said
    "holds": own_list(*INVESTIGATOR),
    "place-hold": posted(own_page(*INVESTIGATOR, "claim", CLAIM), 422),  # no reason given
    "hold": own_page(*INVESTIGATOR, "hold.hold_no"),
    "decide-hold": posted(own_page(*INVESTIGATOR, "hold.hold_no", "request-lift"), 422),
    "rules": own_list(*AUDITOR),
    "rule": own_page(*AUDITOR, "F01", theirs=200),
    # Rules hold everywhere: who keeps them is asked for the deed, not for the region.
    "rule-draft": Row((200, 403, 403, 302), "audit_admin", "auditor", parts("F01")),
    "rule-version": own_page(*AUDITOR, "F01", "1", theirs=200),
    "rule-edit": Row((302, 403, 403, 302), "audit_admin", "auditor", parts("F01", "1")),
    "rule-decide": posted(
        Row((409, 403, 403, 302), "audit_admin", "auditor", parts("F01", "1", "propose")), 409
    ),
    "rule-put-back": posted(Row((422, 403, 403, 302), "audit_admin", "auditor", parts("F01")), 422),
    "review-draws": own_list(*AUDITOR),
    "snoozes": own_list(*INVESTIGATOR),
    "snooze": posted(own_page(*INVESTIGATOR, "claim", CLAIM, "F22"), 422),  # until when is not said
    "end-snooze": posted(own_page(*INVESTIGATOR, "SN-2025-00000001"), 404),
    # A party's file is one of the register: another region reads its scheme, day and kind there, and may keep its own.
    "credit-files": own_list(*AUDITOR),
    "credit-file": own_page(*AUDITOR, "alpha.uscc", theirs=200),
    "credit-record": own_page(*INVESTIGATOR, "alpha.uscc", theirs=200),
    "credit-correct": own_page(*INVESTIGATOR, "credit_entry.entry_no"),
    "debar": own_page(*INVESTIGATOR, "alpha.uscc", theirs=200),
    "credit-leniency": own_page(*INVESTIGATOR, "alpha.uscc", theirs=200),
    "decide-leniency": own_page(*INVESTIGATOR, "leniency.leniency_no", "grant"),
    "debarments": own_list(*AUDITOR),
    "debarment": own_page(*AUDITOR, "debarment.debarment_no"),
    "decide-debarment": own_page(*INVESTIGATOR, "debarment.debarment_no", "list"),
    "repair": own_page(*AUDITOR, "credit_repair.repair_no"),
    "decide-repair": own_page(*INVESTIGATOR, "credit_repair.repair_no", "examine"),
    "workbook": posted(own_list(*AUDITOR), 200, 200),
    "workbooks": own_list(*AUDITOR),
    "make-workbook": posted(own_list(*AUDITOR), 422, 422),  # which one is not said
    "group": own_page(*AUDITOR, "K-000077"),
    "samples": own_list(*AUDITOR),
    "draw-sample": own_list(*AUDITOR),
    "sample": own_page(*AUDITOR, "sample.sample_no"),
    "trail": own_list(*AUDITOR),
    "seals": own_list(*AUDITOR),
    "trail-event": own_page(*AUDITOR, "event.event_no"),
    "trail-story": own_page(*AUDITOR, "claim", WAITING),
    "trail-filters": posted(own_list(*AUDITOR), 302, 302),
    "trail-event-evidence": own_page(*AUDITOR, "event.event_no", mine=503),  # nothing is sealed yet
    "trail-evidence": posted(own_page(*AUDITOR, "claim", WAITING), 503),
    "ledger_days": own_list(*AUDITOR),
    "ledger_day": own_page(*AUDITOR, "2025-07-15", mine=404),  # nothing closed yet
}

# -- for everybody --------------------------------------------------------------------------------------------------


def _public(*names: str, status: int = 200, **more: Any) -> Row:
    return Row((status,) * 4, FILER, OTHER, parts(*names), public=True, **more)


PUBLIC: dict[str, Row] = {
    "home": _public(),
    "program": _public("program.code"),
    "debarred": _public(),
    "debarred_file": _public("debarment_list.list_no", "json"),
    "precheck": _public(),
    "verify": _public(),
    "notices": _public(),
    "notice": _public("notice.notice_no"),
    "notice_batch": _public("noticed_batch.batch_no"),
    "notice_annex": _public("noticed_batch.batch_no"),
    "objected": _public("notice.notice_no", status=302),
    "prices": _public(),
    "prices_csv": _public(),
    "prices_json": _public(),
    "prices_pdf": _public(),
    "price_history_csv": _public(status=404),  # which cell is in the address
    "price_history_pdf": _public(status=404),
    "price_issues": _public(),
    "price_method": _public("pricemethod.market", "pricemethod.version"),
    "price_chip": _public("priceindexrow.accelerator"),
    "seals": _public(),
    "seals_key": _public(),
    "seals_checkpoints": _public(),
    "seals_witness": _public(),
    "seals_rotations": _public(),
    "seals_verifier": _public(),
}
ACCOUNTS: dict[str, Row] = {
    "login": Row((302, 302, 302, 200), FILER, OTHER, public=True),
    "logout": Row((200, 200, 200, 200), FILER, OTHER, method="POST", public=True),
    "password_change": Row((200, 200, 200, 302), FILER, OTHER),
    "password_change_done": Row((200, 200, 200, 302), FILER, OTHER),
}
PLAIN: dict[str, Row] = {
    "home": Row(
        (302, 302, 200, 302), FILER, OTHER, public=True
    ),  # to the own surface; a stranger is told what to do
    "papers:download": Row((200, 404, 404, 302), FILER, OTHER, parts("paper.paper_no")),
}

# -- long work ------------------------------------------------------------------------------------------------------

JOB = "dry_run.job_no"
EDITORS = ("policy_editor", "other_policy_editor")
JOBS: dict[str, Row] = {
    "list": own_list(*EDITORS),
    "job": own_page(*EDITORS, JOB, mine=302),  # to its report
    "progress": own_page(*EDITORS, JOB),
    "file": own_page(*EDITORS, JOB, mine=404),  # nothing made yet
    "cancel": posted(own_page(*EDITORS, JOB)),
}

# -- API ------------------------------------------------------------------------------------------------------------


STATUSES = tuple[int, int, int, int]


def _api(own: str, other: str, *names: str, statuses: STATUSES = (200, 404, 404, 401)) -> Row:
    return Row(statuses, own, other, parts(*names))


SETTLEMENT = "settlement.claim_no"
API: dict[str, Row] = {
    "openapi": _public(),
    "api-program-list": _public(),
    "api-program-detail": _public("program.code"),
    "api-program-rules": _public("program.code"),
    "api-price-list": _public(),
    "api-price-cells": _public(),
    "api-price-as-of": _public(status=422),  # which cell is in the address
    "api-price-history": _public(status=422),
    "api-price-issue-list": _public(),
    "api-price-issue-detail": _public("priceindexissue.issue_no"),
    "api-price-method-list": _public(),
    "api-price-observation-list": _api(
        "token:platform", "token:other_platform", statuses=(200, 200, 200, 401)
    ),
    "api-price-observation-detail": _api(
        "token:platform", "token:other_platform", "own_observation.observation_no"
    ),
    "api-voucher-list": Row((200, 200, 200, 401), FILER, OTHER),
    "api-voucher-detail": _api(FILER, OTHER, "voucher.voucher_no"),
    "api-application-list": Row((200, 200, 200, 401), *HANDLER),
    "api-application-detail": _api(*HANDLER, CASE),
    "api-claim-list": Row((200, 200, 200, 401), *HANDLER),
    "api-claim-detail": _api(*HANDLER, CLAIM),
    "api-settlement-list": replace(
        _api("token:platform", "token:other_platform", statuses=(422, 422, 403, 401)), method="POST"
    ),
    "api-settlement-detail": _api(
        "token:platform", "token:other_platform", SETTLEMENT, statuses=(200, 404, 403, 401)
    ),
    "api-event-list": _api("token:platform", "token:other_platform", statuses=(200, 200, 403, 401)),
    "api-reconciliation-list": replace(
        _api("token:platform", "token:other_platform", statuses=(200, 200, 403, 401)),
        query={"from": "2024-05-01", "to": "2024-06-30"},
    ),
    "api-metering": replace(
        _api("token:platform", "token:other_platform", "lease.lease_no", statuses=(200, 404, 403, 401)),
        query={"from": "2025-06-01", "to": "2025-06-30"},
    ),
    "api-settlement-batch-list": replace(
        _api("token:platform", "token:other_platform", statuses=(422, 422, 403, 401)), method="POST"
    ),
    "api-settlement-batch-detail": _api(
        "token:platform", "token:other_platform", "settlement_batch.batch_no", statuses=(200, 404, 403, 401)
    ),
    "api-settlement-lookup": replace(
        _api("token:platform", "token:other_platform", statuses=(200, 404, 403, 401)),
        query={"key": "world-000001"},
    ),
    "problems:index": _public(),
    "problems:problem": replace(_public(), arguments=lambda world: ("settlement.key_reused",)),
    "api-settlement-confirm": replace(  # reserved a year ago: its time is over
        _api("token:platform", "token:other_platform", SETTLEMENT, statuses=(409, 404, 403, 401)),
        method="POST",
    ),
    "api-settlement-release": replace(
        _api("token:platform", "token:other_platform", SETTLEMENT, statuses=(200, 404, 403, 401)),
        method="POST",
    ),
}

TABLE: dict[str, Row] = {
    **{f"portal:{name}": row for name, row in PORTAL.items()},
    **{f"desk:{name}": row for name, row in DESK.items()},
    **{f"audit:{name}": row for name, row in AUDIT.items()},
    **{f"public:{name}": row for name, row in PUBLIC.items()},
    **{f"jobs:{name}": row for name, row in JOBS.items()},
    **{f"accounts:{name}": row for name, row in ACCOUNTS.items()},
    **{f"admin:{name}": row for name, row in ADMIN.items()},
    **PLAIN,
    **API,
}
