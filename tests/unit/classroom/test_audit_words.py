"""Everything that the audit notes has its words in the console."""

from __future__ import annotations

from pathlib import Path

from classroom.io.audit_aiohttp import AUDITED

WORDS = Path(__file__).parents[3] / "web/src/words"


def test_every_deed_has_words_in_both_languages() -> None:
    for language in ("zh", "en"):
        said = "".join(file.read_text() for file in WORDS.glob(f"{language}*.ts"))
        assert [action for action in AUDITED.values() if f"'audit.of.{action}':" not in said] == []
