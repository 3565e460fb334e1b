"""The demonstration's amounts by hand, as the README writes them: what every step is held against. Yuan without tax."""

from __future__ import annotations

from decimal import Decimal

# 北京，按使用实际发生的租金：1,500 万元 × 20% = 300 万元，年度限额 200 万元 → 200 万元
BEIJING_RENT = Decimal("15000000.00")
BEIJING_VOUCHER = Decimal("2000000.00")
# 深圳，按合同金额：3,000 万元 × 50% = 1,500 万元，年度限额 1,000 万元 → 1,000 万元
SHENZHEN_CONTRACT = Decimal("30000000.00")
SHENZHEN_VOUCHER = Decimal("10000000.00")
# 经开区，按每次结算。v1：100 万元 × 30%（非国产）= 30 万元；× 40%（国产）= 40 万元；v2：× 30% = 30 万元
ETOWN_USE = Decimal("1000000.00")
ETOWN_V1 = {"H800": Decimal("300000.00"), "Ascend 910B": Decimal("400000.00")}
ETOWN_V2_CONTRACT = Decimal("2000000.00")
ETOWN_V2_VOUCHER = Decimal("600000.00")  # 合同 200 万元 × 30%
ETOWN_V2 = Decimal("300000.00")
# 上海租用，按租金、评估定比例：2,000 万元 × 8%（评估确定，上限 10%）= 160 万元
SHANGHAI_RENT = Decimal("20000000.00")
SHANGHAI_PERCENT = "8"
SHANGHAI_VOUCHER = Decimal("1600000.00")
# 贵州（演示版，比例 30% 为演示设定），按算力服务费：400 万元 × 30% = 120 万元
GUIZHOU_CONTRACT = Decimal("4000000.00")
GUIZHOU_VOUCHER = Decimal("1200000.00")
# 贵州（演示版），省外企业、按数据产品费：90 万元 × 30% = 27 万元
GUIZHOU_DATA = Decimal("900000.00")
GUIZHOU_DATA_VOUCHER = Decimal("270000.00")
# 成都（演示版，比例 30% 为演示设定），算力中介的算力成本：250 万元 × 30% = 75 万元
CHENGDU_COST = Decimal("2500000.00")
CHENGDU_VOUCHER = Decimal("750000.00")
# 上海部署奖励（演示版，每 P 不超过 3 万元为演示设定），按已部署算力：120 PFLOPS × 2.5 万元（评估确定）= 300 万元
SHANGHAI_PFLOPS = "120"
SHANGHAI_PER_PFLOPS = "25000"
SHANGHAI_REWARD = Decimal("3000000.00")
# 前海（演示版，比例 30%、限额 500 万元为演示设定），按实际投资：(1,200 + 600) 万元 × 30% = 540 万元 → 500 万元
QIANHAI_INVESTED = (Decimal("12000000.00"), Decimal("6000000.00"))
QIANHAI_SUBSIDY = Decimal("5000000.00")
# 内蒙古，供给方按平台结算额：(1,300 + 800) 万元 × 10% = 210 万元，年度限额 200 万元 → 200 万元
INNER_MONGOLIA_SETTLED = (Decimal("13000000.00"), Decimal("8000000.00"))
INNER_MONGOLIA_REWARD = Decimal("2000000.00")
# 政策调整测算：北京的年度限额由 200 万元改为 300 万元；6月的一件 1,500 万元 × 20% = 300 万元 → 多 100 万元
RAISED_CAP = Decimal("3000000.00")
CAP_RAISED_COSTS = Decimal("1000000.00")
