"""Who calls the interface, and how often, decided by one statement before the request's transaction is opened.

The count of calls must not be held locked while a settlement is worked on, nor be undone with a refusal; and who calls is
known when the trail is told who acts. What is found here is what ``TokenAuthentication`` answers with.
"""

from __future__ import annotations

import hmac
import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import InterfaceError, OperationalError, connection
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from vouchers import dates
from vouchers.access import Grant
from vouchers.api.errors import CONTENT_TYPE, problem_response, unavailable
from vouchers.context import Actor
from vouchers.limits import seconds_to_wait
from vouchers.models import ApiCredential, Party, User
from vouchers.models.platforms import CALLS_A_MINUTE

PREFIX = "/api/v1/"
#: Calls a minute of one address without a token of ours: the public catalogue, people's own sessions, wrong tokens.
ADDRESS_CALLS_A_MINUTE = 600
#: How exactly it is kept when a token was last used.
USED_WITHIN = timedelta(minutes=5)

_MODELS = (ApiCredential, User, Party)
_COLUMNS = [[field.column for field in model._meta.concrete_fields] for model in _MODELS]
_ALL = ", ".join(
    f'{alias}."{column}"' for alias, columns in zip("cup", _COLUMNS, strict=True) for column in columns
)
# One row at most: prefixes are unique, and the digest belongs to the prefix that was shown.
_ADMIT = f"""
    SELECT rate_take('token:' || c.token_prefix, c.calls_a_minute, 60),
        coalesce(g.code, ''),
        ARRAY(SELECT r.code FROM vouchers_apicredential_programs b JOIN vouchers_program r ON r.id = b.program_id
              WHERE b.apicredential_id = c.id),
        (SELECT jsonb_agg(jsonb_build_array(h.role, coalesce(hr.code, ''), h.party_id, coalesce(hp.name, h.organisation)))
         FROM vouchers_rolegrant h LEFT JOIN vouchers_region hr ON hr.id = h.region_id
             LEFT JOIN vouchers_party hp ON hp.id = h.party_id
         WHERE h.user_id = c.user_id AND h.effective_from <= %(today)s
             AND (h.effective_to IS NULL OR h.effective_to > %(today)s)),
        {_ALL}
    FROM vouchers_apicredential c
        JOIN vouchers_user u ON u.id = c.user_id JOIN vouchers_party p ON p.id = c.provider_id
        LEFT JOIN vouchers_region g ON g.id = c.region_id
    WHERE (c.token_prefix = %(prefix)s AND c.token_digest = %(digest)s
            OR c.previous_token_prefix = %(prefix)s AND c.previous_token_digest = %(digest)s AND c.previous_until > %(now)s)
        AND c.revoked_at IS NULL
"""  # noqa: S608 (names of our own columns)


@dataclass(frozen=True)
class Admission:
    """A platform whose token is good: the credential with its provider and user, and what it is bound to."""

    credential: ApiCredential
    programs: frozenset[str]
    region_code: str

    @property
    def actor(self) -> Actor:
        """The platform as the trail names it."""
        user, provider = self.credential.user, self.credential.provider
        return Actor(
            kind="platform",
            name=user.username,
            display_name=user.display_name,
            roles=tuple(sorted({grant.role for grant in user._grants_now})),  # type: ignore[attr-defined]
            organisation=provider.name,
        )


def token_of(request: HttpRequest) -> str:
    """The bearer token of the request; empty without one."""
    scheme, _blank, token = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


class AdmissionMiddleware:
    """Counts every call of the interface (429 with Retry-After) and finds out whose token it carries."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not request.path.startswith(PREFIX):
            return self.get_response(request)
        try:
            wait = _admit(request)
        except (OperationalError, InterfaceError):
            connection.close()
            return unavailable()
        if wait > 0:
            seconds = max(1, math.ceil(wait))
            return problem_response(
                429, "request.throttled", f"调用过于频繁，请在 {seconds} 秒后重发。", retry_after=seconds
            )
        return _told_as_problem(self.get_response(request))


def _told_as_problem(answer: HttpResponse) -> HttpResponse:
    """Every error under the interface's addresses has the one documented shape, also those that no view of it made."""
    kind = answer.get("Content-Type", "").partition(";")[0]
    if answer.status_code < 400 or kind == CONTENT_TYPE:
        return answer
    code, detail = {
        400: ("request.nul", "地址或参数中含有不能处理的字符。"),
        404: ("request.not_found", "没有这个地址，或无权查看。"),
        405: ("request.method_not_allowed", "该地址不支持这种方法。"),
        413: ("request.too_large", "请求体超过允许的大小。"),
    }.get(answer.status_code, ("server.error", "服务内部错误，已记录；本次请求没有办理。"))
    told = problem_response(answer.status_code, code, detail)
    for name in ("X-Request-ID", "Allow"):
        if name in answer:
            told[name] = answer[name]
    return told


def _admit(request: HttpRequest) -> float:
    """Fill ``request.admission``; the seconds to wait, or 0."""
    request.admission = None  # type: ignore[attr-defined]
    token = token_of(request)
    if token and token.isascii() and "\x00" not in token:
        found, wait = find(token)
        if found is not None:
            request.admission = found  # type: ignore[attr-defined]
            return wait
    return seconds_to_wait(f"address:{request.META.get('REMOTE_ADDR', '')}", ADDRESS_CALLS_A_MINUTE, 60)


def find(token: str) -> tuple[Admission | None, float]:
    """Whose token it is, and how long its owner has to wait before calling again. None for a token that is not good."""
    digest, now = ApiCredential.digest(token), timezone.now()
    with connection.cursor() as cursor:
        cursor.execute(
            _ADMIT,
            {"prefix": token.partition(".")[0][:8], "digest": digest, "today": dates.today(), "now": now},
        )
        row = cursor.fetchone()
    if row is None:
        return None, 0
    wait, region_code, programs, grants, *values = row
    credential, user, provider = _instances(values)
    shown = credential.token_digest, credential.previous_token_digest
    if not any(hmac.compare_digest(one, digest) for one in shown if one):
        return None, 0
    if (credential.expires_on is not None and credential.expires_on <= dates.today()) or not user.is_active:
        return None, 0
    credential.user, credential.provider = user, provider
    user._grants_now = [Grant(*grant) for grant in json.loads(grants or "[]")]
    _note_use(credential, now)
    return Admission(credential, frozenset(programs), region_code), float(wait)


def _instances(values: list[Any]) -> list[Any]:
    """The row's parts as rows of their tables."""
    made, start = [], 0
    for model in _MODELS:
        fields = model._meta.concrete_fields
        part = values[start : start + len(fields)]
        made.append(model.from_db("default", [field.attname for field in fields], part))
        start += len(fields)
    return made


def _note_use(credential: ApiCredential, now: datetime) -> None:
    if credential.last_used_at is None or credential.last_used_at < now - USED_WITHIN:
        ApiCredential.objects.filter(pk=credential.pk).update(last_used_at=now)


__all__ = ["CALLS_A_MINUTE", "Admission", "AdmissionMiddleware", "find", "token_of"]
