"""Chromium without a window, told what to do over a pipe (DevTools protocol)."""
import base64
import json
import os
import shutil
import subprocess
import tempfile
import time

PROGRAM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


class Browser:
    """One page. Errors of its scripts and what it would not let them do are in .complaints."""

    def __init__(self):
        self.profile = tempfile.TemporaryDirectory(prefix="pond-chromium.", ignore_cleanup_errors=True)
        to_it, self.commands = os.pipe()
        self.answers, from_it = os.pipe()
        self.complaints, self.requests, self.number, self.rest = [], [], 0, b""
        # It reads commands from descriptor 3 and writes to 4.
        command = 'exec 3<&%d 4>&%d; exec "$@"' % (to_it, from_it)
        self.process = subprocess.Popen(
            ["bash", "-c", command, "bash", PROGRAM, "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking",
             "--disable-dev-shm-usage", "--disable-component-update", "--no-first-run", "--hide-scrollbars", "--user-data-dir=" + self.profile.name,
             "--remote-debugging-pipe", "about:blank"],
            pass_fds=[to_it, from_it], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(to_it)
        os.close(from_it)
        self.session = None
        target = self.do("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.do("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.do(domain + ".enable")

    def close(self):
        self.process.terminate()
        self.process.wait(timeout=60)
        os.close(self.commands)
        os.close(self.answers)
        self.profile.cleanup()

    def message(self):
        while b"\0" not in self.rest:
            chunk = os.read(self.answers, 1 << 16)
            assert chunk, "chromium has ended"
            self.rest += chunk
        one, self.rest = self.rest.split(b"\0", 1)
        return json.loads(one)

    def note(self, message):
        method, params = message.get("method"), message.get("params")
        if method == "Runtime.exceptionThrown":
            self.complaints.append(params["exceptionDetails"]["text"] + str(params["exceptionDetails"].get("exception")))
        elif method == "Log.entryAdded" and params["entry"]["level"] == "error":
            self.complaints.append(params["entry"]["text"])
        elif method == "Network.requestWillBeSent":
            self.requests.append(params["request"]["url"])

    def do(self, method, **params):
        self.number += 1
        message = {"id": self.number, "method": method, "params": params}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.commands, json.dumps(message).encode() + b"\0")
        while True:
            got = self.message()
            if got.get("id") == self.number:
                assert "error" not in got, got
                return got["result"]
            self.note(got)

    def run(self, script):
        got = self.do("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in got, got
        return got["result"].get("value")

    def until(self, script, what):
        end = time.monotonic() + 60
        while not self.run(script):
            assert time.monotonic() < end, (what, self.complaints, self.run("document.body.innerText"))
            time.sleep(0.05)

    def size(self, width, height, dark=False):
        self.do("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=2 if width < 600 else 1, mobile=width < 600)
        self.do("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])

    def open(self, url):
        self.do("Page.navigate", url=url)

    def screenshot(self, path):
        """All of the page."""
        height = self.run("document.documentElement.scrollHeight")
        width = self.run("innerWidth")
        data = self.do("Page.captureScreenshot", captureBeyondViewport=True,
                       clip={"x": 0, "y": 0, "width": width, "height": height, "scale": 1})["data"]
        with open(path, "wb") as file:
            file.write(base64.b64decode(data))
