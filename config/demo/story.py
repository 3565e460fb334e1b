"""The main job of the README, walked through at the portal, the desk and the API of a running server. Each step says its figures and fails by name."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import httpx
from django.conf import settings

from config.demo.browser import Person, StepFailed, words
from config.demo.cases import Case
from config.demo.load import TOKENS
from config.demo.office import Office
from vouchers.money import thousands

Step = Callable[["Story"], str]


class Story:
    """What the steps share: who is signed in, and the numbers that the cases were given. Files go to ``out``."""

    def __init__(self, base_url: str, out: Path) -> None:
        self.base_url = base_url
        self.out = out
        self.people: dict[str, Person] = {}
        self.office = Office(self.sign_in)
        self.cases: list[Case] = []
        self.applications: dict[str, str] = {}  # by the case's name
        self.vouchers: dict[str, str] = {}
        self.claims: dict[str, str] = {}
        self.false_lease_no = ""
        self.tokens: dict[str, str] = json.loads(
            (Path(settings.VAR_DIR) / TOKENS).read_text(encoding="utf-8")
        )

    def sign_in(self, account: str) -> Person:
        """The person, signed in once."""
        if account not in self.people:
            self.people[account] = Person(self.base_url, account)
        return self.people[account]

    def api(self, address: str) -> dict[str, object]:
        """A public call."""
        answer = httpx.get(f"{self.base_url}/api/v1/{address}", timeout=60)
        if answer.status_code != 200:
            raise StepFailed(f"GET /api/v1/{address} → {answer.status_code}")
        result: dict[str, object] = answer.json()
        return result

    def case(self, program: str) -> Case:
        """The first case of the program."""
        return next(case for case in self.cases if case.program == program)


def number_on(prefix: str, text: str) -> str:
    """The first business number of that kind on a page."""
    found = re.search(rf"\b{prefix}-\d{{4}}-\d{{8}}\b", text)
    if found is None:
        raise StepFailed(f"页面没有给出 {prefix} 开头的编号：{words(text)[:300]}")
    return found.group(0)


def require_same(got: object, expected: Decimal, what: str) -> None:
    """An amount is the one by hand, to the fen."""
    if Decimal(str(got)) != expected:
        raise StepFailed(f"{what}应为 {thousands(expected)}，实际为 {got}")


def require_shown(amount: Decimal, page: str, what: str) -> None:
    """A page shows the amount by hand."""
    shown = words(page)
    if thousands(amount) not in shown:
        raise StepFailed(f"{what}应为 {thousands(amount)} 元，页面为：{shown[:400]}")
