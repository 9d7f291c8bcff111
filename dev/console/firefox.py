"""Firefox for the console's tests: Debian's, driven by WebDriver BiDi over a WebSocket, without a driver or a library.

It offers the few things of a page that the keyboard walks need, by the names that Playwright gives them.
"""

import base64
import json
import os
import re
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

FIREFOX = os.environ.get("FIREFOX", shutil.which("firefox-esr") or "/usr/bin/firefox-esr")
_WAIT_SECONDS = 120.0
_LISTENING = re.compile(r"WebDriver BiDi listening on ws://127\.0\.0\.1:(\d+)")
_PREFERENCES: dict[str, str | int | bool] = {
    "app.normandy.enabled": False,
    "app.update.enabled": False,
    "browser.shell.checkDefaultBrowser": False,
    "browser.startup.page": 0,
    "datareporting.policy.dataSubmissionEnabled": False,
    "media.volume_scale": "0.0",
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "remote.active-protocols": 1,
    "services.settings.server": "",
    "toolkit.telemetry.enabled": False,
}
_KEYS = {
    "Backspace": "\ue003",
    "Tab": "\ue004",
    "Enter": "\ue007",
    "Escape": "\ue00c",
    "PageUp": "\ue00e",
    "PageDown": "\ue00f",
    "End": "\ue010",
    "Home": "\ue011",
    "ArrowLeft": "\ue012",
    "ArrowUp": "\ue013",
    "ArrowRight": "\ue014",
    "ArrowDown": "\ue015",
}


def is_installed() -> bool:
    """Return whether there is a Firefox to start."""
    return Path(FIREFOX).is_file()


