"""推送: agreed to by two persons, sent in order and signed, tried again with patience, and never to an address inside."""

from __future__ import annotations

import hashlib
import hmac
import json
import socket
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from django.utils import timezone

from vouchers.actions import webhooks
from vouchers.context import acting
from vouchers.errors import DomainError, Forbidden, Invalid
from vouchers.models import PlatformEvent, Webhook, WebhookDelivery
from vouchers.outward import post, require_outward


class Ear:
    """The other side: what it heard, and what it answers next."""

    def __init__(self) -> None:
        self.heard: list[tuple[dict[str, str], bytes]] = []
        self.answers: list[int] = []
        ear = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                ear.heard.append((dict(self.headers), body))
                status = ear.answers.pop(0) if ear.answers else 200
                self.send_response(status)
                if status == 302:
                    self.send_header("Location", "http://127.0.0.1:1/elsewhere")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def events(self) -> list[int]:
        return [event["position"] for _head, body in self.heard for event in json.loads(body)["events"]]


@pytest.fixture
def ear() -> Iterator[Ear]:
    found = Ear()
    yield found
    found.server.shutdown()
    found.server.server_close()


def happened(cast, count: int, region: str = "110115") -> None:
    for number in range(count):
        PlatformEvent.objects.create(
            provider=cast.provider,
            kind="settlement.reserved",
            subject_no=f"S-{number}",
            program_code="BDA-SLQ",
            program_region_code=region,
            content={"state": "submitted"},
        )


@pytest.fixture
def webhook(cast, ear) -> tuple[Webhook, str]:
    with acting(cast.security_admin, "test"):
        made, secret = webhooks.propose_webhook(
            provider=cast.provider, region=cast.beijing, url=ear.url, by=cast.security_admin
        )
    with acting(cast.system_admin, "test"):
        webhooks.approve_webhook(made, by=cast.system_admin)
    return made, secret


def due_now() -> None:
    Webhook.objects.update(next_at=timezone.now() - timedelta(seconds=1))


def test_nothing_is_sent_before_another_person_has_approved_it(cast, ear):
    happened(cast, 2)
    with acting(cast.security_admin, "test"):
        made, _secret = webhooks.propose_webhook(
            provider=cast.provider, region=cast.beijing, url=ear.url, by=cast.security_admin
        )
        with pytest.raises(Forbidden):
            webhooks.approve_webhook(made, by=cast.security_admin)
    assert webhooks.deliver_due() == 0 and ear.heard == []
    with acting(cast.system_admin, "test"):
        webhooks.approve_webhook(made, by=cast.system_admin)
    happened(cast, 1)
    assert webhooks.deliver_due() == 1
    assert ear.events() == [3]  # what happened before it was agreed to is in the feed


def test_events_are_sent_in_order_once_and_signed(cast, ear, webhook):
    made, secret = webhook
    happened(cast, 250)
    webhooks.deliver_due()
    assert ear.events() == list(range(1, 251))
    head, body = ear.heard[0]
    moment, signed = (part.partition("=")[2] for part in head["Webhook-Signature"].split(","))
    expected = hmac.new(secret.encode(), f"{moment}.".encode() + body, hashlib.sha256).hexdigest()
    assert signed == expected
    assert head["Webhook-Id"] == f"{made.webhook_no}-1-100"
    due_now()
    assert webhooks.deliver_due() == 0 and len(ear.heard) == 3


def test_a_secret_is_changed_while_both_are_valid(cast, ear, webhook):
    made, old = webhook
    with acting(cast.security_admin, "test"):
        new = webhooks.rotate_secret(made, hours=24, by=cast.security_admin)
    happened(cast, 1)
    webhooks.deliver_due()
    head, body = ear.heard[0]
    moment, *signed = head["Webhook-Signature"].split(",")
    moment = moment.removeprefix("t=")
    assert signed == [f"v1={webhooks.signature(one, int(moment), body)}" for one in (new, old)]
    Webhook.objects.update(previous_until=timezone.now() - timedelta(seconds=1))
    happened(cast, 1)
    due_now()
    webhooks.deliver_due()
    assert len(ear.heard[1][0]["Webhook-Signature"].split(",")) == 2
    assert new not in Webhook.objects.get().secret_sealed


def test_what_is_not_taken_is_sent_again_later_and_later_and_nothing_is_passed_over(cast, ear, webhook):
    ear.answers = [500, 302, 200]
    happened(cast, 3)
    pauses = []
    for _try in range(3):
        due_now()
        before = timezone.now()
        webhooks.deliver_due()
        pauses.append((Webhook.objects.get().next_at - before).total_seconds())
    assert [len(json.loads(body)["events"]) for _head, body in ear.heard] == [3, 3, 3]
    assert 4 < pauses[0] < 7 and 9 < pauses[1] < 12
    log = list(WebhookDelivery.objects.order_by("pk").values_list("attempt", "status"))
    assert log == [(1, 500), (2, 302), (3, 200)]
    assert (Webhook.objects.get().delivered, Webhook.objects.get().failures) == (3, 0)


