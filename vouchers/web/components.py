"""What the larger components show, worked out from what a view hands in: ``vouchers.templatetags.look`` draws it.

What is handed in may be mappings or objects; only the names of the parts count.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from vouchers import dates
from vouchers.web import scales, wording


def part_of(thing: Any, *names: str) -> Any:
    """The first of these attributes or keys that ``thing`` has and that is not None."""
    for name in names:
        value = thing.get(name) if isinstance(thing, Mapping) else getattr(thing, name, None)
        if value is not None:
            return value
    return None


def deadline(until: Any, rule: str = "", done: bool = False, show_rule: bool = False) -> dict[str, Any]:
    """A term's last day and what remains of it in working days."""
    last_day, today = wording.local_date(until), dates.today()
    if last_day is None:
        return {"last_day": None}
    left = dates.working_days_between(today, last_day)
    tone = "overdue" if last_day < today else ("soon" if left <= 1 else "")
    return {
        "last_day": last_day,
        "remains": "" if done else wording.until_text(last_day, today, left),
        "tone": "" if done else tone,
        "rule": rule,
        "show_rule": show_rule and rule,
        "same_year": last_day.year == today.year,
    }


def _operands(line: Any) -> list[dict[str, Any]]:
    given = part_of(line, "operands") or ()
    if isinstance(given, Mapping):
        given = given.items()
    rows = []
    for operand in given:
        if isinstance(operand, str):
            rows.append({"name": operand, "value": ""})
        elif isinstance(operand, tuple | list):
            rows.append(
                {"name": operand[0], "value": operand[1], "unit": operand[2] if len(operand) > 2 else ""}
            )
        else:
            rows.append(
                {
                    "name": part_of(operand, "name", "label"),
                    "value": part_of(operand, "value", "text"),
                    "unit": part_of(operand, "unit") or "",
                }
            )
    return rows


def working_table(
    lines: Iterable[Any], total: Any = None, total_label: str = "", caption: str = ""
) -> dict[str, Any]:
    """The working of an amount, a line a step; lines marked ``counts`` are added again and held against the total."""
    rows, again, counted = [], Decimal("0.00"), 0
    for number, line in enumerate(lines, start=1):
        rows.append(
            {"line": line, "no": part_of(line, "no", "number") or number, "operands": _operands(line)}
        )
        result = wording.decimal_of(part_of(line, "result"))
        if part_of(line, "counts") and result is not None:
            again, counted = again + result, counted + 1
    whole = wording.decimal_of(total)
    return {
        "rows": rows,
        "total": whole,
        "total_label": total_label or _("合计"),
        "caption": caption,
        "counted": counted if whole is not None else 0,
        "again": again,
        "agrees": whole == again,
    }


_OUTCOMES = {"met": "granted", "not_met": "refused", "not_testable": "waiting"}


def findings(findings: Iterable[Any], summary: bool = True) -> dict[str, Any]:
    """Conditions met, not met and not testable, each with fact, article and cure."""
    rows = []
    for finding in findings:
        outcome = str(getattr(part_of(finding, "outcome"), "value", part_of(finding, "outcome")))
        rows.append({"finding": finding, "outcome": outcome, "tone": _OUTCOMES.get(outcome, "waiting")})
    counts = {name: sum(row["outcome"] == name for row in rows) for name in _OUTCOMES}
    return {"rows": rows, "summary": summary and len(rows) > 1, "counts": counts}


_VERDICTS = {
    "within": "granted",
    "above": "refused",
    "below": "waiting",
    "review": "waiting",
    "untested": "neutral",
}


def price_verdict(
    verdict: str, lower: Any = None, upper: Any = None, price: Any = None, **parts: Any
) -> dict[str, Any]:
    """The contract's price on the scale of the band, with the sentence beneath."""
    low, high, mark = (wording.decimal_of(value) for value in (lower, upper, price))
    middle = wording.decimal_of(parts.get("benchmark"))
    verdict = str(getattr(verdict, "value", verdict)).removesuffix("_band")
    scale = None
    if low is not None and high is not None:
        scale = scales.price_scale(lower=low, upper=high, price=mark, benchmark=middle)
    return {
        **parts,
        "verdict": verdict,
        "tone": _VERDICTS.get(verdict, "neutral"),
        "lower": low,
        "upper": high,
        "price": mark,
        "benchmark": middle,
        "unit": parts.get("unit") or _("元/卡时"),
        "scale": scale,
    }


def form_field(
    field: Any, label: str = "", hint: str = "", unit: str = "", width: str = "", source: str = ""
) -> dict[str, Any]:
    """A bound field with label, hint, unit and errors, each tied to the control."""
    widget = field.field.widget
    kind = getattr(widget, "input_type", "")
    return {
        "field": field,
        "label": label or field.label,
        "hint": hint or field.help_text,
        "unit": unit,
        "width": width,
        "source": source,
        "check": kind == "checkbox"
        and not hasattr(widget, "subwidgets_of_choices")
        and not getattr(widget, "choices", None),
        "group": kind in ("radio", "checkbox") and bool(getattr(widget, "choices", None)),
        "optional": not field.field.required and kind != "checkbox",
    }


def error_summary(form: Any = None, errors: Iterable[Any] = (), title: str = "") -> dict[str, Any]:
    """Everything that is wrong, each linked to its field; a form, a list of forms or ``DomainError``s."""
    rows: list[dict[str, Any]] = []
    for one in form if isinstance(form, list | tuple) else [form]:
        if one is None or not getattr(one, "errors", None):
            continue
        for name, problems in one.errors.items():
            bound = one[name] if name in one.fields else None
            target = (bound.id_for_label or bound.auto_id) if bound is not None else ""
            # a tick's label is a sentence of its own: the error stands without it
            tick = bound is not None and getattr(bound.field.widget, "input_type", "") == "checkbox"
            label = bound.label if bound is not None and not tick else ""
            rows.extend({"message": problem, "target": target, "label": label} for problem in problems)
    for error in errors:
        problems = getattr(error, "problems", None) or [error]
        for problem in problems:
            name = part_of(problem, "field")
            rows.append(
                {
                    "message": part_of(problem, "message") or str(problem),
                    "target": part_of(problem, "target") or (f"id_{name}" if name else ""),
                    "hint": part_of(problem, "hint"),
                    "code": part_of(problem, "code"),
                }
            )
    return {"rows": rows, "title": title}


def job_progress(job: Any, url: str = "", result_url: str = "") -> dict[str, Any]:
    """How far long work is, how long still; asks again by htmx until it is over."""
    done, total = part_of(job, "progress") or 0, part_of(job, "total") or 0
    state = str(part_of(job, "state") or "")
    started = part_of(job, "started_at")
    left = None
    if state == "running" and done and total > done and isinstance(started, datetime):
        spent = (timezone.now() - started).total_seconds()
        left = max(1, round(spent / done * (total - done) / 60))
    return {
        "job": job,
        "done": done,
        "total": total,
        "url": url,
        "result_url": result_url,
        "over": state not in ("waiting", "running"),
        "minutes_left": left,
    }
