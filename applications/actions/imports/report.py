"""What became of a folder, file by file."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class FileReport:
    """One file. ``rows_known`` were there already, with the same contents; ``refused_whole`` is why none of it was read."""

    name: str
    path: Path | None = None
    sha256: str = ""
    rows_sha256: str = ""
    rows_read: int = 0
    rows_taken: int = 0
    rows_known: int = 0
    rows_refused: int = 0
    refused_whole: str = ""
    refused_code: str = ""
    refused_file: Path | None = None
    unknown_columns: list[str] = field(default_factory=list)
    missing_columns: list[str] = field(default_factory=list)
    remarks: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0
    unchanged: bool = False

    @property
    def collected(self) -> bool:
        """Whether the folder holds the file at all."""
        return self.path is not None


@dataclass
class FolderReport:
    """A folder. Files that were not collected make what depends on them not testable."""

    folder: Path
    files: list[FileReport] = field(default_factory=list)
    strange_files: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    seconds: float = 0.0

    def __getitem__(self, name: str) -> FileReport:
        return next(report for report in self.files if report.name == name)

    @property
    def taken(self) -> int:
        return sum(report.rows_taken for report in self.files)

    @property
    def refused(self) -> int:
        return sum(report.rows_refused for report in self.files)

    @property
    def not_collected(self) -> list[str]:
        """Names of the files that the folder lacks."""
        return [report.name for report in self.files if not report.collected]
