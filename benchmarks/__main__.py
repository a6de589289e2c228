"""`make bench`: every figure that takes less than a minute, one after the other."""

from __future__ import annotations

from benchmarks import fanout, sending

if __name__ == "__main__":
    fanout.main([])
    sending.main([])
