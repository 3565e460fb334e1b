"""Between a version's rows and the rule model: the same fields by the same names, carried mechanically.

`read_document` is what the admin's rows say as a plain document; it may be incomplete. `write_rows` puts a scheme into a
draft. Neither decides anything.
"""

from __future__ import annotations

import dataclasses
import json
from collections import defaultdict
from typing import Any

from django.db import models

from vouchers.models import (
    PolicyApplicantClass,
    PolicyCap,
    PolicyDocument,
    PolicyEditor,
    PolicyExample,
    PolicyFloor,
    PolicyGate,
    PolicyOtherMoney,
    PolicyPaper,
    PolicyPriceRule,
    PolicyRate,
    PolicyReviewStep,
    PolicyRounding,
    PolicyScoreRate,
    PolicyTrack,
    PolicyTreasuryShare,
    PolicyVersion,
    PolicyVoucherKind,
    PolicyWayOfIssue,
    PolicyWindow,
    User,
    ValueCitation,
)
from vouchers.models.policy_parts import CodedPart
from vouchers.policy import rules
from vouchers.policy.canonical import sha256_hex
from vouchers.policy.examples import Example, plain_example
from vouchers.policy.plain import from_plain, to_plain

LISTS: dict[str, tuple[type[CodedPart], type[Any]]] = {
    "classes": (PolicyApplicantClass, rules.ApplicantClass),
    "tracks": (PolicyTrack, rules.Track),
    "rates": (PolicyRate, rules.Rate),
    "score_rates": (PolicyScoreRate, rules.ScoreRate),
    "floors": (PolicyFloor, rules.Floor),
    "caps": (PolicyCap, rules.Cap),
    "gates": (PolicyGate, rules.Gate),
    "windows": (PolicyWindow, rules.Window),
    "papers": (PolicyPaper, rules.Paper),
    "review_steps": (PolicyReviewStep, rules.ReviewStep),
    "treasury_shares": (PolicyTreasuryShare, rules.TreasuryShare),
}
SINGLES: dict[str, tuple[type[models.Model], type[Any]]] = {
    "price": (PolicyPriceRule, rules.PriceRule),
    "other_money": (PolicyOtherMoney, rules.OtherPublicMoney),
    "voucher": (PolicyVoucherKind, rules.VoucherKind),
    "issue": (PolicyWayOfIssue, rules.WayOfIssue),
    "rounding": (PolicyRounding, rules.Rounding),
}
OWN_FIELDS = (
    "label",
    "title",
    "side",
    "office",
    "effective_from",
    "effective_to",
    "retroactive_from",
    "in_force_by",
    "track_choice",
    "demonstration",
    "note",
)
"""Fields of the Scheme that stand on the version itself."""

NOT_STATED = {"cite_document": "本系统演示设定", "cite_confidence": "DEMO", "cite_note": "文件未载明"}


def field_names(part: type[Any]) -> list[str]:
    """The fields of a part but its citations."""
    return [field.name for field in dataclasses.fields(part) if field.name not in ("cite", "cites")]


def _citation(row: Any) -> dict[str, Any]:
    plain = {
        "document_no": row.cite_document,
        "article": row.cite_article,
        "confidence": row.cite_confidence,
        "note": row.cite_note,
    }
    return {name: value for name, value in plain.items() if value}


def _columns(citation: rules.Citation) -> dict[str, str]:
    return {
        "cite_document": citation.document_no,
        "cite_article": citation.article,
        "cite_confidence": citation.confidence.value,
        "cite_note": citation.note,
    }


def _plain_row(row: Any, names: list[str]) -> dict[str, Any]:
    """The row's values; empty text, lists and blanks are left to the rule model's defaults."""
    values = {name: getattr(row, name) for name in names}
    return {name: to_plain(value) for name, value in values.items() if value not in (None, "", [])}


def read_document(version: PolicyVersion) -> dict[str, Any]:
    """The version's rows as the plain document of a Scheme, complete or not."""
    own: dict[str, dict[str, Any]] = defaultdict(dict)
    for citation in ValueCitation.objects.filter(version=version):
        own[citation.target][citation.field] = _citation(citation)
    document = _plain_row(version, list(OWN_FIELDS))
    document |= {
        "program": version.program.code,
        "region": version.program.region.code,
        "format": rules.FORMAT,
    }
    if "" in own[""]:
        document["cite"] = own[""].pop("")
    if own[""]:
        document["cites"] = own[""]
    document["documents"] = [
        _plain_row(row, [field.name for field in dataclasses.fields(rules.Document)])
        for row in PolicyDocument.objects.filter(version=version)
    ]
    for name, (model, part) in LISTS.items():
        document[name] = [
            _part(row, part, own[f"{name}.{row.code}"])
            for row in model._default_manager.filter(version=version)
        ]
    for name, (single, part) in SINGLES.items():
        row = single._default_manager.filter(version=version).first()
        if row is not None:
            document[name] = _part(row, part, own[name])
    return document


