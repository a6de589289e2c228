from __future__ import annotations

import datetime
import json
import pathlib
import runpy

import pytest

from classroom.errors import ProtocolError
from classroom.room.messages import (
    Command,
    Hello,
    Page,
    Presence,
    Trouble,
    batch,
    decode,
    encode,
    moment,
)
from classroom.room.messages_talk import Chat, Say

ROOT = pathlib.Path(__file__).parents[3]


def test_hello_as_scripts_send_it() -> None:
    assert decode('{"type":"hello","ticket":"t"}') == Hello(ticket="t")
    assert decode('{"type":"hello","ticket":"t","last":7,"page":"studio","device":"d"}') == Hello(
        ticket="t", last=7, page=Page.STUDIO, device="d"
    )


def test_chat_lecture_and_trouble() -> None:
    assert decode('{"type":"chat","text":"好"}') == Say(text="好")
    assert decode('{"type":"lecture","action":"start"}') == Command(action="start")
    assert isinstance(decode('{"type":"trouble","cause":"no-udp"}'), Trouble)


@pytest.mark.parametrize(
    "frame",
    [
        "",
        "{}",
        "[]",
        "null",
        '{"type":"hello"}',
        '{"type":"hello","ticket":""}',
        '{"type":"hello","ticket":"t","last":-1}',
        '{"type":"hello","ticket":"t","version":2}',
        '{"type":"hello","ticket":"t","more":1}',
        '{"type":"chat","text":""}',
        json.dumps({"type": "chat", "text": "x" * 501}),
        '{"type":"lecture","action":"pause"}',
        '{"type":"quality","loss":1.5}',
        '{"type":"quality","fps":NaN}',
        '{"type":"snapshot","seq":1}',
        "[" * 10_000,
        b"\xff\xfe",
    ],
)
def test_anything_else_is_one_error(frame: str | bytes) -> None:
    with pytest.raises(ProtocolError):
        decode(frame)


def test_a_batch_holds_encoded_messages_and_a_single_one_goes_alone() -> None:
    first, second = encode(Presence(1, 5)), encode(Presence(2, 6))
    assert json.loads(batch([first])) == {"type": "presence", "seq": 1, "count": 5}
    both = json.loads(batch([first, second]))
    assert both["type"] == "batch"
    assert [each["seq"] for each in both["messages"]] == [1, 2]


def test_times_are_utc_with_milliseconds() -> None:
    at = moment(1_700_000_000_123_456)
    assert at.tzinfo is datetime.UTC
    sent = json.loads(encode(Chat(1, "c", "n", "b", "member", "t", at, None)))
    assert sent["at"] == "2023-11-14T22:13:20.123000Z"


def test_the_pages_types_are_fresh() -> None:
    script = runpy.run_path(str(ROOT / "web" / "messages.py"))
    assert (ROOT / "web/src/channel/messages.ts").read_text("utf-8") == script["render"]()
