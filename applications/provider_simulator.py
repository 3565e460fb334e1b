"""A provider's platform as it is out there: many settlements at once over real HTTP, lost answers, impatient repetition, its own
books, and at the end a reconciliation that says whether both sides have the same.

It knows nothing of this system but the interface's documentation: a request whose answer says ``retry`` (or never came) is sent
again under its key, everything else is an answer.
"""

from __future__ import annotations

import hashlib
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import httpx

from applications.provider_books import Contract, Entry, GaveUp, Habits, Report

READ_SECONDS = 30.0
IMPATIENT_SECONDS = 0.02
"""How long a caller waits who gives up: the request is on its way, the answer is not heard."""


class ProviderSimulator:
    """One platform. ``patience`` is how many seconds it keeps asking for one definite answer."""

    def __init__(
        self,
        base_url: str,
        token: str,
        contracts: Sequence[Contract],
        *,
        run: str,
        habits: Habits | None = None,
        amount: Decimal = Decimal("100.00"),
        seed: int = 0,
        patience: float = 60.0,
        concurrency: int = 8,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self.contracts, self.run, self.amount, self.patience = list(contracts), run, amount, patience
        self.habits, self.seed, self.concurrency = habits or Habits(), seed, concurrency
        self.books: dict[str, Entry] = {}
        self.usage: dict[tuple[str, date], Decimal] = {}
        self.report = Report()
        self._lock = threading.Lock()
        self._retries: Counter[str] = Counter()
        self._http = httpx.Client(
            base_url=base_url,
            timeout=READ_SECONDS,
            headers={"Authorization": f"Bearer {token}"},
            limits=httpx.Limits(max_connections=concurrency * 2),
            trust_env=False,
            transport=transport,
        )

    # -- the work ------------------------------------------------------------------------------------------------------

    def work(
        self, count: int, *, stop: threading.Event | None = None, told: Callable[[int], None] = lambda n: None
    ) -> None:
        """Make ``count`` settlements, ``concurrency`` at a time, until all are done or ``stop`` is set."""
        started = time.monotonic()

        def one(number: int) -> None:
            if stop is not None and stop.is_set():
                return
            try:
                self._settle(number)
            except GaveUp as problem:
                self._fault(
                    f"{self._key(number)}: 在 {self.patience:.0f} 秒内没有得到确定的答复（{problem}）"
                )
            except (
                Exception
            ) as problem:  # an answer that is not as documented ends this settlement, not the run
                self._fault(f"{self._key(number)}: {type(problem).__name__}: {problem}")
            told(number)

        with ThreadPoolExecutor(self.concurrency, thread_name_prefix="platform") as pool:
            list(pool.map(one, range(count)))
        self.report.seconds += time.monotonic() - started

    def meter(self, card_hours: Decimal, *, days_a_push: int = 7) -> None:
        """Push the usage of every contract's period, some days at a time, under a key of its own each: repeated, unheard, with another
        body, and corrected, as settlements are. Before the settlements: a figure that a deduction rests on stays."""
        pushes = []
        for contract in {one.lease_no: one for one in self.contracts}.values():
            count = (contract.period_to - contract.period_from).days + 1
            days = [contract.period_from + timedelta(days=n) for n in range(count)]
            pushes += [(contract.lease_no, days[n : n + days_a_push]) for n in range(0, count, days_a_push)]

        def one(push: tuple[int, tuple[str, list[date]]]) -> None:
            number, (lease_no, days) = push
            try:
                self._push(number, lease_no, days, card_hours)
            except Exception as problem:  # as with settlements: it ends this push, not the run
                self._fault(f"{self.run}-m{number:05d}: {type(problem).__name__}: {problem}")

        with ThreadPoolExecutor(self.concurrency, thread_name_prefix="meter") as pool:
            list(pool.map(one, enumerate(pushes)))

    def _push(self, number: int, lease_no: str, days: list[date], card_hours: Decimal) -> None:
        chance = random.Random(f"{self.seed}:m{number}")  # noqa: S311 (habits, not secrets)
        habits, key = self.habits, f"{self.run}-m{number:05d}"
        address = f"/api/v1/leases/{lease_no}/metering"
        used = {
            day: (card_hours * Decimal(chance.randint(0, 100)) / 100).quantize(Decimal("0.01"))
            for day in days
        }
        body = {"days": [{"day": day.isoformat(), "card_hours": str(hours)} for day, hours in used.items()]}
        if chance.random() < habits.gives_up:
            self._send_and_hang_up(body, key, address)
        answer = self._ask("POST", address, body, key=key)
        if answer.status_code not in (200, 201):
            self._fault(f"{key}: 上报用量的应答 {answer.status_code} {self._code(answer)}")
            return
        self._note_usage(lease_no, answer.json(), key)
        if chance.random() < habits.repeats:
            again = self._ask("POST", address, body, key=key)
            if again.status_code != 200 or again.content != answer.content:
                self._fault(f"{key}: 重发用量得到不同的答复（{again.status_code}）")
        if chance.random() < habits.changes_body:
            changed = {"days": [{**body["days"][0], "card_hours": str(used[days[0]] + 1)}, *body["days"][1:]]}
            self._must_refuse(changed, key, "metering.key_reused", address)
        if chance.random() < habits.corrects:
            day, before = days[-1], used[days[-1]]
            correction = {
                "day": day.isoformat(),
                "card_hours": str(before / 2),
                "replaces": str(before),
                "reason": "计量核对更正",
            }
            told = self._ask("POST", address, {"days": [correction]}, key=f"{key}-c")
            if told.status_code not in (200, 201):
                self._fault(f"{key}-c: 更正用量的应答 {told.status_code} {self._code(told)}")
                return
            self._note_usage(lease_no, told.json(), f"{key}-c")

    def _note_usage(self, lease_no: str, told: dict[str, Any], key: str) -> None:
        """Into the books: the days that were acknowledged. A refused one is told with its reason."""
        for row in told["days"]:
            if row["outcome"] == "refused":
                self._fault(f"{key}: {row['day']} 的用量未被接收（{row['code']}）")
                continue
            with self._lock:
                self.usage[lease_no, date.fromisoformat(row["day"])] = Decimal(row["card_hours"])
                self.report.corrected_days += row["outcome"] == "corrected"

    def _key(self, number: int) -> str:
        return f"{self.run}-{number:06d}"

    def _settle(self, number: int) -> None:
        chance = random.Random(f"{self.seed}:{number}")  # noqa: S311 (habits, not secrets)
        habits, key = self.habits, self._key(number)
        contract = self.contracts[number % len(self.contracts)]
        body = {
            "voucher_no": contract.voucher_no,
            "lease_no": contract.lease_no,
            "reference": f"{self.run}/{number:06d}",
            "net_amount": f"{self.amount:.2f}",
            "period_from": contract.period_from.isoformat(),
            "period_to": contract.period_to.isoformat(),
        }
        entry = Entry(key)
        with self._lock:
            self.books[key] = entry
        if chance.random() < habits.gives_up:
            self._send_and_hang_up(body, key)
        answer = self._ask("POST", "/api/v1/settlements", body, key=key)
        if answer.status_code not in (200, 201):
            entry.refused = self._code(answer)
            return
        self._note(entry, answer.json(), first=answer.content)
        if chance.random() < habits.repeats:
            again = self._ask("POST", "/api/v1/settlements", body, key=key)
            if again.status_code != 200 or again.content != entry.first:
                self._fault(f"{key}: 重发得到不同的答复（{again.status_code}）")
        if chance.random() < habits.changes_body:
            self._must_refuse({**body, "net_amount": f"{self.amount + 1:.2f}"}, key, "settlement.key_reused")
        if chance.random() < habits.reuses_line:
            self._must_refuse(body, f"{key}-x", "settlement.reference_used")
        share = chance.random()
        if share < habits.confirms:
            self._resolve(entry, "confirm", chance.random() < habits.repeats)
        elif share < habits.confirms + habits.releases:
            self._resolve(entry, "release", chance.random() < habits.repeats)

    def _resolve(self, entry: Entry, verb: str, twice: bool) -> None:
        address = f"/api/v1/settlements/{entry.settlement_no}/{verb}"
        for _time in range(2 if twice else 1):
            answer = self._ask("POST", address, {})
            if answer.status_code != 200:
                entry.refused = self._code(answer)
                return
            self._note(entry, answer.json())

    def _note(self, entry: Entry, told: dict[str, Any], first: bytes = b"") -> None:
        """Into the books: only what was acknowledged."""
        entry.settlement_no, entry.state = told["settlement_no"], told["state"]
        entry.amount = Decimal(told["confirmed_amount"] or told["deducted_amount"])
        entry.first = entry.first or first

    def _must_refuse(
        self, body: dict[str, Any], key: str, code: str, address: str = "/api/v1/settlements"
    ) -> None:
        answer = self._ask("POST", address, body, key=key)
        if answer.status_code != 422 or self._code(answer) != code:
            self._fault(f"{key}: 应答 {answer.status_code} {self._code(answer)}，应为 422 {code}")

    def _send_and_hang_up(self, body: dict[str, Any], key: str, address: str = "/api/v1/settlements") -> None:
        self._count("hung_up")
        try:
            self._http.post(address, json=body, headers={"Idempotency-Key": key}, timeout=IMPATIENT_SECONDS)
        except httpx.HTTPError:
            return

    def _ask(
        self, method: str, address: str, body: Any = None, *, key: str = "", **query: Any
    ) -> httpx.Response:
        """Send until there is a definite answer: the same bytes under the same key each time."""
        deadline, pause, why = time.monotonic() + self.patience, 0.05, ""
        while time.monotonic() < deadline:
            self.report.calls += 1
            try:
                answer = self._http.request(
                    method,
                    address,
                    json=body,
                    params=query or None,
                    headers={"Idempotency-Key": key} if key else {},
                )
            except httpx.HTTPError as problem:
                why = type(problem).__name__
                self._count(why)
                time.sleep(pause)
                pause = min(pause * 2, 1.0)
                continue
            if answer.status_code < 400 or not self._may_retry(answer):
                return answer
            why = self._code(answer)
            self._count(why)
            time.sleep(min(float(answer.headers.get("Retry-After", "1")), 5.0) * random.uniform(0.2, 1.0))  # noqa: S311
        raise GaveUp(why)

    def _may_retry(self, answer: httpx.Response) -> bool:
        if not answer.headers.get("Content-Type", "").startswith("application/problem+json"):
            if answer.status_code in (502, 503, 504):
                return True
            raise RuntimeError(f"应答 {answer.status_code} 不是问题文档：{answer.text[:200]}")
        # A 500 says that nothing was done; it is asked again, as an operator would, and counted.
        return bool(answer.json()["retry"]) or answer.status_code == 500

    @staticmethod
    def _code(answer: httpx.Response) -> str:
        try:
            return str(answer.json().get("code", ""))
        except ValueError:
            return f"http.{answer.status_code}"

    def _count(self, why: str) -> None:
        with self._lock:
            self._retries[why] += 1

    def _fault(self, sentence: str) -> None:
        with self._lock:
            self.report.faults.append(sentence)

    # -- the reckoning -------------------------------------------------------------------------------------------------

    def reconcile(self, first: date, last: date) -> Report:
        """Compare count, sum and hash, line by line where they differ, and the feed of events with both."""
        report = self.report
        own = {entry.key: entry for entry in self.books.values() if entry.settlement_no}
        report.settlements = len(own)
        states = Counter(entry.state for entry in own.values())
        report.confirmed, report.released = states["approved"] + states["paid"], states["withdrawn"]
        report.reserved = states["submitted"]
        report.refused = dict(Counter(entry.refused for entry in self.books.values() if entry.refused))
        report.retries = dict(self._retries)
        answer = self._ask(
            "GET",
            "/api/v1/settlements/reconciliation",
            **{"from": first.isoformat(), "to": last.isoformat(), "form": "lines"},
        ).json()
        everything = "".join(
            f"{row['idempotency_key']}|{row['settlement_no']}|{row['state']}|{row['amount']}\n"
            for row in answer["lines"]
        )
        if hashlib.sha256(everything.encode()).hexdigest() != answer["sha256"]:
            report.faults.append("对账应答的摘要与其明细不符")
        theirs = {
            row["idempotency_key"]: row
            for row in answer["lines"]
            if row["idempotency_key"].startswith(f"{self.run}-")
        }
        report.own = self._totals([own[key].text for key in sorted(own, key=str.encode)])
        report.theirs = self._totals(
            [
                f"{key}|{theirs[key]['settlement_no']}|{theirs[key]['state']}|{theirs[key]['amount']}"
                for key in sorted(theirs, key=str.encode)
            ]
        )
        for key in sorted(own.keys() | theirs.keys()):
            mine = own[key].text if key in own else "没有这一笔"
            row = theirs.get(key)
            other = f"{key}|{row['settlement_no']}|{row['state']}|{row['amount']}" if row else "没有这一笔"
            if mine != other:
                report.faults.append(f"账目不一致：平台 {mine}，系统 {other}")
        self._compare_events(own)
        self._compare_usage()
        return report

    def _compare_usage(self) -> None:
        """Each day of every lease as it is stored against what was acknowledged."""
        report = self.report
        report.metered_days = len(self.usage)
        report.metered_hours = f"{sum(self.usage.values(), Decimal(0)):f}"
        for lease_no in sorted({lease_no for lease_no, _day in self.usage}):
            own = {day: hours for (of, day), hours in self.usage.items() if of == lease_no}
            answer = self._ask(
                "GET",
                f"/api/v1/leases/{lease_no}/metering",
                **{"from": min(own).isoformat(), "to": max(own).isoformat()},
            )
            if answer.status_code != 200:
                self._fault(f"{lease_no}: 查询用量的应答 {answer.status_code} {self._code(answer)}")
                continue
            theirs = {date.fromisoformat(row["day"]): Decimal(row["card_hours"]) for row in answer.json()}
            for day in sorted(own.keys() | theirs.keys()):
                if own.get(day) != theirs.get(day):
                    self._fault(f"{lease_no} {day}: 用量不一致，平台 {own.get(day)}，系统 {theirs.get(day)}")

    @staticmethod
    def _totals(lines: list[str]) -> dict[str, Any]:
        total = sum((Decimal(line.rsplit("|", 1)[1]) for line in lines), Decimal(0))
        text = "".join(f"{line}\n" for line in lines)
        return {
            "count": len(lines),
            "sum": f"{total:.2f}",
            "sha256": hashlib.sha256(text.encode()).hexdigest(),
        }

    def _compare_events(self, own: dict[str, Entry]) -> None:
        """Read the feed from its beginning: no gap, and its last word on each settlement is what the books say."""
        after, last, expected = 0, {}, 1
        while True:
            page = self._ask("GET", "/api/v1/events", after=after, limit=500)
            if page.status_code != 200:
                self._fault(f"状态变动：{page.status_code} {self._code(page)}")
                return
            found = page.json()
            for event in found["events"]:
                if event["position"] != expected:
                    self._fault(f"状态变动的序号在 {expected} 处不连续")
                expected = event["position"] + 1
                last[event["content"]["idempotency_key"]] = event["content"]["state"]
                self.report.events += 1
            if not found["events"]:
                break
            after = found["next"]
        for key, entry in own.items():
            if last.get(key) != entry.state:
                self._fault(f"{key}: 状态变动说 {last.get(key)}，账上是 {entry.state}")


__all__ = ["Contract", "Entry", "GaveUp", "Habits", "ProviderSimulator", "Report"]
