"""PostgreSQL is stopped in the middle of a lecture: nothing is lost, and members notice nothing.

`CLASSROOM_DATABASE_AWAY`: for how many seconds (15; `make soak-attendance` takes two minutes).
"""

from __future__ import annotations

import asyncio
import datetime
import os
import time
from pathlib import Path

import pytest

from tests.interop.aiortc_peer import Player, Publisher
from tests.interop.test_serve import page
from tests.servers import postgres
from tests.servers.service import running

AWAY = float(os.environ.get("CLASSROOM_DATABASE_AWAY", "15"))


def seconds(moment: str) -> float:
    return datetime.datetime.fromisoformat(moment).timestamp()


@pytest.mark.timeout(120 + AWAY)
async def test_members_notice_nothing_while_the_database_is_away(tmp_path: Path) -> None:
    publisher, player = Publisher(), Player()
    with postgres.stoppable() as database, running(tmp_path, CLASSROOM_DATABASE_URL=database.url) as service:
        lecture = service.lecture(members=3)
        stays, leaves = lecture.members[0], lecture.members[1]
        try:
            async with page(service, stays.ticket) as one:
                async with page(service, leaves.ticket) as two:
                    await publisher.offer(f"{service.url}/whip/{lecture.id}/lecturer", lecture.of("lecturer").ticket)
                    await player.offer(f"{service.url}/whep/{lecture.id}", stays.ticket)
                    await one.until("counted", receiving=True)
                    await two.until("slot", slot="lecturer", state="live")
                    await asyncio.to_thread(database.stop)
                    gone = time.time()
                    await asyncio.sleep(AWAY / 3)
                left = time.time()
                await asyncio.sleep(AWAY - AWAY / 3)
                before = len(player.video[0].times)
                await asyncio.sleep(1)
                assert len(player.video[0].times) > before + 5
                assert one.client.close_code is None
                assert not one.of("error")
                await asyncio.to_thread(database.start)
                await asyncio.to_thread(service.wait_ready)
                assert one.client.close_code is None
                assert len(one.of("snapshot")) == 1
            assert service.command("lecture", "end", lecture.id, "--json")["state"] == "ended"
            exported = service.attendance(lecture)
        finally:
            await publisher.close()
            await player.close()
        assert exported["outages"] == []
        members = {one["name"]: one for one in exported["members"]}
        (whole,) = [one for one in members[stays.name]["sessions"] if one["kind"] == "receiving"][-1:]
        assert seconds(whole["from"]) < gone
        assert seconds(whole["to"]) >= gone + AWAY
        (connected,) = [one for one in members[leaves.name]["sessions"] if one["kind"] == "connected"]
        assert gone < seconds(connected["to"]) <= left + 1
        assert connected["closed_by"] == "closed"
        assert service.status("attendance", "verify", "--lecture", lecture.id)[0] == 0
