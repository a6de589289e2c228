"""The stage over the channel: hands, the running order, who is called, waits backstage, is on; layouts and sign-ins."""

from __future__ import annotations

import datetime
import enum
from typing import Annotated

import msgspec
from msgspec import Meta

MemberId = Annotated[str, Meta(min_length=1, max_length=64)]
EntryId = Annotated[str, Meta(min_length=1, max_length=40)]
SignInId = Annotated[str, Meta(min_length=1, max_length=40)]


class Layout(enum.StrEnum):
    """What members see large; chosen by the host for all."""

    LECTURER = "lecturer"
    SIDE_BY_SIDE = "side-by-side"  # lecturer and guest
    SCREEN = "screen"  # the shared screen, with the speaker's picture in it
    GUEST = "guest"


class Part(enum.StrEnum):
    """Where one person stands between the seats and the stage."""

    OFF = "off"
    CALLED = "called"  # asked to come, has not answered
    CHECKING = "checking"  # said yes: camera and microphone are being looked at
    BACKSTAGE = "backstage"  # their media flows; host, lecturer and guests see and hear them
    ON = "on"
    LOST = "lost"  # was on, and their network died: a card for the audience, for at most a minute


# --- client → server ------------------------------------------------------------------------------------------------


class RaiseHand(msgspec.Struct, tag="hand", tag_field="type", frozen=True, forbid_unknown_fields=True):
    up: bool


class LowerHand(msgspec.Struct, tag="lower-hand", tag_field="type", frozen=True, forbid_unknown_fields=True):
    """By whoever runs the stage."""

    member: MemberId


class Call(msgspec.Struct, tag="call", tag_field="type", frozen=True, forbid_unknown_fields=True):
    """Ask a person to come backstage: a guest of the running order, or a member who raised a hand."""

    member: MemberId
    minutes: Annotated[int, Meta(ge=1, le=120)] | None = None


class AnswerCall(msgspec.Struct, tag="answer-call", tag_field="type", frozen=True, forbid_unknown_fields=True):
    accept: bool


class PutOn(msgspec.Struct, tag="put-on", tag_field="type", frozen=True, forbid_unknown_fields=True):
    """From backstage to the stage; whoever is on goes off."""

    member: MemberId


class TakeOff(msgspec.Struct, tag="take-off", tag_field="type", frozen=True, forbid_unknown_fields=True):
    """Off the stage, out of backstage, or no longer called."""

    member: MemberId


class Next(msgspec.Struct, tag="next", tag_field="type", frozen=True, forbid_unknown_fields=True):
    """The next testimonial: who is on goes off, who waits backstage comes on, the one after is called. `off` and `on`
    as `RunningOrder.next` told them to the sender: refused where by now it would be somebody else."""

    off: MemberId | None
    on: MemberId | None


class LeaveStage(msgspec.Struct, tag="leave-stage", tag_field="type", frozen=True, forbid_unknown_fields=True):
    """The guest's own wish."""


class SetLayout(msgspec.Struct, tag="set-layout", tag_field="type", frozen=True, forbid_unknown_fields=True):
    layout: Layout


class Extend(msgspec.Struct, tag="extend", tag_field="type", frozen=True, forbid_unknown_fields=True):
    """More time for whoever is on."""

    minutes: Annotated[int, Meta(ge=1, le=30)]


class Talkback(msgspec.Struct, tag="talkback", tag_field="type", frozen=True, forbid_unknown_fields=True):
    """From here on what this person publishes to `host` goes to the stage alone; or to the audience again."""

    on: bool


class CallSignIn(msgspec.Struct, tag="call-sign-in", tag_field="type", frozen=True, forbid_unknown_fields=True):
    """Everybody is asked to sign in, now."""


class Signed(msgspec.Struct, tag="signed", tag_field="type", frozen=True, forbid_unknown_fields=True):
    id: SignInId


StageMessage = (
    RaiseHand
    | LowerHand
    | Call
    | AnswerCall
    | PutOn
    | TakeOff
    | Next
    | LeaveStage
    | SetLayout
    | Extend
    | Talkback
    | CallSignIn
    | Signed
)

# --- server → client ------------------------------------------------------------------------------------------------


class OnStage(msgspec.Struct, frozen=True):
    """Who shares now. `until`: when their minutes are over; None: no limit. `lost`: their network died, and the page
    shows a card."""

    name: str
    branch: str
    title: str
    since: datetime.datetime
    until: datetime.datetime | None
    lost: bool


class StageChanged(msgspec.Struct, tag="stage", tag_field="type", frozen=True):
    """To everybody. `next`: the name and branch of the testimonial to come, where one is planned."""

    seq: int
    layout: Layout
    on: OnStage | None
    next: str | None


class HandState(msgspec.Struct, tag="hand", tag_field="type", frozen=True):
    """To one member: their own hand. `position` from 1."""

    up: bool
    position: int | None


class PartChanged(msgspec.Struct, tag="part", tag_field="type", frozen=True):
    """To one person: where they stand. `slot`: what their page publishes to; `by`: the name of who called; `until`:
    when their minutes on the stage are over; `deadline`: when this part ends by itself (to answer, to get ready, to
    come back); `reason`: a word for why it ended ("declined", "taken-off", "time-out", "lost", "left", "over",
    "replaced")."""

    part: Part
    slot: str
    by: str | None
    title: str
    minutes: int | None
    until: datetime.datetime | None
    deadline: datetime.datetime | None
    reason: str | None


class Hand(msgspec.Struct, frozen=True):
    member: str
    name: str
    branch: str
    since: datetime.datetime


class Hands(msgspec.Struct, tag="hands", tag_field="type", frozen=True):
    """To those who run the stage: the queue, longest waiting first; at most 100, `count` says how many there are."""

    count: int
    hands: tuple[Hand, ...]


class Testimonial(msgspec.Struct, frozen=True):
    """One entry of the running order as those who run the stage see it. `here`: that person's page is open,
    or their media flows; `passed`: they were called and did not come, and "next" calls all others first."""

    id: str
    member: str
    name: str
    branch: str
    title: str
    minutes: int
    part: Part
    here: bool
    done: bool
    passed: bool


class NextStep(msgspec.Struct, frozen=True):
    """What `Next` would do now, by member: `off` goes off, `on` comes on, `call` is called. `coming`: was called
    already and is not ready yet, so that nobody else is called meanwhile."""

    off: str | None = None
    on: str | None = None
    call: str | None = None
    coming: str | None = None


class RunningOrder(msgspec.Struct, tag="running-order", tag_field="type", frozen=True):
    """To those who run the stage, whole. `others`: people on the way to the stage who are in no entry."""

    entries: tuple[Testimonial, ...]
    others: tuple[Testimonial, ...]
    next: NextStep


class SignIn(msgspec.Struct, tag="sign-in", tag_field="type", frozen=True):
    """To one member: asked to sign in, until then; `answered` once it is."""

    id: str
    until: datetime.datetime
    answered: bool


class SignInProgress(msgspec.Struct, tag="sign-ins", tag_field="type", frozen=True):
    """To those who run the stage: of the sign-in that was called last, how many were asked and answered."""

    id: str
    until: datetime.datetime
    asked: int
    answered: int


StageTold = HandState | PartChanged | Hands | RunningOrder | SignIn | SignInProgress
