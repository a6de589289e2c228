"""A video file as packets that go straight into RTP: H.264 without B-frames and Opus, on one clock from zero.

Theory of operation. Each stream is read through a container of its own, so that a file with audio and video far apart
needs no memory. What already fits is copied byte for byte; what differs is encoded again (x264 baseline, a key frame
every two seconds; Opus). Times come out in RTP ticks and only ever grow: each round of a looped file starts where its
longest stream ended, so sound and picture stay together however often it goes round.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Literal

import av
from av.audio.codeccontext import AudioCodecContext
from av.audio.stream import AudioStream
from av.bitstream import BitStreamFilterContext
from av.container import InputContainer
from av.packet import Packet
from av.video.codeccontext import VideoCodecContext
from av.video.frame import PictureType
from av.video.reformatter import ColorRange
from av.video.stream import VideoStream

from classroom.errors import ClassroomError

Kind = Literal["video", "audio"]
CLOCK: dict[Kind, int] = {"video": 90_000, "audio": 48_000}
BASELINE = frozenset({"Baseline", "Constrained Baseline"})
MAX_WIDTH, MAX_HEIGHT, MAX_RATE = 1280, 720, 30
MAX_KEY_FRAME_SECONDS = 6.0  # a member who joins waits no longer than this for a picture
KEY_FRAME_SECONDS = 2
VIDEO_BITS_PER_SECOND = 1_200_000
AUDIO_BITS_PER_SECOND = 64_000
OPUS_FRAME = 960  # samples: 20 ms


class FilmError(ClassroomError):
    """The file cannot be sent; the text names it and says why."""


@dataclass(frozen=True)
class Medium:
    """What becomes of one stream of the file: `copy`, or encoded again because of `reason`."""

    kind: Kind
    codec: str
    copy: bool
    reason: str = ""


@dataclass(frozen=True)
class Film:
    """A file that can be sent. Times are seconds: `begin` on the file's own clock, `seconds` one round."""

    path: Path
    media: tuple[Medium, ...]
    begin: Fraction
    seconds: Fraction

    def medium(self, kind: Kind) -> Medium | None:
        return next((medium for medium in self.media if medium.kind == kind), None)


@dataclass(frozen=True)
class Sample:
    """One access unit (Annex B) or Opus packet. `ticks` counts from the first round's start in the kind's clock."""

    data: bytes
    ticks: int
    key_frame: bool

    def seconds(self, kind: Kind) -> float:
        return self.ticks / CLOCK[kind]


def examine(path: Path) -> Film:
    """Reads the whole file once, for its exact length: what a container says of itself is rounded, and a loop would
    drift. Raises `FilmError`."""
    try:
        with av.open(str(path)) as container:
            media = tuple(_media(container))
        spans = [_span(path, medium.kind) for medium in media]
    except (av.error.FFmpegError, OSError) as error:
        raise FilmError(f"{path}: {error.strerror}") from error
    if not spans or max(end - begin for begin, end in spans) <= 0:
        raise FilmError(f"{path}: there is neither picture nor sound in it")
    begin = min(begin for begin, _ in spans)
    return Film(path, media, begin, max(end for _, end in spans) - begin)


def samples(film: Film, kind: Kind, rounds: int | None) -> Iterator[Sample]:
    """Every sample of a stream, in order of time; `rounds=None` goes round for ever."""
    medium = film.medium(kind)
    assert medium is not None, f"the film has no {kind}"
    reader = _copied if medium.copy else _encoded_video if kind == "video" else _encoded_audio
    last, number = -1, 0
    while rounds is None or number < rounds:
        shift = round(number * film.seconds * CLOCK[kind])
        for sample in reader(film, kind):
            ticks = max(sample.ticks + shift, last + 1)
            yield Sample(sample.data, ticks, sample.key_frame)
            last = ticks
        number += 1


# --- what the file holds ---------------------------------------------------------------------------------------------


def _media(container: InputContainer) -> Iterator[Medium]:
    if container.streams.video:
        stream = container.streams.video[0]
        reason = _why_encode(stream)
        yield Medium("video", stream.codec_context.name, not reason, reason)
    if container.streams.audio:
        name = container.streams.audio[0].codec_context.name
        copy = name in ("opus", "libopus")
        yield Medium("audio", name, copy, "" if copy else f"{name} is not Opus")


def _why_encode(stream: VideoStream) -> str:
    context = stream.codec_context
    if context.name != "h264":
        return f"{context.name} is not H.264"
    if context.profile not in BASELINE:
        return f"H.264 {context.profile} may hold B-frames"
    if context.has_b_frames or context.pix_fmt != "yuv420p":
        return "B-frames" if context.has_b_frames else f"pixels are {context.pix_fmt}"
    gap = _longest_group(stream)
    if gap > MAX_KEY_FRAME_SECONDS:
        return f"key frames are {gap:.0f} s apart"
    return ""


def _longest_group(stream: VideoStream) -> float:
    """Seconds between key frames, from the container's index; 0 where it has none."""
    base = stream.time_base or Fraction(0)
    times = [entry.timestamp for entry in stream.index_entries if entry.is_keyframe]
    return max((float((after - before) * base) for before, after in pairwise(times)), default=0.0)


