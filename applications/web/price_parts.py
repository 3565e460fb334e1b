"""The fields in which a contract's price is told apart by component: the enterprise's with the contract, the office's after it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext as _

from applications.actions.lease_splits import COMPONENTS
from applications.lease_prices import split_of
from applications.models import Lease
from vouchers.web.fields import MoneyField

PART_FIELDS = tuple(f"part_{one.value}" for one in COMPONENTS)


class PartsForm(forms.Form):
    """What of a contract's price is compute, and what is storage, network and the like; in yuan without tax."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for one, name in zip(COMPONENTS, PART_FIELDS, strict=True):
            self.fields[name] = MoneyField(label=_("其中：%(part)s") % {"part": one.label}, required=False)
        self.fields[PART_FIELDS[0]].help_text = _(
            "合同把算力与存储、网络等服务分开计价的，照合同填写，各项合计等于合同金额；没有分开的不填，由工作人员核对后拆分。"
        )

    def parts(self) -> dict[str, Decimal]:
        """Yuan by component, as far as they were given and asked for."""
        given = {one.value: self.cleaned_data.get(f"part_{one.value}") for one in COMPONENTS}
        return {component: amount for component, amount in given.items() if amount}

    @staticmethod
    def initial_parts(lease: Lease) -> dict[str, Decimal]:
        """The breakdown that holds, as the fields take it."""
        split = split_of(lease)
        return {f"part_{line.component}": line.net_amount for line in split.lines.all()} if split else {}
