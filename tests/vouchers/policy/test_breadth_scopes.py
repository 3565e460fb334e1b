"""Breadth of the rule model (7): conditions that concern some tracks, some kinds of party or some classes only."""

from __future__ import annotations

from datetime import date

import pytest

from tests.vouchers.policy.tiny import CITE, D, application, claim, contract, gate, party, rate, scheme, track
from vouchers.policy import assess
from vouchers.policy import facts as f
from vouchers.policy import rules as r
from vouchers.policy import terms as t
from vouchers.policy.checks import check
from vouchers.policy.prose import describe

LOCAL = gate(t.GateKind.REGISTERED_IN, regions=("11",))
CHAMPION = r.ApplicantClass(cite=CITE, code="champion", name="链主企业")
SMALL = r.ApplicantClass(cite=CITE, code="small", name="小企业", sizes=("small",))
ELIGIBLE, REFUSED, REVIEW = t.Outcome.ELIGIBLE, t.Outcome.REFUSED, t.Outcome.REVIEW


def local(**limits: object) -> r.Scheme:
    """Who is limited must be registered in Beijing."""
    return scheme(
        classes=(CHAMPION, SMALL), gates=(gate(t.GateKind.REGISTERED_IN, regions=("11",), **limits),)
    )


def outcome(of: r.Scheme, **facts: object) -> t.Outcome:
    """Of an applicant from Shanghai."""
    return assess(of, claim("1000", applicant=party(region_code="310101", **facts))).outcome


UNIVERSITY, ENTERPRISE = t.PartyKind.UNIVERSITY, t.PartyKind.ENTERPRISE


@pytest.mark.parametrize(
    ("limits", "kind", "expected"),
    [
        ({"not_for_kinds": (UNIVERSITY,)}, UNIVERSITY, ELIGIBLE),  # 高校不受注册地限制
        ({"not_for_kinds": (UNIVERSITY,)}, ENTERPRISE, REFUSED),
        ({"not_for_kinds": (UNIVERSITY,)}, None, REVIEW),  # nobody knows whether it is one
        ({"for_kinds": (ENTERPRISE,)}, UNIVERSITY, ELIGIBLE),  # 企业须在本市注册
        ({"for_kinds": (ENTERPRISE,)}, ENTERPRISE, REFUSED),
        ({"for_kinds": (ENTERPRISE,)}, None, REVIEW),
    ],
)
def test_a_condition_of_some_kinds_of_party(
    limits: dict[str, object], kind: t.PartyKind | None, expected: t.Outcome
):
    assert outcome(local(**limits), kind=kind) is expected


@pytest.mark.parametrize(
    ("limits", "facts", "expected"),
    [
        ({"waived_for": ("champion",)}, {"classes": ("champion",)}, ELIGIBLE),
        ({"waived_for": ("champion",)}, {}, REFUSED),
        ({"classes": ("small",)}, {"size": "small"}, REFUSED),
        ({"classes": ("small",)}, {"size": "large"}, ELIGIBLE),
        ({"classes": ("small",)}, {}, REVIEW),  # its size is not known
    ],
)
def test_a_condition_of_some_classes(
    limits: dict[str, object], facts: dict[str, object], expected: t.Outcome
):
    assert outcome(local(**limits), **facts) is expected


def test_who_meets_a_condition_that_may_not_concern_him_meets_it():
    answer = assess(
        local(not_for_kinds=(UNIVERSITY,)), claim("1000", applicant=party(region_code="110108", kind=None))
    )
    assert answer.outcome is ELIGIBLE


def test_a_condition_that_does_not_concern_the_applicant_says_so():
    answer = assess(
        local(not_for_kinds=(UNIVERSITY,)),
        claim("1000", applicant=party(region_code="310101", kind=UNIVERSITY)),
    )
    finding = answer.finding("gate")
    assert finding is not None
    assert (finding.result, finding.fact) == (t.FindingResult.MET, "本条不适用于该申领主体")


def sided(choice: t.TrackChoice) -> r.Scheme:
    """Users get 30 %, suppliers 10 %; providers have to be admitted, for the suppliers' track only."""
    admitted = gate(t.GateKind.PROVIDER_ADMITTED, sides=(t.Side.SUPPLY,))
    return scheme(
        track_choice=choice,
        tracks=(track(), track("b", side=t.Side.SUPPLY)),
        rates=(rate("0.3"), rate("0.1", "of_b", track="b")),
        gates=(admitted,),
    )


