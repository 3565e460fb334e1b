"""The typeface of the documents, and the promise that no character is printed as a blank box.

The committed font has GB 2312, the signs of forms and rare characters of names. Text that needs more is set with the full
font of the package ``pylopdf-fonts-zh-cn``; a character that even that lacks is refused by name, before anything is made.
"""

from __future__ import annotations

import importlib.resources
import importlib.util
import threading
import unicodedata
from base64 import b64encode
from functools import cache
from pathlib import Path

from django.utils.translation import gettext as _
from fontTools.ttLib import TTFont
from weasyprint import CSS
from weasyprint.text.fonts import FontConfiguration
from weasyprint.urls import URLFetcher

from vouchers.errors import Invalid

FAMILY = "Voucher Document"
FULL_FAMILY = "Voucher Document Full"
COMMITTED = Path(__file__).resolve().parent / "fonts" / "NotoSansSC-Regular.ttf"
_FULL_PACKAGE = "pylopdf_fonts_zh_cn"
_FULL_FILE = "NotoSansSC-Regular.otf"

_thread = threading.local()


def only_data() -> URLFetcher:
    """Fetches ``data:`` addresses and nothing else: a document can neither read files nor ask the network."""
    return URLFetcher(allowed_protocols=("data",), allow_redirects=False)


@cache
def _characters(path: Path) -> frozenset[int]:
    with TTFont(path, lazy=True) as font:
        return frozenset(font.getBestCmap())


@cache
def full_font() -> Path | None:
    """The full font's file, or None where its package is not installed."""
    if importlib.util.find_spec(_FULL_PACKAGE) is None:
        return None
    path = Path(str(importlib.resources.files(_FULL_PACKAGE) / _FULL_FILE))
    return path if path.is_file() else None


def _drawn(text: str) -> set[str]:
    return {
        sign for sign in text if not sign.isspace() and unicodedata.category(sign) not in ("Cc", "Cf", "Mn")
    }


def lacking(text: str, font: Path = COMMITTED) -> set[str]:
    """The characters of ``text`` that the font cannot draw."""
    known = _characters(font)
    return {sign for sign in _drawn(text) if ord(sign) not in known}


def needs_full(text: str) -> bool:
    """Whether the text must be set with the full font as well.

    Raises ``Invalid`` (``document.character``) when a character is in no font at hand.
    """
    rare = lacking(text)
    if not rare:
        return False
    full = full_font()
    unknown = rare if full is None else lacking("".join(rare), full)
    if unknown:
        shown = "、".join(f"“{sign}”(U+{ord(sign):04X})" for sign in sorted(unknown))
        raise Invalid(
            "document.character",
            _("文书中的字符 %(characters)s 不在字库内，文书未生成。") % {"characters": shown},
            hint=_("请核对名称是否录入有误；确为生僻字的，请联系系统管理员补充字库。"),
        )
    return True


def _face(family: str, path: Path) -> str:
    kind = "truetype" if path.suffix == ".ttf" else "opentype"
    code = b64encode(path.read_bytes()).decode("ascii")
    return f'@font-face {{ font-family: "{family}"; src: url("data:font/{path.suffix[1:]};base64,{code}") format("{kind}") }}'


def typeface(full: bool) -> tuple[FontConfiguration, list[CSS]]:
    """The fonts as WeasyPrint wants them, read once a thread: parsing a font costs more than a page."""
    key = "full" if full else "committed"
    known = getattr(_thread, key, None)
    if known is None:
        configuration = FontConfiguration()
        faces = [_face(FAMILY, COMMITTED)]
        families = [FAMILY]
        path = full_font() if full else None
        if path is not None:
            faces.append(_face(FULL_FAMILY, path))
            families.append(FULL_FAMILY)
        stack = ", ".join(f'"{family}"' for family in families)
        rules = "\n".join([*faces, f"html {{ font-family: {stack} }}"])
        known = (configuration, [CSS(string=rules, font_config=configuration, url_fetcher=only_data())])
        setattr(_thread, key, known)
    return known
