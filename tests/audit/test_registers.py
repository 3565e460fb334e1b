"""The workbooks for auditors: what stands in each, who gets which rows, the seed that draws again, and twenty thousand rows."""

from __future__ import annotations

import hashlib
import io
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.urls import reverse
from openpyxl import load_workbook

from applications.models import Claim
from audit.actions.review_draws import drawn
from audit.actions.review_draws import lot_digest as digest_of
from audit.actions.samples import Population, draw_sample, drawn_of, lot_digest
from audit.actions.scans import run_scan
from audit.models import AuditEvent, AuditSample, Flag, ReviewDraw, ReviewPick, Suspicion
from audit.reports import orders
from audit.reports.orders import Order
from audit.reports.price_register import UNCHECKED, cut_of
from tests.audit import scenes
from tests.audit.scenes import Scene
from tests.cast import Cast
from vouchers import dates
from vouchers.errors import Forbidden, Invalid
from vouchers.models import Job, PriceCheck
from vouchers.models.holds import ScreeningOutcome
from vouchers.sheets import MONEY

pytestmark = pytest.mark.django_db


@pytest.fixture
def scene(cast: Cast) -> Scene:
    """A machine let in 北京 and in 深圳 at once, with a claim each; the lessee's name begins as a formula does."""
    cast.alpha.name = "=甲公司"
    cast.alpha.save()
    scene = scenes.build(cast)
    first = scene.lease(serials=("NVA1",))
    second = scene.lease(lessee=cast.beta, serials=("NVA1",), starts=date(2025, 4, 1), region="440300")
    scene.claim(first, [(scene.invoice(first, "25112000000000000001"), "100000.00")])
    scene.claim(second, [(scene.invoice(second, "25112000000000000002"), "60000.00")], region="440300")
    scene.lease()
    PriceCheck.objects.create(
        check_no="PC-2025-00000001",
        subject_kind="lease",
        subject_no=first.lease_no,
        cell="H800/=单元",
        as_of=first.signed_on,
        known_at=dates.now(),
        unit_price=Decimal("31.20"),
        above_band="cut",
        position="above",
        consequence="cut",
        recognised_price=Decimal("25.31"),
        grade="B",
        lower=Decimal("20.94"),
        base=Decimal("23.00"),
        upper=Decimal("25.31"),
        sentence="=高于上限",
        row={"n_groups": 7},
        left_out=["集团甲"],
    )
    run_scan()
    return scene


def made(order: Order, user=None):
    """The workbook, opened again, and what was told of it."""
    out = io.BytesIO()
    told = orders.make(order, out, user, by="京审计")
    book = load_workbook(out)
    for sheet in book:
        assert sheet.freeze_panes == "A2" and sheet.auto_filter.ref and sheet.print_title_rows == "$1:$1"
        assert not any(cell.data_type == "f" for row in sheet.iter_rows() for cell in row)
    return book, told


def table(sheet) -> list[dict[str, object]]:
    """The rows by their headings."""
    head, *rows = sheet.iter_rows(values_only=True)
    return [dict(zip(head, row, strict=True)) for row in rows]


def cover(book) -> dict[str, object]:
    """The cover by its items."""
    return {row["项目"]: row["内容"] for row in table(book["说明"])}


def test_the_register_of_suspicions_has_rank_outcome_sentence_and_evidence(scene: Scene, cast: Cast):
    book, told = made(Order("suspicions", region="110000"))
    row = table(book["登记簿"])[0]
    assert row["名次"] == Suspicion.objects.get(subject_no=row["编号"]).rank
    assert row["结果"] == ScreeningOutcome.BLOCK.label
    assert row["承租方（申领企业）"] == "=甲公司" and row["规则"].startswith("F17")
    assert "同时租给不同承租方" in row["说明"] and "lease_device:" in row["证据"]
    assert row["金额"] == 20000 and row["暂缓"].startswith("H-")
    money = next(cell for cell in book["登记簿"][1] if cell.value == "金额")
    assert book["登记簿"].cell(2, money.column).number_format == MONEY
    (flag,) = (one for one in table(book["预警明细"]) if one["规则"] == "F17")
    assert flag["性质"] == "硬性" and flag["不触发的条件"] and flag["阈值"] == "1 天"
    assert told.content_sha256 in cover(book)["内容摘要"] and cover(book)["制作人"] == "京审计"


