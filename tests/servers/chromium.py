"""The Chromium that the system has, and the flags its tests need."""

from __future__ import annotations

import os
import shutil

NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")


def path() -> str:
    """Raises `RuntimeError` where there is none."""
    for name in NAMES:
        found = shutil.which(name)
        if found is not None:
            return found
    raise RuntimeError("Chromium is missing: apt-get install chromium")


def flags() -> list[str]:
    """Fake camera and microphone without a question, sound without a tap, plain loopback candidates."""
    chosen = [
        "--allow-loopback-in-peer-connection",
        "--use-fake-device-for-media-stream=fps=30",
        "--use-fake-ui-for-media-stream",
        "--autoplay-policy=no-user-gesture-required",
        "--disable-features=WebRtcHideLocalIpsWithMdns",
        "--disable-dev-shm-usage",
    ]
    return [*chosen, "--no-sandbox"] if os.getuid() == 0 else chosen
