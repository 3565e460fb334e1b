"""Calls to addresses that others name: only where an address may lead that an office has agreed to, and nowhere inside.

https alone (http on the loopback in test deployments), no redirect, no proxy of the environment, a bounded answer. The name is
resolved once, every address of it must be a public one, and the connection goes to the very address that was looked at.
"""

from __future__ import annotations

import ipaddress
import socket
from dataclasses import dataclass
from urllib.parse import urlsplit, urlunsplit

import httpx
from django.conf import settings

from vouchers.errors import Invalid

SECONDS = 8.0
MOST_ANSWER = 4096


@dataclass(frozen=True)
class Answered:
    """What came of a call. ``status`` None: there was no answer, and ``error`` says why."""

    status: int | None
    error: str = ""

    @property
    def good(self) -> bool:
        """Whether the other side took it."""
        return self.status is not None and 200 <= self.status < 300


def require_outward(url: str) -> str:
    """The address to connect to for this URL. Raises ``Invalid`` (``webhook.url``) where it may not lead."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise _refused("地址不合格式") from None
    host = parts.hostname or ""
    if not host or parts.username or parts.password or parts.fragment:
        raise _refused("地址须为 https://主机名/路径，不含账号和片段")
    inside = settings.DEPLOYMENT == "test" and parts.scheme == "http"
    if parts.scheme != "https" and not inside:
        raise _refused("只能使用 https")
    try:
        found = {row[4][0] for row in socket.getaddrinfo(host, port or 443, type=socket.SOCK_STREAM)}
    except (OSError, UnicodeError):
        raise _refused(f"主机名 {host} 不能解析") from None
    for text in found:
        address = ipaddress.ip_address(str(text).partition("%")[0])
        mapped = getattr(address, "ipv4_mapped", None) or address
        if not (mapped.is_loopback if inside else mapped.is_global and not mapped.is_multicast):
            raise _refused(f"主机名 {host} 指向内部或保留地址")
    return str(sorted(map(str, found))[0])


def _refused(why: str) -> Invalid:
    return Invalid("webhook.url", f"{why}。", field="url", hint="请使用服务商公网可达的 https 地址。")


def post(url: str, body: bytes, headers: dict[str, str]) -> Answered:
    """Send it. Never raises: whatever went wrong is in the answer."""
    try:
        address = require_outward(url)
    except Invalid as refusal:
        return Answered(None, refusal.message)
    parts = urlsplit(url)
    shown = f"[{address}]" if ":" in address else address
    place = shown if parts.port is None else f"{shown}:{parts.port}"
    direct = urlunsplit((parts.scheme, place, parts.path or "/", parts.query, ""))
    host = parts.netloc.rpartition("@")[2]
    try:
        with (
            httpx.Client(timeout=SECONDS, follow_redirects=False, trust_env=False) as client,
            client.stream(
                "POST",
                direct,
                content=body,
                headers={**headers, "Host": host, "Content-Type": "application/json"},
                extensions={"sni_hostname": parts.hostname or ""},
            ) as answer,
        ):
            said = b""
            for part in answer.iter_raw():
                said += part
                if len(said) > MOST_ANSWER:
                    break
            status = answer.status_code
    except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as problem:
        return Answered(None, f"{type(problem).__name__}: {problem}"[:300])
    return Answered(status, "" if 200 <= status < 300 else said.decode("utf-8", "replace")[:300])
