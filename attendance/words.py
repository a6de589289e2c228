"""The words of an export, Chinese and English: headings, verdicts, and what the ledger's own words mean."""

from __future__ import annotations

from typing import Literal

from attendance.presence import Account

Language = Literal["zh", "en"]

_WORDS: dict[str, tuple[str, str]] = {
    "summary": ("汇总", "Summary"),
    "by_branch": ("按支部", "By branch"),
    "by_city": ("流入地", "By city"),
    "city": ("流入地", "City"),
    "no_city": ("未填", "Not known"),
    "met": ("出席", "Present"),
    "between": ("迟到、早退、未达标", "Late, left early, incomplete"),
    "missed": ("缺席", "Absent"),
    "members": ("人员", "Members"),
    "intervals": ("区间", "Intervals"),
    "failures": ("进入失败", "Failed attempts"),
    "counted_time": ("计时", "Counted time"),
    "notes": ("说明", "Notes"),
    "item": ("项目", "Item"),
    "content": ("内容", "Content"),
    "note": ("名词", "Meaning"),
    "id": ("编号", "Id"),
    "at": ("时间", "At"),
    "cause_word": ("原因代码", "Cause, as recorded"),
    "detail": ("详情", "Detail"),
    "counted": ("计入考勤", "Counts"),
    "share_of_all": ("总收看比例", "Share of all"),
    "lecture_id": ("课程编号", "Lecture id"),
    "signed_at": ("签名时间", "Signed at"),
    "seal": ("校验信息", "Seal"),
    "branch": ("支部", "Branch"),
    "name": ("姓名", "Name"),
    "role": ("身份", "Role"),
    "phone": ("手机", "Phone"),
    "result": ("收看情况", "Result"),
    "first_join": ("首次收看", "First received"),
    "last_leave": ("最后收看", "Last received"),
    "receiving": ("收看时长", "Received"),
    "proved": ("其中有接收证明", "Of it proved"),
    "reported": ("其中仅接收报告", "Of it reported"),
    "individual": ("其中单独收看", "Of it alone"),
    "collective": ("其中集中收看", "Of it together"),
    "credited": ("计入时长", "Credited"),
    "denominator": ("应收看时长", "Counted time"),
    "share": ("收看比例", "Share"),
    "connected": ("在线时长", "Connected"),
    "visible": ("页面可见时长", "Page visible"),
    "on_stage": ("上台时长", "On stage"),
    "failed": ("进入失败次数", "Failed attempts"),
    "verdict": ("考勤结论", "Verdict"),
    "explanation": ("依据说明", "Explanation"),
    "measured_verdict": ("测得结论", "Measured verdict"),
    "corrected_credited": ("更正后计入时长", "Credited as corrected"),
    "corrected_by": ("更正人", "Corrected by"),
    "corrected_at": ("更正时间", "Corrected at"),
    "corrected_why": ("更正原因", "Reason"),
    "decisions": ("更正与请假", "Corrections and leave"),
    "decided_at": ("办理时间", "At"),
    "decided": ("事项", "What"),
    "before": ("原为", "Before"),
    "after": ("改为", "After"),
    "credited_before": ("原计入时长", "Credited before"),
    "credited_after": ("改后计入时长", "Credited after"),
    "decided_by": ("办理人", "By"),
    "decided_why": ("原因", "Why"),
    "as_measured": ("按测得结果", "as measured"),
    "command_line": ("命令行", "command line"),
    "asked": ("签到次数", "Sign-ins"),
    "answered": ("签到应答", "Answered"),
    "sign_ins": ("签到", "Sign-ins asked"),
    "asked_at": ("发起时间", "Asked"),
    "until": ("应答截止", "Until"),
    "answered_at": ("应答时间", "Answered at"),
    "testimonials": ("分享", "Testimonials"),
    "called_by": ("邀请人", "Called by"),
    "reconnects": ("断线次数", "Reconnects"),
    "sites": ("集中收看", "Watched together"),
    "place": ("收看点", "Site"),
    "site_branch": ("收看点支部", "Site's branch"),
    "site_host": ("主持人", "Host"),
    "site_opened": ("开始时间", "Opened"),
    "site_closed": ("结束时间", "Closed"),
    "listed": ("登记人数", "Checked in"),
    "heads": ("现场清点", "Headcount"),
    "site_id": ("收看点编号", "Site id"),
    "erased": ("（已删除）", "(erased)"),
    "screen": ("屏幕收看时长", "Screen received"),
    "checked_in": ("登记到场", "Checked in"),
    "checked_out": ("离场", "Checked out"),
    "how": ("登记方式", "How"),
    "attested_by": ("确认人", "Attested by"),
    "ended_how": ("离场方式", "How it ended"),
    "rule": ("考勤规则", "Rule"),
    "version": ("版本", "Version"),
    "sentence": ("内容", "What it demands"),
    "since": ("生效时间", "Since"),
    "by": ("修改人", "By"),
    "why": ("修改原因", "Why"),
    "frozen": ("开播时的版本", "Version at the start"),
    "in_force": ("本表依据的版本", "Version of this report"),
    "default": ("默认规则", "The default rule"),
    "not_frozen": ("尚未开播", "Not begun"),
    "present": ("达标", "Present"),
    "excused": ("请假", "Excused"),
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
    "present": ("出席", "Present"),
    "late": ("迟到", "Late"),
    "left-early": ("早退", "Left early"),
    "incomplete": ("未达标", "Incomplete"),
    "absent": ("缺席", "Absent"),
    "excused": ("请假", "Excused"),
    "duty": ("公务", "duty"),
    "illness": ("病假", "illness"),
    "personal": ("事假", "personal"),
    "other": ("其他", "other"),
    "not-measured": ("未测得", "Not measured"),
    "leave-given": ("准假", "Leave given"),
    "leave-withdrawn": ("撤销请假", "Leave taken back"),
    "corrected": ("更正考勤", "Corrected"),
    "correction-withdrawn": ("撤销更正", "Correction taken back"),
    "lecturer": ("主讲", "Lecturer"),
    "host": ("主持", "Host"),
    "guest": ("嘉宾", "Guest"),
    "member": ("学员", "Member"),
    "receiving": ("收看", "Receiving"),
    "connected": ("在线", "Connected"),
    "visible": ("页面可见", "Page visible"),
    "on_stage": ("上台", "On stage"),
    "collective": ("集中收看", "Together"),
    "search": ("主持人登记", "Picked by the host"),
    "qr": ("扫码登记", "Scanned the code"),
    "checked-out": ("登记离场", "Checked out"),
    "moved-site": ("到了另一收看点", "Went to another site"),
    "site-closed": ("收看点结束", "The site closed"),
    "lecture-ended": ("课程结束", "The lecture ended"),
    "reported": ("接收报告", "Receiver reports"),
    "proved": ("接收证明", "Proof of reception"),
    "hello": ("进入页面", "Page opened"),
    "beat": ("心跳", "Beat"),
    "stage": ("上台", "Stage"),
    "left": ("下台", "Left the stage"),
    "open": ("导出时仍在继续", "Still open when exported"),
    "closed": ("正常离开", "Left"),
    "silent": ("没有信号", "Gave no sign"),
    "stalled": ("画面声音中断", "Media stalled"),
    "timeout": ("失去联系", "Contact lost"),
    "connection-lost": ("网络断开", "Network lost"),
    "deleted": ("离开或重新播放", "Left, or played anew"),
    "handshake": ("连接没有建立", "No connection came about"),
    "replaced": ("换成新的连接", "Replaced by a new connection"),
    "shutdown": ("转发服务停止", "The relay stopped"),
    "relay-down": ("转发服务停止", "The relay stopped"),
    "too-slow": ("网络太慢，已重新连接", "Too slow, connected anew"),
    "restarting": ("服务重启", "The service restarted"),
    "service-crash": ("服务异常中断", "Service crashed"),
    "service-stopped": ("服务停止", "Service stopped"),
    "evidence-changed": ("依据变化", "Evidence changed"),
    "outage-relay": ("转发故障", "Relay outage"),
    "relay": ("转发服务", "Relay"),
    "service": ("网站服务", "Service"),
}

