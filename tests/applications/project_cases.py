"""Applications for projects, under Beijing's scheme with a cap per project."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

from applications.models import Application
from tests import casework
from tests.cast import Cast
from vouchers.models import Publication
from vouchers.policy import assess
from vouchers.policy.documents import shipped_scheme
from vouchers.policy.examples import Example, Expected
from vouchers.policy.rules import Cap, Scheme
from vouchers.policy.terms import CapPeriod, CapSubject

D = Decimal


def with_project_cap(scheme: Scheme) -> Scheme:
    """Beijing's scheme with at most 1.2 million a project over the whole programme."""
    cap = Cap(
        cite=scheme.cite,
        code="project",
        name="单个项目限额",
        subject=CapSubject.PROJECT,
        amount=D(1200000),
        period=CapPeriod.TOTAL,
    )
    return replace(scheme, caps=(*scheme.caps, cap))


def as_computed(example: Example) -> Example:
    """The scheme's own examples, each of a project, with what the cap leaves of them."""
    facts = replace(example.facts, project_no="P")
    answer = assess(with_project_cap(shipped_scheme("BJ-AIQ")), facts)
    return replace(example, facts=facts, expected=Expected(amount=answer.amount, outcome=answer.outcome))


def capped_publication(cast: Cast) -> Publication:
    """That version in force, with money, and 甲公司 fit for it."""
    made = casework.published(cast, "BJ-AIQ", with_project_cap, as_computed)
    casework.funded(cast, made.program)
    casework.fit_for_beijing(cast.alpha)
    return made


Filing = Callable[..., Application]


def filing(cast: Cast, publication: Publication) -> Filing:
    """An application on a contract of 5 million (1 million of support) for a project."""
    numbers = iter(range(1, 10))

    def made(name: str, registration: str = "", submit: bool = True, **how: Any) -> Application:
        stated = {"project_name": name, "project_registration": registration}
        fields = casework.lease_fields(
            cast.provider, "5000000.00", contract_no=f"HT-2025-{next(numbers):03d}"
        )
        build = casework.submitted if submit else casework.drafted
        return build(cast, publication, fields, facts=stated, **how)

    return made
