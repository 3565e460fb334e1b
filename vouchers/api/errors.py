"""Refusals as RFC 9457 problem details: a stable code, a Chinese sentence, and whether the same request may be sent again."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404
from rest_framework import exceptions
from rest_framework.response import Response

from vouchers.errors import DomainError, Problems

TITLES = {
    400: "请求有误",
    401: "未认证",
    403: "无权办理",
    404: "未找到",
    405: "方法不允许",
    409: "当前不能办理",
    415: "不支持的媒体类型",
    422: "内容无效",
    429: "请求过于频繁",
    503: "服务暂不可用",
}
CONTENT_TYPE = "application/problem+json"


def exception_handler(exc: Exception, context: dict[str, Any]) -> Response | None:
    """The problem document for an error of ours or of the framework; None leaves the error to the server (500).

    What was written is rolled back, by the middleware for a refusal of the domain (it knows which ones are kept and logs
    them) and here for the others.
    """
    if isinstance(exc, DomainError):
        context["request"]._request.refusal = exc
        body = _of_domain(exc)
        headers: dict[str, str] = {"Retry-After": "5"} if exc.retry else {}
    elif isinstance(exc, Http404):
        body, headers = _problem(404, "request.not_found", "未找到，或无权查看。"), {}
    elif isinstance(exc, PermissionDenied):
        body, headers = _problem(403, "request.forbidden", "无权办理。"), {}
    elif isinstance(exc, exceptions.APIException):
        body, headers = _of_framework(exc)
    else:
        return None
    if not isinstance(exc, DomainError) and transaction.get_connection().in_atomic_block:
        transaction.set_rollback(True)
    return Response(body, status=body["status"], headers=headers, content_type=CONTENT_TYPE)


def _problem(status: int, code: str, detail: str, *, retry: bool = False, **more: Any) -> dict[str, Any]:
    return {
        "type": "about:blank",
        "title": TITLES.get(status, "错误"),
        "status": status,
        "code": code,
        "detail": detail,
        "retry": retry,
        **more,
    }


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
    return _problem(exc.status, exc.code, exc.message, retry=exc.retry, **more)


def _of_framework(exc: exceptions.APIException) -> tuple[dict[str, Any], dict[str, str]]:
    headers: dict[str, str] = {}
    if isinstance(exc, exceptions.ValidationError):
        errors = _flatten(exc.get_full_details())
        return _problem(422, "input.invalid", "提交的内容有误，请逐项更正。", errors=errors), headers
    status = int(exc.status_code)
    retry = status in {429, 503}
    if wait := getattr(exc, "wait", None):  # Throttled
        headers["Retry-After"] = str(int(wait) + 1)
    if challenge := getattr(exc, "auth_header", None):
        headers["WWW-Authenticate"] = challenge
    code = f"request.{getattr(exc, 'default_code', 'error')}"
    return _problem(status, code, str(exc.detail), retry=retry), headers


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
