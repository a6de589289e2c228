"""FFmpeg's own WHIP muxer (the one in PyAV's wheel, on GnuTLS), in a process of its own because it holds the GIL.

python -m tests.interop.ffmpeg_publisher URL TICKET [CERT_FILE KEY_FILE]
"""

from __future__ import annotations

import fractions
import sys

import av
import numpy

FRAME_RATE = 20
FRAMES = 20


def publish(url: str, ticket: str, *files: str) -> None:
    """A second of grey pictures. This build waits for a datagram from the server before each packet, so it is slow."""
    options = {"authorization": ticket, **dict(zip(("cert_file", "key_file"), files, strict=False))}
    with av.open(url, "w", format="whip", options=options) as output:
        stream = output.add_stream("libx264", rate=FRAME_RATE, options={"profile": "baseline", "tune": "zerolatency"})
        stream.width, stream.height, stream.pix_fmt = 320, 240, "yuv420p"
        for number in range(FRAMES):
            picture = numpy.full((240, 320, 3), 10 * number, numpy.uint8)
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts, frame.time_base = number, fractions.Fraction(1, FRAME_RATE)
            output.mux(stream.encode(frame))


if __name__ == "__main__":
    publish(*sys.argv[1:])
