"""How values leave the API: amounts, prices and rates as decimal strings, never as floats."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from rest_framework import serializers

from vouchers.money import is_written_plainly


class _PlainDecimalField(serializers.DecimalField):
    """A number as other systems write it."""

    def to_internal_value(self, data: Any) -> Decimal:
        if (
            isinstance(data, str)
            and len(data) <= self.MAX_STRING_LENGTH
            and not is_written_plainly(data.strip())
        ):
            self.fail("invalid")
        return super().to_internal_value(data)


class AmountField(_PlainDecimalField):
    """Yuan to the fen."""

    def __init__(self, **kwargs: object) -> None:
        kwargs.setdefault("max_digits", 18)
        kwargs.setdefault("decimal_places", 2)
        super().__init__(**kwargs)  # type: ignore[arg-type]


class UnitPriceField(_PlainDecimalField):
    """Yuan a unit, six places."""

    def __init__(self, **kwargs: object) -> None:
        kwargs.setdefault("max_digits", 18)
        kwargs.setdefault("decimal_places", 6)
        super().__init__(**kwargs)  # type: ignore[arg-type]


class QuantityField(_PlainDecimalField):
    """A quantity, such as card-hours: four places."""

    def __init__(self, **kwargs: object) -> None:
        kwargs.setdefault("max_digits", 14)
        kwargs.setdefault("decimal_places", 4)
        super().__init__(**kwargs)  # type: ignore[arg-type]
