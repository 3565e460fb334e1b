"""Whether a page fits its screen. Measured once its sheets are in: before that every page is as wide as its widest table."""

from __future__ import annotations

from playwright.sync_api import Page

_OVER = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


def pixels_too_wide(page: Page) -> int:
    """How far the page would scroll sideways, in pixels; 0 or less when it fits."""
    page.wait_for_load_state("load")
    return int(page.evaluate(_OVER))
