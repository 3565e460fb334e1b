"""``manage.py demo --base-url URL``: the main job, end to end, through the pages and the API of the server that runs there."""

from __future__ import annotations

import io
import logging
import time
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

import httpx
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from config.demo.browser import StepFailed
from config.demo.steps import STEPS
from config.demo.story import Story


class Command(BaseCommand):
    help = "按主流程办理一遍：政策、申领、审批、发券、兑付、拨付、审计；任何一步与手算不符即以非零状态退出。"

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--base-url", required=True, help="正在运行的服务地址")
        parser.add_argument("--out", type=Path, default=None, help="文件写到哪里（默认 var/demo）")

    def handle(self, *args: Any, base_url: str, out: Path | None, **options: Any) -> None:
        folder = out or Path(settings.BASE_DIR) / "var" / "demo"
        folder.mkdir(parents=True, exist_ok=True)
        logging.getLogger("httpx").setLevel(logging.WARNING)
        story = Story(base_url, folder)
        steps = [*STEPS, ("核对台账", self._ledger), ("封存并验证留痕", self._trail)]
        started = time.monotonic()
        for position, (label, step) in enumerate(steps, start=1):
            begun = time.monotonic()
            try:
                said = step(story)
            except (StepFailed, httpx.HTTPError, CommandError, SystemExit) as failure:
                raise CommandError(f"第 {position} 步“{label}”未通过：{failure}") from failure
            self.stdout.write(
                f"[{position:2d}/{len(steps)}] {label}（{time.monotonic() - begun:.1f} 秒）\n        {said}"
            )
            self.stdout.flush()
        self.stdout.write(
            self.style.SUCCESS(
                f"全部 {len(steps)} 步通过，用时 {time.monotonic() - started:.0f} 秒；文件在 {folder}"
            )
        )

    def _ledger(self, story: Story) -> str:
        return self._run("check_ledger")

    def _trail(self, story: Story) -> str:
        self._run("seal_trail")
        return self._run("verify_trail")

    def _run(self, *command: str) -> str:
        said = io.StringIO()
        call_command(*command, stdout=said, stderr=said)
        return " ".join(said.getvalue().split())[-300:]
