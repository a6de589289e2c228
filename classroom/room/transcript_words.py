"""The words of a transcript's export, Chinese and English. Deeds are named by the kinds of `trail.py`."""

from __future__ import annotations

from classroom.people.words import role_word
from classroom.ports import Language

_WORDS: dict[str, tuple[str, str]] = {
    "chat": ("聊天", "Chat"),
    "questions": ("提问", "Questions"),
    "polls": ("投票", "Polls"),
    "deeds": ("操作记录", "Who did what"),
    "time": ("时间", "Time"),
    "section": ("类别", "Section"),
    "name": ("姓名", "Name"),
    "branch": ("支部", "Branch"),
    "role": ("身份", "Role"),
    "text": ("内容", "Text"),
    "answers": ("回复", "In answer to"),
    "state": ("状态", "State"),
    "moved_at": ("状态时间", "Since"),
    "moved_by": ("操作人", "By"),
    "number": ("编号", "Number"),
    "question": ("题目", "Question"),
    "poll_kind": ("类型", "Kind"),
    "option": ("选项", "Option"),
    "votes": ("票数", "Votes"),
    "share": ("占投票人数", "Of those who voted"),
    "voters": ("投票人数", "Voters"),
    "closed": ("结束时间", "Closed"),
    "by": ("操作人", "By"),
    "did": ("操作", "Did"),
    "whom": ("对象", "Whom"),
    "whom_branch": ("对象支部", "Their branch"),
    "single": ("单选", "single choice"),
    "multiple": ("多选", "several choices"),
    "open": ("进行中", "open"),
}

_STATES: dict[str, tuple[str, str]] = {
    "deleted": ("已删除", "deleted"),
    "asked": ("待处理", "waiting"),
    "published": ("已公开", "published"),
    "answered": ("已回答", "answered"),
    "dismissed": ("已忽略", "dismissed"),
}

_DEEDS: dict[str, tuple[str, str]] = {
    "deleted": ("删除消息", "deleted a message"),
    "pinned": ("置顶公告", "pinned a notice"),
    "unpinned": ("取消置顶", "took the notice away"),
    "question-published": ("公开提问", "published a question"),
    "question-answered": ("标记提问为已回答", "marked a question as answered"),
    "question-dismissed": ("忽略提问", "dismissed a question"),
    "muted": ("禁言", "muted"),
    "unmuted": ("解除禁言", "let write again"),
    "barred": ("请出课堂", "removed from the lecture"),
    "let-in": ("允许重新进入", "let in again"),
    "all-muted": ("全员禁言", "muted everybody"),
    "slow": ("发言间隔（秒）", "seconds between lines"),
    "words": ("设置禁用词（个）", "set the word list (words)"),
    "poll-opened": ("发起投票", "opened a poll"),
    "poll-closed": ("结束投票", "closed a poll"),
    "order": ("编排上台顺序（人）", "set the running order (people)"),
    "hand-lowered": ("放下举手", "lowered a hand"),
    "layout": ("切换布局", "chose a layout"),
    "called": ("邀请上台", "called to the stage"),
    "put-on": ("请上台", "put on the stage"),
    "taken-off": ("请下台", "took off the stage"),
    "attempted": ("尝试越权操作（已拒绝）", "tried what their role may not"),
    "withheld": ("含禁用词（未发出）", "wrote a word of the list (not sent)"),
}

_STAFF = {"operator": ("管理员", "Operator"), "organizer": ("组织员", "Organizer")}


def word(key: str, language: Language) -> str:
    """A heading. Raises `KeyError` for one that is not in the table."""
    return _WORDS[key][language == "en"]


def state_word(state: str | None, language: Language) -> str:
    return "" if state is None else _STATES[state][language == "en"]


def deed_word(kind: str, language: Language) -> str:
    """One that the table lacks stays as it is."""
    found = _DEEDS.get(kind)
    return kind if found is None else found[language == "en"]


def person_word(role: str, language: Language) -> str:
    """A role, of members and of staff."""
    found = _STAFF.get(role)
    return role_word(role, language) if found is None else found[language == "en"]
