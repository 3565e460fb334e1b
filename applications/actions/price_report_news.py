"""What a provider is told about its duty to report prices."""

from __future__ import annotations

from applications.models import Message
from vouchers import dates
from vouchers.models import PriceReport
from vouchers.policy.words import day_words


def tell_about_price_report(message: str, report: PriceReport) -> Message:
    """The message of a deed or of the clock. Raises ``KeyError`` for one that has no words."""
    number, duty, until = report.report_no, report.duty, day_words(report.due_on)
    title, text = {
        "asked": (
            "请报送价格与成本",
            f"根据{duty.document_no}，请于{until}前报送“{duty.title}”（{number}）。可以在线填写，也可以下载模板填好后上传。"
            "逾期未报、拒不报送或虚假报送的，记入信用记录。",
        ),
        "reminder": (
            "价格报送即将到期",
            f"您的价格报送表 {number}（{duty.title}）将于{until}到期，尚未报送，请及时办理。",
        ),
        "overdue": (
            "价格报送已逾期",
            f"您的价格报送表 {number}（{duty.title}）期限为{until}，已逾期并记入信用记录。请尽快补报，补报后随即修复。",
        ),
        "returned": (
            "价格报送需要补正",
            f"您的价格报送表 {number} 需要补正：{report.answer} 请于{until}前修改后重新报送，已填写的内容都已保留。",
        ),
        "accepted": ("价格报送已采纳", f"您的价格报送表 {number} 已核对采纳，感谢配合。"),
        "excused": ("价格报送已免除", f"您的价格报送表 {number} 免予报送：{report.answer}"),
        "refused": (
            "已记为拒不报送",
            f"您的价格报送表 {number} 记为拒不报送，已记入信用记录：{report.answer} 您仍可补报，补报后随即修复。",
        ),
        "false": (
            "价格报送认定为虚假",
            f"您的价格报送表 {number} 经两人核对认定为虚假报送，所报价格不再采用，已记入信用记录：{report.answer}",
        ),
    }[message]
    return Message.objects.create(
        party=report.party,
        subject_kind="report",
        subject_no=number,
        title=title,
        text=text,
        sent_at=dates.now(),
    )
