"""What is wrong is refused by file, line, column and reason; the rest is loaded; what was mended is loaded later."""

from __future__ import annotations

import csv
from decimal import Decimal

import pytest

from applications.actions.imports import import_folder
from applications.actions.imports.reading import LONGEST_LINE
from applications.models import BasisItem, Claim, Invoice, Lease, LeaseDevice
from tests.applications import past_year
from vouchers.models import Party, PriceObservation, Voucher

pytestmark = pytest.mark.django_db


@pytest.fixture
def load(tmp_path, db):
    def load(rows, name: str = "year"):
        return import_folder(past_year.write(tmp_path / name, rows), out=tmp_path / "out")

    return load


CASES: list[tuple[str, dict[str, str], str, str | None]] = [
    ("leases", {"ends_on": "2024-03-31"}, "ends_on", "合同结束日 2024-03-31 早于开始日 2024-04-01"),
    ("leases", {"amount": "-1.00"}, "amount", "金额“-1.00”不能为负"),
    ("leases", {"amount": "1,000.00"}, "amount", "“1,000.00”不是金额（只用数字和小数点，不用千分位）"),
    ("leases", {"amount": "１００"}, "amount", "“１００”不是金额（只用数字和小数点，不用千分位）"),
    ("leases", {"amount": "1.005"}, "amount", "金额“1.005”最多 2 位小数"),
    ("leases", {"amount": "9" * 16}, "amount", f"金额“{'9' * 16}”超出可记录的范围"),
    ("leases", {"amount": ""}, "amount", "该列不能为空"),
    ("leases", {"signed_on": "2024/04/01"}, "signed_on", "“2024/04/01”不是日期，应为 YYYY-MM-DD"),
    ("leases", {"signed_on": "2024-02-30"}, "signed_on", "“2024-02-30”不是日期，应为 YYYY-MM-DD"),
    ("leases", {"signed_on": "0001-01-01"}, "signed_on", "日期“0001-01-01”不合理"),
    ("leases", {"lessee_uscc": "9111"}, "lessee_uscc", "“9111”不是统一社会信用代码（18 位数字或大写字母）"),
    ("leases", {"lessee_uscc": "91999999MA01ALPH0Y"}, "lessee_uscc",
     "“91999999MA01ALPH0Y”不存在：parties.csv 及已入库的数据中都没有"),
    ("leases", {"purpose": "mining"}, "purpose",
     "“mining”不在可选范围内（training、inference、finetuning、other）"),
    ("leases", {"exclusive": "是"}, "exclusive", "“是”应为 true 或 false"),
    ("leases", {"vat_rate": "6"}, "vat_rate", "“6”应为小数形式的比率，如 0.06"),
    ("leases", {"cards": "8.5"}, "cards", "“8.5”应为整数"),
    ("leases", {"program_code": "北京券"}, "program_code", "“北京券”不是专项代码（2 至 27 个大写字母、数字和连字符，以字母或数字开头）"),
    ("leases", {"document": "../../etc/passwd"}, "document", "“../../etc/passwd”不在文件夹之内"),
    ("leases", {"document": "/etc/passwd"}, "document", "“/etc/passwd”不在文件夹之内"),
    ("leases", {"accelerator": "x" * 61}, "accelerator", "内容有 61 个字符，最多 60 个"),
    ("leases", {"accelerator": "H20\x07"}, "accelerator", "含有不可见的控制字符"),
    ("lease_devices", {"share": "0"}, "share", "份额须大于零"),
    ("lease_devices", {"share": "1.5"}, "share", "份额“1.5”应大于 0、不超过 1"),
    ("lease_devices", {"lease_no": "L-2024-999999"}, "lease_no",
     "“L-2024-999999”不存在：leases.csv 及已入库的数据中都没有"),
    ("lease_devices", {"from_on": "2024-08-01", "to_on": ""}, "from_on", "开始日 2024-08-01 在合同结束之后"),
    ("metering", {"card_hours": "-3"}, "card_hours", "卡时“-3”不能为负"),
    ("invoices", {"gross_amount": "106000.01"}, "gross_amount",
     "100000.00 + 6000.00 不等于价税合计 106000.01"),
    ("invoices", {"net_amount": "-100000.00", "tax_amount": "-6000.00", "gross_amount": "-106000.00"}, "net_amount",
     "金额为负，但没有写明所冲的蓝字发票（red_of）"),
    ("invoices", {"lease_no": "L-2024-999999"}, "lease_no",
     "“L-2024-999999”不存在：leases.csv 及已入库的数据中都没有"),
    ("invoices", {"invoice_no": " - "}, "invoice_no", "发票号码“-”无法规范化"),
    ("payments", {"amount": "0.00"}, "amount", "金额须大于零"),
    ("applications", {"submitted_at": "2024-04-02T09:00:00"}, "submitted_at",
     "“2024-04-02T09:00:00”没有时区，应以 +08:00 结尾"),
    ("vouchers", {"expires_on": "2024-04-20"}, "expires_on", "到期日 2024-04-20 不晚于发放日 2024-04-20"),
    ("vouchers", {"face_value": "0.00"}, "face_value", "券面额须大于零"),
    ("vouchers", {"application_no": "A-2024-999999"}, "application_no",
     "“A-2024-999999”不存在：applications.csv 及已入库的数据中都没有"),
    ("claims", {"voucher_no": "V-2024-999999"}, "voucher_no",
     "“V-2024-999999”不存在：vouchers.csv 及已入库的数据中都没有"),
    ("claims", {"status": "unknown"}, "status",
     "“unknown”不在可选范围内（submitted、approved、rejected、paid）"),
    ("claim_invoices", {"invoice_no": "24110000000000000099"}, "invoice_no",
     "“24110000000000000099”不存在：invoices.csv 及已入库的数据中都没有"),
    ("claim_invoices", {"bank_ref": "X"}, "bank_ref", "“X”不存在：payments.csv 及已入库的数据中都没有"),
    ("parties", {"roles": "king"}, "roles", "“king”应为 enterprise、provider 或 enterprise;provider"),
    ("parties", {"region_code": "11"}, "region_code", "“11”不是行政区划代码（6 位数字）"),
    ("price_observations", {"unit_price": "-1"}, "unit_price", None),
    ("price_observations", {"observed_on": ""}, "observed_on", None),
]  # fmt: skip


