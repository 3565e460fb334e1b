"""``load_rules``: the shipped version of every fraud rule, in force; twice changes nothing."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from audit.actions.rules import load_rules
from vouchers.context import Actor, acting


class Command(BaseCommand):
    help = "载入随系统提供的稽核规则初始版本（可重复执行）"

    def handle(self, *args: Any, **options: Any) -> None:
        with acting(Actor.service("load_rules"), "rule.load"):
            new, known = load_rules()
        self.stdout.write(f"稽核规则：新载入 {new} 条，已有 {known} 条。")
