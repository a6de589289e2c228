from __future__ import annotations

from signaling.relay.peers import MOST_ADDRESSES, TRANSITIONS, Peer, Peers, State
from signaling.session.offer import Setup


def peer(name: str) -> Peer:
    return Peer(name, "lecture", "member", f"u-{name}", "pwd", "theirs", "secret", Setup.PASSIVE, (), last=0.0)


def test_found_by_id_ufrag_and_address() -> None:
    peers, one = Peers(), peer("a")
    peers.add(one)
    peers.settle(one, ("192.0.2.1", 1))
    assert peers.named("a") is peers.with_ufrag("u-a") is peers.at(("192.0.2.1", 1)) is one
    peers.remove(one)
    assert peers.named("a") is peers.with_ufrag("u-a") is peers.at(("192.0.2.1", 1)) is None
    assert len(peers) == 0


def test_an_address_belongs_to_one_peer() -> None:
    peers, one, two = Peers(), peer("a"), peer("b")
    peers.add(one)
    peers.add(two)
    peers.settle(one, ("192.0.2.1", 1))
    peers.settle(two, ("192.0.2.1", 1))
    assert peers.at(("192.0.2.1", 1)) is two
    peers.remove(one)
    assert peers.at(("192.0.2.1", 1)) is two


def test_a_peer_keeps_few_addresses_and_never_loses_the_present_one() -> None:
    peers, one = Peers(), peer("a")
    peers.add(one)
    one.address = ("192.0.2.1", 1)
    peers.settle(one, one.address)
    for port in range(2, 20):
        peers.settle(one, ("192.0.2.1", port))
        assert peers.at(one.address) is one
        assert peers.at(("192.0.2.1", port)) is one
    assert sum(peers.at(("192.0.2.1", port)) is one for port in range(30)) == MOST_ADDRESSES


def test_the_life_of_a_peer() -> None:
    one = peer("a")
    assert not one.become(State.CONNECTED)
    assert one.become(State.SECURING)
    assert not one.become(State.SECURING)
    assert one.become(State.CONNECTED)
    assert one.become(State.CLOSED)
    assert not any(one.become(state) for state in State)
    assert set(TRANSITIONS) == set(State)