def test_wrong_rows_are_refused_with_line_column_and_reason_and_the_rest_is_loaded(load):
    rows, expected = past_year.rows(), {}
    for file, changes, column, reason in CASES:
        wrong = rows[file][-1] | changes
        at = len(expected.setdefault(file, []))
        rows[file].insert(at, wrong)
        expected[file].append((str(at + 2), column, reason, wrong))
    sound = {file: len(lines) - len(expected.get(file, [])) for file, lines in rows.items()}
    report = load(rows)
    assert {one.name: one.rows_taken for one in report.files} == {f"{f}.csv": n for f, n in sound.items()}
    for file, faults in expected.items():
        refused = past_year.read(report[f"{file}.csv"].refused_file)
        assert [(row["file"], row["line"], row["column"]) for row in refused] == [
            (f"{file}.csv", line, column) for line, column, _, _ in faults
        ]
        for row, (_, _, reason, wrong) in zip(refused, faults, strict=True):
            assert reason is None or row["reason"] == reason
            # What was refused is written back as it stood.
            assert {name: row[name] for name in wrong} == wrong


def test_a_duplicate_key_is_refused_and_the_first_row_counts(load):
    rows = past_year.rows()
    rows["leases"].append(rows["leases"][0] | {"amount": "1.00"})
    report = load(rows)
    (refused,) = past_year.read(report["leases.csv"].refused_file)
    assert (refused["line"], refused["column"], refused["reason"]) == (
        "3",
        "lease_no",
        "与第 2 行重复：lease_no 相同，只取第一行",
    )
    assert Lease.objects.get().amount == Decimal("148512.00")


def test_a_mended_row_is_loaded_later_with_what_hangs_on_it(load, tmp_path):
    rows = past_year.rows()
    rows["vouchers"][0]["face_value"] = "三万"
    report = load(rows)
    assert not Voucher.objects.exists() and not Claim.objects.exists()
    assert [report[f].rows_refused for f in ("vouchers.csv", "claims.csv", "claim_invoices.csv")] == [1, 1, 1]

    out = tmp_path / "out"
    with (out / "refused-vouchers.csv").open(encoding="utf-8-sig", newline="") as stream:
        reader = csv.DictReader(stream)
        mended = [row | {"face_value": "30000.00"} for row in reader]
        header = reader.fieldnames
    with (out / "refused-vouchers.csv").open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, header)
        writer.writeheader()
        writer.writerows(mended)
    second = import_folder(out, out=tmp_path / "still")
    assert second.refused == 0
    assert (Voucher.objects.count(), Claim.objects.count(), BasisItem.objects.count()) == (1, 1, 1)
    # The first folder, loaded once more, finds everything there but the row that is still wrong in it.
    third = import_folder(tmp_path / "year", out=tmp_path / "third")
    assert (third.taken, third.refused) == (0, 1)


