"""Thirty evenings against the truth: late comers, dead networks, second devices, hidden pages, sleepers, branches that
watch together on one screen, cheats, and a service, a relay or a whole machine that dies, and a database that is away.
What the ledger makes of them never exceeds what really arrived, and falls short of it by no more than evidence can
tell; no second counts twice, and no cheat is proved.

The seeds change with the day and stand in the names of the tests; `python -m benchmarks.evenings` plays thousands.
`CLASSROOM_SIMULATED_MEMBERS=1120` makes each evening as large as a real one.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from random import Random

import pytest

from attendance.extent import Counted
from attendance.facts import How, Rule, SignInAsked
from attendance.interval import Span, bridge, clip, gaps, subtract, total, union
from attendance.presence import BRIDGED_BELOW, Account
from attendance.track import Kind
from attendance.verdict import Verdict, judge
from classroom.room.messages import Proof
from classroom.room.signin import SPARED
from signaling.proof import key_of, mark_of, period_at
from tests.sim.simulated_attendance import LECTURE, SECRET, STALLED, Behaviour, Device, Evening, S, at
from tests.sim.simulated_service import MEMORY
from tests.sim.simulated_site import Place, Stay, Step, StrangersScreen, Visitor

TODAY = time.time_ns() // 86_400_000_000_000
SEEDS = [*range(1, 11), *(TODAY * 100 + number for number in range(20))]
EDGE = 3 * S
"""µs that an edge of a reception may be off: a report comes about every second, a page takes up its player's word."""
ECHO = 30 * S
"""µs before an end of which no mark was echoed any more."""
UNSEEN = int((STALLED + 1.3) * S)
"""µs: the relay calls nobody stalled whose reports were missing for less."""
MEMBERS = int(os.environ.get("CLASSROOM_SIMULATED_MEMBERS", "32"))
ENDED = frozenset({"stalled", "silent", "deleted", "closed"})
"""What ends a reception itself; after any other word it may well have gone on."""

Make = Callable[[Evening, Random], list[Behaviour]]


def early(evening: Evening, chance: Random) -> float:
    return evening.starts - chance.uniform(10, 170)


def steady(evening: Evening, chance: Random) -> list[Behaviour]:
    return [Behaviour([(early(evening, chance), evening.ends + 30)])]


def late(evening: Evening, chance: Random) -> list[Behaviour]:
    return [Behaviour([(chance.uniform(evening.starts, evening.ends - 300), evening.ends + 30)])]


def leaves(evening: Evening, chance: Random) -> list[Behaviour]:
    return [Behaviour([(early(evening, chance), chance.uniform(evening.starts + 60, evening.ends))])]


def comes_and_goes(evening: Evening, chance: Random) -> list[Behaviour]:
    times = sorted(chance.uniform(evening.starts - 100, evening.ends) for _ in range(2 * chance.randrange(1, 5)))
    return [Behaviour([span for span in list(pairwise(times))[::2] if span[1] - span[0] > 5])]


def loses_network(evening: Evening, chance: Random) -> list[Behaviour]:
    dead: list[tuple[float, float]] = []
    now = evening.starts + chance.uniform(10, 200)
    while now < evening.ends - 60:
        length = chance.choice([2, 8, 15, 20, 29, 45, 300, 900])
        dead.append((now, now + length))
        now += length + chance.uniform(40, 600)
    return [Behaviour([(early(evening, chance), evening.ends + 30)], dead)]


def two_devices(evening: Evening, chance: Random) -> list[Behaviour]:
    middle = chance.uniform(evening.starts, evening.ends)
    phone = Behaviour([(early(evening, chance), chance.uniform(middle, evening.ends))])
    return [phone, Behaviour([(chance.uniform(evening.starts, middle), evening.ends + 30)])]


def hides(evening: Evening, chance: Random) -> list[Behaviour]:
    since = chance.uniform(evening.starts, evening.ends - 400)
    hidden = [(since, since + chance.uniform(60, 600))]
    return [Behaviour([(early(evening, chance), evening.ends + 30)], hidden=hidden)]


def sleeps(evening: Evening, chance: Random) -> list[Behaviour]:
    since = chance.uniform(evening.starts, evening.ends - 400)
    return [Behaviour([(early(evening, chance), evening.ends + 30)], [(since, since + chance.uniform(200, 1500))])]


def nobody(evening: Evening, chance: Random) -> list[Behaviour]:
    return [Behaviour([(early(evening, chance), evening.ends + 30)], attentive=False)]


def other_player(evening: Evening, chance: Random) -> list[Behaviour]:
    return [Behaviour([(early(evening, chance), evening.ends + 30)], echoes=False)]