def test_an_address_that_never_answers_is_switched_off_and_goes_on_where_it_stopped(cast, ear, webhook):
    made, _secret = webhook
    ear.answers = [503] * webhooks.MOST_FAILURES
    happened(cast, 1)
    for _try in range(webhooks.MOST_FAILURES):
        due_now()
        webhooks.deliver_due()
    made.refresh_from_db()
    assert made.state == "disabled" and "连续 20 次" in made.disabled_reason
    happened(cast, 1)
    due_now()
    assert webhooks.deliver_due() == 0
    with acting(cast.security_admin, "test"):
        webhooks.resume_webhook(made, by=cast.security_admin)
    webhooks.deliver_due()
    assert ear.events()[-2:] == [1, 2]


def test_what_happened_elsewhere_holds_up_nothing_however_much_it_is(cast, ear, webhook):
    happened(cast, 3 * webhooks.PAGE, region="440300")
    happened(cast, 2)
    happened(cast, 2 * webhooks.PAGE, region="440300")
    assert webhooks.deliver_due() == 1
    assert ear.events() == [301, 302]
    assert Webhook.objects.get().delivered == 502
    assert json.loads(ear.heard[0][1])["next"] == 502


def test_only_the_events_of_its_region_are_sent(cast, ear, webhook):
    happened(cast, 1, region="440300")
    happened(cast, 1, region="110000")
    webhooks.deliver_due()
    assert ear.events() == [2]


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1/hook",
        "https://localhost/hook",
        "https://[::1]/hook",
        "https://[::ffff:127.0.0.1]/hook",
        "https://10.0.0.8/hook",
        "https://192.168.1.1/hook",
        "https://169.254.169.254/latest/meta-data",
        "https://0.0.0.0/hook",
        "https://224.0.0.1/hook",
        "https://2130706433/hook",
        "https://user:secret@example.org/hook",
        "ftp://example.org/hook",
        "file:///etc/passwd",
        "https://",
        "https://example.org:99999/",
        "https://no-such-host.invalid/hook",
        "not an address",
    ],
)
def test_an_address_inside_or_of_another_kind_is_refused(url):
    with pytest.raises(Invalid) as refusal:
        require_outward(url)
    assert (refusal.value.code, refusal.value.field) == ("webhook.url", "url")
    assert not post(url, b"{}", {}).good


@pytest.mark.parametrize("part", ["head", "body", "nothing"])
def test_a_server_that_answers_a_byte_now_and_then_holds_nobody(part):
    """The deadline counts for all together: each byte comes well before any single wait is over."""
    listening = socket.create_server(("127.0.0.1", 0))
    done = threading.Event()

    def drip() -> None:
        taken, _from = listening.accept()
        with taken:
            taken.recv(65536)
            if part == "body":
                taken.sendall(b"HTTP/1.1 500 no\r\nContent-Length: 1000\r\n\r\n")
            elif part == "head":
                taken.sendall(b"HTTP/1.1 200 ok\r\nX-Slow: ")
            while part != "nothing" and not done.wait(0.1):
                try:
                    taken.sendall(b"x")
                except OSError:
                    return
            done.wait(20)

    threading.Thread(target=drip, daemon=True).start()
    began = time.monotonic()
    answered = post(f"http://127.0.0.1:{listening.getsockname()[1]}/hook", b"{}", {}, seconds=1.0)
    took = time.monotonic() - began
    done.set()
    listening.close()
    assert 0.9 < took < 2.5
    assert not answered.good
    assert (
        (answered.status == 500) if part == "body" else ("1 秒" in answered.error or "imed" in answered.error)
    )


def test_a_server_that_takes_a_byte_now_and_then_holds_nobody():
    listening = socket.socket()
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
    listening.bind(("127.0.0.1", 0))
    listening.listen()
    done = threading.Event()

    def sip() -> None:
        taken, _from = listening.accept()
        with taken:
            while not done.wait(0.05):
                taken.recv(512)

    threading.Thread(target=sip, daemon=True).start()
    began = time.monotonic()
    answered = post(f"http://127.0.0.1:{listening.getsockname()[1]}/hook", b"x" * 20_000_000, {}, seconds=1.0)
    took = time.monotonic() - began
    done.set()
    listening.close()
    assert 0.9 < took < 2.5 and answered.status is None


def test_http_is_for_the_loopback_of_test_deployments_alone(settings, ear):
    assert require_outward(ear.url) == "127.0.0.1"
    for url in ("http://10.0.0.8/hook", "http://192.0.2.1/hook"):
        with pytest.raises(DomainError):
            require_outward(url)
    settings.DEPLOYMENT = "production"
    with pytest.raises(DomainError):
        require_outward(ear.url)