def test_a_listing_is_mended_although_it_has_a_reason_of_its_own(load, tmp_path):
    rows = past_year.rows()
    rows["listings"][0]["from_on"] = "2022-01-01"
    report = load(rows)
    path = report["listings.csv"].refused_file
    path.write_text(
        path.read_text(encoding="utf-8-sig").replace("2022-01-01,2021", "2021-01-01,2021"), encoding="utf-8"
    )
    second = import_folder(tmp_path / "out", out=tmp_path / "still")
    assert second["listings.csv"].rows_taken == 1
    from vouchers.models import Listing

    assert Listing.objects.get().reason == "已移出"


@pytest.mark.parametrize("file,column", [
    ("parties", "name"), ("parties", "legal_rep_name"), ("shareholdings", "holder_name"), ("invoices", "seller_name"),
    ("invoices", "buyer_name"),
])  # fmt: skip
@pytest.mark.parametrize(
    "formula", ['=HYPERLINK("http://x.example","甲")', "@SUM(A1)", "+1+1", "-2+3", " =1+1"]
)
def test_a_formula_in_a_name_is_refused_with_its_line_and_the_rest_is_loaded(load, file, column, formula):
    rows = past_year.rows()
    rows[file].append(rows[file][0] | {column: formula} | FRESH[file])
    report = load(rows)
    one = report[f"{file}.csv"]
    assert (one.rows_refused, dict(one.reasons)) == (1, {"cell.formula": 1})
    assert one.rows_taken == len(rows[file]) - 1 and report.refused == 1
    (refused,) = past_year.read(one.refused_file)
    assert (refused["file"], refused["line"], refused["column"]) == (
        f"{file}.csv",
        str(len(rows[file]) + 1),
        column,
    )
    assert "表格公式" in refused["reason"] and refused[column] == formula


FRESH = {
    "parties": {"uscc": "91110108MA01FRESH0"},
    "shareholdings": {"holder_id": "c" * 64},
    "invoices": {"invoice_no": "24110000000000000088"},
}


@pytest.mark.parametrize("name", ["-", "Ａ＝Ｂ科技有限公司", "甲=乙合伙企业", "3+1 工作室"])
def test_a_sign_within_a_name_is_part_of_the_name(load, name):
    rows = past_year.rows()
    rows["parties"][0]["name"] = name
    assert load(rows).refused == 0
    assert Party.objects.get(uscc=past_year.LESSEE).name == name


def test_tabs_backslashes_and_line_breaks_are_data(load):
    rows = past_year.rows()
    rows["parties"][0]["address"] = "北京\t\\N\\.\n海淀"
    assert load(rows).refused == 0
    assert Party.objects.get(uscc=past_year.LESSEE).address == "北京\t\\N\\.\n海淀"


@pytest.mark.parametrize("size", [200_000, LONGEST_LINE + 5, 10 * 1024 * 1024])
def test_an_enormous_cell_is_refused_and_the_rest_is_loaded(load, size):
    rows = past_year.rows()
    rows["parties"].insert(1, rows["parties"][0] | {"uscc": "91110108MA01ZZZZ0A", "name": "甲" * (size // 3)})
    report = load(rows)
    one = report["parties.csv"]
    assert (one.rows_read, one.rows_taken, one.rows_refused) == (3, 2, 1)
    (refused,) = past_year.read(one.refused_file)
    assert refused["line"] == "3"
    assert Claim.objects.count() == 1


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "file.empty"),
        (b"claim_no;voucher_no\nC-1;V-1\n", "file.columns_missing"),
        (b"claim_no,voucher_no,lease_no\n", "file.columns_missing"),
        ("编号,券号\n".encode("gbk"), "file.encoding"),
        ("claim_no,voucher_no\n".encode("utf-16"), "file.encoding"),
        (b"claim_no,claim_no,voucher_no\n", "file.duplicate_column"),
        (b"PK\x03\x04\x00\x00binary", "file.encoding"),
    ],
)
def test_a_wrong_header_refuses_the_file_and_the_others_load(load, tmp_path, content, code):
    folder = past_year.write(tmp_path / "year", past_year.rows())
    (folder / "claims.csv").write_bytes(content)
    report = import_folder(folder, out=tmp_path / "out")
    assert report["claims.csv"].refused_code == code
    assert report["claims.csv"].refused_whole
    assert report["vouchers.csv"].rows_taken == 1
    assert Lease.objects.count() == 1 and not Claim.objects.exists()


