"""Tables of this app that the application's role may not write, or only add to; applied after each migrate."""

#: only the owner's SQL functions write here
NO_WRITE = (
    "vouchers_ledgeraccount",
    "vouchers_ledgertill",
    "vouchers_ledgertransfer",
    "vouchers_ledgerattempt",
    "vouchers_dayclose",
    "vouchers_daycloseline",
)

#: what was published, and what became of it, is only added to (vouchers/sql/publications.sql holds the owner to it too)
APPEND_ONLY = (
    "vouchers_publication",
    "vouchers_publicationstatus",
    "vouchers_policyeditor",
    "vouchers_appropriation",
    "vouchers_ledgercheck",
    # what prices were computed from and held against: a correction is a new issue, a new check
    "vouchers_pricesnapshot",
    "vouchers_priceindexrow",
    "vouchers_pricecheck",
    # what was decided about a price, and what a platform was first answered
    "vouchers_pricejudgement",
    "vouchers_pricesubmission",
    # what went to the bank and what came back, what was received, what was agreed
    "vouchers_paymentfile",
    "vouchers_bankreturn",
    "vouchers_clawbackreceipt",
    "vouchers_voucherstep",
    "vouchers_instalment",
    # what an office read a payee's account from
    "vouchers_accountpaper",
    # every try to send something to a platform
    "vouchers_webhookdelivery",
    # and what it was told of: only number_platform_events gives an event its position
    "vouchers_platformevent",
    # a party's file and the published lists: a correction is a second entry, an ended row is left out of what is shown
    "vouchers_creditentry",
    "vouchers_debarmentlist",
)

#: what was owed, sent, approved, demanded or given back is closed by its states, never taken away
NO_DELETE = (
    "vouchers_payment",
    "vouchers_paymentbatch",
    "vouchers_paymentline",
    "vouchers_paymentapproval",
    "vouchers_clawback",
    "vouchers_instalmentplan",
    "vouchers_setoff",
    "vouchers_refund",
    "vouchers_receivingaccount",
    "vouchers_bankaccount",
    "vouchers_budgetwithdrawal",
    "vouchers_carryover",
    # what was seen, handed in or owed of prices
    "vouchers_priceobservation",
    "vouchers_pricefile",
    "vouchers_reportingduty",
    "vouchers_pricereport",
    "vouchers_creditrecord",
    "vouchers_debarment",
    "vouchers_creditrepair",
    "vouchers_leniency",
    "vouchers_supervisiontable",
)
