"""A past year in the bulk format as cases of a dry run: facts straight from the files, nothing is imported.

The shipped year lies in ``applications/demo/dataset``; another folder of the format may be named. Its claims belong to
programs of its own, so a query says which of them stand for the program that is tried (``like``); by default the one of
the same code, or of a code that it goes on from (``CD-SLQ-DEMO``), or of the same region or province, or else the first.
Parties of that program's home region are then taken as registered in the tried program's region, and its admissions as
admissions to the tried program.

What the folder does not tell stays unknown (None), and the engine calls it not testable: attestations, papers, other
public money. Prices are held against what is on record here (``sample_prices``). Applications are made for the leases that
were claimed under their voucher; the amounts that were asked for are left out, as they followed from the rates of that year.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal, InvalidOperation

from applications.actions.imports.programs import HistoryProgram, history_programs
from applications.sample_prices import SamplePrices
from applications.sample_year import SHIPPED, Row, SampleYear, grouped, key_of, year_in
from vouchers import dates
from vouchers.actions.case_sources import CaseQuery, CaseSource
from vouchers.actions.price_tables import chip_table
from vouchers.errors import Invalid
from vouchers.models import ChipModel
from vouchers.money import ZERO, round_fen
from vouchers.policy.facts import (
    AdmissionFacts,
    BasisItemFacts,
    ContractFacts,
    Facts,
    ListingFacts,
    PartyFacts,
    ProviderFacts,
    VoucherFacts,
)
from vouchers.policy.prices.chips import ChipTable
from vouchers.policy.replay import ReplayCase
from vouchers.policy.terms import BasisKind, ChipOrigin, PartyKind, Purpose, Stage

DAY = timedelta(days=1)
PRICED = "合同单价按本系统现有的价格数据和签订日有效的公允价格方法比较；无可比价格的，按“无法核验”计。"


def like_of(query: CaseQuery, codes: set[str]) -> str:
    """The program of the sample whose cases stand for this one. Raises ``Invalid`` (``dry_run.sample_program``)."""
    if query.like:
        if query.like not in codes:
            raise Invalid(
                "dry_run.sample_program",
                f"样本年度中没有专项 {query.like} 的案件。",
                field="like",
                hint=f"可以选择：{'、'.join(sorted(codes))}。",
            )
        return query.like
    if query.program in codes:
        return query.program

    own = history_programs()
    same = [code for code in codes if query.program.startswith(f"{code}-")]
    here = [code for code in codes if code in own and own[code].region == query.region]
    near = [code for code in codes if code in own and own[code].region[:2] == query.region[:2]]
    return min(same or here or near or codes)


class Builder:
    """Makes cases of a year's rows for one program."""

    def __init__(
        self,
        year: SampleYear,
        query: CaseQuery,
        like: str,
        *,
        source: str = "sample",
        prices: SamplePrices | None = None,
    ) -> None:
        self.year, self.query, self.like, self.source, self.prices = year, query, like, source, prices
        known: HistoryProgram | None = history_programs().get(like)
        self.home = known.region if known else ""
        latest = ChipModel.objects.order_by("-table_version").values_list("table_version", flat=True).first()
        self._chips: ChipTable = chip_table(latest or 1)
        self._origins: dict[str, ChipOrigin | None] = {}
        self._by_voucher: dict[str, list[Row]] = grouped(iter(year.claims), "voucher_no")
        self._voucher_of = {
            row["application_no"]: row for row in year.vouchers.values() if row.get("application_no")
        }

    # -- the two kinds of cases -------------------------------------------------------------------------------------

    def applications(self) -> list[ReplayCase]:
        """The program's applications of the period, on the leases that were claimed under their voucher."""
        return self._made(self.year.applications, self._application)

    def claims(self) -> list[ReplayCase]:
        """The program's claims of the period."""
        return self._made(self.year.claims, self._claim)

    def _made(self, rows: list[Row], make: Callable[[Row], ReplayCase | None]) -> list[ReplayCase]:
        made = []
        for row in rows:
            try:
                case = make(row)
            except (KeyError, ValueError, InvalidOperation):
                self.year.left_out += 1
                continue
            if case is not None and self.query.from_on <= case.on < self.query.to_on:
                made.append(case)
        return sorted(made, key=lambda case: (case.on, case.case_no))

    def _application(self, row: Row) -> ReplayCase | None:
        if row["program_code"] != self.like:
            return None
        voucher = self._voucher_of.get(row["application_no"])
        claims = self._by_voucher.get(voucher["voucher_no"], []) if voucher else []
        numbers = sorted({claim["lease_no"] for claim in claims if claim["lease_no"]})
        contracts = tuple(self._contract(self.year.leases[number]) for number in numbers)
        if not contracts:
            return None  # nothing tells what it was for
        filed = datetime.fromisoformat(row["submitted_at"])
        applied_on = filed.astimezone(dates.SHANGHAI).date()
        on = date.fromisoformat(voucher["issued_on"]) if voucher else applied_on
        facts = Facts(
            stage=Stage.APPLICATION,
            on=on,
            applicant=self._party(row["enterprise_uscc"], on),
            contracts=contracts,
            applied_on=applied_on,
            filed_at=filed,
        )
        return ReplayCase(
            case_no=row["application_no"],
            on=on,
            facts=facts,
            granted=Decimal(voucher["face_value"]) if voucher else None,
            source=self.source,
        )

    def _claim(self, row: Row) -> ReplayCase | None:
        voucher = self.year.vouchers[row["voucher_no"]]
        if voucher["program_code"] != self.like:
            return None
        filed = datetime.fromisoformat(row["submitted_at"])
        filed_on = filed.astimezone(dates.SHANGHAI).date()
        on = _decided_on(row) or filed_on
        lease = self.year.leases.get(row["lease_no"]) if row["lease_no"] else None
        items = tuple(
            self._item(place, one, lease)
            for place, one in enumerate(self.year.claim_invoices.get(row["claim_no"], ()), start=1)
        )
        state, claimed = row["status"], Decimal(row["claimed_amount"])
        return ReplayCase(
            case_no=row["claim_no"],
            on=on,
            facts=Facts(
                stage=Stage.CLAIM,
                on=filed_on,
                filed_at=filed,
                applicant=self._party(voucher["enterprise_uscc"], filed_on),
                contracts=(self._contract(lease),) if lease else (),
                items=items,
                voucher=self._voucher(voucher),
            ),
            application_no=voucher.get("application_no") or "",
            granted=claimed if state in ("approved", "paid") else ZERO if state == "rejected" else None,
            source=self.source,
        )

    # -- their parts ------------------------------------------------------------------------------------------------

    def _region(self, code: str) -> str:
        """A region of the sample as the tried program sees it: its home is this program's."""
        if self.home and self.query.region and self.query.region != self.home and code == self.home:
            return self.query.region
        return code

    def _party(self, uscc: str, on: date) -> PartyFacts:
        row = self.year.parties.get(uscc)
        listings = None
        if self.year.listings is not None:
            listings = tuple(
                ListingFacts(
                    from_on=date.fromisoformat(one["from_on"]),
                    to_on=_after(one["to_on"]),
                    document_no=one["document_no"],
                )
                for one in self.year.listings.get(uscc, ())
                if date.fromisoformat(one["from_on"]) <= on
            )
        if row is None:
            return PartyFacts(uscc=uscc, name=uscc, listings=listings)
        public = row["ownership"] == "public_institution"
        registered = row.get("registered_on")
        return PartyFacts(
            uscc=uscc,
            name=row["name"],
            kind=PartyKind.INSTITUTE if public else PartyKind.ENTERPRISE,
            region_code=self._region(row["region_code"]),
            registered_on=date.fromisoformat(registered) if registered else None,
            ownership=row["ownership"],
            size=row["size"],
            industry_code=row["industry_code"],
            group_no=self.year.links.top(uscc, on) if self.year.links is not None else "",
            is_registered_provider=self._admitted(uscc, on),
            listings=listings,
        )

    def _admitted(self, uscc: str, on: date) -> bool | None:
        if self.year.admissions is None:
            return None
        return any(
            one.from_on <= on and (one.to_on is None or on < one.to_on) for one in self._admissions(uscc)
        )

    def _admissions(self, uscc: str) -> tuple[AdmissionFacts, ...]:
        return tuple(
            AdmissionFacts(
                batch=row["batch"],
                service_item=row["service_item"],
                from_on=date.fromisoformat(row["admitted_on"]),
                to_on=_after(row["ended_on"]),
            )
            for row in (self.year.admissions or {}).get(uscc, ())
            if row["program_code"] == self.like
        )

    def _contract(self, row: Row) -> ContractFacts:
        net = Decimal(row["amount"])
        return ContractFacts(
            contract_no=row["lease_no"],
            net_amount=net,
            tax_amount=round_fen(net * Decimal(row["vat_rate"] or 0)),
            signed_on=date.fromisoformat(row["signed_on"]),
            period_from=date.fromisoformat(row["starts_on"]),
            period_to=date.fromisoformat(row["ends_on"]) + DAY,
            purpose=Purpose(row["purpose"]) if row["purpose"] else None,
            chip_origin=self._origin(row["accelerator"]),
            provider=self._provider(row),
            price=self.prices.of(row) if self.prices is not None else None,
        )

    def _origin(self, accelerator: str) -> ChipOrigin | None:
        if accelerator not in self._origins:
            known = self._chips.origin(accelerator) if accelerator else None
            self._origins[accelerator] = ChipOrigin(known) if known else None
        return self._origins[accelerator]

    def _provider(self, lease: Row) -> ProviderFacts:
        uscc = lease["lessor_uscc"]
        row = self.year.parties.get(uscc, {})
        affiliated, sentence = None, ""
        if self.year.links is not None:
            sentence = self.year.links.between(
                lease["lessee_uscc"], uscc, date.fromisoformat(lease["signed_on"])
            )
            affiliated = bool(sentence)
        return ProviderFacts(
            uscc=uscc,
            name=row.get("name", uscc),
            region_code=self._region(row.get("region_code", "")),
            admissions=self._admissions(uscc) if self.year.admissions is not None else None,
            affiliated=affiliated,
            affiliation_sentence=sentence,
        )

    def _item(self, place: int, row: Row, lease: Row | None) -> BasisItemFacts:
        invoice = self.year.invoices.get(key_of(row))
        net = Decimal(row["claimed_net"])
        whole = Decimal(invoice["net_amount"]) if invoice else ZERO
        tax = Decimal(invoice["tax_amount"]) if invoice else ZERO
        period_from = invoice.get("period_from") if invoice else ""
        return BasisItemFacts(
            item_no=f"{place:04d}",
            kind=BasisKind.INVOICE_LINE,
            net_amount=net,
            tax_amount=round_fen(tax * net / whole) if whole else ZERO,
            contract_no=lease["lease_no"] if lease else "",
            period_from=date.fromisoformat(period_from) if period_from else None,
            period_to=_after(invoice.get("period_to") if invoice else ""),
            evidence_no=key_of(row),
        )

    def _voucher(self, row: Row) -> VoucherFacts:
        """The voucher as it was when the period began."""
        earlier = [
            claim
            for claim in self._by_voucher.get(row["voucher_no"], ())
            if claim["status"] != "rejected" and (_decided_on(claim) or _filed_on(claim)) < self.query.from_on
        ]
        face = Decimal(row["face_value"])
        taken = sum((Decimal(claim["claimed_amount"]) for claim in earlier), ZERO)
        return VoucherFacts(
            voucher_no=row["voucher_no"],
            face_value=face,
            balance=max(ZERO, face - taken),
            expires_on=_after(row["expires_on"]),
            uses=len(earlier),
        )


