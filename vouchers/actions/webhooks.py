"""推送: where a provider's events are sent, agreed to by two persons, and how they are signed and sent.

The sending is a task's (``deliver_due``): a page of events is read in one transaction, sent outside of any, and what came of it
is written in another. A process that dies in between sends the page again: at least once, in order, never with a gap. One
that was slower than the minute it had says what it saw, but moves nothing back and disturbs nobody who took over.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import time
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography.fernet import Fernet
from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from vouchers import dates
from vouchers.access import Role, require_other_person, require_role
from vouchers.actions.care import parties_in_care, regions_in_care
from vouchers.actions.platform_events import page_of_region, told
from vouchers.context import Actor, acting, announce
from vouchers.errors import Forbidden, Invalid, NotNow
from vouchers.models import Party, Region, User, Webhook, WebhookDelivery
from vouchers.models.platforms import WebhookState
from vouchers.numbers import next_no
from vouchers.outward import Answered, post, require_outward
from vouchers.states import advance

PAGE = 100
#: After so many failures in a row (over about a day) the office has to look.
MOST_FAILURES = 20
FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=5), timedelta(hours=2)
#: A page that was taken to be sent is not taken again for so long.
LEASE = timedelta(seconds=60)
LONGEST_OVERLAP = timedelta(days=7)
SERVICE = Actor.service("vouchers.deliver_webhooks")


# -- agreeing ----------------------------------------------------------------------------------------------------------


def propose_webhook(*, provider: Party, region: Region, url: str, by: User) -> tuple[Webhook, str]:
    """An address for a provider's events in one's region, and the secret that signs them, shown once. Nothing is sent before a
    system administrator has approved it. Raises ``Forbidden`` and ``Invalid`` (``webhook.url``, ``webhook.known``)."""
    announce("webhook.propose")
    _require_care(provider, region, by)
    address = url.strip()
    require_outward(address)
    if Webhook.objects.filter(provider=provider, url=address).exclude(state=WebhookState.ENDED).exists():
        raise Invalid("webhook.known", "该服务商已登记这个推送地址。", field="url")
    secret = _new_secret()
    webhook = Webhook.objects.create(
        webhook_no=next_no("WH", dates.today()),
        provider=provider,
        region=region,
        url=address,
        secret_sealed=_seal(secret),
        proposed_by=by,
    )
    return webhook, secret


def _require_care(provider: Party, region: Region, by: User) -> None:
    require_role(by, Role.SECURITY_ADMIN)
    if region.code not in regions_in_care(by, Role.SECURITY_ADMIN):
        raise Forbidden("access.region", "所选地区不由您负责。", field="region")
    if not parties_in_care(by, Role.SECURITY_ADMIN).filter(pk=provider.pk).exists():
        raise Forbidden("access.party", "该单位不在您负责的地区登记，也未纳入其专项。", field="provider")


def _require_region(webhook: Webhook, by: User, role: Role) -> None:
    require_role(by, role)
    if webhook.region.code not in regions_in_care(by, role):
        raise Forbidden("access.region", "该推送地址所属地区不由您负责。")


def approve_webhook(webhook: Webhook, *, by: User) -> Webhook:
    """The second person, an administrator of the system: from now on it is sent to, from the next event on."""
    announce("webhook.approve")
    require_other_person(by, {webhook.proposed_by_id}, "复核推送地址")
    require_outward(webhook.url)
    with connection.cursor() as cursor:
        cursor.execute("SELECT number_platform_events(%s)", [webhook.provider_id])
        (reached,) = cursor.fetchone()
    _require_region(webhook, by, Role.SYSTEM_ADMIN)
    update = {"approved_by": by, "delivered": reached, "next_at": timezone.now()}
    advance(webhook, "approve", by=by, update=update)
    return webhook


def pause_webhook(webhook: Webhook, *, reason: str, by: User) -> Webhook:
    """Stop sending for now; nothing is lost meanwhile."""
    announce("webhook.pause", reason)
    _require_reason(reason)
    _require_region(webhook, by, Role.SECURITY_ADMIN)
    advance(webhook, "pause", by=by, update={"disabled_reason": reason.strip()[:300]})
    return webhook


def resume_webhook(webhook: Webhook, *, by: User) -> Webhook:
    """Go on with the first event that was not taken."""
    announce("webhook.resume")
    update = {"failures": 0, "next_at": timezone.now(), "disabled_reason": ""}
    _require_region(webhook, by, Role.SECURITY_ADMIN)
    advance(webhook, "resume", by=by, update=update)
    return webhook


def end_webhook(webhook: Webhook, *, reason: str, by: User) -> Webhook:
    """Nothing is sent there any more."""
    announce("webhook.end", reason)
    _require_reason(reason)
    _require_region(webhook, by, Role.SECURITY_ADMIN)
    advance(webhook, "end", by=by, update={"disabled_reason": reason.strip()[:300]})
    return webhook


def rotate_secret(webhook: Webhook, *, hours: int, by: User) -> str:
    """A new secret, shown once. For ``hours`` every message bears both signatures, so that the other side can change over."""
    announce("webhook.rotate_secret")
    _require_region(webhook, by, Role.SECURITY_ADMIN)
    if webhook.state == WebhookState.ENDED:
        raise NotNow("webhook.ended", "该推送地址已终止。")
    overlap = timedelta(hours=hours)
    if not timedelta(0) <= overlap <= LONGEST_OVERLAP:
        raise Invalid("webhook.overlap", "新旧密钥并用时间须为 0 至 168 小时。", field="hours")
    secret = _new_secret()
    webhook.previous_secret_sealed = webhook.secret_sealed
    webhook.previous_until = timezone.now() + overlap
    webhook.secret_sealed = _seal(secret)
    webhook.save(update_fields=["secret_sealed", "previous_secret_sealed", "previous_until"])
    return secret


def _require_reason(reason: str) -> None:
    if not reason.strip():
        raise Invalid("reason.missing", "请写明理由。", field="reason")


# -- secrets -----------------------------------------------------------------------------------------------------------


def _new_secret() -> str:
    return f"whsec_{secrets.token_urlsafe(32)}"


def _vault() -> Fernet:
    key = hashlib.sha256(f"webhook:{settings.SECRET_KEY}".encode()).digest()
    return Fernet(base64.urlsafe_b64encode(key))


def _seal(secret: str) -> str:
    return _vault().encrypt(secret.encode()).decode()


def secrets_of(webhook: Webhook, now: datetime) -> list[str]:
    """The secrets that are valid now, the newest first."""
    sealed = [webhook.secret_sealed]
    if webhook.previous_secret_sealed and webhook.previous_until and webhook.previous_until > now:
        sealed.append(webhook.previous_secret_sealed)
    return [_vault().decrypt(one.encode()).decode() for one in sealed]


def signature(secret: str, moment: int, body: bytes) -> str:
    """HMAC-SHA256 over ``<moment>.<body>``, in hexadecimal."""
    return hmac.new(secret.encode(), f"{moment}.".encode() + body, hashlib.sha256).hexdigest()


# -- sending -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Page:
    """Events on their way to one address."""

    webhook: Webhook
    first: int
    last: int
    #: Until when it is this process's: as long as nobody else took the address, it stands there as ``next_at``.
    mine_until: datetime
    body: bytes
    headers: dict[str, str]


def deliver_due() -> int:
    """Send what waits to every address that is due, page after page; how many pages were taken. For the clock."""
    taken = 0
    due = Webhook.objects.filter(state=WebhookState.ACTIVE, next_at__lte=timezone.now()).order_by("next_at")
    for pk in list(due.values_list("pk", flat=True)):
        while (page := _take(pk)) is not None:
            started = time.monotonic()
            answered = post(page.webhook.url, page.body, page.headers)
            if not _note(page, answered, round((time.monotonic() - started) * 1000)):
                break
            taken += 1
    return taken


def _take(pk: int) -> Page | None:
    """The next page for an address, taken for a minute; None when there is nothing, or another process has it."""
    with acting(SERVICE, "webhook.deliver"):
        now = timezone.now()
        webhook = (
            Webhook.objects.select_for_update(skip_locked=True, of=("self",))
            .filter(pk=pk, state=WebhookState.ACTIVE, next_at__lte=now)
            .select_related("provider", "region")
            .first()
        )
        if webhook is None:
            return None
        stem = webhook.region.code
        while stem.endswith("00"):
            stem = stem[:-2]
        events, last = page_of_region(webhook.provider, webhook.delivered, stem, most=PAGE)
        if not events:  # what happened elsewhere is passed over without a call
            if last > webhook.delivered:
                Webhook.objects.filter(pk=pk).update(delivered=last)
            return None
        first = events[0].position or 0
        mine_until = now + LEASE
        Webhook.objects.filter(pk=pk).update(next_at=mine_until)
        body = json.dumps(
            {"webhook_no": webhook.webhook_no, "events": [told(event) for event in events], "next": last},
            ensure_ascii=False,
            separators=(",", ":"),
        ).encode()
        moment = int(now.timestamp())
        signed = ",".join(f"v1={signature(secret, moment, body)}" for secret in secrets_of(webhook, now))
        headers = {
            "Webhook-Id": f"{webhook.webhook_no}-{first}-{last}",
            "Webhook-Signature": f"t={moment},{signed}",
        }
        return Page(webhook, first, last, mine_until, body, headers)


def _note(page: Page, answered: Answered, milliseconds: int) -> bool:
    """Write down what came of it; whether the other side took the page, and the next one is this process's too."""
    with acting(SERVICE, "webhook.deliver"), transaction.atomic():
        webhook: Webhook = Webhook.objects.select_for_update(of=("self",)).get(pk=page.webhook.pk)
        WebhookDelivery.objects.create(
            webhook=webhook,
            first=page.first,
            last=page.last,
            attempt=webhook.failures + 1,
            milliseconds=milliseconds,
            status=answered.status,
            error=answered.error,
        )
        now = timezone.now()
        mine = webhook.next_at == page.mine_until  # nobody took the address meanwhile, and nobody resumed it
        if answered.good:
            # Only forward: whoever took over may have sent this page and more.
            webhook.delivered = max(webhook.delivered, page.last)
            if mine:
                webhook.failures, webhook.next_at = 0, now
            webhook.save(update_fields=["delivered", "failures", "next_at"])
            return mine
        if not mine or webhook.delivered >= page.last:
            return False
        webhook.failures += 1
        webhook.next_at = now + min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** min(webhook.failures - 1, 12))
        webhook.save(update_fields=["failures", "next_at"])
        if webhook.failures >= MOST_FAILURES and webhook.state == WebhookState.ACTIVE:
            why = answered.error or f"应答 {answered.status}"
            reason = f"连续 {webhook.failures} 次推送失败，已由系统停用。最近一次：{why}"[:300]
            advance(webhook, "disable", by=None, update={"disabled_reason": reason})
        return False