STRANGER = contract(provider=f.ProviderFacts(uscc="P", name="某服务商", admissions=()))
ADMITTED = contract(
    provider=f.ProviderFacts(
        uscc="P", name="某服务商", admissions=(f.AdmissionFacts(from_on=date(2024, 1, 1)),)
    )
)


@pytest.mark.parametrize(
    ("of", "lease", "expected"),
    [("a", STRANGER, ELIGIBLE), ("b", STRANGER, REFUSED), ("b", ADMITTED, ELIGIBLE)],
)
def test_a_condition_of_the_tracks_of_one_side(of: str, lease: f.ContractFacts, expected: t.Outcome):
    answer = assess(sided(t.TrackChoice.CHOICE), claim("1000", contracts=(lease,), track=of))
    assert answer.outcome is expected


@pytest.mark.parametrize(("lease", "amount"), [(STRANGER, "300"), (ADMITTED, "400")])
def test_of_tracks_that_are_added_up_it_takes_out_those_of_that_side(lease: f.ContractFacts, amount: str):
    answer = assess(sided(t.TrackChoice.SUM), claim("1000", contracts=(lease,)))
    assert (answer.outcome, answer.amount) == (ELIGIBLE, D(amount))


def test_a_contract_that_a_limited_condition_leaves_out_is_left_out_for_those_whom_it_concerns():
    local_lease = gate(
        t.GateKind.PROVIDER_REGISTERED_IN,
        regions=("11",),
        effect=t.GateEffect.EXCLUDE,
        for_kinds=(ENTERPRISE,),
    )
    far = contract("L1", net_amount=D(1000), provider=f.ProviderFacts(uscc="P", name="某", region_code="31"))
    near = contract("L2", net_amount=D(500), provider=f.ProviderFacts(uscc="P", name="某", region_code="11"))
    of = scheme(gates=(local_lease,))
    assert assess(of, application(far, near, applicant=party(kind=ENTERPRISE))).amount == D(150)
    assert assess(of, application(far, near, applicant=party(kind=UNIVERSITY))).amount == D(450)


def test_the_policy_in_prose_says_whom_a_condition_concerns():
    limited = scheme(
        classes=(CHAMPION,),
        gates=(
            gate(
                t.GateKind.REGISTERED_IN,
                regions=("11",),
                sides=(t.Side.DEMAND,),
                not_for_kinds=(UNIVERSITY,),
                waived_for=("champion",),
            ),
        ),
    )
    said = "".join(one.text for section in describe(limited) for one in section.sentences)
    assert "只用于支持算力需求方的方向，不适用于高等学校，对链主企业不作要求" in said


@pytest.mark.parametrize(
    ("limits", "path"),
    [
        ({"sides": (t.Side.PLATFORM,)}, "gates.gate.sides"),
        ({"not_for_kinds": tuple(t.PartyKind)}, "gates.gate.not_for_kinds"),
        ({"for_kinds": (UNIVERSITY,), "not_for_kinds": (UNIVERSITY,)}, "gates.gate.not_for_kinds"),
        ({"classes": ("nobody",)}, "gates.gate.classes"),
        ({"waived_for": ("nobody",)}, "gates.gate.waived_for"),
        ({"classes": ("small",), "waived_for": ("small",)}, "gates.gate.waived_for"),
    ],
)
def test_a_limitation_that_leaves_nobody_is_a_contradiction(limits: dict[str, object], path: str):
    assert path in {problem.path for problem in check(local(**limits))}


def test_a_kind_of_party_that_those_concerned_cannot_be_is_a_contradiction():
    wrong = scheme(gates=(gate(t.GateKind.PARTY_KIND, values=("enterprise",), for_kinds=(UNIVERSITY,)),))
    assert "gates.gate.values" in {problem.path for problem in check(wrong)}


def test_ages_of_different_kinds_of_party_contradict_nothing():
    both = (
        gate(t.GateKind.AGE_AT_MOST, code="young", months=12, for_kinds=(ENTERPRISE,)),
        gate(t.GateKind.AGE_AT_LEAST, code="old", months=36, for_kinds=(UNIVERSITY,)),
    )
    assert check(scheme(gates=both)) == []
