"""From a template to a PDF: no network, no files, the committed typeface, the same bytes for the same content."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from html.parser import HTMLParser
from typing import Any

import segno
from django.template.loader import render_to_string
from django.utils.safestring import SafeString, mark_safe
from weasyprint import HTML

from applications.documents.typeface import needs_full, only_data, typeface


class _Text(HTMLParser):
    """Collects what will be drawn: the text, without styles and the title of the file."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self._silent += tag in ("style", "title")

    def handle_endtag(self, tag: str) -> None:
        self._silent -= tag in ("style", "title")

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.parts.append(data)


def drawn_text(html: str) -> str:
    """The characters that a page of this HTML draws."""
    parser = _Text()
    parser.feed(html)
    return "".join(parser.parts)


def render_pdf(template: str, context: Mapping[str, Any]) -> bytes:
    """The document as PDF.

    Raises ``Invalid`` (``document.character``) when a character is in no font, so that no box is ever printed blank.
    """
    html = render_to_string(template, dict(context))
    configuration, sheets = typeface(needs_full(drawn_text(html)))
    page = HTML(string=html, base_url=None, url_fetcher=only_data())
    pdf: bytes = page.write_pdf(
        font_config=configuration,
        stylesheets=sheets,
        pdf_identifier=sha256(html.encode()).digest()[:16],
        optimize_images=False,
    )
    return pdf


def qr_code(text: str) -> SafeString:
    """A QR code as inline SVG, error correction M: readable with a seventh of it damaged."""
    code = segno.make(text, error="m", micro=False)
    return mark_safe(code.svg_inline(border=0, omitsize=True, svgclass=None, lineclass=None, dark="#000"))  # noqa: S308 - modules only
