"""Whether a page fits its screen: measured once its sheets are in and it is drawn. Before that a page is as wide as its widest row."""

from __future__ import annotations

from playwright.sync_api import Page

_DRAWN = """document.fonts.ready.then(() => new Promise(
    done => requestAnimationFrame(() => requestAnimationFrame(() => done(true)))))"""
_OVER = """() => {
    const screen = document.documentElement.clientWidth;
    const over = document.documentElement.scrollWidth - screen;
    const wide = over <= 0 ? [] : [...document.body.querySelectorAll("*")]
        .filter(element => element.getBoundingClientRect().right > screen)
        .slice(-3).map(element => `${element.tagName}.${element.className}`);
    return [over, wide.join(" ")];
}"""


def assert_fits(page: Page) -> None:
    """The page does not scroll sideways. On failure the innermost elements that stick out are named."""
    page.wait_for_load_state("load")
    page.evaluate(_DRAWN)
    over, wide = page.evaluate(_OVER)
    width = page.viewport_size["width"] if page.viewport_size else 0
    assert over <= 0, f"{page.url} is {over} px too wide at {width}: {wide}"
