"""Calls to addresses that others name: only where an address may lead that an office has agreed to, and nowhere inside.

https alone (http on the loopback in test deployments), no redirect, no proxy of the environment, a bounded answer in a bounded
time: one deadline for looking up, connecting, sending and reading together, so that a server which answers a byte now and then
holds nobody. The name is resolved once, every address of it must be a public one, and the connection goes to the very address
that was looked at.
"""

from __future__ import annotations

import ipaddress
import socket
import ssl
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import httpcore
from django.conf import settings

from vouchers.errors import Invalid

#: For everything together.
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


class _Deadline:
    """An instant after which nothing is waited for any more."""

    def __init__(self, seconds: float) -> None:
        self._seconds, self._at = seconds, time.monotonic() + seconds

    def left(self) -> float:
        """The seconds that are left. Raises ``TimeoutException`` of httpcore when there are none."""
        left = self._at - time.monotonic()
        if left <= 0:
            raise httpcore.TimeoutException(f"{self._seconds:g} 秒内未完成应答")
        return left


class _TimedStream(httpcore.NetworkStream):
    """A connection of which no read and no write goes beyond the deadline, whatever came before it."""

    def __init__(self, inner: httpcore.NetworkStream, deadline: _Deadline) -> None:
        self._inner, self._deadline = inner, deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, self._deadline.left())

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        # Not the inner one's: it begins to count anew with every part that the other side takes.
        connection: socket.socket = self._inner.get_extra_info("socket")
        rest = memoryview(buffer)
        while rest:
            connection.settimeout(self._deadline.left())
            rest = rest[connection.send(rest) :]

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        secured = self._inner.start_tls(ssl_context, server_hostname, self._deadline.left())
        return _TimedStream(secured, self._deadline)

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


class _TimedNetwork(httpcore.NetworkBackend):
    """Connections under one deadline."""

    def __init__(self, deadline: _Deadline) -> None:
        self._inner, self._deadline = httpcore.SyncBackend(), deadline

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        inner = self._inner.connect_tcp(host, port, self._deadline.left(), local_address, socket_options)
        return _TimedStream(inner, self._deadline)


def post(url: str, body: bytes, headers: dict[str, str], *, seconds: float = SECONDS) -> Answered:
    """Send it, within so many seconds. Never raises: whatever went wrong is in the answer."""
    deadline = _Deadline(seconds)
    try:
        address = require_outward(url)
    except Invalid as refusal:
        return Answered(None, refusal.message)
    parts = urlsplit(url)
    shown = f"[{address}]" if ":" in address else address
    place = shown if parts.port is None else f"{shown}:{parts.port}"
    direct = urlunsplit((parts.scheme, place, parts.path or "/", parts.query, ""))
    host = parts.netloc.rpartition("@")[2]
    sent = {
        **headers,
        "Host": host,
        "Content-Type": "application/json",
        "Content-Length": str(len(body)),
        "User-Agent": "compute-vouchers",
    }
    try:
        with (
            httpcore.ConnectionPool(network_backend=_TimedNetwork(deadline)) as pool,
            pool.stream(
                "POST",
                direct.encode("ascii"),
                headers=[(name.encode(), value.encode()) for name, value in sent.items()],
                content=body,
                extensions={"sni_hostname": parts.hostname or ""},
            ) as answer,
        ):
            status, said = answer.status, _said(answer)
    except (*_BROKEN, OSError, ValueError) as problem:
        return Answered(None, f"{type(problem).__name__}: {problem}"[:300])
    return Answered(status, "" if 200 <= status < 300 else said.decode("utf-8", "replace")[:300])


_BROKEN = (
    httpcore.ProtocolError,
    httpcore.NetworkError,
    httpcore.TimeoutException,
    httpcore.UnsupportedProtocol,
)


def _said(answer: httpcore.Response) -> bytes:
    """The beginning of the answer's body. What was decided stands in its status: a body that breaks off changes nothing."""
    said = b""
    try:
        for part in answer.iter_stream():
            said += part
            if len(said) > MOST_ANSWER:
                break
    except (*_BROKEN, OSError):
        pass
    return said
