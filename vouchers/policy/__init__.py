"""The policy as pure functions: no Django, no clock, no database. A scheme and facts go in, an assessment comes out.

An application (the estimate of a voucher's face value, from contracts):

    from vouchers.policy import assess, cap_keys, facts as f, terms as t

    scheme = publication.scheme                       # or rules.parse(document)
    facts = f.Facts(
        stage=t.Stage.APPLICATION,
        on=dates.today(),                             # dates the caps' year
        applied_on=date(2025, 3, 3),
        applicant=f.PartyFacts(
            uscc="91110108MA01A2B3C4", name="北京某智能科技有限公司", kind=t.PartyKind.ENTERPRISE,
            region_code="110108", registered_on=date(2019, 5, 6), industry_code="I6513",
            listings=(),                              # none found; None = not looked up = not testable
        ),
        contracts=(
            f.ContractFacts(
                contract_no="L-2025-000001", kind=t.ContractKind.LEASE,
                net_amount=Decimal("15000000.00"), tax_amount=Decimal("900000.00"),
                signed_on=date(2025, 2, 10), period_from=date(2025, 2, 15), period_to=date(2025, 12, 16),
                purpose=t.Purpose.TRAINING, chip_origin=t.ChipOrigin.DOMESTIC,
                provider=f.ProviderFacts(uscc="…", name="…", affiliated=False),
                price=f.PriceVerdict(verdict=t.Verdict.WITHIN, unit_price=…, lower=…, base=…, upper=…, sentence="…"),
                other_money=(),
            ),
        ),
        attestations={"industry_model": True},        # answers to the gates of kind ATTESTED, by gate code
        used=f.UsedAmounts(caps={key.key: ledger_used(key.key) for key in …}),
    )
    keys = cap_keys(scheme, facts)                    # ledger accounts: key, limit, event "issue"
    assessment = assess(scheme, facts, scheme_sha256=publication.sha256)
    assessment.amount, assessment.outcome             # Decimal("2000000.00"), eligible | refused | review
    assessment.findings, assessment.lines             # conditions; steps with article, operands, result, sentence
    assessment.cap_uses                               # what to take from each key when the voucher is issued
    to_plain(assessment), to_plain(facts)             # for the case's JSON columns

A claim (or `Stage.SETTLEMENT`, the instant deduction) rests on items and draws on a voucher:

    facts = f.Facts(
        stage=t.Stage.CLAIM, on=dates.today(), applied_on=…, filed_at=claim.submitted_at, applicant=…, contracts=(…,),
        items=(
            f.BasisItemFacts(
                item_no="1", kind=t.BasisKind.INVOICE_LINE, contract_no="L-2025-000001",
                net_amount=Decimal("1000000.00"), tax_amount=Decimal("60000.00"), evidence_no="25112000000123456789",
                period_from=date(2025, 3, 1), period_to=date(2025, 4, 1),     # half-open
            ),
        ),
        voucher=f.VoucherFacts(voucher_no="V-2025-000001", face_value=…, balance=…, expires_on=…),
        used=f.UsedAmounts(caps={…}),                 # keys of event "claim"
    )

`used` must not contain the case itself. A claim keeps `to_plain(facts)`, `to_plain(assessment)` and the publication's
hash; `from_plain(f.Facts, stored)` under the same publication gives the same fen.
"""

from vouchers.policy.assess import assess
from vouchers.policy.assessment import (
    ENGINE_VERSION,
    Assessment,
    CapKey,
    CapUse,
    Counterfactual,
    Finding,
    Line,
    Operand,
)
from vouchers.policy.canonical import canonical_bytes, digest
from vouchers.policy.caps import cap_keys
from vouchers.policy.facts import Facts
from vouchers.policy.opening import closed_reasons
from vouchers.policy.plain import Problem, SchemeError, from_plain, to_plain
from vouchers.policy.rules import Citation, Scheme, parse, render

__all__ = [
    "ENGINE_VERSION",
    "Assessment",
    "CapKey",
    "CapUse",
    "Citation",
    "Counterfactual",
    "Facts",
    "Finding",
    "Line",
    "Operand",
    "Problem",
    "Scheme",
    "SchemeError",
    "assess",
    "canonical_bytes",
    "cap_keys",
    "closed_reasons",
    "digest",
    "from_plain",
    "parse",
    "render",
    "to_plain",
]