def test_each_reader_gets_the_rows_of_the_own_region(scene: Scene, cast: Cast):
    for order in (Order("suspicions"), Order("prices")):
        for user, region in ((cast.auditor, "110000"), (cast.other_auditor, "440300")):
            book, _told = made(order, user)
            assert {row["地区"] for row in table(book[book.sheetnames[1]])} == {region}


def test_no_workbook_names_a_contract_of_another_region(scene: Scene, cast: Cast):
    hidden = Suspicion.objects.filter(region_code="440300").first()
    for kind in ("suspicions", "audit"):
        book, _told = made(Order(kind), cast.auditor)
        words = " ".join(
            str(cell) for sheet in book for line in sheet.iter_rows(values_only=True) for cell in line
        )
        assert hidden.lease_no not in words and "lease_device:另一地区" in words
        whole, _told = made(Order(kind))
        words = " ".join(
            str(cell) for sheet in whole for line in sheet.iter_rows(values_only=True) for cell in line
        )
        assert hidden.lease_no in words


def test_the_register_narrows_by_outcome_and_programme(scene: Scene):
    assert made(Order("suspicions", outcome="pass"))[1].rows["登记簿"] == 0
    assert made(Order("suspicions", program="bj-aiq", outcome="block"))[1].rows["登记簿"] == 2
    assert made(Order("prices", year=2024))[1].rows["价格核对"] == 0


def test_the_register_of_prices_has_band_recognised_cut_and_grade(scene: Scene):
    book, _told = made(Order("prices", region="110000"))
    checked, unchecked = table(book["价格核对"])
    assert [checked[name] for name in ("合同单价（元/卡时）", "下限", "基准", "上限", "认定单价", "评级", "供应方数")] == [
        31.2, 20.94, 23, 25.31, 25.31, "B", 7,
    ]  # fmt: skip
    assert (checked["核减单价"], checked["核减比例"]) == (5.89, 0.188782)
    assert checked["按比例折算的核减额"] == 56634.62  # 300,000 × 5.89 ÷ 31.20
    assert checked["说明"] == "=高于上限" and checked["回避的供应方数"] == 1
    assert unchecked["结论"] == UNCHECKED and unchecked["核减单价"] is None
    assert cover(book)["其中"] == "已核对 1 份，高于上限 1 份，核减 1 份，无法检验 1 份"


def test_only_what_was_recognised_at_less_is_cut():
    check = PriceCheck(unit_price=Decimal("30"), recognised_price=None, consequence="refused")
    assert cut_of(check, Decimal("100.00")) == (None, None, None)
    check = PriceCheck(unit_price=Decimal("30"), recognised_price=Decimal("20"), consequence="cut")
    assert cut_of(check, Decimal("100.00")) == (Decimal("10"), Decimal("0.333333"), Decimal("33.33"))


# -- samples ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def claims(scene: Scene) -> list[Claim]:
    """Ten more claims of 北京, of 1,000 to 10,000 yuan of support."""
    lease = scene.lease()
    return [
        scene.claim(lease, [(scene.invoice(lease, f"2511200000000001{n:04}"), f"{n * 5000}.00")])
        for n in range(1, 11)
    ]


def test_a_sample_is_drawn_again_from_its_list_and_seed(claims, cast: Cast):
    sample = draw_sample(Population("110000"), size=4, reason="年度审计", by=cast.auditor)
    lines = [line.split(" ") for line in sample.lot.split("\n")]
    assert [line[0] for line in lines] == sorted(line[0] for line in lines) and len(lines) == 11
    least = sorted(lines, key=lambda line: hashlib.sha256(f"{sample.seed}:{line[0]}".encode()).hexdigest())[
        :4
    ]
    assert [one.claim_no for one in drawn_of(sample)] == [line[0] for line in least]
    assert sample.lot_digest == lot_digest(sample.lot) and sample.lot_amount == Decimal("75000.00")


def test_what_is_large_is_looked_at_all_and_does_not_count_into_the_size(claims, cast: Cast):
    sample = draw_sample(
        Population("110000"), size=3, whole_from=Decimal("9000.00"), reason="年度审计", by=cast.auditor
    )
    drawn = drawn_of(sample)
    assert [one.amount for one in drawn if one.certain] == [
        Decimal("20000"),
        Decimal("10000"),
        Decimal("9000"),
    ]
    assert sum(not one.certain for one in drawn) == 3 and all(one.amount < 9000 for one in drawn[3:])


def test_more_than_there_are_draws_all(claims, cast: Cast):
    sample = draw_sample(Population("110000"), size=500, reason="年度审计", by=cast.auditor)
    assert len(drawn_of(sample)) == 11


