"""Which project an application belongs to, from what the enterprise states of it."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Mapping
from typing import Any

from applications.models import Application, Undertaking
from applications.models.applications import ApplicationState
from vouchers.models import Party
from vouchers.policy.rules import Scheme
from vouchers.policy.terms import CapSubject


def counts_projects(scheme: Scheme) -> bool:
    """Whether the scheme has a cap per project, so that an application has to say to which it belongs."""
    return any(cap.switched_on and cap.subject is CapSubject.PROJECT for cap in scheme.caps)


def must_name_project(scheme: Scheme, classes: Collection[str] = ()) -> bool:
    """Whether every applicant has to name the project, or (with `classes`) one of these classes has."""
    return any(
        cap.switched_on
        and cap.subject is CapSubject.PROJECT
        and (not cap.classes or not set(cap.classes).isdisjoint(classes))
        for cap in scheme.caps
    )


def undertaking_key(stated: Mapping[str, Any], party: Party) -> str:
    """What makes two declarations the same project; empty where none was declared."""
    number, name = _bare(stated.get("project_registration", "")), _bare(stated.get("project_name", ""))
    if number:
        return f"registration:{number}"
    return f"party:{party.uscc}:{name}" if name else ""


def _bare(text: str) -> str:
    """A number or a name without signs, spaces and widths, by which alike is the same."""
    return "".join(sign for sign in unicodedata.normalize("NFKC", text).upper() if sign.isalnum())


def undertaking_of(application: Application) -> Undertaking | None:
    """The project that the application belongs to: as it was filed; while it may be changed, as what is stated now finds it."""
    if application.state not in (ApplicationState.DRAFT, ApplicationState.RETURNED):
        return application.undertaking
    key = undertaking_key(application.facts, application.enterprise)
    return Undertaking.objects.filter(key=key).first() if key else None


def hold_undertaking(application: Application) -> Undertaking | None:
    """The project as stated at filing, made where nobody has named it before; None where the application names none."""
    stated = application.facts
    key = undertaking_key(stated, application.enterprise)
    if not key:
        return None
    found, _made = Undertaking.objects.get_or_create(
        key=key,
        defaults={
            "name": stated.get("project_name", "") or stated.get("project_registration", ""),
            "registration_no": stated.get("project_registration", ""),
            "declared_by": application.enterprise,
        },
    )
    return found
