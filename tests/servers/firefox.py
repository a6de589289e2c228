"""Firefox driven by its own Marionette protocol (length-prefixed JSON over TCP): no driver program is needed.

It pairs no interface of its own with a loopback candidate, so it runs in a namespace that has another address.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.servers.namespace import Namespace
from tests.servers.service import free_port

PREFERENCES = {
    "media.navigator.streams.fake": True,
    "media.navigator.permission.disabled": True,
    "media.peerconnection.ice.obfuscate_host_addresses": False,
    "media.autoplay.default": 0,
    "app.update.enabled": False,
    "browser.shell.checkDefaultBrowser": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "intl.accept_languages": "zh-CN",
}


def firefox_path() -> str | None:
    return shutil.which("firefox-esr") or shutil.which("firefox")


class Firefox:
    """One headless Firefox with a fresh profile, inside a namespace."""

    def __init__(self, folder: Path, path: str, where: Namespace) -> None:
        port = free_port()
        profile = folder / "profile"
        profile.mkdir(parents=True)
        lines = [f'user_pref("{key}", {json.dumps(value)});' for key, value in PREFERENCES.items()]
        (profile / "user.js").write_text("\n".join([*lines, f'user_pref("marionette.port", {port});']))
        environment = {**os.environ, "HOME": str(folder), "MOZ_HEADLESS": "1"}
        self._process = subprocess.Popen(
            [*where.enter(), path, "--headless", "--no-remote", "--marionette", "--profile", str(profile)],
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self._socket = where.connect(port)
        self._serial = 0
        self._receive()  # the greeting
        self.call("WebDriver:NewSession", {})

    def _receive(self) -> Any:
        length = b""
        while not length.endswith(b":"):
            length += self._socket.recv(1)
        body = b""
        while len(body) < int(length[:-1]):
            body += self._socket.recv(int(length[:-1]) - len(body))
        return json.loads(body)

    def call(self, command: str, parameters: dict[str, Any]) -> Any:
        """One Marionette command; raises RuntimeError with Firefox's own words."""
        self._serial += 1
        body = json.dumps([0, self._serial, command, parameters]).encode()
        self._socket.sendall(str(len(body)).encode() + b":" + body)
        _, _, error, result = self._receive()
        if error:
            raise RuntimeError(f"{command}: {error}")
        return result

    def open(self, url: str) -> None:
        self.call("WebDriver:Navigate", {"url": url})

    def run(self, script: str, *arguments: Any) -> Any:
        """Run `script` (the body of an async function with `args`) in the page and return what it returns."""
        body = (
            "const [args, done] = [arguments[0], arguments[1]];"
            f"(async () => {{ {script} }})().then(value => done({{value}}), error => done({{error: String(error)}}));"
        )
        answer = self.call(
            "WebDriver:ExecuteAsyncScript", {"script": body, "args": [list(arguments)], "scriptTimeout": 30000}
        )["value"]
        if "error" in answer:
            raise RuntimeError(answer["error"])
        return answer.get("value")

    def close(self) -> None:
        with contextlib.suppress(Exception):
            self.call("Marionette:Quit", {"flags": ["eForceQuit"]})
        self._socket.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(10)


@contextlib.contextmanager
def firefox(folder: Path, where: Namespace) -> Iterator[Firefox]:
    path = firefox_path()
    if path is None:
        raise RuntimeError("Firefox is not installed: `make test` installs Debian's firefox-esr")
    browser = Firefox(folder, path, where)
    try:
        yield browser
    finally:
        browser.close()
