"""Days in words, as engine 1.1.0 told them."""

from __future__ import annotations

from datetime import date


def day_words(day: date) -> str:
    """`2025年7月1日`."""
    return f"{day.year}年{day.month}月{day.day}日"
