"""Parameters as people type them: what a field takes, and what is wrong with it, in a sentence that says what to do.

A number keeps the kind of its default: whole numbers stay whole, a decimal is kept as text so that no float comes near it.
Lists are a line an entry (pairs: two codes a line), tables a line ``code value``.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from audit.rules.base import Parameter, Rule

NUMBER, LIST, PAIRS, TABLE, TEXTS = "number", "list", "pairs", "table", "texts"
PLACES = 4
_NUMBER = re.compile(r"-?[0-9]{1,12}(\.[0-9]{1,6})?")
_CODE = re.compile(r"[A-Za-z0-9_\-]{1,40}")
_PAIRED = frozenset({"stackable", "province_exceptions"})
_PROSE = frozenset({"templates"})
MOST_LINES, MOST_PROSE = 200, 200_000


def kind_of(parameter: Parameter) -> str:
    """Which of the kinds it is."""
    if isinstance(parameter.default, dict):
        return TABLE
    if isinstance(parameter.default, list):
        return PAIRS if parameter.name in _PAIRED else TEXTS if parameter.name in _PROSE else LIST
    return NUMBER


def shown(parameter: Parameter, value: Any) -> str:
    """The value as it stands in its field."""
    kind = kind_of(parameter)
    if kind == TABLE:
        return "\n".join(f"{name} {one}" for name, one in value.items())
    if kind == PAIRS:
        return "\n".join(" ".join(pair) for pair in value)
    if kind == TEXTS:
        return "\n\n".join(value)
    return "\n".join(value) if kind == LIST else str(value)


def read(parameter: Parameter, typed: str) -> Any:
    """What was typed, as the parameter's value. Raises ``ValueError`` with the sentence for people."""
    text = unicodedata.normalize("NFKC", typed).replace("\r\n", "\n").strip()
    kind = kind_of(parameter)
    if kind == NUMBER:
        return _number(parameter, text)
    if kind == TEXTS:
        if len(text) > MOST_PROSE:
            raise ValueError(f"文本过长，最多 {MOST_PROSE:,} 字。")
        return [part.strip() for part in re.split(r"\n\s*\n", text) if part.strip()]
    lines = [line.split() for line in text.split("\n") if line.strip()]
    if len(lines) > MOST_LINES:
        raise ValueError(f"最多 {MOST_LINES} 行，您填写了 {len(lines)} 行。")
    if kind == TABLE:
        return _table(parameter, lines)
    width = 2 if kind == PAIRS else 1
    for place, line in enumerate(lines, start=1):
        if len(line) != width or not all(_CODE.fullmatch(word) for word in line):
            form = "两个代码，以空格隔开" if width == 2 else "一个代码"
            raise ValueError(f"第 {place} 行“{' '.join(line)[:40]}”的形式不对，应为{form}。")
    return lines if width == 2 else [line[0] for line in lines]


def _number(parameter: Parameter, text: str) -> Any:
    plain = text.replace(",", "")
    unit = parameter.unit
    if not plain:
        raise ValueError("请填写数字。")
    if not _NUMBER.fullmatch(plain):
        bare = plain.removesuffix(unit).strip() if unit else plain
        if unit and bare != plain and _NUMBER.fullmatch(bare):
            raise ValueError(f"只填数字即可，单位为{unit}，不必写出。")
        if plain.endswith(("%", "‰")) or re.fullmatch(r"-?[0-9.]+\D+", plain):
            raise ValueError(f"单位不对：本项以“{unit or '数'}”计，请换算后只填数字。")
        raise ValueError(f"“{text[:40]}”不是数字。")
    number = Decimal(plain)
    if isinstance(parameter.default, int):
        if number != number.to_integral_value():
            hint = "，百分之二十五填 25" if unit == "%" else "，千分之五填 5" if unit == "‰" else ""
            raise ValueError(f"本项须为整数，单位为{unit or '个'}{hint}。")
        value: Any = int(number)
    else:
        if -int(number.as_tuple().exponent) > PLACES:
            raise ValueError(f"最多 {PLACES} 位小数。")
        value = format(number.normalize(), "f")
    if (wrong := range_fault(parameter, value)) is not None:
        raise ValueError(wrong)
    return value