def never(evening: Evening, chance: Random) -> list[Behaviour]:
    return []


def watches_together(evening: Evening, chance: Random) -> list[Behaviour]:
    """With a phone of their own for a part of the evening, or without one; before which screen says `steps`."""
    since = chance.uniform(evening.starts - 100, evening.ends - 100)
    phone = Behaviour([(since, chance.uniform(since + 30, evening.ends + 30))])
    return chance.choice([[], [phone]])


HONEST: dict[str, Make] = {
    make.__name__: make
    for make in (
        steady, late, leaves, comes_and_goes, loses_network, two_devices, hides, sleeps, nobody, other_player, never,
        watches_together,
    )
}  # fmt: skip

# --- cheats ---------------------------------------------------------------------------------------------------------


def invented(device: Device) -> list[Proof]:
    chance = device.evening.random
    return [Proof(device.peer or "w1", tuple(chance.randrange(2**32) for _ in range(16)))]


def replayed(device: Device) -> list[Proof]:
    """What honest pages echo, for their sessions and for one's own."""
    others = [other for other in device.evening.viewers.values() if other.behaviour.takes][:2]
    found = [proof for other in others for proof in other.proofs(30)]
    own = [] if device.peer is None else [Proof(device.peer, proof.marks) for proof in found]
    return [*found, *own][:4]


def a_day_off(device: Device) -> list[Proof]:
    """Marks of another day's periods, and one's own of minutes ago and of minutes to come."""
    if device.peer is None:
        return []
    now, key = period_at(device.evening.time.now), key_of(SECRET, LECTURE)
    periods = (now - 8_640, now - 30, now - 3, now + 1, now + 8_640)
    return [Proof(device.peer, tuple(mark_of(key, device.peer, period) for period in periods))]


def cheat(invents: Callable[[Device], list[Proof]], opens: bool = True) -> Make:
    def make(evening: Evening, chance: Random) -> list[Behaviour]:
        span = (early(evening, chance), evening.ends + 30)
        return [Behaviour([span], takes=False, opens=opens, invents=invents, attentive=False)]

    return make


CHEATS: dict[str, Make] = {
    "beats_without_media": cheat(invented, opens=False),
    "invents_reports": cheat(invented),
    "replays_proofs": cheat(replayed),
    "replays_without_media": cheat(replayed, opens=False),
    "a_day_off": cheat(a_day_off),
}


# --- one screen for many ----------------------------------------------------------------------------------------------


def places(evening: Evening, chance: Random) -> list[Place]:
    """One with a good line that stays open, and one whose line dies again and again, which may close before the end."""
    good = Behaviour([(early(evening, chance), evening.ends + 30)])
    (poor,) = loses_network(evening, chance)
    closes = chance.choice([None, chance.uniform(evening.starts + 300, evening.ends)])
    return [Place(evening, "h-good", good), Place(evening, "h-poor", poor, closes)]


def steps(evening: Evening, chance: Random, chosen: Sequence[Place]) -> list[Step]:
    """Comes and stays, or goes home, or on to the other screen, or comes back."""
    times = sorted(chance.uniform(evening.starts - 150, evening.ends) for _ in range(chance.randrange(1, 5)))
    here, other = chance.sample(list(chosen), 2)
    ways: list[list[Place | None]] = [[here, None], [here, other], [here, None, other, here]]
    way = chance.choice(ways)
    return [Step(when, place, chance.choice([How.SEARCH, How.QR])) for when, place in zip(times, way, strict=False)]


def nothing_shown(evening: Evening) -> None:
    """A host who names a stranger's session as the screen, and checks somebody in before it."""
    page = Behaviour([(evening.starts - 100, evening.ends + 30)], takes=False, opens=False, attentive=False)
    Visitor(evening, "x-seated", [Step(evening.starts, Place(evening, "x-host", page, screen=StrangersScreen))])


