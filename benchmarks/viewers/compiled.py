"""How this package compiles: kept on the disk, and made anew when any of its sources has changed.

numba keeps a function's code until that function's own file changes, not the files of what it calls. The folder is
therefore named after all sources that compiled code comes from.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from numba import config, njit

_SOURCES = ("cache.py", "compiled.py", "counting.py", "media.py", "receiving.py")


def _folder() -> str:
    here = Path(__file__).parent
    digest = hashlib.sha256(b"".join((here / name).read_bytes() for name in _SOURCES)).hexdigest()[:16]
    return str(Path(tempfile.gettempdir()) / f"classroom-benchmarks-{digest}")


def compiled(function: Callable[..., Any]) -> Any:
    """Without the interpreter's lock, errors as of C; for functions of arrays and integers."""
    settings: Any = config  # made when it is imported, from the environment
    before = settings.CACHE_DIR
    settings.CACHE_DIR = _folder()
    try:
        return njit(cache=True, nogil=True, error_model="numpy")(function)
    finally:
        settings.CACHE_DIR = before