def test_rows_that_are_not_utf8_are_refused_one_by_one(tmp_path, db):
    folder = past_year.write(tmp_path / "year", past_year.rows())
    path = folder / "parties.csv"
    path.write_bytes(path.read_bytes().replace("甲智能科技（北京）有限公司".encode(), "甲智能".encode("gbk")))
    report = import_folder(folder, out=tmp_path / "out")
    (refused,) = past_year.read(report["parties.csv"].refused_file)
    assert (refused["line"], refused["column"]) == ("2", "name")
    assert "UTF-8" in refused["reason"]
    assert Party.objects.get().uscc == past_year.LESSOR


def test_a_row_with_too_many_or_too_few_cells_is_refused(tmp_path, db):
    folder = past_year.write(tmp_path / "year", past_year.rows())
    with (folder / "metering.csv").open("a") as stream:
        stream.write("L-2024-000001,2024-04-03,1\n\nL-2024-000001,2024-04-04,1,platform,extra\n")
    report = import_folder(folder, out=tmp_path / "out")
    refused = past_year.read(report["metering.csv"].refused_file)
    assert [row["line"] for row in refused] == ["3", "5"]
    assert refused[0]["reason"] == "该行有 3 列，表头有 4 列"
    assert report["metering.csv"].rows_taken == 1


def test_an_unknown_column_is_reported_and_ignored_and_the_order_of_columns_is_free(load):
    rows = past_year.rows()
    rows["claims"] = [dict(reversed(row.items())) | {"mood": "good"} for row in rows["claims"]]
    report = load(rows)
    assert report["claims.csv"].unknown_columns == ["mood"]
    assert report["claims.csv"].rows_taken == 1


def test_a_wrong_check_digit_is_a_remark_and_no_refusal(load):
    rows = past_year.rows()
    for file in rows.values():
        for row in file:
            for column, value in row.items():
                if value == past_year.LESSEE:
                    row[column] = "91110108MA01ALPH0A"
    report = load(rows)
    assert report.refused == 0
    assert sum(report["parties.csv"].remarks.values()) == 1


# ── files that were not collected ──


@pytest.mark.parametrize("file", sorted(past_year.rows()))
def test_a_missing_file_means_not_collected_and_claims_are_there_all_the_same(load, file):
    rows = past_year.rows()
    del rows[file]
    report = load(rows)
    assert report.not_collected == [f"{file}.csv"]
    assert Claim.objects.count() == (0 if file == "claims" else 1)
    hanging = {"leases": {"lease_devices.csv", "metering.csv"}, "invoices": {"invoice_lines.csv"},
               "claims": {"claim_invoices.csv"}}.get(file, set())  # fmt: skip
    assert {one.name for one in report.files if one.rows_refused} == hanging


def test_without_invoices_the_claimed_numbers_are_kept(load):
    rows = past_year.rows()
    del rows["invoices"], rows["invoice_lines"]
    load(rows)
    item = BasisItem.objects.get()
    assert (item.invoice, item.number_key) == (None, past_year.INVOICE)
    assert not Invoice.objects.exists()


def test_without_parties_their_codes_stand_for_them(load):
    rows = past_year.rows()
    del rows["parties"]
    report = load(rows)
    lessee = Party.objects.get(uscc=past_year.LESSEE)
    assert (lessee.name, lessee.is_enterprise, lessee.region_code) == (
        "甲智能科技（北京）有限公司",
        True,
        "110108",
    )
    assert any("parties.csv 未提供" in remark for remark in report.remarks)


def test_without_vouchers_a_claim_belongs_to_the_program_of_its_lease(load):
    rows = past_year.rows()
    del rows["vouchers"]
    load(rows)
    claim = Claim.objects.get()
    assert (claim.program_code, claim.enterprise.uscc, claim.voucher.state) == (
        "BJ-AIQ",
        past_year.LESSEE,
        "frozen",
    )


def test_an_unknown_program_is_taken_in_and_said_to_have_no_parameters(load):
    rows = past_year.rows()
    for file in rows.values():
        for row in file:
            if row.get("program_code"):
                row["program_code"] = "TJ-SLQ"
    report = load(rows)
    assert report.refused == 0
    assert Claim.objects.get().program_code == "TJ-SLQ"
    assert any("TJ-SLQ" in remark for remark in report.remarks)


