"""Drawings by the server: plain figures for a template to draw as SVG, each beside a table that says the same."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from audit.evidence import Let

LEFT, WIDTH, ROW, TOP = 10, 700, 34, 26
MOST_SERIALS = 4


@dataclass(frozen=True)
class Bar:
    """One time of a device."""

    x: int
    y: int
    width: int
    label: str
    label_y: int
    tone: int  # lessees in turn


@dataclass(frozen=True)
class Band:
    """Where two times of one device overlap."""

    x: int
    y: int
    width: int
    height: int


@dataclass(frozen=True)
class Overlaps:
    """Bars of each device in order of time, with a band where two lessees have it at once."""

    width: int
    height: int
    bars: list[Bar]
    bands: list[Band]
    ticks: list[tuple[int, str]]
    serials: list[tuple[int, str]]
    left_out: int
    summary: str


def overlaps(lets: list[Let]) -> Overlaps | None:
    """The devices' times as bars on one scale; at most four devices, the rest stand in the table."""
    serials = list(dict.fromkeys(one.serial for one in lets))
    chosen = [one for one in lets if one.serial in serials[:MOST_SERIALS]]
    if len(chosen) < 2:
        return None
    first = min(one.from_on for one in chosen).toordinal()
    end = max(one.last_on for one in chosen).toordinal() + 1
    span = max(1, end - first)

    def place(day: int) -> int:
        return LEFT + round((day - first) * WIDTH / span)

    bars, bands, heads, y = [], [], [], TOP
    names: dict[str, int] = {}
    for serial in serials[:MOST_SERIALS]:
        heads.append((y + 12, serial))
        y += 20
        rows = [one for one in chosen if one.serial == serial]
        top = y
        for one in rows:
            who = one.lessee or "另一地区的承租方"
            tone = names.setdefault(who + one.lease_no, len(names)) % 3
            x, right = place(one.from_on.toordinal()), place(one.last_on.toordinal() + 1)
            bars.append(
                Bar(
                    x,
                    y,
                    max(2, right - x),
                    f"{who} {one.from_on:%Y-%m-%d} 至 {one.last_on:%Y-%m-%d}",
                    y + 30,
                    tone,
                )
            )
            y += ROW
        for place_, one in enumerate(rows):
            for other in rows[place_ + 1 :]:
                start = max(one.from_on, other.from_on).toordinal()
                stop = min(one.last_on, other.last_on).toordinal() + 1
                if stop > start and (one.lessee, one.lease_no) != (other.lessee, other.lease_no):
                    bands.append(Band(place(start), top - 2, max(2, place(stop) - place(start)), y - top))
        y += 8
    ticks = [
        (place(day), date.fromordinal(min(day, end - 1)).strftime("%Y-%m-%d"))
        for day in (first, first + span // 2)
    ]
    return Overlaps(
        width=LEFT * 2 + WIDTH,
        height=y,
        bars=bars,
        bands=bands,
        ticks=ticks,
        serials=heads,
        left_out=max(0, len(serials) - MOST_SERIALS),
        summary=f"{len(serials)} 台设备在两份以上合同中的租期",
    )
