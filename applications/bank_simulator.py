"""A bank for tests and the demonstration: it takes instruction files and answers as banks do at their worst.

It keeps a book. An instruction that is sent twice is carried out once; its answer may be late, doubled, out of order, a time-out
although the money moved, a return, a return after the money had arrived, or none until the bank is asked.
"""

from __future__ import annotations

import csv
import io
import json
import random
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

from applications.bank_return_files import BANK_COLUMNS
from applications.payment_files import TOTAL


@dataclass(frozen=True)
class Behaviour:
    """How often, as fractions of the instructions; what is left is confirmed at once. ``duplicated``: of the answers."""

    timed_out: float = 0.08
    returned: float = 0.05
    timed_out_and_returned: float = 0.02
    returned_later: float = 0.03
    silent: float = 0.04
    duplicated: float = 0.15
    files: int = 5

    def draw(self, chance: random.Random) -> tuple[str, ...]:
        """The answers to one instruction, in the order in which the bank gave them."""
        at = chance.random()
        for share, answers in (
            (self.timed_out, ("unknown", "confirmed")),
            (self.returned, ("returned",)),
            (self.timed_out_and_returned, ("unknown", "returned")),
            (self.returned_later, ("confirmed", "returned")),
            (self.silent, ()),
        ):
            if at < share:
                return answers
            at -= share
        return ("confirmed",)


@dataclass
class Entry:
    """One instruction in the bank's book. ``outcome`` is what became of it in the end."""

    instruction_no: str
    amount: str
    account_no: str
    reference: str
    outcome: str
    times_sent: int = 1
    asked: int = 0
    answers: list[tuple[str, str]] = field(default_factory=list)


class Bank:
    """The book, and the answers to what is sent. The same seed gives the same answers."""

    def __init__(
        self, seed: int = 1, behaviour: Behaviour | None = None, opens_at: datetime | None = None
    ) -> None:
        self.chance = random.Random(seed)  # noqa: S311 - a simulator
        self.behaviour = behaviour or Behaviour()
        self.clock = opens_at or datetime.fromisoformat("2025-07-15 09:00:00")
        self.book: dict[str, Entry] = {}

    @property
    def executed(self) -> int:
        """How many instructions moved money and kept it moved."""
        return sum(entry.outcome == "confirmed" for entry in self.book.values())

    def _now(self) -> str:
        self.clock += timedelta(seconds=1)
        return self.clock.isoformat(sep=" ")

    def take(self, instructions: bytes) -> list[bytes]:
        """Carry a file of instructions out, each once, and answer in several files, in any order."""
        rows = list(csv.DictReader(io.StringIO(instructions.decode("utf-8-sig"), newline="")))
        if not rows or rows[-1]["instruction_no"] != TOTAL:
            raise ValueError("the file has no line of totals: it was cut off")
        total = sum((Decimal(row["amount"]) for row in rows[:-1]), Decimal(0))
        if (len(rows) - 1, total) != (int(rows[-1]["payee_name"]), Decimal(rows[-1]["amount"])):
            raise ValueError("the lines do not add up to the totals")
        told: list[tuple[str, str, str]] = []  # instruction, outcome, when
        for row in rows[:-1]:
            number = row["instruction_no"]
            if number in self.book:
                self.book[number].times_sent += 1
                continue
            answers = self.behaviour.draw(self.chance)
            entry = Entry(
                number,
                row["amount"],
                row["account_no"],
                f"SIM{len(self.book) + 1:010d}",
                answers[-1] if answers else "confirmed",
            )
            entry.answers = [(answer, self._now()) for answer in answers]
            self.book[number] = entry
            told += [(number, answer, when) for answer, when in entry.answers]
        told += [one for one in told if self.chance.random() < self.behaviour.duplicated]
        return self._files(told)

    def ask(self, inquiry: bytes) -> bytes:
        """查询: what became of these instructions, for certain, and in one file."""
        rows = csv.DictReader(io.StringIO(inquiry.decode("utf-8-sig"), newline=""))
        told = []
        for row in rows:
            entry = self.book[row["instruction_no"]]
            when = self._now()
            entry.asked += 1
            entry.answers.append((entry.outcome, when))
            told.append((entry.instruction_no, entry.outcome, when))
        return self._file(told)

    def _files(self, told: list[tuple[str, str, str]]) -> list[bytes]:
        """The answers over files, no instruction twice in one, files and lines in any order."""
        files: list[dict[str, tuple[str, str, str]]] = [{} for _ in range(self.behaviour.files)]
        for one in told:
            places = [place for place in files if one[0] not in place]
            if not places:
                places = [{}]
                files.append(places[0])
            self.chance.choice(places)[one[0]] = one
        self.chance.shuffle(files)
        made = []
        for place in files:
            lines = list(place.values())
            self.chance.shuffle(lines)
            if lines:
                made.append(self._file(lines))
        return made

    def _file(self, told: list[tuple[str, str, str]]) -> bytes:
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\r\n")
        writer.writerow(BANK_COLUMNS)
        total = Decimal(0)
        for number, outcome, when in told:
            entry = self.book[number]
            total += Decimal(entry.amount)
            writer.writerow(
                (
                    number,
                    outcome,
                    entry.amount,
                    entry.reference if outcome == "confirmed" else "",
                    "户名与账号不符" if outcome == "returned" else "",
                    when[:10] if outcome != "unknown" else "",
                    when,
                )
            )
        writer.writerow((TOTAL, len(told), f"{total:.2f}", "", "", "", ""))
        return out.getvalue().encode()

    def save(self, path: Path) -> None:
        """The book as JSON."""
        told = {"clock": self.clock.isoformat(), "book": [asdict(entry) for entry in self.book.values()]}
        path.write_text(json.dumps(told, ensure_ascii=False, indent=1), encoding="utf-8")

    def load(self, path: Path) -> None:
        """A book that was kept before."""
        told = json.loads(path.read_text(encoding="utf-8"))
        self.clock = datetime.fromisoformat(told["clock"])
        self.book = {one["instruction_no"]: Entry(**one) for one in told["book"]}
