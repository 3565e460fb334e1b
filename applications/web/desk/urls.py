"""Addresses of the desk, under /desk/."""

from __future__ import annotations

from django.urls import path

from applications.web.desk import (
    batches,
    budgets,
    cases,
    clawbacks,
    lease_splits,
    objections,
    payees,
    payments,
    queues,
    recoveries,
    refunds,
    undertakings,
)

app_name = "desk"

urlpatterns = [
    path("", queues.home, name="home"),
    path("applications/", queues.applications, name="applications"),
    path("applications/<str:application_no>/", cases.application, name="application"),
    path("applications/<str:application_no>/letter.pdf", cases.application_letter, name="application_letter"),
    path(
        "applications/<str:application_no>/<slug:verb>/", cases.decide_application, name="decide_application"
    ),
    path("issue-batches/", batches.batches, name="issue_batches"),
    path("issue-batches/open/", batches.create, name="open_issue_batch"),
    path("issue-batches/lists/", batches.upload, name="upload_issue_list"),
    path("issue-batches/lists/<str:code>/template.xlsx", batches.template, name="issue_list_template"),
    path("issue-batches/<str:batch_no>/", batches.batch, name="issue_batch"),
    path("issue-batches/<str:batch_no>/list.xlsx", batches.workbook, name="issue_batch_workbook"),
    path("issue-batches/<str:batch_no>/<slug:verb>/", batches.decide, name="decide_issue_batch"),
    path("issue-batches/<str:batch_no>/aside/<str:application_no>/", batches.aside, name="set_aside"),
    path("projects/merges/", undertakings.merges, name="project_merges"),
    path("projects/merges/<str:merge_no>/<slug:verb>/", undertakings.decide, name="decide_merge"),
    path("projects/of/<str:application_no>/merge/", undertakings.propose, name="merge_project"),
    path("claims/", queues.claims, name="claims"),
    path("claims/<str:claim_no>/", cases.claim, name="claim"),
    path("claims/<str:claim_no>/letter.pdf", cases.claim_letter, name="claim_letter"),
    path("claims/<str:claim_no>/<slug:verb>/", cases.decide_claim, name="decide_claim"),
    path("checks/<slug:kind>/<str:number>/<path:code>/", cases.answer, name="answer_check"),
    path("screen/<slug:kind>/<str:number>/", cases.rescreen, name="rescreen"),
    path("contracts/<str:lease_no>/split/", lease_splits.split, name="split_lease"),
    path("payments/", payments.payables, name="payables"),
    path("payments/batches/", payments.create, name="create_batch"),
    path("payments/batches/<str:batch_no>/", payments.batch, name="batch"),
    path("payments/batches/<str:batch_no>/list.xlsx", payments.workbook, name="batch_workbook"),
    path("payments/batches/<str:batch_no>/list.csv", payments.instructions, name="batch_instructions"),
    path("payments/batches/<str:batch_no>/inquiry.csv", payments.inquiry, name="batch_inquiry"),
    path("payments/batches/<str:batch_no>/<slug:verb>/", payments.decide, name="decide_batch"),
    path("payments/batches/<str:batch_no>/lines/<str:instruction_no>/", payments.find, name="payment_line"),
    path("payments/batches/<str:batch_no>/remove/<str:payment_no>/", payments.remove, name="remove_payment"),
    path("clawbacks/", clawbacks.listed, name="clawbacks"),
    path("clawbacks/new/<str:claim_no>/", clawbacks.start, name="clawback_start"),
    path("clawbacks/new/<str:claim_no>/invoices/<str:number_key>/", clawbacks.invoice, name="invoice_status"),
    path("clawbacks/accounts/", recoveries.receiving_accounts, name="receiving_accounts"),
    path("clawbacks/<str:clawback_no>/", clawbacks.clawback, name="clawback"),
    path("clawbacks/<str:clawback_no>/notice.pdf", clawbacks.notice, name="clawback_notice"),
    path("clawbacks/<str:clawback_no>/<slug:verb>/", clawbacks.decide, name="decide_clawback"),
    path(
        "clawbacks/<str:clawback_no>/set-offs/<str:set_off_no>/<slug:verb>/",
        recoveries.decide_set_off,
        name="decide_set_off",
    ),
    path(
        "clawbacks/<str:clawback_no>/refunds/<str:refund_no>/<slug:verb>/",
        recoveries.decide_refund,
        name="decide_refund",
    ),
    path("refunds/", refunds.listed, name="refunds"),
    path("payees/<str:uscc>/", payees.payee, name="payee"),
    path("payees/<str:uscc>/papers/<str:entry_no>/", payees.paper, name="payee_paper"),
    path("budgets/", budgets.budgets, name="budgets"),
    path(
        "budgets/carry-overs/<str:carry_over_no>/<slug:verb>/",
        budgets.decide_carry_over,
        name="decide_carry_over",
    ),
    path(
        "budgets/withdrawals/<str:budget_withdrawal_no>/<slug:verb>/",
        budgets.decide_withdrawal,
        name="decide_withdrawal",
    ),
    path("budgets/<str:code>/<int:year>/withdraw/", budgets.withdraw, name="withdraw_budget"),
    path("budgets/<str:code>/appropriate/", budgets.appropriate, name="appropriate"),
    path("budgets/<str:code>/<int:year>/close/", budgets.close, name="close_budget"),
    path("budgets/<str:code>/<int:year>/carry-over/", budgets.carry_over, name="carry_over"),
    path("ledger/", budgets.days, name="ledger_days"),
    path("ledger/<str:day>/", budgets.day, name="ledger_day"),
    path("objections/", objections.objections, name="objections"),
    path("objections/<str:objection_no>/", objections.objection, name="objection"),
    path("objections/<str:objection_no>/answer/", objections.answer, name="answer_objection"),
]