class Firefox:
    """A running Firefox with one page; use it as a context manager."""

    def __enter__(self) -> Self:
        """Start it with a profile of its own, and begin to talk to it."""
        self._folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        folder = Path(self._folder.name)
        lines = [f'user_pref("{name}", {json.dumps(value)});' for name, value in _PREFERENCES.items()]
        (folder / "user.js").write_text("\n".join(lines), encoding="utf-8")
        command = [FIREFOX, "--headless", "--no-remote", "--profile", str(folder), "--remote-debugging-port", "0"]
        self._said = (folder / "said.txt").open("w+", encoding="utf-8", errors="replace")
        environment = {**os.environ, "HOME": str(folder), "MOZ_CRASHREPORTER_DISABLE": "1"}
        self._process = subprocess.Popen(command, env=environment, stdout=self._said, stderr=self._said)  # noqa: S603 - a browser
        try:
            self._talk = _WebSocket("127.0.0.1", self._port(), "/session")
        except BaseException:
            self._end()
            raise
        self._number = 0
        self.call("session.new", capabilities={})
        self.context: str = self.call("browsingContext.getTree")["contexts"][0]["context"]
        self.keyboard = _Keyboard(self)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """End it."""
        self._talk.close()
        self._end()

    def _end(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._said.close()
        self._folder.cleanup()

    def _port(self) -> int:
        end = time.monotonic() + _WAIT_SECONDS
        while time.monotonic() < end and self._process.poll() is None:
            said = Path(self._said.name).read_text(encoding="utf-8", errors="replace")
            if found := _LISTENING.search(said):
                return int(found[1])
            time.sleep(0.1)
        raise ConnectionError("Firefox does not listen")

    def call(self, method: str, **parameters: Any) -> Any:
        """Return the result of one command.

        Raises:
            ConnectionError: Firefox refuses it.
        """
        self._number += 1
        self._talk.send(json.dumps({"id": self._number, "method": method, "params": parameters}))
        while (answer := json.loads(self._talk.receive())).get("id") != self._number:
            continue  # an event, or the answer to something that was given up
        if answer["type"] == "error":
            raise ConnectionError(f"{method}: {answer['error']}: {answer['message']}")
        return answer["result"]

    # --- what a page can do ------------------------------------------------------------------------------------------

    def goto(self, url: str) -> None:
        """Open an address."""
        self.call("browsingContext.navigate", context=self.context, url=url, wait="complete")

    def reload(self) -> None:
        """Open the same address again."""
        self.call("browsingContext.reload", context=self.context, wait="complete")

    def evaluate(self, expression: str) -> Any:
        """Return what an expression is, or what a function returns, as JSON has it."""
        called = f"({expression})()" if "=>" in expression.partition("\n")[0] else f"({expression})"
        wrapped = f"(async () => JSON.stringify((await {called}) ?? null))()"
        target = {"context": self.context}
        found = self.call("script.evaluate", expression=wrapped, target=target, awaitPromise=True)
        if found["type"] == "exception":
            raise ConnectionError(f"the page: {found['exceptionDetails']['text']}")
        return json.loads(found["result"]["value"])

    def wait_for_timeout(self, milliseconds: float) -> None:
        """Wait."""
        time.sleep(milliseconds / 1000)

    def before_pages(self, script: str) -> None:
        """Run a script in each page before its own."""
        self.call("script.addPreloadScript", functionDeclaration=f"() => {{ {script} }}")

    def sign_in(self, origin: str, who: str) -> None:
        """Set the cookie of a made-up person; an empty name ends the sign-in."""
        host = origin.partition("://")[2].partition(":")[0]
        value = {"type": "string", "value": who}
        self.call("storage.setCookie", cookie={"name": "who", "value": value, "domain": host, "path": "/"})


class _Keyboard:
    """The keys of the page."""

    def __init__(self, page: Firefox) -> None:
        self._page = page

    def press(self, key: str) -> None:
        """Press one key."""
        value = _KEYS.get(key, key)
        strokes = [{"type": kind, "value": value} for kind in ("keyDown", "keyUp")]
        source = {"type": "key", "id": "keyboard", "actions": strokes}
        self._page.call("input.performActions", context=self._page.context, actions=[source])

    def type(self, text: str) -> None:
        """Press one key after the other."""
        for letter in text:
            self.press(letter)


class _WebSocket:
    """The client's side of RFC 6455, as far as texts go."""

    def __init__(self, host: str, port: int, path: str) -> None:
        self._socket = socket.create_connection((host, port), timeout=_WAIT_SECONDS)
        self._file = self._socket.makefile("rb")
        key = base64.b64encode(os.urandom(16)).decode()
        asked = (f"GET {path} HTTP/1.1", f"Host: {host}:{port}", "Upgrade: websocket", "Connection: Upgrade")
        asked += (f"Sec-WebSocket-Key: {key}", "Sec-WebSocket-Version: 13", "", "")
        self._socket.sendall("\r\n".join(asked).encode())
        status = self._file.readline()
        while self._file.readline() not in (b"\r\n", b""):
            continue
        if b" 101 " not in status:
            self.close()
            raise ConnectionError(f"no WebSocket: {status!r}")

    def close(self) -> None:
        """Close the connection."""
        self._file.close()
        self._socket.close()

    def send(self, text: str) -> None:
        """Send a text, masked as clients must."""
        data, mask = text.encode(), os.urandom(4)
        masked = bytes(byte ^ mask[at % 4] for at, byte in enumerate(data))
        self._socket.sendall(b"\x81" + _length(len(data)) + mask + masked)

    def receive(self) -> str:
        """Return the next text.

        Raises:
            ConnectionError: the other side ended it.
        """
        text = b""
        while True:
            first, second = self._read(2)
            length = second & 0x7F
            if length >= 126:
                length = int.from_bytes(self._read(2 if length == 126 else 8), "big")
            data, kind = self._read(length), first & 0x0F
            if kind == 8:
                raise ConnectionError("Firefox ended the connection")
            if kind in (0, 1):
                text += data
                if first & 0x80:
                    return text.decode()

    def _read(self, count: int) -> bytes:
        data = self._file.read(count)
        if len(data) != count:
            raise ConnectionError("Firefox is gone")
        return data


def _length(count: int) -> bytes:
    if count < 126:
        return bytes([0x80 | count])
    return b"\xfe" + count.to_bytes(2, "big") if count < 1 << 16 else b"\xff" + count.to_bytes(8, "big")
