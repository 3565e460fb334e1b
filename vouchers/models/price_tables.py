"""The versioned tables that prices are read and computed with: chips, exchange rates, methods; and their words."""

from __future__ import annotations

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class Market(models.TextChoices):
    """Which prices may meet: list prices in foreign currency never enter the cells that decide on Chinese leases."""

    CHINA = "china", _("国内（元/卡时，用于审核）")
    REFERENCE = "reference", _("境外参考（美元/卡时，仅供参考）")


class ChipOrigin(models.TextChoices):
    DOMESTIC = "domestic", _("国产")
    FOREIGN = "foreign", _("进口")


class Confidence(models.TextChoices):
    PUBLISHED = "published", _("公开规格书")
    GIVEN = "given", _("政策资料所列")
    HINT = "hint", _("第三方资料，未核实")


class PriceKind(models.TextChoices):
    TRANSACTION = "transaction", _("成交")
    QUOTE = "quote", _("报价")
    EXPERT = "expert", _("专家意见")
    COST = "cost", _("成本（仅供核对）")


class PriceUnit(models.TextChoices):
    CARD_HOUR = "card_hour", _("元/卡时")
    CARD_MONTH = "card_month", _("元/卡/月")
    SERVER_MONTH = "server_month", _("元/台/月")
    PFLOPS_DAY = "pflops_day", _("元/P·天")


class TermBucket(models.TextChoices):
    ON_DEMAND = "on_demand", _("按需")
    TO_1M = "to_1m", _("1个月以内")
    FROM_1M_TO_6M = "1_6m", _("1—6个月")
    FROM_6M_TO_24M = "6_24m", _("6—24个月")
    OVER_24M = "over_24m", _("24个月以上")
    SPOT = "spot", _("竞价（不进入指数）")


class ChipModel(models.Model):
    """A row of the versioned chip table: one accelerator in one form factor. Figures are dense, never sparse."""

    table_version = models.PositiveIntegerField(_("芯片表版本"))
    accelerator = models.CharField(_("加速卡"), max_length=40)
    form_factor = models.CharField(_("形态"), max_length=12, blank=True)
    vendor = models.CharField(_("厂商"), max_length=40, blank=True)
    architecture = models.CharField(_("架构"), max_length=40, blank=True)
    memory_gb = models.PositiveIntegerField(_("显存（GB）"), null=True, blank=True)
    cards_per_server = models.PositiveIntegerField(_("每台卡数"), default=8)
    fp16_tflops = models.DecimalField(
        _("FP16稠密算力（TFLOPS）"), max_digits=12, decimal_places=3, null=True, blank=True
    )
    fp8_tflops = models.DecimalField(
        _("FP8稠密算力（TFLOPS）"), max_digits=12, decimal_places=3, null=True, blank=True
    )
    int8_tops = models.DecimalField(
        _("INT8稠密算力（TOPS）"), max_digits=12, decimal_places=3, null=True, blank=True
    )
    origin = models.CharField(_("国产/进口"), max_length=10, choices=ChipOrigin)
    aliases = models.JSONField(_("别名"), default=list, blank=True)
    citation = models.CharField(_("出处"), max_length=200)
    confidence = models.CharField(_("可信程度"), max_length=10, choices=Confidence)

    class Meta:
        verbose_name = _("芯片型号")
        verbose_name_plural = _("芯片型号")
        ordering = ("-table_version", "accelerator", "form_factor")
        constraints = (
            models.UniqueConstraint(
                fields=("table_version", "accelerator", "form_factor"), name="chip_model_once"
            ),
        )

    def __str__(self) -> str:
        return f"{self.accelerator} {self.form_factor}".strip()


class FxRate(models.Model):
    """A dated exchange rate: yuan for one unit of the currency, over a half-open period."""

    currency = models.CharField(_("币种"), max_length=3)
    effective_from = models.DateField(_("自"))
    effective_to = models.DateField(_("至（不含）"), null=True, blank=True)
    cny_per_unit = models.DecimalField(_("每单位折合人民币"), max_digits=18, decimal_places=6)
    source = models.CharField(_("来源"), max_length=200)

    class Meta:
        verbose_name = _("汇率")
        verbose_name_plural = _("汇率")
        ordering = ("currency", "effective_from")
        constraints = (
            models.UniqueConstraint(fields=("currency", "effective_from"), name="fx_rate_once"),
            models.CheckConstraint(condition=Q(cny_per_unit__gt=0), name="fx_rate_positive"),
        )

    def __str__(self) -> str:
        return f"1 {self.currency} = {self.cny_per_unit} 元（{self.effective_from} 起）"


class PriceMethod(models.Model):
    """A version of the method for one market: every threshold is a parameter here, and none a constant in code."""

    market = models.CharField(_("市场"), max_length=10, choices=Market)
    version = models.PositiveIntegerField(_("版本"))
    params = models.JSONField(_("参数"), encoder=DjangoJSONEncoder)
    params_hash = models.CharField(_("参数摘要"), max_length=64)
    prose = models.TextField(_("方法说明"), blank=True)
    effective_from = models.DateField(_("生效日"))
    effective_to = models.DateField(_("失效日（不含）"), null=True, blank=True)

    class Meta:
        verbose_name = _("价格方法")
        verbose_name_plural = _("价格方法")
        ordering = ("market", "-version")
        constraints = (models.UniqueConstraint(fields=("market", "version"), name="price_method_once"),)

    def __str__(self) -> str:
        return f"{self.get_market_display()} 方法第{self.version}版"