def evening_of(seed: int, database: str = MEMORY) -> tuple[Evening, dict[str, str], list[tuple[str, float]]]:
    """With who behaves how, and what died when."""
    evening = Evening(seed, minutes=30, database=database)
    chance = Random(seed)
    roles = {f"m{number:02}": chance.choice(list(HONEST)) for number in range(MEMBERS)}
    roles |= {f"x-{name}": name for name in CHEATS} | {"m-steady": "steady", "m-nobody": "nobody"}
    hosts = places(evening, chance)
    for member, role in roles.items():
        evening.member(member, *({**HONEST, **CHEATS}[role](evening, chance)))
        if role == "watches_together":
            Visitor(evening, member, steps(evening, chance, hosts))
    for place in hosts:
        roles[place.host] = "watches_together"
        evening.member(place.host, *watches_together(evening, chance))
    Visitor(evening, "m-together", [Step(evening.starts - 5, hosts[0])])
    nothing_shown(evening)
    roles |= {"m-together": "watches_together", "x-host": "shows_nothing", "x-seated": "shows_nothing"}
    died: list[tuple[str, float]] = []
    now = evening.starts + 60
    for _ in range(chance.randrange(0, 4)):
        now += chance.uniform(60, 400)
        what = chance.choice(["kill_relay", "kill_service", "kill_node", "lose_database"])
        away = chance.uniform(1, 12) if what != "lose_database" else chance.uniform(5, 120)
        if now < evening.ends - 240:
            if what != "lose_database":
                died.append((what, now))
            evening.time.at(now, lambda what=what, away=away: getattr(evening, what)(away))  # type: ignore[misc]
            now += away
    return evening, roles, died


def credit(received: list[Span], counted: list[Span], forgiven: list[Span]) -> int:
    return total(clip(union(received, bridge(received, BRIDGED_BELOW, forgiven)), counted))


def receiving(
    account: Account, evidence: str = "", kinds: Sequence[Kind] = (Kind.RECEIVING, Kind.COLLECTIVE)
) -> list[Span]:
    return union(
        (one.start, one.end)
        for one in account.sessions
        if one.kind in kinds and (not evidence or one.evidence == evidence)
    )


def closed(spans: Sequence[Span]) -> list[Span]:
    """With what is missing for less than the relay can tell."""
    return union(spans, (gap for gap in gaps(union(spans)) if gap.end - gap.start < UNSEEN))


@dataclass(frozen=True)
class Truth:
    """What really reached one member, on devices of their own (`alone`) and before screens (`together`): at the least,
    each piece with two edges of its own; and at the most (`own`, `shown`; `seen` as far as the relay could tell)."""

    alone: list[Span]
    together: list[Span]
    own: list[Span]
    shown: list[Span]

    @property
    def pieces(self) -> list[Span]:
        return [*self.alone, *self.together]

    @property
    def seen(self) -> list[Span]:
        return closed([*self.own, *self.shown])


def truth_of(evening: Evening, member: str) -> Truth:
    alone, stays = evening.truth(member), evening.stays[member]
    screens = [place.screen for place in evening.places if place.host == member]
    untied = [span for screen in screens for peer, span in screen.shown if peer not in screen.tied]
    least, most = [], []
    for stay in stays:
        screen = stay.place.screen
        least += clip(stay.least(), union(span for peer, span in screen.shown if peer in screen.tied))
        most += clip(stay.most(), closed(screen.received))
    return Truth(union(alone), least, union(alone, untied), union(most))


def ends_agree(evening: Evening, account: Account, deaths: list[int], name: str) -> None:
    """Where a reception ended by itself, the truth lies behind its last evidence by no more than the session says."""
    truth = truth_of(evening, account.member).own
    seen = closed(truth)
    others = [one for one in account.sessions if one.kind is Kind.RECEIVING]
    for one in others:
        if one.closed_by not in ENDED or any(abs(one.end - death) < 30 * S for death in deaths):
            continue
        if any(other.start < one.end < other.end for other in others):
            continue  # another device goes on
        (whole,) = [span for span in seen if span.start <= one.start < span.end] or [Span(0, 0)]
        assert one.end <= whole.end, (name, one)
        behind = [span.end - one.end for span in truth if span.start <= one.end <= span.end]
        assert max(behind, default=0) <= one.uncertainty, (name, one)


def unsure_of(deaths: list[int], seen: list[Span]) -> int:
    """Whom the relay could not yet call stalled when it died is said to have received up to then."""
    return sum(int(STALLED * S) for when in deaths if not clip([Span(when - 1, when)], seen))


def apart_agrees(evening: Evening, account: Account, counted: Counted, deaths: list[int], name: str) -> None:
    """What was watched together stands apart from what was watched alone, and both are the whole. A screen may have
    stalled just before the relay died while the member's own device went on."""
    truth, stays = truth_of(evening, account.member), evening.stays[account.member]
    together = clip(receiving(account, kinds=[Kind.COLLECTIVE]), counted.spans)
    assert account.collective == total(together), name
    assert account.collective + (account.individual or 0) == account.receiving, name
    assert total(subtract(together, clip(truth.shown, counted.spans))) <= unsure_of(deaths, closed(truth.shown)), name
    least, most = (union(span for stay in stays for span in bound(stay)) for bound in (Stay.least, Stay.most))
    assert total(clip(least, counted.spans)) <= account.attested <= total(clip(most, counted.spans)), name
    assert account.credited_alone is not None, name
    assert account.credited_alone <= (account.credited or 0), name
    if not stays:
        assert account.credited_alone == account.credited, name


