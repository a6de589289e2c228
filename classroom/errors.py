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


class BusAway(ClassroomError):
    """What joins the nodes does not answer; it comes back by itself, or its operator brings it back."""


class LeaseLost(ClassroomError):
    """This node held a lease that is not its own any more."""


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
    "two-of-one-name": (
        409,
        {
            "zh": "有两个人叫这个名字，请改用人员编号（见 classroom links export --json）。",
            "en": "Two people have this name: give the member's id (see `classroom links export --json`).",
        },
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
    "member-in-lecture": (
        409,
        {
            "zh": "此人参加的课程正在进行，其发言正显示在课堂中。请在课程结束后删除。",
            "en": "A lecture of this person is under way and shows their words. Erase them when it is over.",
        },
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
    "code-unknown": (
        403,
        {
            "zh": "没有找到：请核对课堂代码、姓名和手机号后四位；仍不行时，请用您的个人链接。",
            "en": "Not found. Check the code, your name and the last four digits; if that fails, use your own link.",
        },
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
    "chat-slow": (
        429,
        {
            "zh": "已开启慢速发言，请过一会儿再发；您的文字还在输入框里。",
            "en": "Slow mode is on. Wait a little and send again; your text is still there.",
        },
    ),
    "chat-word": (
        422,
        {
            "zh": "这段文字含有本场不允许出现的词，没有发出；请修改后再发。",
            "en": "This holds a word that is not said here, and was not sent. Change it and send again.",
        },
    ),
    "chat-gone": (
        404,
        {
            "zh": "那条消息已被删除，或者太早了；请直接发言。",
            "en": "That message was deleted, or is too old. Write without answering it.",
        },
    ),
    "muted": (
        403,
        {
            "zh": "您已被禁言，暂时不能发言；如有疑问，请联系主持人。",
            "en": "You may not write at the moment. If you think this is wrong, ask the host.",
        },
    ),
    "all-muted": (
        403,
        {
            "zh": "现在全员禁言，请专心听课；有问题可以用「提问」。",
            "en": "Nobody writes in the chat at the moment. Use “Questions” for a question.",
        },
    ),
    "ask-too-fast": (
        429,
        {
            "zh": "提问太快了，请过 20 秒再提。",
            "en": "You are asking too fast. Wait 20 seconds and ask again.",
        },
    ),
    "ask-enough": (
        429,
        {
            "zh": "您已有 5 个提问在等待处理，请等主持人处理后再提。",
            "en": "Five of your questions are waiting. Ask more when the host has dealt with them.",
        },
    ),
    "ask-full": (
        429,
        {
            "zh": "现在等待处理的提问太多，请过几分钟再提。",
            "en": "Too many questions are waiting. Ask again in a few minutes.",
        },
    ),
    "no-such-question": (
        404,
        {
            "zh": "没有找到这个提问，可能已被处理；请看最新的列表。",
            "en": "That question is not there; it may have been dealt with. Look at the list.",
        },
    ),
    "no-such-poll": (
        404,
        {"zh": "没有找到这个投票，请刷新页面。", "en": "There is no such poll. Reload the page."},
    ),
    "poll-closed": (
        410,
        {"zh": "投票已经结束，结果见页面。", "en": "The poll is closed. See its result."},
    ),
    "poll-options": (
        422,
        {
            "zh": "投票的选项不能空白，也不能重复，请修改。",
            "en": "Options must not be empty and must differ. Change them.",
        },
    ),
    "polls-full": (
        429,
        {
            "zh": "一场课程最多 20 个投票，不能再发起了。",
            "en": "A lecture has at most 20 polls; no more can be opened.",
        },
    ),
    "bad-vote": (
        422,
        {
            "zh": "这一票的选项不符合投票要求，请重新选择。",
            "en": "These choices do not fit the poll. Choose again.",
        },
    ),
    "not-them": (
        403,
        {
            "zh": "不能对主讲人、主持人或管理员进行此操作。",
            "en": "This cannot be done to the lecturer, the host or an operator.",
        },
    ),
    "no-such-person": (
        404,
        {
            "zh": "这个人不在课堂里，也没有发过言，请核对。",
            "en": "That person is not here and has written nothing. Check whom you mean.",
        },
    ),
    "order-full": (
        429,
        {
            "zh": "禁言或请出的人已达上限（500 人），请先解除一些，或开启全员禁言。",
            "en": "At most 500 people can be muted or removed. Release some first, or mute everybody.",
        },
    ),
    "too-fast": (
        429,
        {"zh": "操作太快了，请稍等几秒再试。", "en": "That was too fast. Wait a few seconds and try again."},
    ),
    "hand-too-fast": (
        429,
        {"zh": "举手太频繁了，请稍等几秒再举。", "en": "You raise your hand too often. Wait a few seconds."},
    ),
    "hands-full": (
        429,
        {
            "zh": "举手的人太多了，请稍后再举；也可以在聊天或提问里说。",
            "en": "Too many hands are up. Raise yours a little later, or write in the chat.",
        },
    ),
    "called-already": (
        409,
        {"zh": "已经邀请过了，请等对方上台或下台。", "en": "That person is called already; wait, or take them off."},
    ),
    "not-here": (
        409,
        {
            "zh": "对方现在不在线，请先联系本人打开链接。",
            "en": "That person is not here now. Ask them to open their link first.",
        },
    ),
    "not-for-the-stage": (
        409,
        {"zh": "只能邀请学员和嘉宾上台。", "en": "Only members and guests can be called to the stage."},
    ),
    "stage-full": (
        409,
        {
            "zh": "候场的人太多了，请先请几位下去。",
            "en": "Too many people are called or backstage. Take some of them off first.",
        },
    ),
    "not-backstage": (
        409,
        {
            "zh": "对方还没有准备好，请等设备检查完成，或先邀请。",
            "en": "That person is not ready. Wait until their devices are checked, or call them first.",
        },
    ),
    "next-is-coming": (
        409,
        {
            "zh": "下一位已经邀请，正在准备；准备好后再点一次。",
            "en": "The next one is called and getting ready. Tap again when they are backstage.",
        },
    ),
    "stage-moved": (
        409,
        {
            "zh": "台上刚刚有了变化，这一次没有执行；请看清现在是谁，再点一次。",
            "en": "The stage has just changed, so nothing was done. Look who is on now, and tap again.",
        },
    ),
    "nobody-next": (
        409,
        {
            "zh": "没有可以上台的下一位：名单上的人都不在线，或都已分享。",
            "en": "Nobody can come next: all of the running order have shared, or are not here.",
        },
    ),
    "bad-order": (
        422,
        {
            "zh": "上台安排里有一行填得不对，没有保存；请按提示改好后再保存。",
            "en": "One line of the running order is not right, so nothing was saved. Correct it and save again.",
        },
    ),
    "nobody-on": (
        409,
        {"zh": "现在没有人在台上。", "en": "Nobody is on the stage now."},
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
    "stored-later": (
        503,
        {
            "zh": "数据库暂时没有应答：这一项已排队，恢复后会自动写入。请稍后刷新核对，不必重复操作。",
            "en": "The database does not answer. This waits and will be stored; look again later, do not repeat it.",
        },
    ),
    "not-stored": (
        503,
        {
            "zh": "这一项没有写入，请稍后重试；仍不行请联系系统管理员。",
            "en": "This was not stored. Try again shortly; if it fails again, tell the operator.",
        },
    ),
    "room-away": (
        503,
        {
            "zh": "与课堂的连接正在恢复，这一项暂时没有送达，请稍候再试。",
            "en": "The way to the room is being restored, and this did not arrive. Try again in a moment.",
        },
    ),
    "busy": (
        503,
        {"zh": "服务器正忙，请稍候再试。", "en": "The server is busy. Try again in a moment."},
    ),
    "bad-title": (
        400,
        {"zh": "请填写课程名称，不超过 200 个字。", "en": "Give the lecture a title of at most 200 characters."},
    ),
    "sign-in-over": (
        410,
        {
            "zh": "这次签到已经结束；收看时长照常计入。",
            "en": "That sign-in is over. Your minutes are counted all the same.",
        },
    ),
    "sign-in-open": (
        409,
        {
            "zh": "上一次签到还在进行，请等它结束后再发起。",
            "en": "The last sign-in is still open. Call the next one when it is over.",
        },
    ),
    "sign-ins-enough": (
        429,
        {
            "zh": "本场课程发起签到的次数已达上限。",
            "en": "No more sign-ins can be called in this lecture.",
        },
    ),
    "not-live": (
        409,
        {
            "zh": "直播中有画面或声音时才能发起签到。",
            "en": "A sign-in can be called only while the lecture is live and something is shown.",
        },
    ),
    "site-closed": (
        409,
        {
            "zh": "这个收看点没有开放，请主持人点“开始集中收看”。",
            "en": "This site is not open. Ask its host to tap “Start watching together”.",
        },
    ),
    "not-of-this-site": (
        403,
        {
            "zh": "这个人不在本收看点支部的名单里，请到所在支部的收看点，或用个人链接收看。",
            "en": "This person is not of this site's branch. Go to your own branch's site, or watch by your own link.",
        },
    ),
    "code-stale": (
        410,
        {
            "zh": "二维码已过期（每 15 秒更换），请重新扫一次屏幕上的码。",
            "en": "The code is over: it changes every 15 seconds. Scan the one on the screen again.",
        },
    ),
    "other-lecture": (
        409,
        {
            "zh": "您的链接是另一场课堂的，请填姓名和手机后四位登记。",
            "en": "Your link is for another lecture. Give your name and the last four digits of your number instead.",
        },
    ),
    "hosts-no-site": (
        404,
        {
            "zh": "您还不是集中收看点的主持人，请联系本支部组织员设置。",
            "en": "You are not the host of a site. Ask your branch's organizer to name you.",
        },
    ),
    "hosts-already": (
        409,
        {
            "zh": "这个人已经是另一个收看点的主持人，请另选一人，或先删除那个收看点。",
            "en": "This person hosts another site already. Choose somebody else, or remove that site first.",
        },
    ),
    "no-such-site": (
        404,
        {"zh": "没有这个收看点，请刷新列表。", "en": "There is no such site. Reload the list."},
    ),
    "site-was-open": (
        409,
        {
            "zh": "这个收看点已经开放过，记录要保留，不能删除；可以结束它。",
            "en": "This site was open, so what happened there is kept. You can close it.",
        },
    ),
    "bad-place": (
        400,
        {"zh": "请填写收看地点，不超过 80 个字。", "en": "Name the place, in at most 80 characters."},
    ),
    "bad-headcount": (
        400,
        {"zh": "现场人数应在 0 到 10000 之间，请核对。", "en": "The headcount must be between 0 and 10,000. Check it."},
    ),
    "sites-enough": (
        429,
        {
            "zh": "本场课堂的收看点已达上限（500 个），请先删除不用的。",
            "en": "No more than 500 sites in one lecture. Remove those that are not needed first.",
        },
    ),
    "rule-changed": (
        409,
        {
            "zh": "考勤规则刚被别人修改过，请刷新后再改。",
            "en": "Somebody changed the attendance rule a moment ago. Reload and change it again.",
        },
    ),
    "hours-value": (
        422,
        {
            "zh": "学时表里有数超出范围：每学时 10–480 分钟，学时 0–1000（最多两位小数），百分比 1–100。请改正。",
            "en": "A number is out of range: an hour has 10–480 minutes, hours are 0–1000, per cents 1–100. Change it.",
        },
    ),
    "hours-lengths": (
        422,
        {
            "zh": "按时长分档的分钟和学时都应逐档增加，最多 12 档，请修改后保存。",
            "en": "Steps of length must grow in minutes and in hours, 12 at most. Change them and save again.",
        },
    ),
    "hours-shares": (
        422,
        {
            "zh": "按收看比例分档至少一档、最多 12 档，比例和计入的百分比都应逐档增加，请修改后保存。",
            "en": "Steps of share must grow in both per cents, one to 12 of them. Change them and save again.",
        },
    ),
    "hours-reason": (
        400,
        {
            "zh": "请写明修改学时表的原因（200 字以内）。",
            "en": "Say why the table of hours is changed (200 characters).",
        },
    ),
    "hours-changed": (
        409,
        {
            "zh": "学时表刚刚被别人改过，请刷新后再改。",
            "en": "Somebody else has just changed the table of hours. Reload it and change it again.",
        },
    ),
    "hours-worth": (
        422,
        {
            "zh": "一场课程的学时应在 0 到 24 之间，最多两位小数。",
            "en": "A lecture is worth 0 to 24 hours, to the hundredth.",
        },
    ),
    "bad-year": (
        400,
        {"zh": "年份应是四位数字，例如 2026。", "en": "A year has four digits, for example 2026."},
    ),
    "no-such-branch": (
        404,
        {
            "zh": "名单里没有这个支部，请核对支部的全称（例如 镇巴县 / 泾洋街道党支部）。",
            "en": "There is no such branch on the roster. Check its whole path (A / B).",
        },
    ),
    "year-pending": (
        503,
        {
            "zh": "还有课程正在核算，请一分钟后再导出。",
            "en": "Some lectures are still being reckoned. Export again in a minute.",
        },
    ),
    "reason-needed": (
        400,
        {
            "zh": "课程已经开始，修改考勤规则请写明原因。",
            "en": "The lecture has begun: say why the attendance rule is changed.",
        },
    ),
    "correction-early": (
        409,
        {
            "zh": "课程结束后才能更正考勤；缺席事由可以先办请假。",
            "en": "Attendance can be corrected once the lecture is over; leave can be given before.",
        },
    ),
    "bad-correction": (
        422,
        {
            "zh": "更正的结论或时长不对：时长不能超过应收看时长；请假请用“请假”办理。",
            "en": "This cannot be found: no more than the counted time can be credited, and leave is given as leave.",
        },
    ),
    "correction-unexplained": (
        422,
        {"zh": "请写明更正原因，不超过 500 个字。", "en": "Say why, in at most 500 characters."},
    ),
    "bad-objection": (
        422,
        {"zh": "请写明您的异议，不超过 500 个字。", "en": "Write your objection, in at most 500 characters."},
    ),
    "objection-early": (
        409,
        {"zh": "课程还没有开始，没有可以提出异议的记录。", "en": "The lecture has not begun: there is no record yet."},
    ),
    "objection-open": (
        409,
        {
            "zh": "您的上一条异议还在处理中，答复后可以再提。",
            "en": "Your last objection still waits. File another one when it is answered.",
        },
    ),
    "objection-enough": (
        429,
        {
            "zh": "这场课程您已提过 5 次异议，请直接联系您的组织者。",
            "en": "You have objected five times about this lecture. Talk to your organizer.",
        },
    ),
    "no-such-objection": (
        404,
        {"zh": "没有找到这条异议，请刷新列表。", "en": "There is no such objection. Reload the list."},
    ),
    "bad-answer": (
        422,
        {"zh": "请填写答复，不超过 500 个字。", "en": "Write an answer of at most 500 characters."},
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
    "preview-stale": (
        409,
        {
            "zh": "花名册在您预览之后有变动，没有导入；请重新预览。",
            "en": "The roster has changed since you looked at the preview; nothing was imported. Look again.",
        },
    ),
    "no-such-change": (404, {"zh": "没有这次变更。", "en": "There is no such change."}),
    "undone-already": (409, {"zh": "这次变更已经撤销过了。", "en": "This has been taken back already."}),
    "invited-to-one-over": (
        409,
        {
            "zh": "这次变更邀请过的课程已经结束，考勤要以当时的名单为准，不能再撤销。请改为把有关人员单独调动或移出。",
            "en": "The lecture that this invited people to is over and keeps the list it had. "
            "Move these people, or let them leave, one by one instead.",
        },
    ),
    "changed-since": (
        409,
        {
            "zh": "其中有人之后又有变更，请先撤销后来的变更。",
            "en": "Some of these people were changed again later; take the later change back first.",
        },
    ),
    "branch-exists": (
        409,
        {
            "zh": "同一上级下已有同名支部；若要并为一个，请用“合并”。",
            "en": "There is a branch of that name beside it; to make them one, merge them.",
        },
    ),
    "branch-within": (
        409,
        {
            "zh": "不能并入它自己或它的下级支部，请另选一个。",
            "en": "A branch cannot be merged into itself or below itself. Choose another one.",
        },
    ),
    "no-such-staff": (
        404,
        {"zh": "没有这个管理员，请刷新列表。", "en": "There is no such organizer. Reload the list."},
    ),
    "not-yourself": (
        409,
        {
            "zh": "不能移除自己或给自己改换支部，请由其他管理员办理。",
            "en": "You cannot remove yourself or bind yourself to a branch; ask another operator.",
        },
    ),
    "last-operator": (
        409,
        {
            "zh": "这是唯一的全市管理员；请先添加另一位，再办理。",
            "en": "This is the only operator. Add another one first.",
        },
    ),
    "branch-not-yours": (
        403,
        {
            "zh": "这个支部不在您管理的范围内，请交由上级组织办理。",
            "en": "This branch is not within the one that you manage; ask the organizer above you.",
        },
    ),
    "bad-branch": (
        422,
        {
            "zh": "请写支部名称：最多 8 级，每级不超过 60 个字。",
            "en": "Write the branch's name: at most 8 levels of 60 characters each.",
        },
    ),
    "sheet-password": (
        422,
        {
            "zh": "工作簿加了密码；请在 Excel 或 WPS 里取消密码，保存后再选。",
            "en": "The workbook has a password. Take it off in Excel or WPS, save, and choose it again.",
        },
    ),
    "sheet-web-page": (
        422,
        {
            "zh": "这个文件其实是网页（有的系统导出的“Excel”是这样）；请用 Excel 或 WPS 打开，另存为 .xlsx。",
            "en": "This file is a web page, as some systems export it. Open it in Excel or WPS and save it as .xlsx.",
        },
    ),
    "bad-token": (
        401,
        {
            "zh": "访问令牌无效、已到期或已撤销；请向管理员要一个新的。",
            "en": "The token is not valid, has expired or was revoked. Ask an operator for a new one.",
        },
    ),
    "token-may-not": (
        403,
        {
            "zh": "访问令牌只能读取考勤；其他操作请登录后进行。",
            "en": "A token only reads attendance. Sign in for anything else.",
        },
    ),
    "bad-token-name": (
        400,
        {"zh": "请写明令牌的用途（64 字以内）。", "en": "Say what the token is for, in up to 64 characters."},
    ),
    "bad-days": (400, {"zh": "有效期为 1 至 1095 天。", "en": "A token holds for 1 to 1095 days."}),
    "no-such-token": (404, {"zh": "没有这个访问令牌。", "en": "There is no such token."}),
    "sheet-no-seal": (
        422,
        {
            "zh": "文件里没有校验信息：它不是本系统导出的考勤表，或者“说明”表（CSV 的末行）被删掉了。请用导出的原件。",
            "en": "The file carries no seal: it is no attendance export of this system, or its notes (a CSV's last "
            "line) were deleted. Use the file as it was exported.",
        },
    ),
    "bad-encoding": (
        400,
        {
            "zh": "只有 CSV 可以选择编码，可选 utf-8 或 gb18030。",
            "en": "Only a CSV's encoding can be chosen: utf-8 or gb18030.",
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
