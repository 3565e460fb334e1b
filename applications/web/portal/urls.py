"""Addresses of the portal, under /portal/."""

from __future__ import annotations

from django.urls import path

from applications.web.portal import (
    applications,
    claim_invoices,
    claim_items,
    claim_steps,
    claims,
    grounds,
    home,
    inbox,
    invoices,
    leases,
    steps,
    unit,
    vouchers,
)

app_name = "portal"

urlpatterns = [
    path("", home.home, name="home"),
    path("applications/", applications.applications, name="applications"),
    path("applications/new/", applications.new, name="application_new"),
    path("applications/<str:application_no>/", applications.application, name="application"),
    path("applications/<str:application_no>/letter.pdf", applications.letter, name="application_letter"),
    path("applications/<str:application_no>/track/", grounds.track, name="application_track"),
    path("applications/<str:application_no>/contract/", grounds.contract, name="application_contract"),
    path("applications/<str:application_no>/statements/", steps.statements, name="application_statements"),
    path("applications/<str:application_no>/papers/", steps.papers, name="application_papers"),
    path(
        "applications/<str:application_no>/papers/<str:paper_no>/remove/",
        steps.remove,
        name="application_paper_remove",
    ),
    path("applications/<str:application_no>/estimate/", steps.estimate, name="application_estimate"),
    path("applications/<str:application_no>/check/", steps.check, name="application_check"),
    path("applications/<str:application_no>/submitted/", steps.submitted, name="application_submitted"),
    path("applications/<str:application_no>/withdraw/", applications.withdraw, name="application_withdraw"),
    path("applications/<str:application_no>/consent/", applications.consent, name="application_consent"),
    path("applications/<str:application_no>/object/", applications.object_to, name="application_object"),
    path("vouchers/", vouchers.vouchers, name="vouchers"),
    path("vouchers/<str:voucher_no>/", vouchers.voucher, name="voucher"),
    path("vouchers/<str:voucher_no>/certificate.pdf", vouchers.certificate, name="certificate"),
    path("vouchers/<str:voucher_no>/claim/", vouchers.claim, name="claim_start"),
    path("claims/", claims.claims, name="claims"),
    path("claims/<str:claim_no>/", claims.claim, name="claim"),
    path("claims/<str:claim_no>/letter.pdf", claims.letter, name="claim_letter"),
    path("claims/<str:claim_no>/items/", claim_items.items, name="claim_items"),
    path("claims/<str:claim_no>/items/invoice/", claim_invoices.invoice, name="claim_invoice"),
    path("claims/<str:claim_no>/items/other/", claim_items.item, name="claim_item"),
    path("claims/<str:claim_no>/items/preview/", claim_items.preview, name="claim_preview"),
    path("claims/<str:claim_no>/items/<int:position>/remove/", claim_items.remove, name="claim_item_remove"),
    path("claims/<str:claim_no>/papers/", claim_steps.papers, name="claim_papers"),
    path(
        "claims/<str:claim_no>/papers/<str:paper_no>/remove/",
        claim_steps.remove_claim_paper,
        name="claim_paper_remove",
    ),
    path("claims/<str:claim_no>/check/", claim_steps.check, name="claim_check"),
    path("claims/<str:claim_no>/submitted/", claim_steps.submitted, name="claim_submitted"),
    path("claims/<str:claim_no>/withdraw/", claims.withdraw, name="claim_withdraw"),
    path("claims/<str:claim_no>/object/", claims.object_to, name="claim_object"),
    path("leases/", leases.leases, name="leases"),
    path("leases/<str:lease_no>/", leases.lease, name="lease"),
    path("invoices/<str:invoice_no>/", invoices.invoice, name="invoice"),
    path("messages/", inbox.messages, name="messages"),
    path("messages/read/", inbox.mark_read, name="messages_read"),
    path("objections/", inbox.objections, name="objections"),
    path("objections/<str:objection_no>/", inbox.objection, name="objection"),
    path("unit/", unit.unit, name="unit"),
    path("unit/accounts/confirm/", unit.confirm, name="account_confirm"),
    path("unit/accounts/withdraw/", unit.withdraw, name="account_withdraw"),
]
