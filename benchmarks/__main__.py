"""`make bench`: every figure that takes less than a minute, one after the other, and the charts."""

from __future__ import annotations

from benchmarks import audience, chart, loss, report, restart, sending, year
from benchmarks.channel.__main__ import main as channel
from tests.servers import postgres

if __name__ == "__main__":
    sending.main([])
    audience.main(["--viewers", "200", "--seconds", "8", "--path", "both"])
    loss.main(["--viewers", "300", "--seconds", "5", "--segments", "4"])
    restart.main(["--viewers", "300"])
    channel(["--members", "200", "--deaf", "20", "--seconds", "8"])
    report.main([])
    with postgres.server() as server:
        report.main(["--database", server.url(server.create())])
    year.main([])
    chart.main()
