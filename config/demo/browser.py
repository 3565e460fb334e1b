"""A person at a browser, without one: signs in, follows links, fills in forms, over HTTP against the running server."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from typing import Any

import httpx

from config.demo.forms import form_with
from config.demo.people import PASSWORD

_TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="([^"]+)"')
_SUMMARY = re.compile(r'class="error-summary".*?<ul>(.*?)</ul>', re.DOTALL)
_ALERTS = (
    re.compile(r'<div class="notice tone-refused" role="alert">(.*?)</div>\s*</div>', re.DOTALL),
    re.compile(r'<div class="errornote" role="alert">(.*?)</div>', re.DOTALL),
)
_TAGS = re.compile(r"<[^>]+>")


class StepFailed(Exception):
    """What was expected of the system did not happen; says what came instead."""


def words(fragment: str) -> str:
    """A fragment of a page as plain words."""
    return " ".join(html.unescape(_TAGS.sub(" ", fragment)).split())


class Person:
    """One signed-in person."""

    def __init__(self, base_url: str, account: str) -> None:
        self.account = account
        self.stands_on = ("", "")  # the address and the page that the last form led to
        self.http = httpx.Client(base_url=base_url, follow_redirects=True, timeout=60)
        page = self.get("/accounts/sign-in/")
        self.post("/accounts/sign-in/", {"username": account, "password": PASSWORD}, page=page)

    def get(self, address: str) -> str:
        """A page; anything but 200 is a failure."""
        answer = self.http.get(address)
        if answer.status_code != 200:
            raise StepFailed(
                f"{self.account} GET {address} → {answer.status_code}：{words(answer.text)[:400]}"
            )
        return answer.text

    def look(self, address: str) -> str:
        """The page of this address: the one that the last form led to, or opened now."""
        where, page = self.stands_on
        return page if where == address else self.get(address)

    def download(self, address: str) -> bytes:
        """A file."""
        answer = self.http.get(address)
        if answer.status_code != 200:
            raise StepFailed(f"{self.account} GET {address} → {answer.status_code}")
        return answer.content

    def post(
        self,
        address: str,
        data: Mapping[str, Any] | None = None,
        *,
        files: Mapping[str, tuple[str, bytes, str]] | None = None,
        page: str = "",
        refused: bool = False,
        follow: bool = True,
    ) -> Reply:
        """Send a form. A refusal that the page shows is a failure, unless one is expected (``refused``). Without ``follow`` the
        page that it leads to is not opened, as more is to be sent from where the person stands."""
        token = self.http.cookies.get("csrftoken") or ""
        found = _TOKEN.search(page)
        if found:
            token = found.group(1)
        body = {**(data or {}), "csrfmiddlewaretoken": token}
        sender = {"Referer": str(self.http.base_url)}
        answer = self.http.post(address, data=body, files=files, headers=sender, follow_redirects=follow)
        said = refusal_on(answer.text)
        self.stands_on = (answer.url.path, answer.text) if answer.history else ("", "")
        if refused:
            if not said and answer.status_code < 400:
                raise StepFailed(f"{self.account} POST {address}：预期会被拒绝，却成功了")
            return Reply(str(answer.url.path), answer.text, said or words(answer.text)[:400])
        if answer.status_code >= 400 or said:
            raise StepFailed(
                f"{self.account} POST {address} → {answer.status_code}：{said or words(answer.text)[:400]}"
            )
        return Reply(str(answer.url.path), answer.text, "")

    def post_for_file(self, address: str, data: Mapping[str, Any] | None = None, *, page: str = "") -> bytes:
        """Send a form whose answer is a file."""
        found = _TOKEN.search(page)
        body = {
            **(data or {}),
            "csrfmiddlewaretoken": found.group(1) if found else self.http.cookies.get("csrftoken", ""),
        }
        answer = self.http.post(address, data=body, headers={"Referer": str(self.http.base_url)})
        if answer.status_code != 200 or "attachment" not in answer.headers.get("content-disposition", ""):
            raise StepFailed(f"{self.account} POST {address} → {answer.status_code}：没有得到文件")
        return answer.content

    def fill(
        self,
        address: str,
        data: Mapping[str, Any] | None = None,
        *,
        files: Mapping[str, tuple[str, bytes, str]] | None = None,
        refused: bool = False,
    ) -> Reply:
        """Open a page, fill in the form that has these fields, and send it with all else that stands in it."""
        page = self.look(address)
        wanted = set(data or {}) | set(files or {})
        form = form_with(page, wanted)
        if form is None:
            raise StepFailed(f"{self.account} {address}：页面上没有含 {'、'.join(sorted(wanted))} 的表单")
        body = {**form.values, **(data or {})}
        return self.post(form.action or address, body, files=files, refused=refused)


class Reply:
    """Where a form led, what the page says, and the refusal if there was one."""

    def __init__(self, path: str, text: str, refusal: str) -> None:
        self.path = path
        self.text = text
        self.refusal = refusal


def refusal_on(text: str) -> str:
    """The refusal that a page shows, in words; empty when it shows none."""
    summary = _SUMMARY.search(text)
    if summary:
        return words(summary.group(1))
    alerts = [found for kind in _ALERTS for found in kind.findall(text)]
    return "；".join(words(one) for one in alerts)


class Platform:
    """A provider's platform with its token."""

    def __init__(self, base_url: str, token: str) -> None:
        self.http = httpx.Client(base_url=base_url, timeout=60, headers={"Authorization": f"Bearer {token}"})

    def call(
        self, method: str, address: str, body: Mapping[str, Any] | None = None, *, key: str = ""
    ) -> dict[str, Any]:
        """A call that must succeed; its answer."""
        headers = {"Idempotency-Key": key} if key else {}
        answer = self.http.request(method, address, json=body, headers=headers)
        if answer.status_code >= 400:
            raise StepFailed(f"平台 {method} {address} → {answer.status_code}：{answer.text[:400]}")
        result: dict[str, Any] = answer.json()
        return result
