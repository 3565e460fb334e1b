"""How often one address may ask: questions that could be used to try out numbers one after the other."""

from __future__ import annotations

from django.core.cache import cache
from django.http import HttpRequest
from django.utils.translation import gettext as _

from vouchers.errors import TooMany


def count_question(request: HttpRequest, what: str, *, most: int, seconds: int) -> None:
    """Count one question of this address. Raises ``TooMany`` (``public.too_many``) beyond ``most`` in ``seconds``."""
    key = f"public:{what}:{request.META.get('REMOTE_ADDR', '')}"
    cache.add(key, 0, seconds)
    try:
        asked = cache.incr(key)
    except ValueError:  # it ran out between the two calls
        cache.set(key, 1, seconds)
        asked = 1
    if asked > most:
        raise TooMany(
            "public.too_many",
            _("查询过于频繁，请稍后再试。"),
            hint=_("每 %(seconds)s 秒最多 %(most)s 次。") % {"seconds": seconds, "most": most},
        )
