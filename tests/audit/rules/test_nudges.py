"""Every threshold stands where it is said to: moved by one unit either way, at least one fixture of its rule breaks.

The fixtures are the tests of the rule themselves; each is run as if the rule shipped with the moved value.
"""

from __future__ import annotations

import inspect
import pkgutil
from collections.abc import Iterator
from decimal import Decimal
from functools import cache
from importlib import import_module
from itertools import product
from typing import Any

import pytest

import tests.audit.rules as package
from audit.rules import RULES
from audit.rules.base import Parameter
from audit.rules.parameters import NUMBER, kind_of, range_fault
from tests.audit.rules.rows import nudged

HERE = __name__.rpartition(".")[2]


@cache
def fixtures_of(rule: str) -> tuple[Any, ...]:
    """The tests of one rule, each with its arguments: those of its own module, and those named after it elsewhere."""
    found = []
    for module in pkgutil.iter_modules(package.__path__):
        if not module.name.startswith("test_") or module.name in (HERE, "test_pages"):
            continue
        loaded = import_module(f"{package.__name__}.{module.name}")
        whole = module.name == f"test_{rule.lower()}"
        for name, function in vars(loaded).items():
            if inspect.isfunction(function) and name.startswith(
                "test_" if whole else f"test_{rule.lower()}_"
            ):
                found += [(function, arguments) for arguments in _arguments(function)]
    return tuple(found)


def _arguments(function: Any) -> Iterator[dict[str, Any]]:
    marks = [mark for mark in getattr(function, "pytestmark", ()) if mark.name == "parametrize"]
    choices = []
    for mark in marks:
        names = mark.args[0].split(",") if isinstance(mark.args[0], str) else list(mark.args[0])
        names = [name.strip() for name in names]
        rows = [row if len(names) > 1 else (row,) for row in mark.args[1]]
        choices.append([dict(zip(names, row, strict=True)) for row in rows])
    for combination in product(*choices):
        yield {name: value for row in combination for name, value in row.items()}


def units() -> Iterator[Any]:
    """(rule, parameter, moved value) for each numeric parameter in both directions, as far as its range allows."""
    for rule in RULES.values():
        for parameter in rule.parameters:
            if kind_of(parameter) == NUMBER:
                for moved in (-1, 1):
                    value = _moved(parameter, moved)
                    if range_fault(parameter, value) is None:
                        yield pytest.param(
                            rule.id,
                            parameter.name,
                            value,
                            id=f"{rule.id}-{parameter.name}-{'+' if moved > 0 else ''}{moved}",
                        )
            elif isinstance(parameter.default, dict):
                for entry, number in parameter.default.items():
                    for moved in (-1, 1):
                        value = {**parameter.default, entry: number + moved}
                        yield pytest.param(
                            rule.id, parameter.name, value,
                            id=f"{rule.id}-{parameter.name}.{entry}-{'+' if moved > 0 else ''}{moved}",
                        )  # fmt: skip


def _moved(parameter: Parameter, direction: int) -> Any:
    """One unit: a step for whole numbers, one in the third place for those with decimals."""
    if isinstance(parameter.default, int):
        return parameter.default + direction * parameter.step
    return str(Decimal(str(parameter.default)) + direction * Decimal("0.001"))


@pytest.mark.parametrize("rule,name,value", list(units()))
def test_a_threshold_moved_by_one_unit_breaks_a_fixture(rule: str, name: str, value: Any):
    with nudged(rule, name, value):
        assert any(_breaks(function, arguments) for function, arguments in fixtures_of(rule)), (
            "nothing noticed"
        )


def _breaks(function: Any, arguments: dict[str, Any]) -> bool:
    try:
        function(**arguments)
    except (AssertionError, ValueError, IndexError):
        return True
    return False


@pytest.mark.parametrize("rule", RULES)
def test_every_rule_has_fixtures_that_hold_as_it_ships(rule: str):
    assert len(fixtures_of(rule)) >= 3
    assert not any(_breaks(function, arguments) for function, arguments in fixtures_of(rule))
