"""How values leave the API: amounts, prices and rates as decimal strings, never as floats."""

from __future__ import annotations

from rest_framework import serializers


class AmountField(serializers.DecimalField):
    """Yuan to the fen."""

    def __init__(self, **kwargs: object) -> None:
        kwargs.setdefault("max_digits", 18)
        kwargs.setdefault("decimal_places", 2)
        super().__init__(**kwargs)  # type: ignore[arg-type]


class UnitPriceField(serializers.DecimalField):
    """Yuan a unit, six places."""

    def __init__(self, **kwargs: object) -> None:
        kwargs.setdefault("max_digits", 18)
        kwargs.setdefault("decimal_places", 6)
        super().__init__(**kwargs)  # type: ignore[arg-type]
