# SPDX-License-Identifier: MIT
"""Drives a headless Chromium over its DevTools protocol, by pipes: nothing but Python is needed."""
import base64
import json
import os
import shutil
import subprocess
import tempfile

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def find():
    """The path of an installed Chromium, or None."""
    return next((path for path in map(shutil.which, NAMES) if path), None)


class Page:
    """A tab of a Chromium of its own; for `with`."""

    def __init__(self, program):
        self.folder = tempfile.mkdtemp(prefix="lockstep-chromium-")
        ours_in, theirs_out = os.pipe()
        theirs_in, ours_out = os.pipe()

        def place():  # Chromium reads commands from 3 and writes answers to 4
            os.dup2(theirs_in, 10)
            os.dup2(theirs_out, 11)
            os.dup2(10, 3)
            os.dup2(11, 4)

        self.process = subprocess.Popen(
            [program, "--headless", "--no-sandbox", "--disable-gpu", "--remote-debugging-pipe",
             "--disable-dev-shm-usage", "--disable-background-networking", "--hide-scrollbars",
             "--user-data-dir=" + self.folder, "about:blank"],
            preexec_fn=place, close_fds=False, stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(theirs_in)
        os.close(theirs_out)
        self.to, self.come = os.fdopen(ours_out, "wb"), os.fdopen(ours_in, "rb")
        self.number, self.rest, self.session, self.width = 0, b"", None, 0
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        self.ask("Page.enable")

    def __enter__(self):
        return self

    def __exit__(self, *what):
        self.process.kill()
        self.process.wait()
        self.to.close()
        self.come.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def next(self):
        """The next message of Chromium; they end with NUL."""
        parts = [self.rest]
        while b"\0" not in parts[-1]:
            parts.append(self.come.read1(1 << 20))
            if not parts[-1]:
                raise OSError("Chromium has ended")
        line, self.rest = b"".join(parts).split(b"\0", 1)
        return json.loads(line)

    def ask(self, method, **parameters):
        self.number += 1
        message = {"id": self.number, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        self.to.write(json.dumps(message).encode() + b"\0")
        self.to.flush()
        while True:
            answer = self.next()
            if answer.get("id") == self.number:
                if "error" in answer:
                    raise OSError("%s: %s" % (method, answer["error"]))
                return answer["result"]

    def open(self, path, width, scheme):
        """Shows a file at that width, with the colour scheme "light" or "dark"."""
        self.width = width
        self.ask("Emulation.setDeviceMetricsOverride", width=width, height=800,
                 deviceScaleFactor=1, mobile=False)
        self.ask("Emulation.setEmulatedMedia",
                 features=[{"name": "prefers-color-scheme", "value": scheme}])
        self.ask("Page.navigate", url="file://" + os.path.abspath(path))
        self.run("new Promise(r => document.readyState === 'complete' ? r() : "
                 "addEventListener('load', r))")

    def run(self, code):
        """The value of an expression of JavaScript; promises are waited for."""
        answer = self.ask("Runtime.evaluate", expression=code, awaitPromise=True,
                          returnByValue=True)
        if "exceptionDetails" in answer:
            raise OSError(json.dumps(answer["exceptionDetails"])[:2000])
        return answer["result"].get("value")

    def height(self):
        return self.run("Math.ceil(document.documentElement.getBoundingClientRect().height)")

    def picture(self, top, height):
        """A part of the page in its whole width, as a PNG in base64."""
        clip = {"x": 0, "y": top, "scale": 1, "width": self.width, "height": height}
        return self.ask("Page.captureScreenshot", captureBeyondViewport=True, clip=clip,
                        optimizeForSpeed=True)["data"]

    def save(self, path, top=0, height=2400):
        with open(path, "wb") as file:
            file.write(base64.b64decode(self.picture(top, min(height, self.height() - top))))
