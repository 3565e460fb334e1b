"""The fraud rules, one a file. ``RULES`` holds them by id; a new file with a ``RULE`` is enough to add one.

The catalogue with definitions and look-alikes is on each rule's page, which is its module's docstring.
"""

from __future__ import annotations

import pkgutil
from importlib import import_module

from audit.rules.base import Rule
from audit.rules.terms import SCORING


def _collect() -> dict[str, Rule]:
    found: dict[str, Rule] = {}
    for module_name in sorted(module.name for module in pkgutil.iter_modules(__path__)):
        rule = getattr(import_module(f"{__name__}.{module_name}"), "RULE", None)
        if isinstance(rule, Rule):
            if rule.id in found:
                raise ValueError(f"two rules call themselves {rule.id}")
            found[rule.id] = rule
    return dict(sorted(found.items()))


RULES: dict[str, Rule] = _collect()

# What has versions that two persons publish: the rules, and the terms by which what they find is weighed.
VERSIONED: dict[str, Rule] = {**RULES, SCORING.id: SCORING}

__all__ = ["RULES", "SCORING", "VERSIONED", "Rule"]
