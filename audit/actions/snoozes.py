"""暂不计分: a soft rule is set aside for one party in one region, until a day and for a reason. Hard flags never are."""

from __future__ import annotations

from datetime import date, timedelta

from audit.models import Snooze
from audit.models.rule_stops import LONGEST_SNOOZE
from audit.rules import RULES
from audit.scan import Snoozed
from vouchers import dates
from vouchers.access import Role, require_role
from vouchers.context import announce
from vouchers.errors import Invalid, NotNow
from vouchers.models import Party, User
from vouchers.numbers import next_no


def snoozed_on(day: date) -> Snoozed:
    """What is set aside on the day: (rule, party, region). Over when its day is reached, or when somebody ended it."""
    rows = [
        row
        for row in Snooze.objects.filter(from_on__lte=day, to_on__gt=day)
        if row.ended_on is None or row.ended_on > day
    ]
    known = dict(Party.objects.filter(uscc__in=[row.party_uscc for row in rows]).values_list("uscc", "pk"))
    return frozenset(
        (row.rule, known[row.party_uscc], row.region_code) for row in rows if row.party_uscc in known
    )


def place_snooze(rule: str, party: Party, *, region: str, to_on: date, reason: str, by: User) -> Snooze:
    """Set a soft rule aside for the party's cases of the region, until ``to_on`` (not counted).

    Raises ``Invalid``: ``snooze.rule`` (unknown, or it raises hard flags only), ``snooze.period`` (past, or over 180 days), ``snooze.reason``;
    ``NotNow`` (``snooze.twice``) while one stands."""
    announce("snooze.place", reason)
    require_role(by, Role.INVESTIGATOR, region=region)
    today = dates.today()
    found = RULES.get(rule)
    if found is None or not raises_soft(rule):
        raise Invalid(
            "snooze.rule",
            f"规则 {rule} 只有硬性预警，不能暂不计分。硬性预警由两名核查人员解除暂缓。"
            if found
            else f"没有编号为 {rule} 的稽核规则。",
            field="rule",
        )
    if not reason.strip():
        raise Invalid("snooze.reason", "请写明理由，例如核查的结论和材料。", field="reason")
    if not today < to_on <= today + LONGEST_SNOOZE:
        last = today + LONGEST_SNOOZE - timedelta(days=1)
        raise Invalid(
            "snooze.period",
            f"期限最长 {LONGEST_SNOOZE.days} 天：最后一日应在今日至 {last:%Y 年 %-m 月 %-d 日}之间。",
            field="last_on",
        )
    standing = Snooze.objects.filter(
        rule=rule, party_uscc=party.uscc, region_code=region, to_on__gt=today, ended_on=None
    ).first()
    if standing is not None:
        raise NotNow(
            "snooze.twice",
            f"该单位的这条规则已暂不计分（{standing.snooze_no}）。",
            hint="如需改期，请先终止，再重新办理。",
        )
    return Snooze.objects.create(
        snooze_no=next_no("SN", today),
        rule=rule,
        party_uscc=party.uscc,
        party_name=party.name,
        region_code=region,
        reason=reason.strip(),
        from_on=today,
        to_on=to_on,
        placed_by=by,
    )


def end_snooze(snooze: Snooze, *, by: User, reason: str) -> Snooze:
    """End it before its day. Raises ``NotNow`` (``snooze.over``) when it is over."""
    announce("snooze.end", reason)
    require_role(by, Role.INVESTIGATOR, region=snooze.region_code)
    row = Snooze.objects.select_for_update().get(pk=snooze.pk)
    if row.ended_on is not None or row.to_on <= dates.today():
        raise NotNow("snooze.over", f"{row.snooze_no} 已经终止，无须再办。")
    row.ended_by, row.ended_on = by, dates.today()
    row.save(update_fields=["ended_by", "ended_on"])
    return row


def raises_soft(rule: str) -> bool:
    """Whether the rule can raise a soft flag at all."""
    found = RULES[rule]
    return found.points is not None or any(
        name.endswith("points") for name in (one.name for one in found.parameters)
    )
