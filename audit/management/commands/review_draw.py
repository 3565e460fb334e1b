"""``review_draw NO``: draw again from the kept list and seed, and say whether the same claims come out."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from audit.actions.review_draws import drawn, lot_digest
from audit.models import ReviewDraw


class Command(BaseCommand):
    help = "按留存的名单和种子重新抽取，与当时抽中的核对"

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("draw_no", help="随机抽查编号，如 RV-2025-00000001")
        parser.add_argument("--lot", action="store_true", help="同时打印名单")

    def handle(self, *args: Any, draw_no: str, lot: bool = False, **options: Any) -> None:
        draw = ReviewDraw.objects.filter(draw_no=draw_no).first()
        if draw is None:
            raise CommandError(f"没有编号为 {draw_no} 的随机抽查。")
        digest = lot_digest(draw.lot)
        again = drawn(draw.lot, draw.seed, draw.per_mille)
        then = list(draw.picks.order_by("position").values_list("claim_no", flat=True))
        self.stdout.write(f"名单 {draw.lot_size} 件，SHA-256 {digest}")
        self.stdout.write(f"种子 {draw.seed}，比例 {draw.per_mille}‰，抽取 {len(again)} 件：")
        for number in again:
            self.stdout.write(f"  {number}")
        if lot:
            self.stdout.write(draw.lot)
        if digest != draw.lot_digest:
            raise CommandError(f"名单与登记的摘要 {draw.lot_digest} 不符。")
        if again != then:
            raise CommandError(f"与当时抽中的不一致：{'、'.join(then)}。")
        self.stdout.write("名单摘要与抽取结果均与登记一致。")
