"""Reading ahead: the files are read and checked cell by cell while the database is still busy with those before them.

A thread writes the sound rows of each file, as COPY takes them, into a temporary file; the import's own thread sends it and lets
go of it. At most ``FILES_AHEAD`` files wait, so that neither memory nor disk fills with a whole folder.
"""

from __future__ import annotations

import queue
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from types import TracebackType
from typing import IO

from applications.actions.imports.formats import Format, Surroundings
from applications.actions.imports.reading import CHUNK, FileRefused, Table, plan_of, stage
from applications.actions.imports.refusals import Spool
from applications.actions.imports.report import FileReport

FILES_AHEAD = 3
Progress = Callable[[str, int], None]


class _Stopped(Exception):
    """The import has ended: nobody waits for what is being read."""


class Rows:
    """The sound rows of one file; given up once they were sent."""

    def __init__(self, form: Format, spool: IO[bytes]) -> None:
        self.form = form
        self._spool = spool

    def chunks(self) -> Iterator[bytes]:
        """The rows in COPY's text format."""
        with closing(self._spool) as spool:
            spool.seek(0)
            while chunk := spool.read(CHUNK):
                yield chunk


class Ahead:
    """``for rows in ahead`` gives the files of the folder in the order asked for; a file that is refused as a whole gives none.

    What ``progress`` raises (somebody asked to stop) comes out of the loop.
    """

    def __init__(
        self,
        forms: Sequence[tuple[Format, FileReport]],
        *,
        around: Callable[[FileReport], Surroundings],
        spools: dict[str, Spool],
        progress: Progress,
    ) -> None:
        self._forms, self._around, self._spools, self._progress = forms, around, spools, progress
        self._ready: queue.Queue[tuple[Format, IO[bytes] | None] | BaseException | None] = queue.Queue(
            FILES_AHEAD
        )
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._read, name="import reads ahead", daemon=True)

    def __enter__(self) -> Ahead:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        while self._thread.is_alive():
            self._drop_waiting()
            self._thread.join(0.05)
        self._drop_waiting()

    def __iter__(self) -> Iterator[tuple[Format, Rows | None]]:
        while (found := self._ready.get()) is not None:
            if isinstance(found, BaseException):
                raise found
            form, spool = found
            yield form, None if spool is None else Rows(form, spool)

    def _drop_waiting(self) -> None:
        while True:
            try:
                found = self._ready.get_nowait()
            except queue.Empty:
                return
            if isinstance(found, tuple) and found[1] is not None:
                found[1].close()

    def _read(self) -> None:
        try:
            for form, report in self._forms:
                self._ready.put((form, self._one(form, report)))
            self._ready.put(None)
        except _Stopped:
            return
        except BaseException as fault:
            self._ready.put(fault)

    def _one(self, form: Format, report: FileReport) -> IO[bytes] | None:
        assert report.path is not None
        refusals = self._spools[form.name] = Spool()
        spool = tempfile.TemporaryFile()  # noqa: SIM115
        try:
            with Table(report.path) as table:
                plan_of(table, form, report)
                stage(
                    table,
                    form,
                    around=self._around(report),
                    report=report,
                    send=spool.write,
                    refuse=refusals.add,
                    progress=lambda rows: self._tell(form.name, rows),
                )
        except FileRefused as fault:
            spool.close()
            report.refused_whole, report.refused_code = fault.message, fault.code
            return None
        except BaseException:
            spool.close()
            raise
        self._tell(form.name, report.rows_read)
        return spool

    def _tell(self, name: str, rows: int) -> None:
        if self._over.is_set():
            raise _Stopped
        self._progress(name, rows)


__all__ = ["Ahead", "Rows"]
