from __future__ import annotations

import csv
import io
import zipfile

import pytest

from classroom.io import transcript_csv, transcript_xlsxwriter
from classroom.room.inputs import Person
from classroom.room.journal import (
    Asked,
    Deleted,
    Entry,
    Journaled,
    MemberBarred,
    PinSet,
    PollEnded,
    PollOpened,
    QuestionSet,
    Said,
    VoteCast,
    Withheld,
)
from classroom.room.messages_talk import QuestionState
from classroom.room.transcript import MOVES, WRITTEN, Transcript, search
from classroom.room.transcript_rows import SECTIONS, Names, Pages
from classroom.room.transcript_words import deed_word, person_word, state_word, word

S = 1_000_000
START = 1_763_985_600 * S  # 2025-11-24 20:00:00 in China
ZHENBA, XIXIANG = "镇巴县 / 泾洋", "西乡县"

EVENING: list[tuple[str | None, Entry]] = [
    ("m1", Said("c1", "m1", "张伟", ZHENBA, "member", "大家好", "k1")),
    ("m2", Said("c2", "m2", "李娜", XIXIANG, "member", "=1+1 加微信", reply="c1")),
    ("h1", Deleted("c2")),
    ("m1", Asked("q1", "m1", "张伟", ZHENBA, "member", "何时结束？")),
    ("m2", Asked("q2", "m2", "李娜", XIXIANG, "member", "Ｗｈｅｎ？")),
    ("h1", QuestionSet("q1", QuestionState.PUBLISHED)),
    ("h1", QuestionSet("q1", QuestionState.ANSWERED)),
    ("s1", PollOpened("p1", "听清了吗？", ("是", "否"), False)),
    ("m1", VoteCast("p1", "m1", (0,))),
    ("m2", VoteCast("p1", "m2", (0,))),
    ("m2", VoteCast("p1", "m2", (1,))),
    (None, PollEnded("p1")),
    ("h1", PollOpened("p2", "来几次？", ("一", "二"), True)),
    ("h1", PinSet("@资料在群里", "主持")),
    ("m2", Withheld("chat", "李娜", XIXIANG, "坏话")),
    ("h1", MemberBarred("m2", "李娜", XIXIANG, True)),
]
JOURNAL = [Journaled(number, START + number * S, by, entry) for number, (by, entry) in enumerate(EVENING, 1)]
NAMES = Names({"m1": "张伟", "m2": "李娜", "h1": "主持", "s1": "值班"})


def transcript() -> Transcript:
    made = Transcript()
    for journaled in JOURNAL:
        made.add(journaled)
    return made


def test_lines_say_who_wrote_them_what_they_answer_and_who_deleted_them() -> None:
    first, second = transcript().lines.values()
    assert first.author == Person("m1", "张伟", ZHENBA, "member")
    assert (first.state, first.reply, first.at) == (None, None, START + S)
    assert (second.reply, second.answers) == ("c1", ("张伟", "大家好"))
    assert (second.state, second.moved_at, second.moved_by) == ("deleted", START + 3 * S, "h1")
    assert second.text == "=1+1 加微信"


def test_questions_stand_where_they_were_moved_last() -> None:
    first, second = transcript().questions.values()
    assert (first.state, first.moved_at, first.moved_by) == (QuestionState.ANSWERED, START + 7 * S, "h1")
    assert (second.state, second.moved_by) == (QuestionState.ASKED, None)


def test_polls_count_each_members_last_vote() -> None:
    first, second = transcript().polls.values()
    assert ([first.chosen(0), first.chosen(1)], len(first.votes)) == ([1, 1], 2)
    assert (first.by, first.closed) == ("s1", START + 12 * S)
    assert (second.closed, len(second.votes)) == (None, 0)


def test_what_was_done_to_lines_that_are_not_there_is_passed_over() -> None:
    made = Transcript()
    moves: list[Entry] = [Deleted("c1"), QuestionSet("q1", QuestionState.ANSWERED), PollEnded("p1")]
    for number, entry in enumerate(moves, 1):
        made.add(Journaled(number, 0, "h1", entry))
    made.add(Journaled(4, 0, "m1", VoteCast("p1", "m1", (0,))))
    assert not made.lines
    assert not made.polls


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", ["c1", "c2", "q1", "q2"]),
        ("大 家", ["c1"]),
        ("WHEN", ["q2"]),
        ("李娜", ["c2", "q2"]),
        ("？", ["q1", "q2"]),
        ("没有", []),
    ],
)
def test_a_line_is_found_by_text_and_writer_however_it_is_written(text: str, found: list[str]) -> None:
    written = [each for each in JOURNAL if type(each.entry) in WRITTEN]
    moves = [each for each in JOURNAL if type(each.entry) in MOVES]
    lines = search(written, moves, text, 10)
    assert [line.id for line in lines] == found
    assert [line.id for line in search(written, moves, text, 1)] == found[:1]
    assert {line.id: line.state for line in lines if line.id == "c2"} in ({}, {"c2": "deleted"})


