"""Bringing a scheme's past years along: one folder of CSV files into the tables of live cases, marked as imported."""

from applications.actions.imports.folder import import_folder
from applications.actions.imports.report import FileReport, FolderReport

__all__ = ["FileReport", "FolderReport", "import_folder"]
