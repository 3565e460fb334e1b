"""Who spends calls the ledger last: nothing is written between its locks and the COMMIT. Read from the actions' own source."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ACTIONS = sorted((ROOT / "vouchers/actions").glob("*.py")) + sorted(
    (ROOT / "applications/actions").rglob("*.py")
)
#: modules that are the ledger's own words, and make chains without sending them
WORDS = {"ledger_chains.py", "ledger_reservations.py", "ledger_accounts.py"}
SENDERS = {
    "post",
    "post_all",
    "spend",
    "give_back",
    "hold_room",
    "let_room_go",
    "keep_for_review",
    "file_at_once",
}
"""Functions whose last statement is the ledger's, beside the verbs of ``ledger`` and ``ledger_recoveries``."""
SILENT = {"received_of", "outstanding", "voucher_account", "payment_account", "event_id", "result_of"}
"""What these modules only read, or name."""
WRITES = {
    "save", "create", "bulk_create", "bulk_update", "update", "delete", "get_or_create", "update_or_create",
    "advance", "enqueue", "move", "note", "record", "write_checks", "announce", "place_hold", "screen", "set_aside",
}  # fmt: skip
OVER = {"_would_issue", "issue_part"}
"""Whose every send is undone, or committed, when it comes back."""


def named(call: ast.Call) -> tuple[str, str]:
    """What is called, and of what."""
    if isinstance(call.func, ast.Attribute):
        of = call.func.value
        return call.func.attr, of.id if isinstance(of, ast.Name) else ""
    return (call.func.id if isinstance(call.func, ast.Name) else ""), ""


def calls(statement: ast.AST) -> Iterator[ast.Call]:
    """The calls that a statement itself makes; what a function within it would do is not done there."""
    for child in ast.iter_child_nodes(statement):
        if isinstance(child, (ast.FunctionDef, ast.Lambda, ast.ClassDef)):
            continue
        if isinstance(child, ast.Call):
            yield child
        yield from calls(child)


class Look:
    """What a module's own functions do, so that a call of one counts as what it does."""

    def __init__(self, tree: ast.Module) -> None:
        own = {one.name: one for one in tree.body if isinstance(one, ast.FunctionDef)}
        self.sending: set[str] = set()
        self.writing: set[str] = set()
        grew = True
        while grew:
            before = len(self.sending) + len(self.writing)
            self.sending |= {
                name for name, one in own.items() if name not in OVER and any(map(self.sends, calls(one)))
            }
            self.writing |= {name for name, one in own.items() if any(map(self.writes, calls(one)))}
            grew = len(self.sending) + len(self.writing) > before

    def sends(self, call: ast.Call) -> bool:
        name, of = named(call)
        if name in SILENT or name.endswith("_chain"):
            return False
        if not of and name in self.sending:
            return True
        if name == "post":  # a chain's own; of the network there is a function
            return isinstance(call.func, ast.Attribute)
        return name in SENDERS or (of in ("ledger", "ledger_recoveries") and name[0].islower())

    def writes(self, call: ast.Call) -> bool:
        name, of = named(call)
        return name in WRITES or (not of and name in self.writing and name not in self.sending)


def blocks(statement: ast.stmt) -> Iterator[list[ast.stmt]]:
    """The lists of statements within one."""
    for name in ("body", "orelse", "finalbody"):
        yield from [found] if (found := getattr(statement, name, None)) else []
    for handler in getattr(statement, "handlers", ()):
        yield handler.body


def leaves(body: list[ast.stmt]) -> bool:
    """Whether what comes after the list is not reached from its end."""
    return bool(body) and isinstance(body[-1], (ast.Return, ast.Raise, ast.Continue, ast.Break))


def late(body: list[ast.stmt], look: Look) -> Iterator[int]:
    """The lines of a function that write after the ledger was called."""
    sent = False
    for statement in body:
        if isinstance(statement, (ast.FunctionDef, ast.ClassDef)):
            continue
        inner = list(blocks(statement))
        if sent:
            yield from (call.lineno for call in calls(statement) if look.writes(call))
        elif not inner:
            here = sorted(calls(statement), key=lambda call: (call.end_lineno or 0, call.end_col_offset or 0))
            first = next((place for place, call in enumerate(here) if look.sends(call)), None)
            if first is not None:
                sent = True
                yield from (call.lineno for call in here[first + 1 :] if look.writes(call))
        else:
            heads = [
                ast.Expr(value) for value in ast.iter_child_nodes(statement) if isinstance(value, ast.expr)
            ]
            for block in inner:
                yield from late(block, look)
            going_on = [*heads, *(one for block in inner if not leaves(block) for one in block)]
            sent = any(look.sends(call) for one in going_on for call in calls(ast.Module([one], [])))
            if sent and isinstance(statement, (ast.For, ast.While)):
                yield from (call.lineno for call in calls(statement) if look.writes(call))


def found_in(source: str, file: str) -> list[str]:
    tree = ast.parse(source)
    look = Look(tree)
    return sorted(
        {
            f"{file}:{line} ({function.name})"
            for function in ast.walk(tree)
            if isinstance(function, ast.FunctionDef) and function.name != "_would_issue"
            for line in late(function.body, look)
        }
    )


@pytest.mark.parametrize("path", ACTIONS, ids=lambda path: str(path.relative_to(ROOT)))
def test_nothing_is_written_after_the_ledger_was_called(path: Path):
    if path.name in WORDS:
        return
    assert found_in(path.read_text(), path.name) == []


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("def f():\n    advance(x)\n    ledger.confirm(x).demand()\n    return x", []),
        ("def f():\n    ledger.confirm(x).demand()\n    x.save()", ["f.py:3 (f)"]),
        ("def f():\n    if x:\n        chain.post()\n    enqueue('t')", ["f.py:4 (f)"]),
        ("def f():\n    if x:\n        chain.post()\n        return x\n    enqueue('t')", []),
        ("def f():\n    for x in y:\n        x.save()\n        post_all(x)", ["f.py:3 (f)"]),
        ("def f():\n    def change():\n        x.save()\n    spend(change, send)", []),
        ("def f():\n    return _kept(ledger.void_voucher(x)).save()", ["f.py:2 (f)"]),
        ("def f():\n    ledger.close(x)\n    kept(x)\ndef kept(x):\n    X.objects.create(x)", ["f.py:3 (f)"]),
        ("def f():\n    booked(x)\n    x.save()\ndef booked(x):\n    return ledger.close(x)", ["f.py:3 (f)"]),
    ],
)
def test_the_look_sees_what_is_late_and_nothing_else(source: str, told: list[str]):
    assert found_in(source, "f.py") == told
