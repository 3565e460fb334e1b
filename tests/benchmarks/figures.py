"""What a benchmark gives back: figures with a reference measured in the same run, so that a noisy machine cancels out."""

from __future__ import annotations

import os
import platform
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal


@dataclass(frozen=True)
class Figure:
    """One measured figure.

    ``reference`` names what it is held against in the same run (a naive way, a raw limit of the machine) and
    ``reference_value`` its value in the same unit. ``goal`` is the wanted ratio of value to reference, or the wanted value
    when there is no reference; ``better`` says whether more or less is better.
    """

    figure: str
    value: float
    unit: str
    reference: str | None = None
    reference_value: float | None = None
    goal: float | None = None
    better: Literal["more", "less"] = "more"

    @property
    def ratio(self) -> float | None:
        """Value by reference, or None without a reference."""
        return self.value / self.reference_value if self.reference_value else None

    @property
    def met(self) -> bool | None:
        """Whether the goal was reached; None without a goal."""
        if self.goal is None:
            return None
        measured = self.value if self.ratio is None else self.ratio
        return measured >= self.goal if self.better == "more" else measured <= self.goal

    def as_json(self) -> dict[str, object]:
        """The form that bin/bench writes."""
        fields = asdict(self)
        del fields["better"]
        return {**fields, "ratio": self.ratio, "met": self.met}


def told(figures: list[Figure]) -> list[Figure]:
    """The same figures, each said at once on standard error."""
    for figure in figures:
        beside = "" if figure.ratio is None else f", {figure.ratio:.3g} of {figure.reference}"
        print(f"{figure.figure}: {figure.value:,.6g} {figure.unit}{beside}", file=sys.stderr, flush=True)
    return figures


def machine() -> dict[str, object]:
    """The machine's limits, to stand beside the figures."""
    memory = next(
        (
            line.split()[1]
            for line in Path("/proc/meminfo").read_text().splitlines()
            if line.startswith("MemTotal")
        ),
        "0",
    )
    models = [
        line.partition(":")[2].strip()
        for line in Path("/proc/cpuinfo").read_text().splitlines()
        if "model name" in line
    ]
    return {
        "cores": len(os.sched_getaffinity(0)),
        "processor": models[0] if models else platform.machine(),
        "memory_mib": int(memory) // 1024,
        "load_average": round(os.getloadavg()[0], 2),
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.release()}",
    }
