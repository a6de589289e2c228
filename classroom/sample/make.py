"""Makes `lecture.mp4`, the sample that a demonstration publishes: slides, a clock that moves, a voice.

    python -m classroom.sample.make

Everything in it is drawn and spoken here. Needed for making it only: Chromium with a Chinese font
(fonts-wqy-microhei), espeak-ng, and the development dependencies. The result is H.264 constrained baseline without
B-frames, a key frame every two seconds, and Opus, so `classroom publish` copies it; picture and sound end together, so
it can go round and round.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from array import array
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
from av.video.frame import PictureType
from av.video.reformatter import ColorRange
from playwright.sync_api import sync_playwright

WIDTH, HEIGHT, RATE = 1280, 720, 15
GROUP_SECONDS = 2
SAMPLE_RATE = 48_000
OPUS_LOOKAHEAD = 312  # samples that the encoder puts before the first; the length stays whole packets with it
LEVELS = 20
PAUSE_SECONDS = 1.4
CRF = "33"
VOICE = ("espeak-ng", "-v", "cmn", "-s", "150", "-p", "42")
SPOKEN = (
    "欢迎收看云课堂示范课程。流动不流失，离乡不离课。",
    "今晚七点半开场，接着是专题讲授。八点半，由支部代表交流发言，最后回答大家的提问。",
    "参加很简单：打开您的专属链接，轻点一下，打开声音。有话要说，就在聊天里留言。学习时长会自动计算。",
    "哪个支部到了多少人，组织者看得一清二楚。",
    "一个链接，一次点击，一份考勤。谢谢收看。",
)


def speak(text: str) -> array[int]:
    """16-bit mono samples at 48 kHz."""
    with tempfile.TemporaryDirectory() as folder:
        spoken = Path(folder) / "voice.wav"
        subprocess.run([*VOICE, "-w", spoken, text], check=True)  # noqa: S603 (words of this file)
        resampler = av.AudioResampler("s16", "mono", SAMPLE_RATE)
        samples = array("h")
        with av.open(str(spoken)) as container:
            for frame in [*container.decode(audio=0), None]:
                for part in resampler.resample(frame):
                    samples.frombytes(bytes(part.planes[0])[: part.samples * 2])
    return samples


def script() -> tuple[array[int], list[float]]:
    """The whole sound, and the second at which each slide begins; the length is whole groups of pictures."""
    sound, begins = array("h"), []
    for text in SPOKEN:
        begins.append(round(len(sound) / SAMPLE_RATE * RATE) / RATE)
        sound.extend(array("h", bytes(int(PAUSE_SECONDS / 2 * SAMPLE_RATE) * 2)))
        sound.extend(speak(text))
        sound.extend(array("h", bytes(int(PAUSE_SECONDS * SAMPLE_RATE) * 2)))
    group = GROUP_SECONDS * SAMPLE_RATE
    missing = -len(sound) % group
    sound.extend(array("h", bytes(missing * 2)))
    peak = max(map(abs, sound))
    return array("h", (sample * 22_000 // peak for sample in sound)), begins


def levels(sound: array[int], frame: int) -> list[float]:
    """The voice's loudness in the last frames, 0 to 1, oldest first."""
    step = SAMPLE_RATE // RATE
    result = []
    for number in range(frame - LEVELS + 1, frame + 1):
        part = sound[max(0, number * step) : max(0, (number + 1) * step) : 8]
        result.append(min(1.0, (sum(s * s for s in part) / max(1, len(part))) ** 0.5 / 4_500))
    return result


def pictures(sound: array[int], begins: list[float]) -> Iterator[av.VideoFrame]:
    total = len(sound) / SAMPLE_RATE
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = chromium.new_page(viewport={"width": WIDTH, "height": HEIGHT})
        page.goto(Path(__file__).with_name("slides.html").as_uri())
        for number in range(round(total * RATE)):
            at = number / RATE
            slide = sum(begin <= at for begin in begins) - 1
            moment = {"slide": slide, "since": begins[slide], "at": at, "total": total, "levels": levels(sound, number)}
            page.evaluate("moment => window.draw(moment)", moment)
            # A decoder of its own for each: one that goes on takes the next picture for a change of the last (APNG).
            (frame,) = av.CodecContext.create("png", "r").decode(av.Packet(page.screenshot()))
            assert isinstance(frame, av.VideoFrame)
            picture = frame.reformat(format="yuv420p", dst_color_range=ColorRange.MPEG)
            picture.pts, picture.time_base = number, Fraction(1, RATE)
            picture.pict_type = PictureType.NONE  # a PNG says of itself that it is a key frame
            yield picture
        chromium.close()


def write(path: Path) -> None:
    sound, begins = script()
    group = GROUP_SECONDS * RATE
    with av.open(str(path), "w", options={"movflags": "+faststart"}) as container:
        video = container.add_stream("libx264", rate=RATE)
        video.width, video.height, video.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        video.codec_context.profile = "Baseline"
        video.codec_context.gop_size = group
        video.options = {
            "crf": CRF,
            "preset": "slow",
            "tune": "animation",
            "x264-params": f"bframes=0:scenecut=0:level=3.1:keyint={group}:min-keyint={group}",
        }
        audio = container.add_stream("libopus", rate=SAMPLE_RATE)
        audio.layout = "mono"
        audio.bit_rate = 24_000
        step = SAMPLE_RATE // RATE
        for picture in pictures(sound, begins):
            container.mux(video.encode(picture))
            start = (picture.pts or 0) * step
            part = sound[start : min(start + step, len(sound) - OPUS_LOOKAHEAD)]
            heard = av.AudioFrame("s16", "mono", len(part))
            heard.planes[0].update(part.tobytes())
            heard.sample_rate, heard.pts, heard.time_base = SAMPLE_RATE, start, Fraction(1, SAMPLE_RATE)
            container.mux(audio.encode(heard))
        container.mux(video.encode(None))
        container.mux(audio.encode(None))


if __name__ == "__main__":
    write(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).with_name("lecture.mp4"))
