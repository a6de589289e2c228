"""The words of an export, Chinese and English: headings, verdicts, and what the ledger's own words mean."""

from __future__ import annotations

from typing import Literal

from attendance.presence import Account

Language = Literal["zh", "en"]

_WORDS: dict[str, tuple[str, str]] = {
    "summary": ("汇总", "Summary"),
    "members": ("人员", "Members"),
    "intervals": ("区间", "Intervals"),
    "notes": ("说明", "Notes"),
    "branch": ("支部", "Branch"),
    "name": ("姓名", "Name"),
    "role": ("身份", "Role"),
    "phone": ("手机", "Phone"),
    "result": ("收看情况", "Result"),
    "first_join": ("首次收看", "First received"),
    "last_leave": ("最后收看", "Last received"),
    "receiving": ("收看时长", "Received"),
    "credited": ("计入时长", "Credited"),
    "denominator": ("应收看时长", "Counted time"),
    "share": ("收看比例", "Share"),
    "connected": ("在线时长", "Connected"),
    "visible": ("页面可见时长", "Page visible"),
    "on_stage": ("上台时长", "On stage"),
    "failed": ("进入失败次数", "Failed attempts"),
    "invited": ("应到", "Invited"),
    "attended": ("已收看", "Received"),
    "absent": ("未收看", "Absent"),
    "not_measured": ("未测得", "Not measured"),
    "total": ("合计", "Total"),
    "kind": ("类别", "Kind"),
    "evidence": ("依据", "Evidence"),
    "from": ("开始", "From"),
    "to": ("结束", "To"),
    "duration": ("时长", "Duration"),
    "opened_by": ("起点依据", "Opened by"),
    "closed_by": ("终点依据", "Closed by"),
    "uncertainty": ("误差（秒）", "Uncertainty (s)"),
    "seconds": ("（秒）", " (s)"),
    "bridged": ("补接间断", "Bridged gap"),
    "outage": ("我方故障", "Our outage"),
    "silent": ("无画面声音", "Nothing shown"),
    "cause": ("原因", "Cause"),
    "lecture": ("课程", "Lecture"),
    "started": ("开始时间", "Started"),
    "ended": ("结束时间", "Ended"),
    "scope": ("导出范围", "Scope"),
    "everything": ("全部", "everything"),
    "rows": ("账本行数", "Ledger rows"),
    "hash": ("账本末行哈希", "Hash of the last row"),
    "signature": ("签名", "Signature"),
    "broken": ("账本校验", "Ledger check"),
    "intact": ("通过", "intact"),
    "bad_row": ("第 {row} 行不符：{reason}", "row {row} does not verify: {reason}"),
    "zone": ("时间", "Times"),
    "local": ("均为当地时间，并注明与 UTC 的时差。", "Local, with the offset from UTC."),
}

_MEANINGS: dict[str, tuple[str, str]] = {
    "lecturer": ("主讲", "Lecturer"),
    "host": ("主持", "Host"),
    "guest": ("嘉宾", "Guest"),
    "member": ("学员", "Member"),
    "receiving": ("收看", "Receiving"),
    "connected": ("在线", "Connected"),
    "visible": ("页面可见", "Page visible"),
    "on_stage": ("上台", "On stage"),
    "reported": ("接收报告", "Receiver reports"),
    "proved": ("接收证明", "Proof of reception"),
    "hello": ("进入页面", "Page opened"),
    "beat": ("心跳", "Beat"),
    "stage": ("上台", "Stage"),
    "left": ("下台", "Left the stage"),
    "open": ("导出时仍在继续", "Still open when exported"),
    "closed": ("正常离开", "Left"),
    "timeout": ("失去联系", "Contact lost"),
    "service-crash": ("服务异常中断", "Service crashed"),
    "service-stopped": ("服务停止", "Service stopped"),
    "evidence-changed": ("依据变化", "Evidence changed"),
    "outage-relay": ("转发故障", "Relay outage"),
    "relay": ("转发服务", "Relay"),
    "service": ("网站服务", "Service"),
}

NOTES: tuple[tuple[str, str], ...] = (
    (
        "“收看”指课程的声音画面确已送达该学员持链接打开的页面（依据见“区间”表），不表示本人在屏幕前。",
        "“Received”: the media reached a page opened with this member's link (see Intervals), not: was watched.",
    ),
    (
        "应收看时长：从开播到结束，减去我方故障和没有任何画面声音的时间。",
        "Counted time: from going live to the end, less our outages and the time when nothing was shown.",
    ),
    (
        "收看时长：应收看时长内实际收到的时间，多个设备同时在线只计一次。",
        "Received: what of the counted time was received; several devices at once count once.",
    ),
    (
        "计入时长：收看时长加上两次收看之间不足 30 秒的间断（我方故障不计入间断）。",
        "Credited: received, and the gaps shorter than 30 s between two receptions (our outages not counted).",
    ),
    (
        "未测得：没有可用的证据，不等于缺席，也不等于零。",
        "Not measured: there is no evidence; this is neither absence nor zero.",
    ),
    (
        "区间在最后一次证据处结束；真实时间可能再长，但不超过误差。",
        "An interval ends at its last evidence; the truth may be longer, by no more than the uncertainty.",
    ),
)


def word(key: str, language: Language) -> str:
    """A heading. Raises `KeyError` for one that is not in the table."""
    return _WORDS[key][language == "en"]


def meaning(term: str, language: Language) -> str:
    """A word of the ledger in the reader's language; one that the table lacks stays as it is."""
    found = _MEANINGS.get(term)
    return term if found is None else found[language == "en"]


def notes(language: Language) -> list[str]:
    return [note[language == "en"] for note in NOTES]


def result(account: Account, language: Language) -> str:
    """Received, absent, or not measured; no rule is applied here."""
    if account.credited is None:
        return word("not_measured", language)
    return word("attended" if account.credited else "absent", language)
