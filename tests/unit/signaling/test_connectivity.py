from __future__ import annotations

from random import Random

import pytest

from signaling.errors import ProtocolError
from signaling.ports import Address
from signaling.relay.actions import Action, BeginHandshake, Move, SendDatagram
from signaling.relay.connectivity import FACTOR, PACE, QUIET, REPEAT, TRIES, Connectivity
from signaling.relay.peers import Peer, Peers, State
from signaling.session.answer import Answer
from signaling.session.offer import Fingerprint, Offer, Setup
from tests.sim.simulated_peers import Ice

HOME, AWAY = ("192.0.2.1", 1000), ("192.0.2.2", 2000)
RELAY = ("198.51.100.1", 4000)
PRINT = Fingerprint("sha-256", "AA")


class Net:
    def __init__(self) -> None:
        self.peers = Peers()
        self.connectivity = Connectivity(self.peers, Random(1))

    def peer(self, name: str = "a") -> tuple[Peer, Ice]:
        found = Peer(name, "l", "m", f"our{name}", "our-password", "their", "their-pwd", Setup.PASSIVE, (PRINT,), 0.0)
        self.peers.add(found)
        offer = Offer("their", "their-pwd", (PRINT,), Setup.ACTPASS, ())
        answer = Answer(found.ufrag, found.pwd, PRINT, Setup.PASSIVE, (), ())
        return found, Ice(offer, answer, HOME, Random(2))

    def check(self, ice: Ice, source: Address, now: float, nominate: bool = True) -> list[Action]:
        return self.connectivity.receive(ice.check(nominate), source, now)


def datagrams(actions: list[Action]) -> list[SendDatagram]:
    return [action for action in actions if isinstance(action, SendDatagram)]


def test_the_first_check_begins_the_handshake_once() -> None:
    net = Net()
    peer, ice = net.peer()
    actions = net.check(ice, HOME, 1.0, nominate=False)
    assert actions[1:] == [BeginHandshake("a", HOME, Setup.PASSIVE, (PRINT,))]
    assert ice.receive(datagrams(actions)[0].data, RELAY) is None
    assert net.peers.at(HOME) is peer
    assert peer.state is State.SECURING
    assert peer.last == 1.0
    assert len(net.check(ice, HOME, 2.0)) == 1


def test_a_second_way_is_not_taken_before_it_is_nominated() -> None:
    net = Net()
    peer, ice = net.peer()
    net.check(ice, HOME, 1.0)
    assert len(net.check(ice, AWAY, 1.1, nominate=False)) == 1
    assert net.peers.at(AWAY) is peer  # but DTLS from there is heard
    assert peer.address == HOME


@pytest.mark.parametrize(("nominate", "after"), [(True, 0.1), (False, QUIET + 0.1)])
def test_a_peer_moves_when_our_check_is_answered(nominate: bool, after: float) -> None:
    net = Net()
    peer, ice = net.peer()
    net.check(ice, HOME, 1.0)
    answer, ours = datagrams(net.check(ice, AWAY, 1.0 + after, nominate))
    assert answer.destination == ours.destination == AWAY
    assert peer.address == HOME
    reply = ice.receive(ours.data, RELAY)
    assert reply is not None
    assert net.connectivity.receive(reply, HOME, 2.0) == []
    assert net.connectivity.receive(reply, AWAY, 2.0) == [Move("a", AWAY)]
    assert net.connectivity.receive(reply, AWAY, 2.0) == []
    assert peer.address == AWAY


def test_unanswered_checks_are_repeated_and_given_up() -> None:
    net = Net()
    peer, ice = net.peer()
    net.check(ice, HOME, 1.0)
    size = len(ice.check())
    sent = [len(one.data) for one in datagrams(net.check(ice, AWAY, 2.0))]
    now = 2.0
    for _ in range(100):
        now += REPEAT / 10
        sent += [len(one.data) for one in datagrams(net.connectivity.tick(now))]
    assert sum(sent) <= FACTOR * size
    assert len(sent) <= 1 + TRIES
    assert peer.check is None
    assert now > 2.0 + PACE


def test_another_peers_address_is_taken_over_only_when_our_check_is_answered() -> None:
    net = Net()
    first, ice = net.peer("a")
    second, other = net.peer("b")
    net.check(ice, HOME, 1.0)
    ours = datagrams(net.check(other, HOME, 2.0))
    assert net.peers.at(HOME) is first
    reply = other.receive(ours[-1].data, RELAY)
    assert reply is not None
    actions = net.connectivity.receive(reply, HOME, 2.1)
    assert actions == [BeginHandshake("b", HOME, Setup.PASSIVE, (PRINT,))]
    assert net.peers.at(HOME) is second
    assert first.address is None


def test_reports_from_a_new_address_start_the_check() -> None:
    net = Net()
    peer, ice = net.peer()
    net.check(ice, HOME, 1.0)
    assert net.connectivity.reported(peer, HOME, 100, 1.5) == []
    assert peer.heard == 1.5
    ours = datagrams(net.connectivity.reported(peer, AWAY, 100, 2.0))
    assert [one.destination for one in ours] == [AWAY]
    assert net.connectivity.reported(peer, AWAY, 20, 2.01) == []


def test_a_small_report_allows_no_check_yet() -> None:
    net = Net()
    peer, ice = net.peer()
    net.check(ice, HOME, 1.0)
    assert net.connectivity.reported(peer, AWAY, 10, 2.0) == []
    assert len(net.connectivity.reported(peer, AWAY, 100, 2.1)) == 1


@pytest.mark.parametrize("username", ["ourb:their", "oura:other", "oura", ""])
def test_wrong_names_are_answered_by_nothing(username: str) -> None:
    net = Net()
    _, ice = net.peer()
    ours, _, theirs = username.partition(":")
    offer = Offer(theirs, "their-pwd", (), Setup.ACTPASS, ())
    stranger = Ice(offer, Answer(ours, ice.answer.pwd, PRINT, Setup.PASSIVE, (), ()), HOME, Random(3))
    assert net.check(stranger, HOME, 1.0) == []
    assert net.peers.at(HOME) is None


def test_what_cannot_be_parsed_is_an_error_of_the_protocol() -> None:
    with pytest.raises(ProtocolError):
        Net().connectivity.receive(b"\x00\x01\x00\x00", HOME, 0.0)


def test_a_peer_that_is_gone_leaves_no_check_behind() -> None:
    net = Net()
    peer, ice = net.peer()
    net.check(ice, HOME, 1.0)
    net.check(ice, AWAY, 2.0)
    net.connectivity.forget(peer)
    assert net.connectivity.tick(10.0) == []
