"""Runs pytest on test files; those in which a test failed are run again, whole: `python -m tests.again FILE...`.

The browsers' stories wait by the clock, on cores that others use too, and many of their tests begin where the one
before ended. So a story that broke off is told anew from its beginning, in a new service: repeating the one test that
failed would find the hall as the failure left it. Whatever fails `TELLINGS` times fails.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

TELLINGS = 3
TESTS_FAILED = 1  # pytest's exit code


def main(files: list[str]) -> int:
    with tempfile.TemporaryDirectory() as cache:
        for telling in range(1, TELLINGS + 1):
            command = [sys.executable, "-m", "pytest", "-q", "-o", f"cache_dir={cache}", "--durations=10", *files]
            status = subprocess.call(command)
            if status != TESTS_FAILED or telling == TELLINGS:
                return status
            failed = json.loads((Path(cache) / "v/cache/lastfailed").read_text())
            broken = {test.partition("::")[0] for test in failed}
            files = [file for file in files if file in broken]
            print(f"again ({telling + 1} of {TELLINGS}): {' '.join(files)}", flush=True)
    raise AssertionError("the last telling returns")


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
