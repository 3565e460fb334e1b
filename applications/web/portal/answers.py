"""What an application says, in words: for checking before it is submitted, and for its page."""

from __future__ import annotations

from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _

from applications.grounds import must_choose
from applications.models import Application
from applications.web.portal.papers import checklist
from applications.web.portal.statement_form import StatementForm
from applications.web.shown import lease_facts, project_rows
from vouchers.policy.rules import Scheme


def answers(application: Application, scheme: Scheme) -> list[dict[str, Any]]:
    """All that will be filed, in groups with a way back to each."""
    number = application.application_no

    def place(step: str) -> str:
        return reverse(f"portal:application_{step}", args=[number])

    party = application.enterprise
    account = party.current_account
    groups: list[dict[str, Any]] = [
        {
            "title": _("申领单位"),
            "change_url": "",
            "rows": [
                (_("名称"), party.name),
                (_("统一社会信用代码"), party.uscc),
                (_("专项"), f"{scheme.title} · {scheme.label}"),
                (
                    _("收款账户"),
                    f"{account.bank_name} 尾号 {account.account_no[-4:]}"
                    if account
                    else _("尚未登记，发放前请登记"),
                ),
            ],
        }
    ]
    if must_choose(scheme):
        name = next((one.name for one in scheme.tracks if one.code == application.facts.get("track")), "")
        groups.append({"title": _("补贴方向"), "change_url": place("track"), "rows": [(_("申领方向"), name)]})
    if application.lease is not None:
        rows = [row for row in lease_facts(application.lease) if row["label"] != _("合同备案号")]
        groups.append({"title": _("合同"), "change_url": place("contract"), "rows": rows})
    elif application.project is not None:
        rows = [row for row in project_rows(application.project) if row["label"] != _("项目编号")]
        title = application.project.get_kind_display()
        groups.append({"title": title, "change_url": place("contract"), "rows": rows})
    else:
        groups.append({"title": _("合同"), "change_url": place("contract"), "rows": [(_("合同"), "")]})
    stated = stated_rows(application, scheme)
    if stated:
        groups.append({"title": _("声明"), "change_url": place("statements"), "rows": stated})
    groups.append(
        {
            "title": _("材料"),
            "change_url": place("papers"),
            "rows": [
                (row.paper.name, "、".join(one.filename for one in row.filed))
                for row in checklist(application, scheme)
            ],
        }
    )
    return groups


def stated_rows(application: Application, scheme: Scheme) -> list[tuple[str, str]]:
    """The statements in words."""
    form = StatementForm(scheme=scheme, facts=application.facts)
    facts, rows = application.facts, []
    for name, field in form.fields.items():
        if name.startswith("other_") and name != "other_money":
            continue
        value = facts.get(name)
        choices = dict(getattr(field, "choices", ()))
        if name not in facts:
            text = ""
        elif name == "other_money":
            text = (
                "；".join(f"{one['source']} {one['amount']} 元" for one in value)
                if value
                else str(_("未申请其他财政资金"))
            )
        elif isinstance(value, bool):
            text = str(_("是") if value else _("否"))
        elif isinstance(value, list):
            text = "、".join(str(choices.get(one, one)) for one in value) or str(_("均不属于"))
        elif name == "completion":
            text = f"{form.initial_of(facts)['completion']}%"
        else:
            text = str(choices.get(value, value))
        rows.append((str(field.label), text))
    return rows
