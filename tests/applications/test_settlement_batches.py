"""A file of settlements: each line answered for itself with its number and code, the rest done, and everything once."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from decimal import Decimal

import openpyxl
import pytest

from applications.actions import settlement_batches
from applications.models import Claim, SettlementBatch, SettlementBatchLine
from audit.models import AuditEvent
from tests import casework
from tests.applications.test_settlements import body, etown
from vouchers.actions.job_runs import run_waiting
from vouchers.actions.ledger_check import check_ledger
from vouchers.models import ApiCredential, Job, Program

__all__ = ["etown"]

ADDRESS = "/api/v1/settlements/batches"


def line(application, number, **more):
    content = body(application, reference=f"ST-{number}", net_amount="1000.00", **more)
    return {"idempotency_key": f"line-{number:06d}", **content}


def upload(api, cast, content, key="batch-0001", kind="application/x-ndjson"):
    if not isinstance(content, bytes):
        content = "\n".join(one if isinstance(one, str) else json.dumps(one) for one in content).encode()
    caller = api(token=cast.platform_token)
    return caller.generic("POST", ADDRESS, content, content_type=kind, headers={"Idempotency-Key": key})


def outcomes(answer):
    return [(row["line_no"], row["outcome"], row["code"], row["field"]) for row in answer.json()["lines"]]


def test_what_is_wrong_with_a_line_is_told_by_its_number_and_the_rest_is_done(cast, api, etown):
    good = line(etown, 1)
    sent = [
        good,
        {**line(etown, 2), "net_amount": "0"},
        {**line(etown, 3), "net_amount": "1.005"},
        {**line(etown, 4), "net_amount": "1e30"},
        {**line(etown, 5), "net_amount": "NaN"},
        {**line(etown, 6), "net_amount": "-5"},
        {**line(etown, 7), "voucher_no": "V-2024-99999999"},
        {**line(etown, 8), "period_to": "2030-01-01"},
        {**line(etown, 9), "idempotency_key": "short"},
        "{not json",
        "[1, 2]",
        {**line(etown, 10), "action": "destroy"},
        {**line(etown, 1), "net_amount": "2000.00"},
        {**line(etown, 1), "idempotency_key": "line-000099"},
        {**line(etown, 11), "net_amount": 1000},
        good,
    ]
    answer = upload(api, cast, sent)
    assert answer.status_code == 201, answer.content
    assert outcomes(answer) == [
        (1, "done", "", ""),
        (2, "refused", "input.min_value", "net_amount"),
        (3, "refused", "input.max_decimal_places", "net_amount"),
        (4, "refused", "input.invalid", "net_amount"),
        (5, "refused", "input.invalid", "net_amount"),
        (6, "refused", "input.min_value", "net_amount"),
        (7, "refused", "settlement.voucher", "voucher_no"),
        (8, "refused", "settlement.period_outside_lease", "period_to"),
        (9, "refused", "settlement.key", "idempotency_key"),
        (10, "refused", "settlement_batch.line", ""),
        (11, "refused", "settlement_batch.line", ""),
        (12, "refused", "settlement_batch.action", "action"),
        (13, "refused", "settlement.key_reused", "Idempotency-Key"),
        (14, "refused", "settlement.reference_used", "reference"),
        (15, "done", "", ""),
        (16, "done", "", ""),
    ]
    assert answer.json()["totals"] == {"waiting": 0, "done": 3, "refused": 13, "sum": "900.00"}
    assert Claim.objects.count() == 2  # the last line was the first one again
    assert check_ledger() == []


def test_lines_reserve_confirm_release_and_settle_at_once(cast, api, etown):
    upload(api, cast, [line(etown, 1), line(etown, 2), {**line(etown, 3), "action": "settle"}])
    invoice = {"invoice_no": "24112000000000000012", "issued_on": "2024-06-02", "net_amount": "1000.00"}
    number = Claim.objects.get(idempotency_key="line-000002").claim_no
    answer = upload(
        api,
        cast,
        [
            {"action": "confirm", "idempotency_key": "line-000001", "invoice": invoice},
            {"action": "release", "settlement_no": number},
            {"action": "confirm", "idempotency_key": "line-000009"},
        ],
        key="batch-0002",
    )
    assert outcomes(answer) == [
        (1, "done", "", ""),
        (2, "done", "", ""),
        (3, "refused", "settlement.unknown", "key"),
    ]
    states = dict(Claim.objects.values_list("idempotency_key", "state"))
    assert states == {"line-000001": "approved", "line-000002": "withdrawn", "line-000003": "approved"}
    assert (
        Claim.objects.get(idempotency_key="line-000001").facts["invoice"]["invoice_no"]
        == invoice["invoice_no"]
    )


def test_csv_and_excel_are_read_alike_with_headings_in_either_language(cast, api, etown):
    heads = ["幂等键", "券号", "合同备案号", "结算单行号", "不含税金额", "使用期间自", "使用期间至"]
    lease = etown.lease.lease_no
    rows = [
        [f"line-00000{n}", etown.voucher_no, lease, f"ST-{n}", "1000.10", "2024-05-01", "2024-05-31"]
        for n in (1, 2)
    ]
    text = "\r\n".join([",".join(heads), *(",".join(row) for row in rows)])
    for place, encoding in enumerate(("utf-8-sig", "gb18030")):
        answer = upload(api, cast, text.encode(encoding), key=f"batch-csv-{place}", kind="text/csv")
        assert outcomes(answer) == [(2, "done", "", ""), (3, "done", "", "")], answer.content
    book = openpyxl.Workbook()
    book.active.append(heads)
    book.active.append(["line-000003", etown.voucher_no, lease, "ST-3", 1000.1, "2024-05-01", "2024-05-31"])
    file = io.BytesIO()
    book.save(file)
    file.seek(0)
    file.name = "六月.xlsx"
    caller = api(token=cast.platform_token)
    answer = caller.post(
        ADDRESS, {"file": file}, format="multipart", headers={"Idempotency-Key": "batch-xlsx"}
    )
    assert outcomes(answer) == [(2, "done", "", "")], answer.content
    amounts = set(Claim.objects.values_list("items__net_amount", flat=True))
    assert amounts == {Decimal("1000.10")} and Claim.objects.count() == 3


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "settlement_batch.file"),
        (b" \r\n", "settlement_batch.empty"),
        (b"idempotency_key\r\n", "settlement_batch.empty"),
        (b"a,b\r\n1,2\r\n", "settlement_batch.columns"),
        (b"PK\x03\x04 no workbook", "settlement_batch.form"),
        (b"\xff\xfe\xff\xff", "settlement_batch.form"),
        (b"x" * (5 * 1024 * 1024 + 1), "settlement_batch.too_large"),
        (b'{"a":1}\n' * 20_001, "settlement_batch.too_many"),
    ],
)
def test_a_file_that_is_none_is_refused_as_a_whole(cast, api, content, code):
    answer = upload(api, cast, content, kind="text/csv")
    assert (answer.status_code, answer.json()["code"], answer.json()["field"]) == (422, code, "file")
    assert not SettlementBatch.objects.exists()


def test_the_same_key_with_the_same_file_is_the_same_batch_and_another_file_is_refused(cast, api, etown):
    first = upload(api, cast, [line(etown, 1)])
    again = upload(api, cast, [line(etown, 1)])
    assert (again.status_code, again.json()) == (200, first.json())
    other = upload(api, cast, [line(etown, 2)])
    assert (other.status_code, other.json()["code"]) == (422, "settlement_batch.key_reused")
    assert Claim.objects.count() == 1


def test_a_batch_that_was_broken_off_goes_on_where_it_stopped(cast, api, etown):
    upload(api, cast, [line(etown, 1), line(etown, 2)])
    SettlementBatchLine.objects.filter(line_no=2).update(outcome="waiting", claim=None, deducted_amount=None)
    again = upload(api, cast, [line(etown, 1), line(etown, 2)])
    assert outcomes(again) == [(1, "done", "", ""), (2, "done", "", "")]
    assert Claim.objects.count() == 2


def test_a_long_file_is_done_by_the_worker_and_asked_after(committed_db, cast, api, etown, monkeypatch):
    monkeypatch.setattr(settlement_batches, "AT_ONCE", 2)
    answer = upload(api, cast, [line(etown, 1), {**line(etown, 2), "net_amount": "0"}, line(etown, 3)])
    assert (answer.status_code, answer.json()["state"]) == (202, "working")
    assert answer.json()["totals"]["waiting"] == 3
    assert run_waiting() == 1
    job = Job.objects.get()
    assert (job.state, job.message) == ("done", "2 行已办理，1 行未受理。")
    told = api(token=cast.platform_token).get(answer["Location"])
    assert told.json()["state"] == "done"
    assert outcomes(told) == [
        (1, "done", "", ""),
        (2, "refused", "input.min_value", "net_amount"),
        (3, "done", "", ""),
    ]
    page = api(token=cast.platform_token).get(answer["Location"], {"after": 2})
    assert [row["line_no"] for row in page.json()["lines"]] == [3]
    assert check_ledger() == []


@pytest.mark.parametrize(
    "amount", ["1_000", "１０００", "١٠٠٠", "1,000", "+", "1e", "0x10", "1 000", "¥5", ""]
)
def test_an_amount_that_another_system_would_read_otherwise_is_refused_at_its_field(cast, api, etown, amount):
    """Python's own reading of figures is wider than anybody else's; both forms of the interface refuse alike."""
    code = "input.invalid" if amount else "input.required"
    answer = upload(api, cast, [{**line(etown, 1), "net_amount": amount}])
    assert outcomes(answer) == [(1, "refused", code, "net_amount")]
    alone = api(token=cast.platform_token).post(
        "/api/v1/settlements", body(etown, net_amount=amount), headers={"Idempotency-Key": "key-000001"}
    )
    problem = alone.json()["errors"][0]
    assert (alone.status_code, problem["code"], problem["field"]) == (422, "input.invalid", "net_amount")
    assert not Claim.objects.exists()


def test_half_a_character_is_that_lines_fault_and_the_rest_is_done(cast, api, etown):
    """JSON can spell what no database keeps."""
    broken = json.dumps(line(etown, 1)).replace("ST-1", "ST-\\ud800")
    answer = upload(api, cast, [broken, line(etown, 2), '{"idempotency_key": "\\udfff\\udfff-000001"}'])
    assert outcomes(answer) == [
        (1, "refused", "input.invalid", "reference"),
        (2, "done", "", ""),
        (3, "refused", "input.invalid", "idempotency_key"),
    ]
    told = api(token=cast.platform_token).get(answer["Location"])
    assert outcomes(told) == outcomes(answer)


def test_a_credential_of_other_programs_sees_nothing_of_a_file_of_the_same_provider(cast, api, etown):
    sent = upload(
        api,
        cast,
        [
            line(etown, 1),
            {**line(etown, 2), "net_amount": "0"},
            {**line(etown, 3), "voucher_no": "V-2024-99999999"},
        ],
    )
    elsewhere = casework.published(cast, "BJ-AIQ").program
    tokens = {}
    for name, programs, region in (
        ("same", list(Program.objects.filter(code="BDA-SLQ")), cast.beijing),
        ("other", [elsewhere], cast.beijing),
        ("away", [], cast.shenzhen),
    ):
        tokens[name], prefix, digest = ApiCredential.new_token()
        made = ApiCredential.objects.create(
            provider=cast.provider,
            user=cast.platform,
            label=name,
            region=region,
            token_prefix=prefix,
            token_digest=digest,
        )
        made.programs.set(programs)
    told = {name: api(token=token).get(sent["Location"]) for name, token in tokens.items()}
    assert told["other"].status_code == told["away"].status_code == 404
    assert told["other"].json()["code"] == "settlement_batch.unknown"
    # The line whose voucher nobody knows is its sender's alone.
    assert [row["line_no"] for row in told["same"].json()["lines"]] == [1, 2]
    assert told["same"].json()["totals"] == {"waiting": 0, "done": 1, "refused": 1, "sum": "300.00"}
    assert told["same"].json()["line_count"] == 2
    assert [row["line_no"] for row in sent.json()["lines"]] == [1, 2, 3]


def test_a_file_that_is_refused_as_a_whole_is_in_the_trail_with_the_platforms_name(cast, api, etown):
    upload(api, cast, [line(etown, 1)])
    before = AuditEvent.objects.filter(operation="refusal").count()
    other = upload(api, cast, [line(etown, 2)])
    ApiCredential.objects.update(scopes=["read"])
    narrowed = upload(api, cast, [line(etown, 3)], key="batch-0009")
    missing = api(token=cast.platform_token).get(f"{ADDRESS}/SB-2024-999999")
    assert [answer.status_code for answer in (other, narrowed, missing)] == [422, 403, 404]
    kept = AuditEvent.objects.filter(operation="refusal").order_by("id")[before:]
    assert [(event.actor_kind, event.actor, event.document["changes"]["code"]) for event in kept] == [
        ("platform", cast.platform.username, "settlement_batch.key_reused"),
        ("platform", cast.platform.username, "credential.scope"),
        ("platform", cast.platform.username, "settlement_batch.unknown"),
    ]
    assert all(answer["X-Request-ID"] for answer in (other, narrowed, missing))


def test_the_refused_lines_are_a_file_with_the_reason_and_what_was_sent(cast, api, etown):
    sent = [
        line(etown, 1),
        {**line(etown, 2), "net_amount": "0"},
        {**line(etown, 3), "reference": "=1+1", "net_amount": "x"},
    ]
    batch_no = upload(api, cast, sent).json()["batch_no"]
    answer = api(token=cast.platform_token).get(f"{ADDRESS}/{batch_no}", {"form": "refused"})
    assert answer["Content-Type"].startswith("text/csv")
    assert batch_no in answer["Content-Disposition"]
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert [(row["line_no"], row["code"], row["field"]) for row in rows] == [
        ("2", "input.min_value", "net_amount"),
        ("3", "input.invalid", "net_amount"),
    ]
    assert rows[1]["reference"] == "'=1+1"
    assert all(row["detail"] for row in rows)
    event = AuditEvent.objects.filter(operation="export").latest("pk")
    assert (event.verb, event.actor, event.subject_kind, event.subject_no) == (
        "settlement_refusals.export",
        cast.platform.username,
        "settlement_batch",
        batch_no,
    )
    assert event.changes["sha256"] == hashlib.sha256(answer.content).hexdigest()
