"""Whether an export agrees with the ledger, and what speaks against it, in sentences."""

from __future__ import annotations

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from attendance.chain import signed_by
from attendance.comparison import Compared
from attendance.facts import LectureState
from attendance.report import Reading, Report
from attendance.seal import Seal
from attendance.words import Language

OVER = frozenset({LectureState.ENDED, LectureState.PUBLISHED})


class Outcome(msgspec.Struct, frozen=True):
    """`against`: what speaks against the file; empty: it agrees. `notes`: what does not, but should be known."""

    against: tuple[str, ...]
    notes: tuple[str, ...]


def outcome(
    seal: Seal, reading: Reading, report: Report, compared: Compared, key: Ed25519PublicKey | None, language: Language
) -> Outcome:
    """`reading` is of the ledger at the seal's row, `report` made of it, `compared` the file with that report."""
    against = [*_head(seal, reading, key, language), *_ledger(reading, language)]
    if report.rule.version != seal.rule:
        against.append(
            _say(
                language,
                f"导出时依据的是考勤规则第 {seal.rule} 版，账本在该处却是第 {report.rule.version} 版。",
                f"The file is by version {seal.rule} of the rule, the ledger had {report.rule.version} there.",
            )
        )
    against += [one.sentence(language) for one in compared.differences]
    more = compared.count - len(compared.differences)
    if more:
        against.append(_say(language, f"另有 {more} 处不一致。", f"{more} more differences."))
    notes: list[str] = []
    if compared.left_out:
        left = "、".join(compared.left_out[:8]) if language == "zh" else ", ".join(compared.left_out[:8])
        notes.append(_say(language, f"只有一方有、没有比较：{left}", f"Only on one side, not compared: {left}"))
    if report.state not in OVER:
        notes.append(
            _say(
                language,
                "导出时课程尚未结束：名单、姓名和支部此后可能有变，这类不一致不说明数据被改过。",
                "The lecture was not over yet when this was exported: who was invited, names and branches may have "
                "changed since, and such differences say nothing against the file.",
            )
        )
    return Outcome(tuple(against), tuple(notes))


def _head(seal: Seal, reading: Reading, key: Ed25519PublicKey | None, language: Language) -> list[str]:
    found: list[str] = []
    head = seal.head
    if head is None:
        found.append(_say(language, "文件没有签名。", "The file carries no signature."))
    elif key is not None and not signed_by(key, head):
        found.append(
            _say(
                language,
                "文件上的签名不是本系统的密钥签的，或者签名所涉内容被改过。",
                "The signature is not by this system's key, or what it signs was changed.",
            )
        )
    if not reading.hash:
        found.append(
            _say(
                language,
                f"账本只有 {reading.row} 行，文件却是依据第 {seal.row} 行导出的：账本被截短，或者文件不是由它导出。",
                f"The ledger has {reading.row} rows, the file was made from row {seal.row}: the ledger was cut, or the "
                "file is of another one.",
            )
        )
    elif reading.hash != seal.hash:
        found.append(
            _say(
                language,
                f"账本第 {seal.row} 行与导出时不同：账本被改写过，或者文件不是由它导出。",
                f"Row {seal.row} of the ledger is not the one of then: the ledger was rewritten, or the file is of "
                "another one.",
            )
        )
    return found


def _ledger(reading: Reading, language: Language) -> list[str]:
    broken = reading.broken
    if broken is None:
        return []
    return [
        _say(
            language,
            f"账本本身在第 {broken.row} 行不符：{broken.reason}",
            f"The ledger itself does not verify at row {broken.row}: {broken.reason}",
        )
    ]


def _say(language: Language, chinese: str, english: str) -> str:
    return english if language == "en" else chinese