def _decided_on(row: Row) -> date | None:
    text = row.get("decided_at")
    return datetime.fromisoformat(text).astimezone(dates.SHANGHAI).date() if text else None


def _filed_on(row: Row) -> date:
    return datetime.fromisoformat(row["submitted_at"]).astimezone(dates.SHANGHAI).date()


def _after(last: str | None) -> date | None:
    """The day after the last: the folder's days both count."""
    return date.fromisoformat(last) + DAY if last else None


def _builder(query: CaseQuery, *, priced: bool = False) -> Builder:
    year = year_in(query.folder or SHIPPED)
    codes = {row["program_code"] for row in year.vouchers.values()}
    if not codes:
        raise Invalid("dry_run.sample_empty", "样本年度中没有案件，不能测算。")
    prices = SamplePrices(year) if priced else None
    return Builder(replace(year, left_out=0), query, like_of(query, codes), prices=prices)


def read_sample(query: CaseQuery) -> Iterator[ReplayCase]:
    """The sample's cases that stand for the program, of the period, in the order (day, number)."""
    builder = _builder(query, priced=True)
    return heapq.merge(builder.applications(), builder.claims(), key=lambda case: (case.on, case.case_no))


def count_sample(query: CaseQuery) -> int:
    """How many they are."""
    builder = _builder(query)
    return len(builder.applications()) + len(builder.claims())


def sample_note(query: CaseQuery) -> str:
    """Whose cases they are, and what was assumed."""
    builder = _builder(query)
    known = history_programs().get(builder.like)
    name = known.name if known else builder.like
    words = f"样本年度为合成数据，取自“{name}”（{builder.like}）的案件，不是任何企业的真实申领。"
    if builder.home and query.region and query.region != builder.home:
        words += "注册在该专项所在地的单位，视为注册在本专项所在地；其入库视为本专项的入库。"
    return words + PRICED + "数据中没有的事实（如其他财政资金、申报材料）按“无法核验”计，不当作符合或不符合。"


def sample_programs(regions: frozenset[str]) -> list[tuple[str, str]]:
    """The programs of the shipped year, which is invented and so everybody's: (code, words)."""
    return [(code, f"{one.name}（{code}）") for code, one in history_programs().items()]


SAMPLE_YEAR = CaseSource(
    "sample",
    "合成样本年度",
    read_sample,
    count_sample,
    note=sample_note,
    choices=sample_programs,
    synthetic=True,
)