def _stream(container: InputContainer, kind: Kind) -> VideoStream | AudioStream:
    return container.streams.video[0] if kind == "video" else container.streams.audio[0]


def _span(path: Path, kind: Kind) -> tuple[Fraction, Fraction]:
    """Seconds on the file's clock at which a stream's first packet starts and its last one ends."""
    begin, end = Fraction(1 << 40), Fraction(0)
    with av.open(str(path)) as container:
        for packet in container.demux(_stream(container, kind)):
            if packet.pts is not None and packet.time_base:
                begin = min(begin, packet.pts * packet.time_base)
                end = max(end, (packet.pts + (packet.duration or 0)) * packet.time_base)
    return min(begin, end), end


# --- three ways to read a stream -------------------------------------------------------------------------------------


def _copied(film: Film, kind: Kind) -> Iterator[Sample]:
    with av.open(str(film.path)) as container:
        stream = _stream(container, kind)
        annex_b = BitStreamFilterContext("h264_mp4toannexb", stream) if kind == "video" else None
        for packet in container.demux(stream):
            if not packet.size or packet.pts is None:
                continue
            for part in annex_b.filter(packet) if annex_b is not None else (packet,):
                yield Sample(bytes(part), _ticks(part.pts or 0, stream.time_base, film, kind), part.is_keyframe)


def _encoded_video(film: Film, kind: Kind) -> Iterator[Sample]:
    encoder: VideoCodecContext | None = None
    interval = CLOCK[kind] // MAX_RATE
    due, key_due = 0, 0
    with av.open(str(film.path)) as container:
        stream = container.streams.video[0]
        stream.thread_type = "AUTO"
        for frame in container.decode(stream):
            ticks = _ticks(frame.pts or 0, frame.time_base, film, kind)
            # More frames a second than a phone needs are left out; a third of an interval allows for rounded times.
            if frame.pts is None or ticks < 0 or ticks + interval // 3 < due:
                continue
            due = max(due, ticks - interval) + interval
            encoder = encoder or _x264(frame.width, frame.height)
            picture = frame.reformat(encoder.width, encoder.height, "yuv420p", dst_color_range=ColorRange.MPEG)
            picture.pts, picture.time_base = ticks, Fraction(1, CLOCK[kind])
            picture.pict_type = PictureType.NONE
            if ticks >= key_due:
                picture.pict_type = PictureType.I
                key_due = ticks + KEY_FRAME_SECONDS * CLOCK[kind]
            yield from map(_sample, encoder.encode(picture))
    if encoder is not None:
        yield from map(_sample, encoder.encode(None))


def _encoded_audio(film: Film, kind: Kind) -> Iterator[Sample]:
    """Whole packets only: what is left at the end is under 20 ms. The resampler counts samples, so the gaps of a
    broken file are not stretched."""
    encoder = _opus()
    ticks: int | None = None
    for frame in _resampled(film, kind):
        if ticks is None:
            ticks = max(0, _ticks(frame.pts or 0, frame.time_base, film, kind))
        frame.pts = None
        for packet in encoder.encode(frame):
            yield Sample(bytes(packet), ticks, True)
            ticks += OPUS_FRAME


def _resampled(film: Film, kind: Kind) -> Iterator[av.AudioFrame]:
    """48 kHz stereo in frames of 20 ms."""
    resampler = av.AudioResampler(format="s16", layout="stereo", rate=CLOCK[kind], frame_size=OPUS_FRAME)
    with av.open(str(film.path)) as container:
        for frame in container.decode(container.streams.audio[0]):
            yield from resampler.resample(frame)


def _ticks(pts: int, base: Fraction | None, film: Film, kind: Kind) -> int:
    return round((pts * (base or Fraction(0)) - film.begin) * CLOCK[kind])


def _sample(packet: Packet[VideoStream]) -> Sample:
    return Sample(bytes(packet), packet.pts or 0, packet.is_keyframe)


def _x264(width: int, height: int) -> VideoCodecContext:
    scale = min(1.0, MAX_WIDTH / width, MAX_HEIGHT / height)
    encoder = VideoCodecContext.create("libx264", "w")
    encoder.width, encoder.height = _even(width * scale), _even(height * scale)
    encoder.pix_fmt = "yuv420p"
    encoder.time_base = Fraction(1, CLOCK["video"])
    encoder.framerate = Fraction(MAX_RATE)
    encoder.bit_rate = VIDEO_BITS_PER_SECOND
    encoder.profile = "Baseline"
    encoder.options = {
        "preset": "veryfast",
        "tune": "zerolatency",
        "level": "3.1",
        "x264-params": f"vbv-maxrate={VIDEO_BITS_PER_SECOND * 3 // 2000}:vbv-bufsize={VIDEO_BITS_PER_SECOND // 1000}",
    }
    return encoder


def _opus() -> AudioCodecContext:
    encoder = AudioCodecContext.create("libopus", "w")
    encoder.format = "s16"
    encoder.layout = "stereo"
    encoder.sample_rate = CLOCK["audio"]
    encoder.time_base = Fraction(1, CLOCK["audio"])
    encoder.bit_rate = AUDIO_BITS_PER_SECOND
    return encoder


def _even(size: float) -> int:
    return max(2, int(size) // 2 * 2)