def test_two_leases_of_one_device_at_once_are_evidence_and_no_error(load):
    rows = past_year.rows()
    rows["leases"].append(rows["leases"][0] | {"lease_no": "L-2024-000002"})
    rows["lease_devices"].append(rows["lease_devices"][0] | {"lease_no": "L-2024-000002"})
    assert load(rows).refused == 0
    assert LeaseDevice.objects.count() == 2


def test_a_red_invoice_has_its_own_row_with_negative_amounts(load):
    rows = past_year.rows()
    rows["invoices"].append(
        rows["invoices"][0]
        | {"invoice_no": "24110000000000000078", "red_of": past_year.INVOICE, "net_amount": "-100000.00",
           "tax_amount": "-6000.00", "gross_amount": "-106000.00"}
    )  # fmt: skip
    rows["invoices"][0] |= {"status": "red", "status_changed_on": "2024-07-01"}
    assert load(rows).refused == 0
    assert Invoice.objects.get(red_of=past_year.INVOICE).net_amount == Decimal("-100000.00")


def test_prices_go_through_the_prices_own_reader(load):
    rows = past_year.rows()
    rows["price_observations"].append(rows["price_observations"][0] | {"unit": ""})
    report = load(rows)
    assert report["price_observations.csv"].rows_taken == 2
    assert PriceObservation.objects.filter(origin="imported").count() == 2


# Whatever stands in a cell: numbers, dates and texts that look right to one reader and not to the next.
NASTY = [
    "", " ", "NaN", "Infinity", "-0", "-0.00", "1e5", "0x10", "1_000", "９", "+1", " 5 ", "-1", "0", "1", "1.5", "1.000000",
    "0.0000001", "00000000000000000001", "2147483648", "4294967296", "999999999", "9" * 14, "9" * 20, "9" * 15 + ".99",
    "9" * 12 + ".999999", "9" * 10 + ".9999", "2024-13-01", "2024-02-30", "2024-1-1", "２０２４-01-01", "1900-01-01",
    "2200-12-31", "2201-01-01", "0001-01-01", "infinity", "2024-01-01T00:00:00Z", "2024-06-30T24:00:00+08:00",
    "2024-06-30T10:00:00+23:59", "2024-06-30T10:00:00.123456+08:00", "2024-06-30 10:00:00+08:00", "20240630T100000+0800",
    "2024-W10-1T10:00:00+08:00", "2024-06-30T10+08", "2024-06-30T10:00:60+08:00", "x" * 50, "x" * 300, "甲" * 201, "a\x00b",
    "\x1b[31m", "'; DROP TABLE vouchers_party; --", "\\N", "\\.", "\\", "\t", "\n", "a\r\nb", '"', "=1+1", "true", "TRUE ",
    "yes", "\u202e", "\ufeff", "\u3000", "\xa0", "😀", "ﬀ" * 20, "㍿" * 10, "OOOO", "-", "0" * 18, "0" * 40, "enterprise;;provider",
    "submitted", "paid", "C-2024-000001", "L-2024-000001", "BJ-AIQ", "bj-aiq", "000000", "../x", "a" * 64,
]  # fmt: skip


def test_whatever_stands_in_a_cell_every_row_is_either_taken_or_refused(load):
    rows = past_year.rows()
    for lines in rows.values():
        sound = dict(lines[0])
        lines += [sound | {column: cell} for column in sound for cell in NASTY]
    report = load(rows)
    for one in report.files:
        assert one.rows_read == one.rows_taken + one.rows_known + one.rows_refused, one.name
        assert one.refused_whole == ""
        assert sum(one.reasons.values()) == one.rows_refused
    again = import_folder(report.folder, out=report.folder / "again")
    assert again.taken == 0
    assert [one.rows_refused for one in again.files] == [one.rows_refused for one in report.files]


def test_a_table_under_another_name_or_packed_is_told_and_not_taken_for_never_collected(load, tmp_path):
    folder = past_year.write(tmp_path / "year", past_year.rows())
    (folder / "metering.csv").rename(folder / "Metering.CSV.gz")
    (folder / "old prices.xlsx").write_bytes(b"")
    (folder / ".hidden").write_text("")
    report = import_folder(folder, out=tmp_path / "out")
    assert report.strange_files == ["Metering.CSV.gz", "old prices.xlsx"]
    assert report.not_collected == ["metering.csv"]
