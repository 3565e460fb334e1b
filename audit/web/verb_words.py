"""Words for verbs and nouns of the trail that neither a lifecycle nor a model gives.

``WHOLE`` is looked up first, by the whole verb; then the noun's lifecycle; then ``DEEDS``, by the part after the dot.
"""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

WHOLE: dict[str, Any] = {
    "adopt": _("纳入留痕"),
    "api_credential.issue": _("签发平台凭据"),
    "api_credential.revoke": _("吊销平台凭据"),
    "application.accept_statement": _("确认承诺"),
    "bank_account.confirm": _("复核银行账户"),
    "bank_account.enter": _("录入银行账户"),
    "bank_account.withdraw": _("停用银行账户"),
    "budget.appropriate": _("下达预算指标"),
    "claim.set_items": _("登记补贴基数明细"),
    "import_dataset": _("批量导入历史"),
    "import_file": _("导入文件"),
    "job.ask": _("提请后台任务"),
    "job.cancel": _("取消后台任务"),
    "message.read": _("查阅消息"),
    "migrate": _("结构变更"),
    "objection.file": _("提出异议"),
    "party.correct": _("更正单位登记"),
    "party.end_affiliation": _("终止关联关系"),
    "party.name_counterparty": _("登记交易对方"),
    "party.record_affiliation": _("登记关联关系"),
    "payment_batch.take_out": _("移出拨付批次"),
    "platform_connection.connect": _("登记平台接入"),
    "platform_connection.end": _("登记平台断开"),
    "policy_version.import": _("载入政策文件"),
    "policy_version.keep_trial": _("试算存为算例"),
    "program.open": _("开立专项"),
    "project.draft": _("填写申报项目"),
    "project.update": _("修改申报项目"),
    "provider_admission.end": _("终止入库"),
    "receive_paper": _("提交材料"),
    "record_invoice": _("登记发票"),
    "region.add": _("新增行政区划"),
    "region.rename": _("更名行政区划"),
    "remove_paper": _("移除材料"),
    "role_grant.grant": _("授予角色"),
    "role_grant.revoke": _("收回角色"),
    "scan.run": _("稽核扫描"),
    "sign_in": _("登录"),
    "sign_in_failed": _("登录失败"),
    "sign_out": _("退出"),
    "suspicion.case": _("查阅可疑合同"),
    "trail.export": _("导出留痕"),
    "trail.story": _("查阅案卷全部经过"),
    "truncate": _("清空数据表"),
    "user.correct": _("更正账号资料"),
    "user.lock": _("停用账号"),
    "user.reset_password": _("重置密码"),
    "user.unlock": _("启用账号"),
}

DEEDS: dict[str, Any] = {
    "admit": _("采纳"),
    "clone": _("复制"),
    "compute": _("计算"),
    "create": _("建立"),
    "delete": _("删除"),
    "draft": _("起草"),
    "export": _("导出"),
    "file": _("备案"),
    "import": _("导入"),
    "import_examples": _("上传算例"),
    "insert": _("新增"),
    "load": _("装入"),
    "load_tables": _("装入基础表"),
    "make": _("作出"),
    "open": _("查阅"),
    "place": _("提出"),
    "read": _("查阅"),
    "record": _("登记"),
    "register": _("登记"),
    "run_examples": _("试算示例"),
    "save": _("保存"),
    "set_aside": _("不予采纳"),
    "set_devices": _("登记设备"),
    "start": _("开始填写"),
    "update": _("修改"),
}

NOUNS: dict[str, Any] = {
    "imported_file": _("导入文件"),
    "price": _("价格"),
    "request": _("页面请求"),
    "schema": _("数据结构"),
    "trail": _("审计留痕"),
    "workbook": _("审计工作簿"),
}
