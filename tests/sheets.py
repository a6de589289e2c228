"""The sheets of the exported workbook, in order."""

SHEETS = [
    "汇总",
    "按支部",
    "流入地",
    "人员",
    "区间",
    "签到",
    "进入失败",
    "分享",
    "集中收看",
    "更正与请假",
    "计时",
    "考勤规则",
    "说明",
]
