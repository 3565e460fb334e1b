"""Where a value stands: the documents that a scheme rests on, and the source that every part carries."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from vouchers.policy.terms import Confidence

_NUMBERED = re.compile(r"[〔\[]\d{4}[〕\]]|\d号$")


def document_words(document_no: str) -> str:
    """A document as sentences name it: a number (文号) as it stands, a title in its marks."""
    return document_no if _NUMBERED.search(document_no) or "《" in document_no else f"《{document_no}》"


@dataclass(frozen=True)
class Citation:
    """Where a value stands: document (文号, or title where it has none), article, and how sure that is."""

    document_no: str
    article: str = ""
    confidence: Confidence = Confidence.TEXT
    note: str = ""

    @property
    def words(self) -> str:
        """As a line of the working prints it. What no government published is never shown as law.

        The engines' own words, 文号 in book marks too: every stored assessment has them and is computed again to the letter.
        """
        if self.confidence is Confidence.DEMO:
            return "演示设定（文件未载明）"
        return self._sure(f"《{self.document_no}》{self.article}")

    @property
    def printed(self) -> str:
        """As prose and pages of the configuration print it."""
        return self.words if self.confidence is Confidence.DEMO else self._sure(self.place)

    def _sure(self, place: str) -> str:
        return f"{place}（第三方转述，未核实）" if self.confidence is Confidence.HINT else place

    @property
    def place(self) -> str:
        """Document and article."""
        return f"{document_words(self.document_no)}{self.article}"


@dataclass(frozen=True, kw_only=True)
class Part:
    """What every part has: a code that is unique among its kind, and its sources."""

    cite: Citation
    cites: Mapping[str, Citation] = field(default_factory=dict)

    def source(self, name: str = "") -> Citation:
        """The source of one value: its own if it has one, else the part's."""
        return self.cites.get(name, self.cite)


@dataclass(frozen=True, kw_only=True)
class Document:
    """An instrument that the scheme rests on."""

    document_no: str
    title: str
    issuer: str = ""
    issued_on: date | None = None
    note: str = ""