def _table(parameter: Parameter, lines: list[list[str]]) -> dict[str, int]:
    default: dict[str, int] = parameter.default
    fixed = all(isinstance(one, int) and one <= 10 for one in default.values())
    value: dict[str, int] = {}
    for place, line in enumerate(lines, start=1):
        if len(line) != 2 or not _CODE.fullmatch(line[0]) or not re.fullmatch(r"[0-9,]{1,15}", line[1]):
            raise ValueError(
                f"第 {place} 行“{' '.join(line)[:40]}”的形式不对，应为代码、空格和整数（{parameter.unit}）。"
            )
        if line[0] in value:
            raise ValueError(f"第 {place} 行重复了“{line[0]}”。")
        value[line[0]] = int(line[1].replace(",", ""))
    if (wrong := _table_fault(parameter, value, fixed=fixed)) is not None:
        raise ValueError(wrong)
    return value


def _table_fault(parameter: Parameter, value: Mapping[str, Any], *, fixed: bool) -> str | None:
    if not fixed:
        return None if all(type(one) is int and one > 0 for one in value.values()) else "各项须为正整数。"
    if set(value) != set(parameter.default):
        unknown, lacking = set(value) - set(parameter.default), set(parameter.default) - set(value)
        told = "；".join(
            part
            for part in (
                f"没有“{'、'.join(sorted(unknown))}”" if unknown else "",
                f"缺少“{'、'.join(sorted(lacking))}”" if lacking else "",
            )
            if part
        )
        return f"项目应与默认值的相同：{told}。"
    if not all(type(one) is int and 0 <= one <= 10 for one in value.values()):
        return "各项分值须为 0 至 10 的整数。"
    return None


def range_fault(parameter: Parameter, value: Any) -> str | None:
    """The sentence when the number is out of its range."""
    number, low, high = Decimal(str(value)), parameter.low, parameter.high
    if parameter.step != 1 and number % parameter.step:
        return f"须为 {parameter.step} 的整倍数：数据以此为最小单位，您填写了 {value}。"
    if (low is None or number >= Decimal(str(low))) and (high is None or number <= Decimal(str(high))):
        return None
    hint = ""
    if parameter.unit in ("%", "‰") and 0 < number < 1:
        hint = f"本项以 {parameter.unit} 计，请勿填小数。"
    return f"须在 {low} 至 {high} {parameter.unit}之间，您填写了 {value}。{hint}"


def faults(rule: Rule, values: Mapping[str, Any]) -> dict[str, str]:
    """What is wrong with whole values, by parameter: unknown, another kind, out of range, or in contradiction."""
    known = {parameter.name: parameter for parameter in rule.parameters}
    wrong: dict[str, str] = {}
    for name, value in values.items():
        parameter = known.get(name)
        if parameter is None:
            wrong[name] = f"规则 {rule.id} 没有参数“{name}”。"
        elif (fault := _fault(parameter, value)) is not None:
            wrong[name] = fault
    whole = {**rule.defaults, **values}
    for smaller, larger in rule.ascending:
        if {smaller, larger} & set(wrong):
            continue
        if Decimal(str(whole[smaller])) >= Decimal(str(whole[larger])):
            wrong[larger] = (
                f"与“{known[smaller].label}”（{whole[smaller]}）矛盾：“{known[larger].label}”须大于它，您填写了 {whole[larger]}。"
            )
    return wrong


def _fault(parameter: Parameter, value: Any) -> str | None:
    if kind_of(parameter) == NUMBER:
        if isinstance(value, bool | float) or not isinstance(value, int | str | Decimal):
            return "须为数字。"
        if not _NUMBER.fullmatch(str(value)):
            return "须为数字。"
        if isinstance(parameter.default, int) and Decimal(str(value)) != int(Decimal(str(value))):
            return "须为整数。"
        return range_fault(parameter, value)
    if type(value) is not type(parameter.default):
        return "形式不对。"
    if isinstance(value, dict):
        fixed = all(isinstance(one, int) and one <= 10 for one in parameter.default.values())
        return _table_fault(parameter, value, fixed=fixed)
    return None


def told(value: Any) -> str:
    """A value in words."""
    if isinstance(value, dict):
        return "；".join(f"{name} {one:,}" for name, one in value.items()) or "无"
    if isinstance(value, list):
        if any(isinstance(one, str) and len(one) > 60 for one in value):
            return f"{len(value)} 份"
        return "、".join("–".join(one) if isinstance(one, list) else str(one) for one in value) or "无"
    return f"{value:,}" if isinstance(value, int) else str(value)


__all__ = ["faults", "kind_of", "range_fault", "read", "shown", "told"]
