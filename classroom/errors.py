"""Errors of the service; each says whose fault it was. One table maps them to statuses and sentences."""

from __future__ import annotations


class ClassroomError(Exception):
    """Root of every error that this package raises on purpose."""


class UserError(ClassroomError):
    """A person can mend it. `reason` is a word of the table of sentences (zh, en); keeps the connection."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason
        self.detail = detail


class ProtocolError(ClassroomError):
    """The program at the other end sent what cannot be parsed; closes the connection."""


class SettingsError(ClassroomError):
    """The configuration cannot be used; the text names each key and what is wrong with it."""


SENTENCES: dict[str, tuple[int, dict[str, str]]] = {
    "malformed": (
        400,
        {"zh": "请求内容有误，请刷新页面重试。", "en": "The request cannot be read. Reload the page and try again."},
    ),
    "too-large": (
        413,
        {"zh": "内容过大，请缩小后重试。", "en": "That is too large. Make it smaller and try again."},
    ),
    "not-signed-in": (
        401,
        {"zh": "请先登录。", "en": "Please sign in first."},
    ),
    "wrong-password": (
        401,
        {
            "zh": "用户名或密码不对，请重试；忘记密码请联系管理员。",
            "en": "Name or password is wrong. Try again, or ask the operator for a new password.",
        },
    ),
    "cross-site": (
        403,
        {"zh": "请求来自其他网站，已被拒绝。", "en": "The request came from another site and was refused."},
    ),
    "role-may-not": (
        403,
        {"zh": "您的身份不能进行此操作，请联系组织者。", "en": "Your role does not allow this. Ask the organizer."},
    ),
    "no-such-lecture": (
        404,
        {
            "zh": "没有找到这场课程，请核对链接，或联系组织者。",
            "en": "There is no such lecture. Check the link, or ask the organizer.",
        },
    ),
    "no-such-member": (
        404,
        {"zh": "名单里没有这个人，请核对名单。", "en": "That person is not on the roster. Check the roster."},
    ),
    "no-such-page": (
        404,
        {"zh": "没有这个页面，请核对链接。", "en": "There is no such page. Check the link."},
    ),
    "no-such-method": (
        405,
        {
            "zh": "这个地址不支持这种请求方式，请查阅接口文档。",
            "en": "This address does not take such requests. See the protocol's documentation.",
        },
    ),
    "lecture-over": (
        410,
        {"zh": "课程已经结束，感谢参加。", "en": "The lecture is over. Thank you for taking part."},
    ),
    "name-taken": (
        409,
        {"zh": "这个名称已被使用，请换一个。", "en": "That name is taken. Choose another one."},
    ),
    "too-many-devices": (
        429,
        {
            "zh": "您已在三台设备上进入，请先关闭其中一台再试。",
            "en": "You are already here on three devices. Close one of them and try again.",
        },
    ),
    "too-many-tries": (
        429,
        {"zh": "尝试次数过多，请稍等一分钟再试。", "en": "Too many tries. Please wait a minute and try again."},
    ),
    "chat-empty": (
        400,
        {"zh": "这条消息没有可显示的文字，请重新输入。", "en": "That message holds no text that can be shown."},
    ),
    "chat-too-fast": (
        429,
        {"zh": "发言太快了，请稍等几秒再发。", "en": "You are writing too fast. Wait a few seconds and send again."},
    ),
    "chat-busy": (
        429,
        {
            "zh": "现在发言的人太多，请稍后再发。",
            "en": "Too many people are writing at this moment. Please send again shortly.",
        },
    ),
    "no-hello": (
        400,
        {"zh": "页面没有及时完成登录，请刷新页面。", "en": "The page did not say who it is in time. Reload it."},
    ),
    "too-slow": (
        503,
        {
            "zh": "网络太慢，消息已中断，页面会自动重连。",
            "en": "Your network is too slow for the messages; the page reconnects by itself.",
        },
    ),
    "restarting": (
        503,
        {
            "zh": "服务正在重启，页面会自动重连，请稍候。",
            "en": "The service restarts; the page reconnects by itself. Please wait a moment.",
        },
    ),
    "no-codec": (
        422,
        {
            "zh": "浏览器不支持当前画面的格式，请换用最新版的 Chrome、Edge 或 Safari。",
            "en": "Your browser cannot show this picture's format. Use a current Chrome, Edge or Safari.",
        },
    ),
    "b-frames": (
        422,
        {
            "zh": "您推送的视频含有 B 帧，观众会看到卡顿；请在推流软件中关闭 B 帧（例如 OBS 设 bf=0）。",
            "en": "Your video holds B-frames, which stutter for viewers. Turn them off (in OBS: max B-frames 0).",
        },
    ),
    "no-key-frames": (
        422,
        {
            "zh": "您推送的视频关键帧太少，新进入的观众要等待；请把关键帧间隔设为 2 秒。",
            "en": "Your video sends too few key frames, so newcomers wait. Set the key-frame interval to 2 s.",
        },
    ),
    "database-away": (
        503,
        {"zh": "数据库暂时不可用，请稍后重试。", "en": "The database does not answer now. Try again shortly."},
    ),
    "busy": (
        503,
        {"zh": "服务器正忙，请稍候再试。", "en": "The server is busy. Try again in a moment."},
    ),
    "bad-title": (
        400,
        {"zh": "请填写课程名称，不超过 200 个字。", "en": "Give the lecture a title of at most 200 characters."},
    ),
    "bad-times": (
        400,
        {"zh": "结束时间应晚于开始时间，请修改。", "en": "The lecture must end after it starts. Change the times."},
    ),
    "bad-staff-name": (
        400,
        {"zh": "请填写用户名，不超过 64 个字。", "en": "Give a name of at most 64 characters."},
    ),
    "weak-password": (
        400,
        {"zh": "密码应为 8 至 200 个字符。", "en": "A password needs 8 to 200 characters."},
    ),
    "sheet-empty": (
        422,
        {"zh": "文件是空的，请重新选择。", "en": "The file is empty. Choose another one."},
    ),
    "sheet-too-large": (
        422,
        {
            "zh": "文件太大（上限 8 MB），或展开后太大；请只保留名单所在的工作表和列。",
            "en": "The file is too large (at most 8 MB), or unpacks to too much. Keep only the roster's own sheet.",
        },
    ),
    "sheet-too-many-rows": (
        422,
        {"zh": "行数超过 10 万，请分成几个文件。", "en": "The file has more than 100,000 rows. Split it."},
    ),
    "sheet-old-format": (
        422,
        {
            "zh": "这是旧版 .xls 或加了密码的工作簿；请取消密码，另存为 .xlsx。",
            "en": "This is an old .xls, or a workbook with a password. Save it as .xlsx without a password.",
        },
    ),
    "sheet-damaged": (
        422,
        {
            "zh": "文件已损坏，或不是表格；请用 Excel 或 WPS 打开，另存为 .xlsx。",
            "en": "The file is damaged, or no spreadsheet. Open it in Excel or WPS and save it as .xlsx.",
        },
    ),
    "sheet-encoding": (
        422,
        {
            "zh": "无法识别文字编码；请另存为 .xlsx，或 UTF-8 编码的 CSV。",
            "en": "The text's encoding is unknown. Save it as .xlsx, or as CSV in UTF-8.",
        },
    ),
    "sheet-no-rows": (
        422,
        {"zh": "表格里没有内容，请重新选择。", "en": "The spreadsheet holds nothing. Choose another one."},
    ),
    "sheet-no-name-column": (
        422,
        {
            "zh": "没有找到「姓名」列；请在表头写：姓名、支部、手机号码。",
            "en": "No column is headed “name”. Head the columns: name, branch, phone.",
        },
    ),
    "sheet-no-branch-column": (
        422,
        {
            "zh": "没有找到「支部」列；请在表头写：姓名、支部、手机号码。",
            "en": "No column is headed “branch”. Head the columns: name, branch, phone.",
        },
    ),
}
"""A word for what went wrong: its HTTP status, and a sentence that says what helps."""

OTHER: tuple[int, dict[str, str]] = (
    400,
    {"zh": "无法完成此操作，请刷新页面重试。", "en": "That cannot be done. Reload the page and try again."},
)


def explained(reason: str) -> tuple[int, dict[str, str]]:
    """Status and sentences of a reason; a reason without a sentence of its own gets a general one."""
    return SENTENCES.get(reason, OTHER)


def sentence(reason: str, language: str) -> str:
    sentences = explained(reason)[1]
    return sentences.get(language, sentences["zh"])