def test_a_sample_holds_claims_of_its_region_state_and_days_alone(claims, cast: Cast):
    def numbers(population: Population) -> int:
        return draw_sample(population, size=1, reason="年度审计", by=cast.auditor).lot_size

    assert numbers(Population("110000", since=date(2025, 6, 2), until=date(2025, 6, 2))) == 11
    assert numbers(Population("110000", program="BJ-AIQ", state="submitted")) == 11
    for empty in (Population("110000", state="paid"), Population("110000", until=date(2025, 6, 1))):
        with pytest.raises(Invalid) as refusal:
            numbers(empty)
        assert refusal.value.code == "sample.nothing"


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"reason": "  "}, "sample.reason"),
        ({"size": 0}, "sample.size"),
        ({"size": 2001}, "sample.size"),
        ({"population": Population("110000", state="draft")}, "sample.state"),
        ({"population": Population("110000", since=date(2025, 6, 2), until=date(2025, 6, 1))}, "sample.days"),
    ],
)
def test_what_cannot_be_drawn_is_refused(claims, cast: Cast, more, code):
    fields = {"population": Population("110000"), "size": 1, "reason": "年度审计", **more}
    with pytest.raises(Invalid) as refusal:
        draw_sample(fields.pop("population"), by=cast.auditor, **fields)
    assert refusal.value.code == code and AuditSample.objects.count() == 0


@pytest.mark.parametrize(
    "account", ["handler", "approver", "finance", "filer", "other_auditor", "audit_admin"]
)
def test_only_auditors_and_investigators_of_the_region_draw(claims, cast: Cast, account):
    with pytest.raises(Forbidden):
        draw_sample(Population("110000"), size=1, reason="年度审计", by=getattr(cast, account))


def test_a_sample_is_neither_changed_nor_removed(claims, cast: Cast):
    from django.db import ProgrammingError, transaction

    sample = draw_sample(Population("110000"), size=1, reason="年度审计", by=cast.auditor)
    for change in (lambda: AuditSample.objects.update(seed="0"), sample.delete):
        with pytest.raises(ProgrammingError), transaction.atomic():
            change()


def test_the_workbook_of_a_sample_holds_seed_list_and_hashes(claims, cast: Cast):
    sample = draw_sample(
        Population("110000"), size=2, whole_from=Decimal("9000"), reason="=年度审计", by=cast.auditor
    )
    book, _told = made(Order("sample", number=sample.sample_no), cast.auditor)
    facts = cover(book)
    assert (
        facts["种子"] == sample.seed
        and sample.lot_digest in facts["名单摘要"]
        and facts["目的"] == "=年度审计"
    )
    assert facts["复核"] == "名单与登记的摘要一致。" and facts["抽取"] == "5 件（必查 3 件），名单 11 件"
    names = table(book["名单"])
    assert len(names) == 11 and sum(row["抽中"] == "是" for row in names) == 5
    for row in names:
        again = hashlib.sha256(f"{sample.seed}:{row['兑付编号']}".encode()).hexdigest()
        assert row["散列（SHA-256）"] == again
    assert [row["抽中原因"] for row in table(book["抽中"])] == ["必查"] * 3 + ["抽取"] * 2


def test_the_workbook_of_a_review_draw_hides_the_numbers_of_other_regions(scene: Scene, cast: Cast):
    lease = scene.lease()
    far = scene.lease(region="440300")
    mine = [
        scene.claim(lease, [(scene.invoice(lease, f"251120000000001000{n:02}"), "100.00")]) for n in range(3)
    ]
    theirs = scene.claim(far, [(scene.invoice(far, "25112000000000200001"), "100.00")], region="440300")
    lot, seed = "\n".join(sorted(claim.claim_no for claim in [*mine, theirs])), "5e" * 32
    draw = ReviewDraw.objects.create(
        draw_no="RV-2025-00000077", scan_run=run_scan("on_demand"), seed=seed, lot=lot, lot_digest=digest_of(lot), lot_size=4,
        per_mille=20, drawn_at=dates.now(),
    )  # fmt: skip
    (number,) = drawn(lot, seed, 20)
    claim = Claim.objects.get(claim_no=number)
    pick = ReviewPick.objects.create(
        draw=draw,
        position=1,
        claim_no=number,
        region_code=claim.program_region_code,
        amount=claim.claimed_amount,
    )
    reader = cast.auditor if pick.region_code == "110000" else cast.other_auditor
    book, _told = made(Order("review", number=draw.draw_no), reader)
    names = {row["兑付编号"] for row in table(book["名单"])}
    hidden = theirs.claim_no if reader is cast.auditor else mine[0].claim_no
    assert "另一地区" in names and hidden not in names and len(table(book["名单"])) == draw.lot_size
    assert cover(book)["种子"] == draw.seed and cover(book)["复核"].endswith("与登记一致。")
    whole, _told = made(Order("review", number=draw.draw_no))
    assert {row["兑付编号"] for row in table(whole["名单"])} == set(draw.lot.split("\n"))
    stranger = cast.other_auditor if reader is cast.auditor else cast.auditor
    with pytest.raises(ReviewDraw.DoesNotExist):
        orders.rows_of(Order("review", number=draw.draw_no), stranger)


