"""What stands beside the checkpoints: changes of the key that signs them, and the signatures of the witness outside.

Both are written by the sealer under its own role and only grow. A change of keys is itself an event of the trail, by the
table's trigger, with the whole text that the old key signed.
"""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class KeyRotation(models.Model):
    """换钥: the old key names the new one in a signed text. Checkpoints larger than ``size`` are signed by the new key."""

    size = models.BigIntegerField(_("换钥时的事件数"))
    old_key_id = models.CharField(_("原密钥"), max_length=16)
    new_key_id = models.CharField(_("新密钥"), max_length=16, unique=True)
    public_key = models.CharField(_("新公钥"), max_length=44)
    rotated_at = models.DateTimeField(_("换钥时间"))
    body = models.TextField(_("换钥声明"))
    signature = models.CharField(_("原密钥的签名"), max_length=88)

    class Meta:
        verbose_name = _("留痕换钥")
        verbose_name_plural = _("留痕换钥")
        ordering = ("pk",)

    def __str__(self) -> str:
        return f"{self.old_key_id} → {self.new_key_id}"


class WitnessSignature(models.Model):
    """见证签名: the witness outside has seen the checkpoint of this size, found it consistent, and signed that it did."""

    size = models.BigIntegerField(_("事件数"))
    witness_key_id = models.CharField(_("见证密钥"), max_length=16)
    witnessed_at = models.CharField(_("见证时间"), max_length=40)
    cosignature = models.CharField(_("见证签名"), max_length=88)

    class Meta:
        verbose_name = _("见证签名")
        verbose_name_plural = _("见证签名")
        ordering = ("size",)
        constraints = (
            models.UniqueConstraint(fields=("size", "witness_key_id"), name="audit_witnessed_once"),
        )

    def __str__(self) -> str:
        return f"{self.witness_key_id} · {self.size}"
