"""Headless Chromium, controlled by chromedriver's HTTP interface, W3C WebDriver."""

from __future__ import annotations

import base64
import shutil
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Any

import requests

from tests.system.live_airflow import free_port

#: Maximum seconds to wait for the page. It needs less than one, but a test machine may be busy.
PATIENCE_SECONDS = 30.0
#: Names of the program on different systems.
CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
#: Session of all requests, without a proxy of the environment, which could not reach loopback.
HTTP = requests.Session()
HTTP.trust_env = False


class Browser:
    """
    A browser with one tab, as a context manager.

    :param log: file for the output of chromedriver.
    """

    def __init__(self, log: Path) -> None:
        driver, chromium = shutil.which("chromedriver"), next(filter(None, map(shutil.which, CHROMIUM)), None)
        assert driver, "chromedriver is missing: apt-get install chromium-driver"
        assert chromium, "chromium is missing: apt-get install chromium"
        self._chromium = chromium
        port = free_port()
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                [driver, f"--port={port}"], stdout=output, stderr=subprocess.STDOUT, start_new_session=True
            )
        self._url = f"http://127.0.0.1:{port}"

    def __enter__(self) -> Browser:
        options = {
            "binary": self._chromium,
            "args": ["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-proxy-server"],
        }
        always = {"browserName": "chrome", "goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL"}}
        try:
            wait_until(self._is_ready)
            self._url += f"/session/{self._call('POST', '/session', capabilities={'alwaysMatch': always})['sessionId']}"
        except BaseException:
            self._process.kill()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._call("DELETE", "")
        self._process.terminate()
        self._process.wait(PATIENCE_SECONDS)

    def _is_ready(self) -> bool:
        try:
            return bool(self._call("GET", "/status")["ready"])
        except requests.ConnectionError:
            return False

    def _call(self, method: str, path: str, **body: Any) -> Any:
        sent = body if method == "POST" else None
        answer = HTTP.request(method, f"{self._url}{path}", json=sent, timeout=2 * PATIENCE_SECONDS)
        assert answer.ok, answer.text
        return answer.json()["value"]

    # ---- actions -----------------------------------------------------------------------------------------------------

    def open(self, url: str, *, width: int = 1280, height: int = 900) -> None:
        """Load a page in a window of a size in pixels."""
        self._call("POST", "/window/rect", width=width, height=height)
        self._call("POST", "/url", url=url)

    def before_each_page(self, script: str) -> None:
        """Run JavaScript in each page before the page's scripts."""
        command = {"cmd": "Page.addScriptToEvaluateOnNewDocument", "params": {"source": script}}
        self._call("POST", "/goog/cdp/execute", **command)

    def log_in(self, url: str, token: str) -> None:
        """Set the session cookie of an Airflow; an empty token deletes it."""
        self.open(f"{url}/payments-page/theme.js")
        self._call("DELETE", "/cookie")
        if token:
            self._call("POST", "/cookie", cookie={"name": "_token", "value": token, "path": "/"})

    def set_dark(self, is_dark: bool) -> None:
        """Set the theme that a user has chosen in Airflow; a page of Airflow must be open."""
        self.run("localStorage.theme = arguments[0]", "dark" if is_dark else "light")

    def press(self, key: str) -> None:
        """Press a key, given as WebDriver's character for it."""
        keys = [{"type": kind, "value": key} for kind in ("keyDown", "keyUp")]
        self._call("POST", "/actions", actions=[{"type": "key", "id": "keyboard", "actions": keys}])

    def enter_frame(self) -> None:
        """Switch to the only frame of the page as soon as it exists."""
        self.wait_for("return document.querySelectorAll('iframe').length === 1")
        frame = self.run("return document.querySelector('iframe')")
        self._call("POST", "/frame", id=frame)

    def leave_frame(self) -> None:
        """Switch to the page that contains the frame."""
        self._call("POST", "/frame", id=None)

    # ---- queries -----------------------------------------------------------------------------------------------------

    def run(self, script: str, *arguments: Any) -> Any:
        """Run JavaScript in the page, and return its result."""
        return self._call("POST", "/execute/sync", script=script, args=list(arguments))

    def wait_for(self, script: str, *arguments: Any) -> Any:
        """Run JavaScript until its result is truthy, and return the result."""
        return wait_until(lambda: self.run(script, *arguments), script)

    def text(self, selector: str = "body") -> str:
        """Return the visible text of an element."""
        return str(self.run("return document.querySelector(arguments[0]).innerText", selector))

    def errors(self) -> list[str]:
        """Return the messages of the console since the last call, without those about refused requests."""
        messages = self._call("POST", "/se/log", type="browser")
        return [each["message"] for each in messages if "Failed to load resource" not in each["message"]]

    def screenshot(self, file: Path) -> None:
        """Store a screenshot of the window."""
        file.write_bytes(base64.b64decode(self._call("GET", "/screenshot")))


def wait_until(condition: Any, what: str = "") -> Any:
    """Call a condition until its result is truthy, and return the result."""
    end = time.monotonic() + PATIENCE_SECONDS
    while not (found := condition()):
        assert time.monotonic() < end, f"not within {PATIENCE_SECONDS:.0f} s: {what}"
        time.sleep(0.05)
    return found