# -- pages, command, size ---------------------------------------------------------------------------------------------


def test_the_desk_hands_out_each_register_and_the_trail_keeps_it(client, cast: Cast, scene: Scene):
    client.force_login(cast.auditor)
    assert client.get(reverse("audit:workbooks")).status_code == 200
    for kind in orders.REGISTERS:
        answer = client.post(reverse("audit:make-workbook"), {"kind": kind, "region": "110000"})
        assert answer.status_code == 200 and answer.headers["Cache-Control"] == "no-store"
        load_workbook(io.BytesIO(answer.content))
        event = AuditEvent.objects.filter(operation="export", verb="workbook.export").latest("id")
        assert event.region_code == "110000"
    for wrong in (
        {"kind": "nonsense"},
        {"kind": "prices", "region": "440300"},
        {"kind": "prices", "year": "12"},
    ):
        assert client.post(reverse("audit:make-workbook"), wrong).status_code == 422
    assert (
        client.post(reverse("audit:make-workbook"), {"kind": "sample", "number": "AS-0"}).status_code == 404
    )
    assert client.post(reverse("audit:make-workbook"), {"kind": "x", "number": "AS-0"}).status_code == 422


@pytest.mark.parametrize("account", ["filer", "handler", "approver", "finance", "stranger", "system_admin"])
def test_nobody_else_gets_a_workbook_or_sample(client, cast: Cast, scene: Scene, account):
    client.force_login(getattr(cast, account))
    assert client.post(reverse("audit:make-workbook"), {"kind": "prices"}).status_code == 403
    for name in ("workbooks", "samples", "draw-sample"):
        assert client.get(reverse(f"audit:{name}")).status_code == 403


def test_a_sample_is_drawn_read_and_exported_at_the_desk(client, cast: Cast, claims):
    client.force_login(cast.auditor)
    form = {"region": "110000", "size": "3", "whole_from": "9,000", "reason": "年度专项审计"}
    wrong = client.post(reverse("audit:draw-sample"), {**form, "since": "2025-07-01", "until": "2025-06-01"})
    assert wrong.status_code == 422 and "止日早于起日" in wrong.content.decode()
    answer = client.post(reverse("audit:draw-sample"), form, follow=True)
    sample = AuditSample.objects.get()
    page = answer.content.decode()
    assert sample.seed in page and sample.lot_digest in page and "必查" in page
    assert sample.sample_no in client.get(reverse("audit:samples")).content.decode()
    book = client.post(reverse("audit:make-workbook"), {"kind": "sample", "number": sample.sample_no})
    assert load_workbook(io.BytesIO(book.content)).sheetnames == ["说明", "抽中", "名单"]
    assert AuditEvent.objects.filter(verb="audit_sample.export", subject_no=sample.sample_no).exists()
    client.force_login(cast.other_auditor)
    assert client.get(reverse("audit:sample", args=(sample.sample_no,))).status_code == 404
    other = client.post(reverse("audit:make-workbook"), {"kind": "sample", "number": sample.sample_no})
    assert other.status_code == 404


