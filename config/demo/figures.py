"""The demonstration's amounts by hand, as the README writes them: what every step is held against."""

from __future__ import annotations

from decimal import Decimal

# 北京：1,500 万元 × 20% = 300 万元，年度限额 200 万元 → 200 万元
BEIJING_RENT = Decimal("15000000.00")
BEIJING_VOUCHER = Decimal("2000000.00")
# 深圳：3,000 万元 × 50% = 1,500 万元，年度限额 1,000 万元 → 1,000 万元
SHENZHEN_CONTRACT = Decimal("30000000.00")
SHENZHEN_VOUCHER = Decimal("10000000.00")
# 经开区 v1：100 万元 × 30%（非国产）= 30 万元；× 40%（国产）= 40 万元；v2：× 30% = 30 万元
ETOWN_USE = Decimal("1000000.00")
ETOWN_V1 = {"H800": Decimal("300000.00"), "Ascend 910B": Decimal("400000.00")}
ETOWN_V2 = Decimal("300000.00")
# 贵州（演示版，比例 30% 为演示设定）：400 万元 × 30% = 120 万元
GUIZHOU_CONTRACT = Decimal("4000000.00")
GUIZHOU_VOUCHER = Decimal("1200000.00")
