"""A real browser in front of a real server: granian over a database whose commits are real.

Whatever a page asks for must come from the site itself; a request to anywhere else fails the test.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Route, sync_playwright

from config.embedded import REPOSITORY
from tests.conftest import TODAY

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
QUIET = [
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
# Django refuses to work while playwright's loop runs in the thread, though nothing here is asynchronous.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """Chromium, once for the process."""
    if CHROMIUM is None:
        pytest.fail("需要 Chromium：apt-get install -y chromium，或用环境变量 CHROMIUM 指定其路径。")
    arguments = [*QUIET, "--no-sandbox"] if os.geteuid() == 0 else QUIET
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield browser
        browser.close()


@pytest.fixture
def site(committed_db, tmp_path) -> Iterator[str]:
    """The address of a server of the test's own, at the cast's business date."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = committed_db.environment | {"DEMO_DATE": TODAY.isoformat(), "VAR_DIR": str(tmp_path)}
    (tmp_path / "static").mkdir()
    log = tmp_path / "web.log"
    command = [
        sys.executable,
        "-m",
        "granian",
        "--interface",
        "wsgi",
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
    ]
    with log.open("wb") as output:
        server = subprocess.Popen(
            [*command, "--no-ws", "config.wsgi:application"],
            cwd=REPOSITORY,
            env=environment,
            stdout=output,
            stderr=output,
        )
    address = f"http://127.0.0.1:{port}"
    try:
        _wait(address, server, log)
        yield address
    finally:
        server.terminate()
        try:
            server.wait(10)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def _wait(address: str, server: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and server.poll() is None:
        try:
            with urlopen(f"{address}/accounts/sign-in/", timeout=5):
                return
        except URLError as problem:
            if getattr(problem, "code", None):
                break
        except OSError:
            pass
        time.sleep(0.1)
    pytest.fail(f"the server does not answer:\n{log.read_text()[-4000:]}")


def is_complaint(line: ConsoleMessage) -> bool:
    """An error of a page. None is: a form that came back with what is to be corrected (422); an answer given up because
    newer input asked anew (``hx-sync="this:replace"``), which htmx prints as two lines. A failed one prints a third."""
    given_up = line.text.startswith(("htmx:afterRequest", "htmx:sendAbort"))
    return line.type == "error" and not given_up and "status of 422" not in line.text


@pytest.fixture
def page(chromium: Browser, site: str, request) -> Iterator[Page]:
    """A page of a fresh visitor, 1440 px wide unless the test is given a ``width``."""
    width = getattr(request, "param", 1440)
    context = chromium.new_context(viewport={"width": width, "height": 900}, locale="zh-CN", base_url=site)
    asked_outside: list[str] = []
    complaints: list[str] = []

    def within(route: Route) -> None:
        if route.request.url.startswith((site, "data:", "blob:")):
            route.continue_()
        else:
            asked_outside.append(route.request.url)
            route.abort()

    context.route("**/*", within)
    context.set_default_timeout(15_000)
    page = context.new_page()
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda line: complaints.append(line.text) if is_complaint(line) else None)
    yield page
    context.close()
    assert asked_outside == [], "a page asked for something outside of the site"
    assert complaints == [], "the browser complained"
