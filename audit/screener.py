"""The screener that audit puts into the port of ``vouchers.actions.holds``: the rules over one case and its neighbourhood.

A few milliseconds beside any number of claims: the neighbourhood is found by indexes (``audit.neighbourhood``), and the same
rules run over it that run over everything by night. What is statistical is left to the night.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

from audit import scoring
from audit.affiliations import record_pairs, register_from
from audit.loading import NearSource
from audit.neighbourhood import around
from audit.rules.base import HARD, Hit
from audit.rules.facts import Facts
from audit.scan import Answers, Version, ask, in_force
from vouchers.actions.holds import HardFlag, Screener, ScreeningResult
from vouchers.errors import NotFound
from vouchers.models import Party

# The tables that screening rules read. Amounts and days of payment of claims are no facts about the lease.
TABLES = (
    "claims", "items", "invoices", "leases", "lease_devices", "devices", "parties", "shareholdings", "declared", "transfers",
    "metering", "capacity", "listings",
)  # fmt: skip
UNHASHED = {"claims": ("amount", "paid_on", "decided_at", "approved", "reviewer")}


def facts_around(subject_kind: str, subject_no: str) -> tuple[Facts, dict[str, Any]]:
    """The neighbourhood of the subject as facts, and its keys. Raises ``NotFound`` (``screening.subject``)."""
    scope = around(subject_kind, subject_no)
    if scope is None:
        raise NotFound("screening.subject", f"未找到编号为 {subject_no} 的事项，无法筛查。")
    return Facts(NearSource(scope, TABLES, whether=("listings",))), scope


def digest(facts: Facts, versions: dict[str, Version]) -> str:
    """SHA-256 over every column that a screening rule may read, and over the versions of the rules."""
    hasher = hashlib.sha256()
    told = {
        name: [version.version, version.points, dict(version.parameters)]
        for name, version in sorted(versions.items())
        if version.rule.at_screening
    }
    hasher.update(json.dumps(told, sort_keys=True, default=str).encode())
    # Said only where it is so: what was screened before stays known by its hash.
    stopped = [name for name in told if versions[name].stopped]
    hasher.update("".join(f"stopped {name}." for name in stopped).encode())
    if facts.collected("listings"):
        hasher.update(b"listings collected.")
    for name in TABLES:
        table = getattr(facts, name)
        order = table.id.argsort(kind="stable")
        for column in table.names:
            if column not in UNHASHED.get(name, ()):
                hasher.update(f"{name}.{column}".encode())
                hasher.update(getattr(table, column)[order].tobytes())
    return hasher.hexdigest()


def inputs_hash(subject_kind: str, subject_no: str) -> str:
    """The hash of what a screening of the subject would read now."""
    facts, _scope = facts_around(subject_kind, subject_no)
    return digest(facts, in_force())


def screen(subject_kind: str, subject_no: str, moment: str) -> ScreeningResult:
    """Run the rules for one claim, lease or application. Registered control that is found is kept as affiliation."""
    facts, scope = facts_around(subject_kind, subject_no)
    versions = in_force()
    answers = ask(facts, versions, at_screening=True)
    hits = _own(answers, subject_kind, scope)
    raised = [answers.raised(hit, rule) for rule, hit in hits]
    hard = any(hit.severity == HARD for _rule, hit in hits)
    region, party = _place(subject_kind, subject_no) if hard else ("", None)
    if any(rule == "F24" and hit.severity == HARD for rule, hit in hits):
        _keep_affiliations(facts, versions["F24"], scope)
    claims, leases = set(scope["subject_claims"]), set(scope["subject_leases"])
    return ScreeningResult(
        inputs_hash=digest(facts, versions),
        rule_versions={
            name: version.version for name, version in versions.items() if version.rule.at_screening
        },
        outcome=scoring.outcome(raised, answers.terms),
        region_code=region,
        party=party,
        hard=tuple(
            HardFlag(rule, versions[rule].version, hit.enterprise_sentence, hit.evidence)
            for rule, hit in hits
            if hit.severity == HARD
        ),
        flags=[_as_json(rule, versions[rule].version, hit) for rule, hit in hits],
        not_testable=sorted(
            rule
            for rule, found in answers.found.items()
            if (
                found.untestable_claims & claims
                if subject_kind == "claim"
                else found.untestable_leases & leases
            )
        ),
    )


def _own(answers: Answers, subject_kind: str, scope: dict[str, Any]) -> list[tuple[str, Hit]]:
    """The hits on the subject itself; on a lease (or an application for one) each fact once, whoever claims on it."""
    claims, leases = set(scope["subject_claims"]), set(scope["subject_leases"])
    mine: dict[tuple[str, str], tuple[str, Hit]] = {}
    for rule, found in answers.found.items():
        if subject_kind != "claim" and answers.versions[rule].rule.about != "lease":
            continue
        for hit in found.hits:
            concerns = hit.claim in claims if subject_kind == "claim" else hit.lease in leases
            if concerns:
                mine.setdefault((rule, hit.input_hash), (rule, hit))
    return list(mine.values())


def _keep_affiliations(facts: Facts, version: Version, scope: dict[str, Any]) -> None:
    register, leases = register_from(facts, version), facts.leases
    pairs = []
    for lease in scope["subject_leases"]:
        at = leases.at(lease)
        if at is None:
            continue
        one, other, signed = int(leases.lessee[at]), int(leases.lessor[at]), int(leases.signed_on[at])
        link = register.link(one, other, signed)
        if link is not None:
            pairs.append((one, other, link))
    record_pairs(facts, pairs)


def _as_json(rule: str, version: int, hit: Hit) -> dict[str, Any]:
    return {
        "rule": rule,
        "version": version,
        "class": hit.severity,
        "points": None if hit.points is None else str(hit.points),
        "value": hit.value,
        "threshold": hit.threshold,
        "sentence": hit.sentence,
        "counterfactual": hit.counterfactual,
        "evidence": list(hit.evidence),
        "input_hash": hit.input_hash,
    }


def _place(subject_kind: str, subject_no: str) -> tuple[str, Party | None]:
    """The region whose staff work the case, and the enterprise it is about."""
    from applications.models import Application, Claim, Lease

    if subject_kind == "claim":
        claim = Claim.objects.select_related("enterprise").get(claim_no=subject_no)
        return claim.program_region_code, claim.enterprise
    if subject_kind == "lease":
        lease = Lease.objects.select_related("lessee").get(lease_no=subject_no)
        return lease.program_region_code, lease.lessee
    application = Application.objects.select_related("enterprise", "program__region").get(
        application_no=subject_no
    )
    return (application.program.region.code if application.program else ""), application.enterprise


SCREENER = Screener(screen=screen, inputs_hash=inputs_hash)