_FAILURES: dict[str, tuple[str, str]] = {
    "no-media": ("已连接，但没有收到画面和声音", "Connected, but no picture or sound arrived"),
    "no-udp": ("所在网络拦住了直播画面", "The network blocked the media"),
    "autoplay": ("浏览器没有放出声音", "The browser did not play the sound"),
    "no-codec": ("浏览器不能播放这种画面", "The browser cannot play this picture"),
    "no-common-codec": ("浏览器不能播放这种画面", "The browser cannot play this picture"),
    "no-webrtc": ("浏览器不支持直播", "The browser lacks WebRTC"),
    "camera-refused": ("摄像头或麦克风没有获准使用", "Camera or microphone was not allowed"),
    "other": ("页面报告的其他问题", "Something else, as the page told"),
    "malformed-sdp": ("浏览器的请求无法读懂", "The browser's request could not be read"),
    "ticket-expired": ("链接已过期", "The link has expired"),
    "ticket-revoked": ("链接已换新，旧链接无效", "The link was replaced by a new one"),
    "code-digits": ("凭课堂代码进入：手机尾号不符", "By the lecture's code: wrong digits"),
    "code-no-number": ("凭课堂代码进入：花名册中没有手机号", "By the lecture's code: the roster has no number"),
    "code-ambiguous": ("凭课堂代码进入：有同名同尾号的人", "By the lecture's code: two of one name and number"),
    "not-sdp": ("播放器的请求无法读懂", "The player's request could not be read"),
    "too-large": ("播放器的请求过大", "The player's request was too large"),
    "barred": ("已被请出课堂", "Removed from the lecture"),
    "role-may-not": ("该身份不能这样进入", "This role may not do that"),
    "no-such-lecture": ("没有这节课", "There is no such lecture"),
    "lecture-over": ("课程已结束", "The lecture was over"),
    "too-many-tries": ("尝试过于频繁", "Too many tries"),
    "too-many-devices": ("同时使用的设备过多", "Too many devices at once"),
    "too-many-at-once": ("同时进入的人过多", "Too many came at once"),
    "lecture-full": ("课堂已满", "The lecture was full"),
    "lecture-elsewhere": ("课堂在另一台服务器上", "The lecture is at another node"),
    "relay-restarting": ("转发服务正在重启（我方原因）", "The relay was restarting (our fault)"),
}
"""What a failed attempt to come in, or a page's trouble, was caused by: `JoinFailed.cause`, `PageTroubled.cause`."""

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
        "接收证明：学员页面回报了只发给它的声音画面中的标记；仅接收报告：播放器报告已收到，但没有标记可证。",
        "Proved: the member's page echoed marks in the media that were sent to it alone. Reported: the player says so.",
    ),
    (
        "计入时长：收看时长加上两次收看之间不足 30 秒的间断（我方故障不计入间断）。",
        "Credited: received, and the gaps shorter than 30 s between two receptions (our outages not counted).",
    ),
    (
        "集中收看：在收看点登记在场，且该点屏幕确有收看的时间，由确认人负责；与单独收看重叠的只计一次。",
        "Together: checked in at a site while its screen received, attested by who is named; counted once.",
    ),
    (
        "考勤结论：出席为达到考勤规则；未达到的，缺的时间主要在进入之前为迟到，在离开之后为早退，其余为未达标。",
        "Verdict: present meets the rule; else who lacks most before coming is late, who after leaving left early.",
    ),
    (
        "更正由各级组织者作出，写明办理人、时间和原因；测得的时长和结论始终保留在旁（见“更正与请假”表）。",
        "Corrections are made by organizers, with who, when and why; what was measured always stands beside them.",
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


def failure(cause: str, language: Language) -> str:
    """Why an attempt to come in did not work; a cause that the table lacks stays as it is."""
    found = _FAILURES.get(cause)
    return cause if found is None else found[language == "en"]


def notes(language: Language) -> list[str]:
    return [note[language == "en"] for note in NOTES]


def result(account: Account, language: Language) -> str:
    """Received, not received, or not measured; no rule is applied here."""
    if account.credited is None:
        return word("not_measured", language)
    return word("attended" if account.credited else "absent", language)
