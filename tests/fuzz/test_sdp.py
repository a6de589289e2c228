"""Any text: an `Offer`, or `ProtocolError`, nothing else; and an offer that parses can be answered."""

from __future__ import annotations

from pathlib import Path

import msgspec
from aiortc.sdp import SessionDescription
from hypothesis import given, settings
from hypothesis import strategies as st

from signaling.errors import ProtocolError
from signaling.session.answer import Answer, AnsweredLine
from signaling.session.offer import Direction, Fingerprint, Offer, Setup
from signaling.session.sdp import answer_text, parse_offer

OFFERS = [
    path.read_text().splitlines()
    for path in sorted((Path(__file__).parents[1] / "unit/signaling/offers").glob("*.sdp"))
]
NOISE = st.text(alphabet=st.characters(codec="utf-8"), max_size=60)
ATTRIBUTE = st.sampled_from(
    [
        "a=group:BUNDLE", "a=fingerprint:", "a=setup:", "a=ice-ufrag:", "a=ice-pwd:", "a=mid:", "a=rtpmap:", "a=fmtp:",
        "a=rtcp-fb:", "a=extmap:", "a=ssrc:", "a=ssrc-group:FID ", "m=audio ", "m=video ", "a=rtcp-mux",
        "a=bundle-only", "a=fmtp:108 profile-level-id=", "a=candidate:", "c=IN IP4 ", "v=", "a=rtpmap:96 VP8/",
        "a=rid:", "a=simulcast:", "a=simulcast:send ",
    ]
)  # fmt: skip


@st.composite
def mutated(draw: st.DrawFn) -> str:
    """A browser's offer with lines removed, doubled, changed and invented."""
    lines = list(draw(st.sampled_from(OFFERS)))
    for _ in range(draw(st.integers(1, 8))):
        place = draw(st.integers(0, len(lines) - 1))
        change = draw(st.integers(0, 4))
        if change == 0 and len(lines) > 1:
            del lines[place]
        elif change == 1:
            lines.insert(draw(st.integers(0, len(lines))), lines[place])
        elif change == 2:
            cut = draw(st.integers(0, len(lines[place])))
            lines[place] = lines[place][:cut] + draw(NOISE) + lines[place][cut:]
        elif change == 3:
            lines[place] = lines[place][: draw(st.integers(0, len(lines[place])))]
        else:
            lines.insert(place, draw(ATTRIBUTE) + draw(NOISE))
    return draw(st.sampled_from(["\r\n", "\n"])).join(lines)


def _offer(text: str) -> Offer | None:
    try:
        return parse_offer(text)
    except ProtocolError:
        return None


def _text(parts: list[tuple[str, str]]) -> str:
    return "v=0\r\n" + "\r\n".join(left + right for left, right in parts)


@given(st.one_of(st.text(max_size=2_000), st.lists(st.tuples(ATTRIBUTE, NOISE), max_size=40).map(_text)))
@settings(max_examples=300, deadline=None)
def test_any_text_is_an_offer_or_a_protocol_error(text: str) -> None:
    _offer(text)


@given(mutated())
@settings(max_examples=400, deadline=None)
def test_a_damaged_offer_is_parsed_or_refused_and_never_spoils_the_answer(text: str) -> None:
    offer = _offer(text)
    if offer is None:
        return
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(offer), type=Offer) == offer
    lines = tuple(
        AnsweredLine(
            mid=line.mid,
            kind=line.kind,
            direction=Direction.SENDONLY,
            codecs=line.codecs,
            extensions=line.extensions,
            rejected=line.rejected,
        )
        for line in offer.lines
    )
    answer = Answer(
        ufrag="ours",
        pwd="p" * 24,
        fingerprint=Fingerprint(algorithm="sha-256", value="AB"),
        setup=Setup.PASSIVE,
        addresses=(("192.0.2.7", 5000),),
        lines=lines,
    )
    written = answer_text(answer, offer, 7)
    assert len(SessionDescription.parse(written).media) == len(offer.lines)
