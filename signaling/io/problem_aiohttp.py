"""Refusals as problem+json (RFC 9457), with a sentence in the reader's language."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from aiohttp import web

from signaling.errors import Refusal, Refused

DEFAULT_LANGUAGE = "zh"
MAX_ACCEPT_LANGUAGE = 512

_encode = msgspec.json.Encoder().encode

REFUSALS: dict[Refusal, tuple[int, dict[str, str]]] = {
    Refusal.MALFORMED: (
        400,
        {
            "zh": "浏览器发来的媒体描述有误，请刷新页面；若仍不行，请换用最新版的浏览器。",
            "en": "Your browser sent a media description that cannot be read. Reload the page, or use a newer browser.",
        },
    ),
    Refusal.NO_TICKET: (
        401,
        {
            "zh": "缺少入场凭证，请从您的专属链接或二维码重新进入。",
            "en": "The ticket is missing. Please come in again through your personal link or QR code.",
        },
    ),
    Refusal.BAD_TICKET: (
        401,
        {
            "zh": "入场凭证无效，请核对链接是否完整，或向组织者索取新链接。",
            "en": "The ticket is not valid. Check that the link is complete, or ask the organizer for a new one.",
        },
    ),
    Refusal.EXPIRED: (
        401,
        {
            "zh": "链接已过期，请向组织者索取新链接。",
            "en": "The link has expired. Please ask the organizer for a new one.",
        },
    ),
    Refusal.REVOKED: (
        401,
        {
            "zh": "链接已被更换，请使用组织者发给您的最新链接。",
            "en": "The link was replaced. Please use the newest link that the organizer sent you.",
        },
    ),
    Refusal.BARRED: (
        403,
        {
            "zh": "您已被请出这场课程；如有疑问，请联系组织者。",
            "en": "You were removed from this lecture. If you think this is wrong, ask the organizer.",
        },
    ),
    Refusal.ROLE: (
        403,
        {
            "zh": "您的身份不能进行此操作；如需上台发言，请先举手或联系组织者。",
            "en": "Your role does not allow this. To speak, raise your hand or ask the organizer.",
        },
    ),
    Refusal.NO_LECTURE: (
        404,
        {
            "zh": "没有找到这场课程，请核对链接，或联系组织者。",
            "en": "There is no such lecture. Check the link, or ask the organizer.",
        },
    ),
    Refusal.LECTURE_OVER: (
        410,
        {"zh": "课程已经结束，感谢参加。", "en": "The lecture is over. Thank you for taking part."},
    ),
    Refusal.NO_SESSION: (
        404,
        {"zh": "此次连接已经结束，请重新进入。", "en": "This connection has already ended. Please come in again."},
    ),
    Refusal.NOT_SDP: (
        415,
        {
            "zh": "请求的内容类型不对，应为 application/sdp。",
            "en": "The content type of the request is wrong; it must be application/sdp.",
        },
    ),
    Refusal.TOO_LARGE: (
        413,
        {"zh": "请求内容过大，请刷新页面重试。", "en": "The request is too large. Reload the page and try again."},
    ),
    Refusal.NO_CODEC: (
        422,
        {
            "zh": "浏览器不支持所需的音视频格式（Opus，VP8 或 H.264），请换用最新版的 Chrome、Edge 或 Safari。",
            "en": "Your browser lacks Opus, VP8 and H.264. Use a current Chrome, Edge or Safari.",
        },
    ),
    Refusal.TOO_MANY_TRIES: (
        429,
        {"zh": "尝试次数过多，请稍等一分钟再试。", "en": "Too many tries. Please wait a minute and try again."},
    ),
    Refusal.TOO_MANY_DEVICES: (
        429,
        {
            "zh": "您已在多台设备上进入，请先关闭其中一台再试。",
            "en": "You are already here on several devices. Close one of them and try again.",
        },
    ),
    Refusal.CROWDED: (
        503,
        {
            "zh": "此刻进入的人很多，请稍候，页面会自动再试。",
            "en": "Many people are coming in just now. Please wait a moment; the page tries again by itself.",
        },
    ),
    Refusal.FULL: (
        503,
        {
            "zh": "课程人数已满，请稍后再试，或联系组织者。",
            "en": "The lecture is full. Try again later, or ask the organizer.",
        },
    ),
    Refusal.ELSEWHERE: (
        503,
        {
            "zh": "这场课程由另一台服务器承担，页面会自动转到那里；推流软件请改用那里的地址。",
            "en": "Another server runs this lecture. Pages go there by themselves; give other programs its address.",
        },
    ),
    Refusal.RELAY_DOWN: (
        503,
        {
            "zh": "服务正在恢复，请稍候，页面会自动重连。",
            "en": "The service is recovering. Please wait a moment; the page reconnects by itself.",
        },
    ),
}
"""Each kind of refusal: its status, and a sentence that says what helps."""


def problem_response(
    request: web.Request,
    reason: str,
    status: int,
    sentences: Mapping[str, str],
    detail: str = "",
    headers: Mapping[str, str] | None = None,
) -> web.Response:
    """`reason` is the problem's type; `sentences` holds the title per language ("zh", "en")."""
    language = language_of(request, tuple(sentences))
    body = {"type": reason, "title": sentences[language], "status": status, "detail": detail}
    return web.Response(
        status=status,
        body=_encode(body),
        content_type="application/problem+json",
        headers={
            "Cache-Control": "no-store",
            "Content-Language": language,
            "Vary": "Accept-Language",
            **(headers or {}),
        },
    )


def refusal_response(request: web.Request, refused: Refused, headers: Mapping[str, str] | None = None) -> web.Response:
    status, sentences = REFUSALS[refused.reason]
    more = dict(headers or {})
    if refused.retry_after is not None:
        more["Retry-After"] = str(refused.retry_after)
    if status == 401:
        more["WWW-Authenticate"] = "Bearer"
    return problem_response(request, refused.reason.value, status, sentences, refused.detail, more)


def language_of(request: web.Request, available: tuple[str, ...] = ("zh", "en")) -> str:
    """The available language that `Accept-Language` prefers (RFC 9110 §12.5.4); Chinese where it names none."""
    header = request.headers.get("Accept-Language", "")[:MAX_ACCEPT_LANGUAGE]
    best, language = 0.0, DEFAULT_LANGUAGE if DEFAULT_LANGUAGE in available else available[0]
    for part in header.split(","):
        tag, _, parameter = part.partition(";")
        primary = tag.strip().lower().split("-")[0]
        weight = _weight(parameter.strip())
        if primary in available and weight > best:
            best, language = weight, primary
    return language


def _weight(parameter: str) -> float:
    if not parameter.startswith("q="):
        return 1.0
    try:
        return min(max(float(parameter[2:]), 0.0), 1.0)
    except ValueError:
        return 0.0
