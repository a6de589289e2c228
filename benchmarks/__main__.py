"""`make bench`: every figure that takes less than a minute, one after the other, and the charts."""

from __future__ import annotations

from benchmarks import audience, chart, loss, restart, sending

if __name__ == "__main__":
    sending.main([])
    audience.main(["--viewers", "200", "--seconds", "8", "--path", "both"])
    loss.main(["--viewers", "300", "--seconds", "5", "--segments", "4"])
    restart.main(["--viewers", "300"])
    chart.main()