@pytest.mark.parametrize("seed", SEEDS)
def test_an_evening_agrees_with_the_truth(seed: int) -> None:
    agrees(seed)


def agrees(seed: int, database: str = MEMORY) -> None:
    evening, roles, died = evening_of(seed, database)
    presence = evening.run()
    counted = presence.counted()
    assert counted.denominator is not None
    deaths = [at(when) for _, when in died]
    for member, role in roles.items():
        account = presence.account(member)
        name = f"{member} {role} {died}"
        if role not in HONEST:
            assert account.proved in (None, 0), name
            assert receiving(account, "proved") == [], name
            assert role != "shows_nothing" or not account.receiving, name
            continue
        truth = truth_of(evening, member)
        really = clip(union(truth.pieces), counted.spans)
        allowed = 2 * EDGE * (len(truth.pieces) + len(deaths))
        if account.receiving is None:  # before a screen that never received anything
            assert account.stays, name
            assert total(really) <= allowed, name
            continue
        ends_agree(evening, account, deaths, name)
        found = clip(receiving(account), counted.spans)
        unsure = unsure_of(deaths, union(truth.pieces))
        assert total(subtract(found, clip(truth.seen, counted.spans))) <= unsure, name
        assert total(subtract(really, found)) <= allowed, name
        assert account.receiving == total(found), name
        assert account.credited is not None, name
        assert account.receiving <= account.credited <= counted.denominator, name
        assert account.share is not None, name
        assert account.share <= 1, name
        assert account.credited <= credit(truth.seen, counted.spans, counted.forgiven) + unsure, name
        sure = [Span(span.start + EDGE, span.end - EDGE) for span in truth.pieces]
        sure = subtract(union(sure), union((one.start, one.end + 2 * EDGE) for one in counted.outages))
        assert account.credited >= credit(sure, counted.spans, counted.forgiven), name
        if role == "other_player":
            assert account.proved in (None, 0), name
        elif account.proved is not None and role not in ("hides", "two_devices"):
            assert account.receiving - account.proved <= ECHO * (len(truth.pieces) + len(deaths)), name
        apart_agrees(evening, account, counted, deaths, name)
    assert presence.account("m-together").collective, died
    for verdict in (judge(Rule(), presence.account(name), counted) for name in ("m-steady", "m-nobody")):
        assert verdict.verdict is (Verdict.PRESENT if verdict.answered else Verdict.INCOMPLETE), (verdict, died)


@pytest.mark.parametrize("seed", SEEDS[:3])
def test_sign_ins_come_when_they_may(seed: int) -> None:
    evening, _, _ = evening_of(seed)
    presence = evening.run()
    counted = presence.counted()
    asked = [fact for fact in evening.facts if isinstance(fact.body, SignInAsked)]
    assert asked
    for fact in asked:
        assert at(evening.starts) + SPARED <= fact.happened <= at(evening.ends) - SPARED + 5 * S
        shown = [one for one in counted.outages if one.cause == "relay"]
        assert not clip([Span(fact.happened, fact.happened + 1)], union((one.start, one.end) for one in shown))
    of_one = [fact.body for fact in asked if isinstance(fact.body, SignInAsked) and fact.body.member == "m-steady"]
    assert [body.id for body in of_one] == ["r1", "r2", "r3"]


@pytest.mark.parametrize("hours", [-1, 1])
def test_a_clock_that_is_set_while_the_service_is_down_adds_no_second_and_loses_none(hours: int) -> None:
    evening = Evening(7, minutes=30)
    evening.member("m", Behaviour([(evening.starts - 60, evening.ends + 30)]))

    def fall() -> None:
        evening.step = hours * 3600 * S
        evening.kill_service(4)

    evening.time.at(evening.starts + 900, fall)
    presence = evening.run()
    account, counted = presence.account("m"), presence.counted()
    really = total(evening.truth("m"))
    assert account.credited is not None
    assert counted.denominator is not None
    assert really - 40 * S <= account.credited <= really
    assert account.credited <= counted.denominator <= 1_800 * S
    assert account.share is not None
    assert account.share > 0.99
    assert not any(one.open for one in account.sessions)
    last = 0
    for fact in evening.facts:  # in the order in which they were stored: nothing lies behind what was before it
        assert fact.happened > last - 20 * S
        last = max(last, fact.happened)
