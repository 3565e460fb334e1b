"""Refusals as RFC 9457 problem details: a stable code, a Chinese sentence, and whether the same request may be sent again."""

from __future__ import annotations

import json
import logging
from typing import Any

import psycopg
from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.db import IntegrityError, InterfaceError, OperationalError, transaction
from django.http import Http404, HttpResponse
from rest_framework import exceptions
from rest_framework.response import Response

from vouchers.api.problem_types import TITLES, type_of
from vouchers.context import current
from vouchers.errors import DomainError, Problems

log = logging.getLogger(__name__)

CONTENT_TYPE = "application/problem+json"
#: Seconds after which a request that met a busy or restarting server is worth sending again.
SOON = 2


def exception_handler(exc: Exception, context: dict[str, Any]) -> Response | None:
    """The problem document for an error of ours, of the framework or of the database; None leaves the error to the server (500).

    What was written is rolled back, by the middleware for a refusal of the domain (it knows which ones are kept and logs
    them) and here for the others.
    """
    headers: dict[str, str] = {}
    if isinstance(exc, DomainError):
        context["request"]._request.refusal = exc
        body = _of_domain(exc)
    elif isinstance(exc, Http404):
        body = problem(404, "request.not_found", "未找到，或无权查看。")
    elif isinstance(exc, PermissionDenied):
        body = problem(403, "request.forbidden", "无权办理。")
    elif isinstance(exc, exceptions.APIException):
        body, headers = _of_framework(exc)
    elif isinstance(exc, RequestDataTooBig):
        body = problem(413, "request.too_large", "请求体超过允许的大小，请拆分后重发。")
    elif isinstance(exc, RecursionError):
        body = problem(400, "request.parse_error", "请求体的 JSON 嵌套过深。")
    elif isinstance(exc, (OperationalError, InterfaceError, psycopg.OperationalError)):
        log.warning("the database did not answer: %s", exc)
        body = problem(503, "server.unavailable", UNAVAILABLE, retry_after=SOON)
    elif isinstance(exc, IntegrityError):
        # Two at once met in a constraint of the database; the later one finds the earlier one when it is sent again.
        log.warning("met in a constraint: %s", exc)
        body = problem(409, "request.in_flight", "相同内容的请求正在处理，请稍后重发。", retry_after=1)
    else:
        return None
    if not isinstance(exc, DomainError) and current() is not None:  # within a deed's transaction
        transaction.set_rollback(True)
    if "retry_after" in body:
        headers["Retry-After"] = str(body["retry_after"])
    return Response(body, status=body["status"], headers=headers, content_type=CONTENT_TYPE)


UNAVAILABLE = "服务暂不可用，本次请求没有办理或结果未知；请用同一幂等键重发，不会重复办理。"


def problem(
    status: int, code: str, detail: str, *, retry_after: int | None = None, **more: Any
) -> dict[str, Any]:
    """One problem document. ``retry_after`` (seconds) says that the very same request may be sent again."""
    return {
        "type": type_of(code),
        "title": TITLES.get(status, "错误"),
        "status": status,
        "code": code,
        "detail": detail,
        "retry": retry_after is not None,
        **({"retry_after": retry_after} if retry_after is not None else {}),
        **more,
    }


def problem_response(
    status: int, code: str, detail: str, *, retry_after: int | None = None, **more: Any
) -> HttpResponse:
    """The document as an answer, for whoever answers outside of the framework's views."""
    body = problem(status, code, detail, retry_after=retry_after, **more)
    answer = HttpResponse(json.dumps(body, ensure_ascii=False), status=status, content_type=CONTENT_TYPE)
    if retry_after is not None:
        answer["Retry-After"] = str(retry_after)
    return answer


def unavailable() -> HttpResponse:
    """The database does not answer."""
    return problem_response(503, "server.unavailable", UNAVAILABLE, retry_after=SOON)


def _of_domain(exc: DomainError) -> dict[str, Any]:
    more: dict[str, Any] = {}
    if exc.field:
        more["field"] = exc.field
    if exc.hint:
        more["hint"] = str(exc.hint)
    if exc.detail:
        more["operands"] = exc.detail
    if isinstance(exc, Problems):
        more["errors"] = [{"field": p.field or "", "code": p.code, "detail": p.message} for p in exc.problems]
    return problem(
        exc.status, exc.code, exc.message, retry_after=exc.retry_after if exc.retry else None, **more
    )


def _of_framework(exc: exceptions.APIException) -> tuple[dict[str, Any], dict[str, str]]:
    headers: dict[str, str] = {}
    if isinstance(exc, exceptions.ValidationError):
        errors = _flatten(exc.get_full_details())
        return problem(422, "input.invalid", "提交的内容有误，请逐项更正。", errors=errors), headers
    status = int(exc.status_code)
    if challenge := getattr(exc, "auth_header", None):
        headers["WWW-Authenticate"] = challenge
    codes = exc.get_codes()
    code = codes if isinstance(codes, str) else exc.default_code
    return problem(
        status, f"request.{code}", str(exc.detail), retry_after=5 if status == 503 else None
    ), headers


def _flatten(details: Any, field: str = "") -> list[dict[str, str]]:
    """Every fault of a nested input with the path to its field, such as ``lines.2.net_amount``."""
    if isinstance(details, dict) and {"message", "code"} <= set(details):
        return [{"field": field, "code": f"input.{details['code']}", "detail": str(details["message"])}]
    pairs = details.items() if isinstance(details, dict) else enumerate(details)
    found: list[dict[str, str]] = []
    for key, value in pairs:
        leaf = isinstance(value, dict) and {"message", "code"} <= set(value)
        path = field if leaf and isinstance(details, list) else f"{field}.{key}".lstrip(".")
        found += _flatten(value, path)
    return found