# --- rows and files --------------------------------------------------------------------------------------------------


def test_rows_have_a_cell_for_each_column() -> None:
    for language in ("zh", "en"):
        pages = Pages(transcript(), NAMES, "en" if language == "en" else "zh")
        for section, columns in SECTIONS.items():
            assert len(pages.heading(section)) == len(columns)
            assert all(len(row) == len(columns) for row in pages.rows(section))


def test_rows_tell_times_names_and_results() -> None:
    pages = Pages(transcript(), NAMES, "zh")
    chat = list(pages.rows("chat"))
    assert chat[0] == ["2025-11-24 20:00:01+08:00", "张伟", ZHENBA, "成员", "大家好", "", "", "", "", "c1"]
    assert chat[1][5:] == ["张伟：大家好", "已删除", "2025-11-24 20:00:03+08:00", "主持", "c2"]
    assert [row[5] for row in pages.rows("questions")] == ["已回答", "待处理"]
    polls = list(pages.rows("polls"))
    assert [row[4:8] for row in polls] == [["是", 1, 0.5, 2], ["否", 1, 0.5, 2], ["一", 0, "", 0], ["二", 0, "", 0]]
    assert [row[8] for row in polls] == ["2025-11-24 20:00:12+08:00"] * 2 + ["进行中"] * 2
    deeds = {row[2]: row for row in pages.rows("deeds")}
    assert deeds["删除消息"][1:] == ["主持", "删除消息", "李娜", XIXIANG, "=1+1 加微信"]
    assert deeds["发起投票"][1] in ("值班", "主持")
    assert deeds["含禁用词（未发出）"][1] == "李娜"


def test_an_organizer_of_a_branch_reads_what_was_done_to_its_people() -> None:
    pages = Pages(transcript(), NAMES, "zh", "镇巴县")
    assert {row[4] for row in pages.rows("deeds")} == {ZHENBA}
    assert len(list(pages.rows("chat"))) == 2


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_file_holds_every_section_and_no_formula(language: str) -> None:
    pages = Pages(transcript(), NAMES, "en" if language == "en" else "zh")
    body = transcript_csv.write(pages)
    assert body.startswith(b"\xef\xbb\xbf")
    rows = list(csv.reader(io.StringIO(body.decode("utf-8-sig"), newline="")))
    assert [pages.title(section) in {row[0] for row in rows if row} for section in SECTIONS] == [True] * 4
    cells = {cell for row in rows for cell in row}
    assert "'=1+1 加微信" in cells
    assert "'@资料在群里" in cells
    assert not any(cell.startswith(("=", "+", "-", "@")) for cell in cells)
    book = transcript_xlsxwriter.write(pages, "讲座")
    assert book == transcript_xlsxwriter.write(pages, "讲座")
    with zipfile.ZipFile(io.BytesIO(book)) as archive:
        sheets = [name for name in archive.namelist() if name.startswith("xl/worksheets/sheet")]
        assert len(sheets) == len(SECTIONS)
        assert all(b"<f>" not in archive.read(name) for name in sheets)
        assert "=1+1 加微信".encode() in archive.read("xl/sharedStrings.xml")


def test_nothing_said_is_a_file_of_headings() -> None:
    pages = Pages(Transcript(), NAMES, "zh")
    assert len(transcript_csv.write(pages).decode().splitlines()) == 11
    assert transcript_xlsxwriter.write(pages, "讲座")


def test_every_word_is_there_in_both_languages() -> None:
    for columns in SECTIONS.values():
        for key, _ in columns:
            assert word(key, "zh") != word(key, "en")
    assert state_word(None, "zh") == ""
    assert person_word("operator", "zh") == "管理员"
    assert person_word("member", "en") == "Member"
    assert deed_word("something-new", "zh") == "something-new"
