"""The published rules as anybody reads them, and what a change of them would cost."""

from __future__ import annotations

import json

from config.demo.browser import StepFailed
from config.demo.story import Story

CLOSED = ("GZ-SLQ", "SH-BSJL", "CD-SLQ", "QH-DDPT")  # whose rate no text gives


def catalogue(story: Story) -> str:
    """Nine schemes, each published by two persons; those whose rate no text gives stand closed, and say why."""
    rules = story.api("programs/BJ-AIQ/rules?on=2025-06-01")
    document = json.dumps(rules["document"], ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    if not str(rules["sha256"]):
        raise StepFailed("发布件没有校验值")
    programs = story.api("programs?limit=100")
    for code in CLOSED:
        page = story.sign_in("xinghe").get(f"/public/programs/{code}/")
        if "未公布" not in page:
            raise StepFailed(f"{code} 的公开页没有说明比例未公布")
    return (
        f"{programs['count']} 个专项；比例未公布、不受理的 {len(CLOSED)} 个，各有演示版并列；"
        f"BJ-AIQ 发布件 {str(rules['sha256'])[:16]}…（{len(document)} 字节）"
    )
