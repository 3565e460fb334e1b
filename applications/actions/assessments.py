"""Assessing a case: under its pinned version, on its present facts; what is decided on is kept with the case."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from decimal import Decimal

from applications.actions import cases
from applications.case_reads import DATABASE, CaseReads
from applications.facts import application_facts, claim_facts
from applications.models import Application, Check, Claim
from applications.own_checks import own_checks
from applications.standing import as_attested
from vouchers import dates
from vouchers.models import Payment, Publication
from vouchers.policy.assess import assess
from vouchers.policy.assessment import ENGINE_VERSION, Assessment
from vouchers.policy.batching import terms_for
from vouchers.policy.engines import knew_batches
from vouchers.policy.facts import Facts
from vouchers.policy.plain import from_plain, to_plain
from vouchers.policy.rules import Scheme
from vouchers.policy.terms import IssueWay, Outcome

Case = Application | Claim


def scheme_of(case: Case) -> tuple[Publication, Scheme]:
    """The pinned version, and its rules. A claim's is the one that its voucher was issued under."""
    assert case.publication is not None
    return case.publication, case.publication.scheme


def facts_of(case: Case, *, on: date | None = None, reads: CaseReads = DATABASE) -> Facts:
    """All that is known of the case now; of a claim, as ``reads`` answers."""
    _publication, scheme = scheme_of(case)
    day = on or dates.today()
    if isinstance(case, Application):
        facts = application_facts(case, scheme, on=day)
    else:
        facts = claim_facts(case, scheme, on=day, reads=reads)
    return _surely(case, facts) if scheme.issue.way is IssueWay.INSTANT else facts


_WORSE = (Outcome.ELIGIBLE, Outcome.REVIEW, Outcome.REFUSED)


def _surely(case: Case, facts: Facts) -> Facts:
    """Where nobody looks before it is granted, what the applicant only says of itself counts against it, never for it."""
    known = as_attested(facts, case.enterprise)
    if known == facts:
        return facts
    stated, sure = assessed(case, facts), assessed(case, known)

    def height(one: Assessment) -> tuple[int, Decimal]:
        return -_WORSE.index(one.outcome), one.amount

    return facts if height(stated) < height(sure) else known


def assessed(case: Case, facts: Facts, *, engine_version: str = ENGINE_VERSION) -> Assessment:
    """The facts held against the pinned version; before its batch is shared out, without the pools that the batch shares.
    Engines that knew no batches held every case against the whole version."""
    publication, scheme = scheme_of(case)
    terms = terms_for(scheme, facts) if knew_batches(engine_version) else scheme
    return assess(terms, facts, scheme_sha256=publication.sha256, engine_version=engine_version)


def estimate(case: Case, *, on: date | None = None) -> Assessment:
    """What would be granted now, live, with findings and working; nothing is stored."""
    return assessed(case, facts_of(case, on=on))


def kept(case: Case) -> Assessment | None:
    """The assessment that the case was last decided on."""
    return from_plain(Assessment, case.assessment) if case.assessment else None


def columns(case: Case, facts: Facts, assessment: Assessment) -> dict[str, object]:
    """What is kept with the case: its facts, its working, the engine's version."""
    return {
        "facts": {**case.facts, "assessed": to_plain(facts)},
        "assessment": to_plain(assessment),
        "engine_version": assessment.engine_version,
    }


def reassess(case: Case, more: Iterable[Check] = ()) -> Assessment:
    """Compute again on the present facts, keep the result and its checks; staff do so before each decision."""
    facts = facts_of(case)
    assessment = assessed(case, facts)
    for name, value in columns(case, facts, assessment).items():
        setattr(case, name, value)
    case.save(update_fields=["assessment", "facts", "engine_version"])
    cases.write_checks(case, assessment, [*own_checks(case), *more])
    return assessment


def beneath(case: Case, *, payments: Iterable[str] | None = None) -> tuple[tuple[str, str], ...]:
    """The subjects under a case whose holds stop it as well: parties, lease, voucher and the application that it came from.
    ``payments`` are the numbers of those of a claim, where they are known."""
    subjects = [("party", case.enterprise.uscc)]
    if case.lease is not None:
        subjects += [("lease", case.lease.lease_no), ("party", case.lease.lessor.uscc)]
    if isinstance(case, Claim):
        subjects += [("voucher", case.voucher.voucher_no), ("application", case.voucher.application_no)]
        if case.provider is not None:
            subjects.append(("party", case.provider.uscc))
        if payments is None:
            payments = Payment.objects.filter(claim_no=case.claim_no).values_list("payment_no", flat=True)
        subjects += [("payment", number) for number in payments]
    return tuple(dict.fromkeys(subjects))


def beneath_application(application_no: str) -> tuple[tuple[str, str], ...]:
    """``beneath`` by number, for the port of ``vouchers.actions.holds``."""
    return beneath(Application.objects.get(application_no=application_no))


def beneath_claim(claim_no: str) -> tuple[tuple[str, str], ...]:
    """``beneath`` by number, for the port of ``vouchers.actions.holds``."""
    return beneath(Claim.objects.select_related("voucher", "lease__lessor").get(claim_no=claim_no))


def recompute(case: Case) -> Assessment:
    """Years later: the stored facts under the stored publication, read as the stored engine read them: the same fen."""
    facts = from_plain(Facts, case.facts["assessed"])
    return assessed(case, facts, engine_version=case.engine_version)