def _part(row: Any, part: type[Any], own: dict[str, Any]) -> dict[str, Any]:
    plain = _plain_row(row, field_names(part)) | {"cite": _citation(row)}
    return plain | {"cites": own} if own else plain


def scheme_of(version: PolicyVersion) -> rules.Scheme:
    """The version's rows as a Scheme. Raises SchemeError with every place that is incomplete."""
    return rules.parse(read_document(version))


def write_rows(version: PolicyVersion, scheme: rules.Scheme) -> None:
    """Put the scheme into the draft in place of what was there."""
    for name in OWN_FIELDS:
        setattr(version, name, _stored(getattr(scheme, name)))
    version.save(update_fields=list(OWN_FIELDS))
    for model, _ in (*LISTS.values(), *SINGLES.values()):
        model._default_manager.filter(version=version).delete()
    PolicyDocument.objects.filter(version=version).delete()
    ValueCitation.objects.filter(version=version).delete()
    PolicyDocument.objects.bulk_create(
        PolicyDocument(
            version=version, position=place, **{f.name: getattr(one, f.name) for f in dataclasses.fields(one)}
        )
        for place, one in enumerate(scheme.documents)
    )
    citations = [
        ValueCitation(version=version, **_columns(scheme.cite)),
        *_own_citations(version, "", scheme),
    ]
    for name, (model, part) in LISTS.items():
        rows = []
        for place, one in enumerate(getattr(scheme, name)):
            rows.append(
                model(version=version, position=place, **_columns(one.cite), **_values(one, part, model))
            )
            citations += _own_citations(version, f"{name}.{one.code}", one)
        model._default_manager.bulk_create(rows)
    for name, (model, part) in SINGLES.items():
        one = getattr(scheme, name)
        model._default_manager.create(version=version, **_columns(one.cite), **_values(one, part, model))
        citations += _own_citations(version, name, one)
    ValueCitation.objects.bulk_create(citations)


def _values(one: rules.Part, part: type[Any], model: type[models.Model]) -> dict[str, Any]:
    """The part's values as the columns hold them; a word that is not given is empty text."""
    values = {name: _stored(getattr(one, name)) for name in field_names(part)}
    return {
        name: "" if value is None and isinstance(model._meta.get_field(name), models.CharField) else value
        for name, value in values.items()
    }


def _stored(value: Any) -> Any:
    """What a column holds: words for terms, lists for tuples."""
    if isinstance(value, tuple):
        return [_stored(item) for item in value]
    return str(value.value) if hasattr(value, "value") else value


def _own_citations(version: PolicyVersion, target: str, part: rules.Part) -> list[ValueCitation]:
    return [
        ValueCitation(version=version, target=target, field=name, **_columns(citation))
        for name, citation in part.cites.items()
    ]


def start_rows(version: PolicyVersion) -> None:
    """The parts that every version has once, marked as not stated in the text until somebody says otherwise."""
    for model, _ in SINGLES.values():
        model._default_manager.create(version=version, **NOT_STATED)


def write_examples(version: PolicyVersion, examples: list[Example]) -> None:
    """Put worked examples into the draft in place of what was there."""
    PolicyExample.objects.filter(version=version).delete()
    rows = []
    for place, example in enumerate(examples):
        plain = plain_example(example)
        rows.append(
            PolicyExample(
                version=version,
                position=place,
                code=example.code,
                title=example.title,
                note=example.note,
                facts=plain["facts"],
                expected=plain["expected"],
            )
        )
    PolicyExample.objects.bulk_create(rows)


def read_example(row: PolicyExample) -> Example:
    """The row as an Example. Raises SchemeError with the places that are wrong."""
    plain = {"code": row.code, "title": row.title, "facts": row.facts, "expected": row.expected}
    plain |= {"note": row.note} if row.note else {}
    return from_plain(Example, plain, f"examples.{row.code}")


def as_stored(version: PolicyVersion) -> PolicyVersion:
    """As it stands in the database: a form that was refused has left its values in the one at hand."""
    found: PolicyVersion = PolicyVersion.objects.select_related("program__region").get(pk=version.pk)
    return found


def stamp_of(version: PolicyVersion) -> str:
    """What the draft says now, as a short mark: another one means that somebody saved meanwhile, by whatever way."""
    examples = PolicyExample.objects.filter(version=version).order_by("code")
    content = {
        "rules": read_document(as_stored(version)),
        "examples": [list(row) for row in examples.values_list("code", "title", "facts", "expected")],
    }
    return sha256_hex(json.dumps(content, sort_keys=True, ensure_ascii=False).encode())[:16]


def note_editor(version: PolicyVersion, by: User) -> None:
    """Keep for good that the person wrote into the version, and so may not publish it. Every action that writes calls it."""
    PolicyEditor.objects.bulk_create([PolicyEditor(version=version, person=by)], ignore_conflicts=True)


def editors_of(version: PolicyVersion) -> set[int | None]:
    """The keys of all who ever had a hand in the version: drafted it, wrote into it, proposed it."""
    return {
        version.created_by_id,
        version.proposed_by_id,
        *PolicyEditor.objects.filter(version=version).values_list("person_id", flat=True),
    }
