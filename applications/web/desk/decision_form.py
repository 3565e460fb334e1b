"""What a decision's form says: the amount, the reviewers' rates and points, each read or refused with its field."""

from __future__ import annotations

from decimal import Decimal

from django.http import HttpRequest

from applications.actions.reviews import criteria
from vouchers.errors import Invalid
from vouchers.policy.rules import Scheme
from vouchers.web.fields import typed_number, typed_yuan


def amount(request: HttpRequest) -> Decimal | None:
    """What the decider grants, in yuan; None where nothing was typed. Raises ``Invalid`` (``case.amount``)."""
    text = request.POST.get("amount", "").strip()
    if not text:
        return None
    try:
        return typed_yuan(text)
    except ValueError as error:
        raise Invalid("case.amount", str(error), field="amount") from error


def rates(request: HttpRequest, scheme: Scheme | None) -> dict[str, Decimal]:
    """The reviewers' rates: per cent, or yuan a unit where the base is a scale."""
    by_unit = {rate.track for rate in scheme.rates if rate.unit_amount is not None} if scheme else set()
    typed = {}
    for name in request.POST:
        text, track = request.POST.get(name, "").strip(), name.removeprefix("rate-")
        if not name.startswith("rate-") or not text:
            continue
        if track in by_unit:
            try:
                yuan = typed_yuan(text)
            except ValueError as error:
                raise Invalid("case.rate", f"“{text}”不是补贴标准：{error}。", field=name) from error
            if yuan < 0:
                raise Invalid("case.rate", "补贴标准不能小于零。", field=name)
            typed[track] = yuan
            continue
        try:
            percent = typed_number(text.rstrip("%％"))
        except ValueError as error:
            raise Invalid("case.rate", f"“{text}”不是比例，请填写百分数，例如 20。", field=name) from error
        if not 0 <= percent <= 100:
            raise Invalid("case.rate", "补贴比例应在 0 至 100 之间。", field=name)
        typed[track] = percent / 100
    return typed


def scores(request: HttpRequest, scheme: Scheme | None) -> dict[str, Decimal]:
    """The points by criterion, where the version names its criteria; they add up to the score."""
    typed = {
        name: points(request, f"score-{place}")
        for place, name in enumerate(criteria(scheme) if scheme else (), start=1)
    }
    return {name: given for name, given in typed.items() if given is not None}


def points(request: HttpRequest, field: str) -> Decimal | None:
    """The reviewers' points, where the version has a table for them."""
    text = request.POST.get(field, "").strip()
    if not text:
        return None
    try:
        score = typed_number(text)
    except ValueError as error:
        raise Invalid("case.score", f"“{text}”不是得分，请填写数字，例如 85。", field=field) from error
    if not 0 <= score <= 1000:
        raise Invalid("case.score", "得分应在 0 至 1000 之间。", field=field)
    return score
