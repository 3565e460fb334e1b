"""``manage.py publish_prices --month 2025-10``: compute, propose and publish an issue, by two named persons."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from vouchers.actions.prices import compute_index, propose_index, publish_index
from vouchers.context import Actor, acting
from vouchers.errors import DomainError
from vouchers.models import PriceIndexIssue, User
from vouchers.models.prices import IssueState, Market


def month_of(text: str) -> date:
    """``2025-10`` as the first day of the month."""
    try:
        return date.fromisoformat(f"{text}-01")
    except ValueError:
        raise CommandError(f"“{text}”不是月份，应写作 2025-10") from None


def months(first: date, last: date) -> list[date]:
    """Every month from the first to the last."""
    count = (last.year - first.year) * 12 + last.month - first.month
    return [
        date(first.year + (first.month - 1 + n) // 12, (first.month - 1 + n) % 12 + 1, 1)
        for n in range(count + 1)
    ]


class Command(BaseCommand):
    """Without the two persons the issue stays a draft. A month that is published already is left as it is."""

    help = "测算并发布某月（或连续数月）的公允价格指数：须由两位不同的人提请与发布；不写人则只测算。"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--month", required=True, help="月份，如 2025-10")
        parser.add_argument("--until", help="连续测算到此月份")
        parser.add_argument("--market", choices=Market.values, default=Market.CHINA)
        parser.add_argument("--proposer", help="提请人账号")
        parser.add_argument("--publisher", help="发布人账号")
        parser.add_argument("--jump-text", default="", help="较上期变动超过阈值时，提请人的说明")
        parser.add_argument("--confirm-text", default="", help="较上期变动超过阈值时，发布人的复核意见")

    def handle(self, *args: Any, **options: Any) -> None:
        first = month_of(options["month"])
        last = month_of(options["until"]) if options["until"] else first
        if last < first:
            raise CommandError("--until 早于 --month")
        people = {name: self._person(options[name]) for name in ("proposer", "publisher")}
        for month in months(first, last):
            try:
                self._one(month, options["market"], options["jump_text"], options["confirm_text"], **people)
            except DomainError as problem:
                raise CommandError(
                    f"{month:%Y-%m}：{problem.message}{problem.hint or ''}（{problem.code}）"
                ) from None

    def _person(self, username: str | None) -> User | None:
        if not username:
            return None
        person = User.objects.filter(username=username).first()
        if person is None:
            raise CommandError(f"没有账号“{username}”")
        return person

    def _one(
        self,
        month: date,
        market: str,
        jump_text: str,
        confirmation: str,
        *,
        proposer: User | None,
        publisher: User | None,
    ) -> None:
        with acting(Actor.service("publish_prices"), "price_index_issue.compute"):
            issue = compute_index(month, by=None, market=market)
        if proposer is not None and issue.state == IssueState.DRAFT:
            with acting(proposer, "price_index_issue.propose"):
                propose_index(issue, by=proposer, jump_text=jump_text)
        if publisher is not None and issue.state == IssueState.PROPOSED:
            with acting(publisher, "price_index_issue.publish"):
                publish_index(issue, by=publisher, confirmation=confirmation)
        self._tell(issue)

    def _tell(self, issue: PriceIndexIssue) -> None:
        grades: dict[str, int] = {}
        for grade in issue.rows.values_list("grade", flat=True):
            grades[grade or "—"] = grades.get(grade or "—", 0) + 1
        counts = "，".join(f"{grade} {count}" for grade, count in sorted(grades.items()))
        self.stdout.write(
            f"{issue.issue_no} {issue.get_state_display()}：{sum(grades.values())} 个单元（{counts}），变动超阈值 {len(issue.jumps)} 个"
        )
