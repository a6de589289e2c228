"""The words of a year's export, Chinese and English."""

from __future__ import annotations

from attendance.words import Language

_WORDS: dict[str, tuple[str, str]] = {
    "branches": ("支部汇总", "Branches"),
    "members": ("年度学时", "Members"),
    "hours_sheet": ("学时明细", "Hours by lecture"),
    "verdicts_sheet": ("考勤明细", "Attendance by lecture"),
    "lectures_sheet": ("课程", "Lectures"),
    "table_sheet": ("学时表与说明", "Table of hours"),
    "branch": ("支部", "Branch"),
    "name": ("姓名", "Name"),
    "phone": ("手机", "Phone"),
    "kind": ("类别", "Kind"),
    "people": ("人数", "Members"),
    "officer": ("书记、班子成员", "Officer"),
    "member": ("党员", "Member"),
    "hours": ("学时", "Hours"),
    "target": ("目标", "Target"),
    "progress": ("完成率", "Progress"),
    "lacking": ("尚缺", "Lacking"),
    "reached": ("达标", "Reached"),
    "lectures": ("应到场次", "Lectures"),
    "present": ("出席", "Present"),
    "partly": ("迟到早退等", "In part"),
    "excused": ("请假", "Excused"),
    "absent": ("缺席", "Absent"),
    "unmeasured": ("含未测得", "Not measured"),
    "left": ("备注", "Note"),
    "left_roster": ("已离开名单", "left the roster"),
    "yes": ("是", "yes"),
    "no": ("否", "no"),
    "total": ("合计", "Total"),
    "title": ("课程", "Lecture"),
    "started": ("开始", "Started"),
    "ended": ("结束", "Ended"),
    "minutes": ("分钟", "Minutes"),
    "hours_by": ("学时来源", "Hours by"),
    "by_table": ("按学时表", "the table"),
    "set_by_hand": ("人工核定", "hand"),
    "by_hand": ("（人工）", " (by hand)"),
    "rule": ("考勤规则版本", "Version of the rule"),
    "row": ("账本行数", "Ledger rows"),
    "hash": ("账本末行哈希", "Hash of the last row"),
    "sealed": ("签名时间", "Signed at"),
    "signature": ("签名", "Signature"),
    "check": ("账本校验", "Ledger check"),
    "intact": ("通过", "intact"),
    "broken": ("第 {row} 行不符", "row {row} does not verify"),
    "id": ("课程编号", "Id"),
    "version": ("版本", "Version"),
    "sentence": ("内容", "What it says"),
    "since": ("生效时间", "Since"),
    "by": ("修改人", "By"),
    "why": ("修改原因", "Why"),
    "default": ("默认学时表", "The default"),
    "scope": ("导出范围：", "Scope: "),
    "everything": ("全部", "everything"),
    "held": ("本表依据学时表第 {version} 版。", "By version {version} of the table of hours."),
}

_NOTES: tuple[tuple[str, str], ...] = (
    (
        "学时按课程从开播到结束的时长计（我方故障时间不扣），再依学时表取整；标“人工核定”的课程以核定的学时为准。",
        "Hours go by a lecture's length, outages of ours included, rounded as the table says; or as somebody set them.",
    ),
    (
        "考勤明细中的结论出自各场课程的考勤规则；空白为未受邀参加该场。标“（人工）”的经组织者更正。",
        "Verdicts are by each lecture's rule; empty: not invited. “By hand”: corrected by an organizer.",
    ),
    (
        "未测得：没有可用的证据，不等于缺席，也不等于零学时；合计中未计入，请与该场的考勤表核对。",
        "Not measured: there is no evidence; neither absence nor zero. It is in no sum: see that lecture's own report.",
    ),
    (
        "主讲、主持、嘉宾不受考勤规则约束，其所在场次不计入本表。",
        "Lecturers, hosts and guests are bound by no rule; lectures in which somebody was one are not in their sum.",
    ),
    (
        "完成率为学时与目标之比，最高 100%；支部的完成率为其党员完成率的平均数，已离开名单和全年未测得的不计。",
        "Progress: hours of the target, 100 % at most; a branch's is the mean of its members' that were measured.",
    ),
    (
        "“课程”表列出每场所依据的账本末行及其签名：账本有改动，校验即不符。",
        "“Lectures” names the signed head of each ledger that this was made from: an edited ledger does not verify.",
    ),
)  # fmt: skip


def year_word(key: str, language: Language) -> str:
    """Raises `KeyError` for one that is not in the table."""
    return _WORDS[key][language == "en"]


def year_notes(language: Language) -> list[str]:
    return [note[language == "en"] for note in _NOTES]