def test_a_group_is_one_picture_and_one_workbook(client, cast: Cast, scene: Scene):
    row = Suspicion.objects.get(subject_kind="claim", region_code="110000")
    hidden = Suspicion.objects.filter(region_code="440300").first()
    client.force_login(cast.auditor)
    page = client.get(reverse("audit:group", args=(row.case_no,))).content.decode()
    assert (
        page.count("<svg") >= 3
        and row.subject_no in page
        and "独占的设备同时出租" in page
        and "另一地区" in page
    )
    assert hidden.subject_no not in page and cast.beta.name not in page
    assert AuditEvent.objects.filter(
        operation="read", verb="suspicion.group", subject_no=row.case_no
    ).exists()
    book = client.post(reverse("audit:make-workbook"), {"kind": "group", "number": row.case_no})
    sheets = load_workbook(io.BytesIO(book.content))
    assert sheets.sheetnames == [
        "说明",
        "事项",
        "预警",
        "单位",
        "合同",
        "关联",
        "设备重叠",
        "价格",
        "计量与开票",
    ]
    assert not any(cell.data_type == "f" for sheet in sheets for line in sheet.iter_rows() for cell in line)
    told = " ".join(
        str(cell) for sheet in sheets for line in sheet.iter_rows(values_only=True) for cell in line
    )
    assert hidden.lease_no not in told and cast.beta.name not in told
    (overlap,) = table(sheets["设备重叠"])
    assert overlap["小时"] == 61 * 24 and overlap["判断"] == "独占的设备同时出租"
    assert table(sheets["价格"])[0]["评级"] == "B" and "无法检验" in cover(sheets)
    assert all(edge["文件"] and edge["日期"] for edge in table(sheets["关联"]))
    client.force_login(cast.other_auditor)
    assert client.get(reverse("audit:group", args=("K-999999",))).status_code == 404
    assert client.post(reverse("audit:make-workbook"), {"kind": "group", "number": "K-9"}).status_code == 404


def test_a_large_one_becomes_a_job(client, cast: Cast, scene: Scene):
    many_suspicions(5_001)
    client.force_login(cast.auditor)
    answer = client.post(reverse("audit:make-workbook"), {"kind": "suspicions"})
    job = Job.objects.get(kind="audit_workbook")
    assert answer.status_code == 302 and job.job_no in answer.url
    again = client.post(reverse("audit:make-workbook"), {"kind": "suspicions"})
    assert again.status_code == 302 and job.job_no in again.url and Job.objects.count() == 1


def many_suspicions(count: int) -> None:
    """Rows of the queue with a flag each, as a scan of a large region leaves them."""
    like, flag = Suspicion.objects.first(), Flag.objects.first()
    Suspicion.objects.exclude(pk=like.pk).delete()
    fields = {name: value for name, value in vars(like).items() if name not in ("_state", "id", "_scope")}
    kept = {name: value for name, value in vars(flag).items() if name not in ("_state", "id")}
    for start in range(0, count, 2_000):
        span = range(start, min(start + 2_000, count))
        Suspicion.objects.bulk_create(
            Suspicion(**{**fields, "subject_no": f"C-2024-{n:08}", "rank": n + 10, "region_code": "110000"})
            for n in span
        )
        Flag.objects.bulk_create(  # each tenth: they are watched, and told to the trail one by one
            Flag(**{**kept, "claim_no": f"C-2024-{n:08}", "region_code": "110000"}) for n in span
        )


def high_water() -> int:
    """The most memory that this process held, in kB."""
    (line,) = (one for one in Path("/proc/self/status").read_text().splitlines() if one.startswith("VmHWM"))
    return int(line.split()[1])


@pytest.mark.long
def test_twenty_thousand_rows_are_written_in_bounded_memory(scene: Scene, tmp_path):
    many_suspicions(20_000)
    out = tmp_path / "登记簿.xlsx"
    Path("/proc/self/clear_refs").write_text("5")  # the highest mark of memory begins anew
    before = high_water()
    told = orders.make(Order("suspicions"), out, None, by="京审计")
    assert told.rows["登记簿"] == 20_001
    assert high_water() - before < 80 * 1024
    assert sum(1 for _row in load_workbook(out, read_only=True)["登记簿"].rows) == 20_002


def test_the_command_writes_each_kind(scene: Scene, cast: Cast, tmp_path):
    sample = draw_sample(Population("110000"), size=1, reason="年度审计", by=cast.auditor)
    for kind, more in (
        ("suspicions", {"region": "110000", "outcome": "block"}),
        ("prices", {"year": 2025}),
        ("sample", {"number": sample.sample_no}),
        ("audit", {}),
    ):
        out = tmp_path / f"{kind}.xlsx"
        call_command("export_workbook", out=str(out), kind=kind, **more)
        assert load_workbook(out)["说明"].max_row > 5
    with pytest.raises(CommandError, match="没有编号为 AS-0"):
        call_command("export_workbook", out=str(tmp_path / "x.xlsx"), kind="sample", number="AS-0")
    for wrong in ({"kind": "sample"}, {"kind": "prices", "number": "x"}):
        with pytest.raises(CommandError, match="number"):
            call_command("export_workbook", out=str(tmp_path / "x.xlsx"), **wrong)
