"""How often one address may ask: questions that could be used to try out numbers one after the other."""

from __future__ import annotations

from django.http import HttpRequest
from django.utils.translation import gettext as _

from vouchers.limits import require_calm


def count_question(request: HttpRequest, what: str, *, most: int, seconds: int) -> None:
    """Count one question of this address, for all processes. Raises ``TooMany`` (``public.too_many``) beyond ``most`` in ``seconds``."""
    require_calm(
        f"public:{what}:{request.META.get('REMOTE_ADDR', '')}",
        most=most,
        seconds=seconds,
        code="public.too_many",
        message=_("查询过于频繁，请稍后再试。"),
        hint=_("每 %(seconds)s 秒最多 %(most)s 次。") % {"seconds": seconds, "most": most},
    )
