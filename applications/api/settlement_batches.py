"""`/api/v1/settlements/batches`: many settlements in one file, each line answered for itself."""

from __future__ import annotations

import csv
import io
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers, viewsets
from rest_framework.parsers import BaseParser, MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from applications.actions.settlement_batches import (
    AT_ONCE,
    Sender,
    receive_batch,
    shown_lines,
    take_lines,
    totals_of,
)
from applications.actions.settlement_files import MOST_BYTES, MOST_LINES
from applications.api.settlements import KEY, key_of, reach_of
from applications.models import SettlementBatch, SettlementBatchLine
from applications.models.settlements import LineOutcome
from vouchers.actions.payment_lists import plain_cell
from vouchers.api.fields import AmountField
from vouchers.api.permissions import admission_of
from vouchers.api.problem_document import PROBLEMS
from vouchers.context import acting
from vouchers.errors import Invalid, NotFound
from vouchers.middleware import OWN_TRANSACTIONS
from vouchers.models.platforms import Scope
from vouchers.web.downloads import attachment

ADDRESS = "/api/v1/settlements/batches"
OWN_TRANSACTIONS.add(ADDRESS)
LINES_A_PAGE = 1000


class FileParser(BaseParser):
    """The file as the body itself: JSON lines, CSV or Excel."""

    def __init__(self, media_type: str = "text/csv") -> None:
        self.media_type = media_type

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> Any:
        """The bytes, at most one more than is allowed."""
        return stream.read(MOST_BYTES + 1)


class LineRow(serializers.Serializer[Any]):
    """What came of one line."""

    line_no = serializers.IntegerField(help_text="文件中的行号，自 1 起；CSV、Excel 的列名行为第 1 行")
    idempotency_key = serializers.CharField()
    outcome = serializers.ChoiceField(choices=LineOutcome.choices)
    settlement_no = serializers.CharField(allow_null=True)
    deducted_amount = AmountField(allow_null=True)
    code = serializers.CharField(allow_blank=True)
    detail = serializers.CharField(allow_blank=True)
    retry = serializers.BooleanField()


LineRow._declared_fields["field"] = serializers.CharField(allow_blank=True)


class BatchAnswer(serializers.Serializer[Any]):
    """The batch, its totals and a page of its lines."""

    batch_no = serializers.CharField()
    state = serializers.ChoiceField(choices=("working", "done"))
    file_sha256 = serializers.CharField()
    line_count = serializers.IntegerField()
    totals = serializers.DictField(help_text="waiting、done、refused 的行数和已办理的金额 sum")
    lines = LineRow(many=True)
    next = serializers.IntegerField(allow_null=True, help_text="下一页的 after；没有更多时为 null")


