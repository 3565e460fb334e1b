"""What every business row carries: where it came from, when the database took it in, and the number it is known by."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _


class Origin(models.TextChoices):
    """Imported rows are history: in their final state, outside the ledger and the lifecycles, never payable."""

    LIVE = "live", _("本系统办理")
    IMPORTED = "imported", _("历史导入")


class Recorded(models.Model):
    """Base of rows that may also be imported history."""

    origin = models.CharField(_("来源"), max_length=10, choices=Origin, default=Origin.LIVE, editable=False)
    recorded_at = models.DateTimeField(_("入库时间"), db_default=Now(), editable=False)

    class Meta:
        abstract = True


class NextEntryNo(models.Func):
    """The next number of the register, such as ``BA-00000042``, given by the database to whatever is written into it: by a
    form, by an import's plain SQL, by hand. Eight digits of one sequence for all nouns; numbers may have gaps."""

    function = "nextval"
    template = "(%(expressions)s || lpad(nextval('entry_no_seq')::text, 8, '0'))"
    output_field = models.CharField()
    allowed_default = True

    def __init__(self, prefix: str) -> None:
        super().__init__(models.Value(f"{prefix}-"))
        self.prefix = prefix

    def deconstruct(self) -> tuple[str, tuple[Any, ...], dict[str, Any]]:
        """For migrations: the prefix is all that it is made of."""
        return f"{type(self).__module__}.{type(self).__qualname__}", (self.prefix,), {}


def entry_number(prefix: str) -> models.CharField[str, str]:
    """The column that holds the number of an entry of the register, by which people and addresses name it."""
    return models.CharField(
        _("登记号"), max_length=20, unique=True, editable=False, db_default=NextEntryNo(prefix)
    )