class SettlementBatchViewSet(viewsets.GenericViewSet[SettlementBatch]):
    """批量抵扣。"""

    serializer_class = BatchAnswer
    lookup_field = "batch_no"
    lookup_value_regex = "[A-Za-z0-9-]+"
    queryset = SettlementBatch.objects.none()
    scope = Scope.SETTLE
    scopes = {"retrieve": Scope.READ}

    def get_parsers(self) -> list[BaseParser]:
        kinds = (
            "application/x-ndjson",
            "application/jsonl",
            "text/csv",
            "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        )
        return [MultiPartParser(), *(FileParser(kind) for kind in kinds)]

    @extend_schema(
        parameters=[KEY],
        request={
            "multipart/form-data": {
                "type": "object",
                "properties": {"file": {"type": "string", "format": "binary"}},
            },
            "application/x-ndjson": bytes,
            "text/csv": bytes,
        },
        responses={
            201: OpenApiResponse(BatchAnswer, f"{AT_ONCE} 行以内，已逐行办理"),
            202: OpenApiResponse(
                BatchAnswer,
                f"较长的文件（至多 {MOST_LINES} 行、{MOST_BYTES >> 20} MB）由后台办理，按 Location 查询",
            ),
            200: OpenApiResponse(BatchAnswer, "同一幂等键的同一文件"),
            **PROBLEMS,
        },
    )
    def create(self, request: Request) -> Response:
        """Send a file: ``action`` (reserve, settle, confirm or release), a key and what the action needs, a line each."""
        admission = admission_of(request)
        key = key_of(request)
        content, name = self._file(request)
        sender = Sender(admission.credential, reach_of(admission), admission.actor)
        address = request.META.get("REMOTE_ADDR", "")
        request_id: str = getattr(request._request, "request_id", "")
        with acting(admission.actor, f"POST {ADDRESS}", address=address, request_id=request_id):
            batch, fresh = receive_batch(content, filename=name, key=key, sender=sender)
        if batch.job_id is None:
            # Also for one that was broken off: what waits still is done now.
            take_lines(batch, sender=sender)
        answer = Response(self._told(batch, 0, sender), status=201 if fresh else 200)
        if fresh and batch.job_id is not None:
            answer.status_code = 202
        answer["Location"] = f"{ADDRESS}/{batch.batch_no}"
        return answer

    def _file(self, request: Request) -> tuple[bytes, str]:
        sent = request.data
        if isinstance(sent, bytes):
            return sent, ""
        file = sent.get("file") if hasattr(sent, "get") else None
        if file is None or not hasattr(file, "read"):
            raise Invalid(
                "settlement_batch.file", "请以 file 字段上传文件，或以文件内容为请求体。", field="file"
            )
        return file.read(MOST_BYTES + 1), file.name or ""

    @extend_schema(
        parameters=[
            OpenApiParameter("after", int, description="只列该行号之后的行；用上次应答的 next"),
            OpenApiParameter(
                "form", str, description="refused：未受理的行，CSV，一行一条原因", enum=["refused"]
            ),
        ],
        responses={200: BatchAnswer, (200, "text/csv"): str, **PROBLEMS},
    )
    def retrieve(self, request: Request, batch_no: str = "") -> Response | HttpResponse:
        """How far it is, and a page of the lines; or all lines that were refused, as a file."""
        admission = admission_of(request)
        given = serializers.IntegerField(min_value=0, max_value=MOST_LINES * 2)
        try:
            after = given.run_validation(request.query_params.get("after", 0))
        except serializers.ValidationError as error:
            raise serializers.ValidationError({"after": error.detail}) from error
        batch = SettlementBatch.objects.filter(
            provider=admission.credential.provider, batch_no=batch_no
        ).first()
        if batch is None:
            raise NotFound("settlement_batch.unknown", "未找到该批次。", field="batch_no")
        sender = Sender(admission.credential, reach_of(admission), admission.actor)
        if request.query_params.get("form") == "refused":
            address, request_id = (
                request.META.get("REMOTE_ADDR", ""),
                getattr(request._request, "request_id", ""),
            )
            with acting(admission.actor, f"GET {ADDRESS}", address=address, request_id=request_id):
                return _refused_file(request._request, batch, shown_lines(batch, sender=sender))
        return Response(self._told(batch, after, sender))

    def _told(self, batch: SettlementBatch, after: int, sender: Sender) -> dict[str, Any]:
        shown = shown_lines(batch, sender=sender)
        totals = totals_of(shown)
        count = sum(totals[outcome] for outcome in LineOutcome.values)
        if not count:
            raise NotFound("settlement_batch.unknown", "未找到该批次。", field="batch_no")
        lines = list(shown.filter(line_no__gt=after).select_related("claim")[: LINES_A_PAGE + 1])
        return {
            "batch_no": batch.batch_no,
            "state": "working" if totals["waiting"] else "done",
            "file_sha256": batch.file_sha256,
            "line_count": count,
            "totals": totals,
            "lines": [_row(line) for line in lines[:LINES_A_PAGE]],
            "next": lines[LINES_A_PAGE - 1].line_no if len(lines) > LINES_A_PAGE else None,
        }


def _row(line: SettlementBatchLine) -> dict[str, Any]:
    return {
        "line_no": line.line_no,
        "idempotency_key": line.idempotency_key,
        "outcome": line.outcome,
        "settlement_no": line.claim.claim_no if line.claim else None,
        "deducted_amount": None if line.deducted_amount is None else f"{line.deducted_amount:.2f}",
        "code": line.code,
        "field": line.field,
        "detail": line.message,
        "retry": line.retry,
    }


def _refused_file(
    request: HttpRequest, batch: SettlementBatch, lines: QuerySet[SettlementBatchLine]
) -> HttpResponse:
    """What was refused, a line each with its reason and what was sent, for whoever mends the file."""
    refused = lines.filter(outcome=LineOutcome.REFUSED).order_by("line_no")
    columns = sorted({name for line in refused for name in line.sent})
    out = io.StringIO()
    rows = csv.writer(out)
    rows.writerow(["line_no", "code", "field", "detail", "retry", *columns])
    for line in refused:
        told = [line.line_no, line.code, line.field, line.message, str(line.retry).lower()]
        rows.writerow([*told, *(plain_cell(str(line.sent.get(name, ""))) for name in columns)])
    name = f"{batch.batch_no}-refused.csv"
    content = ("\ufeff" + out.getvalue()).encode()
    return attachment(
        request, content, name, "text/csv; charset=utf-8", "settlement_refusals", batch.batch_no
    )
