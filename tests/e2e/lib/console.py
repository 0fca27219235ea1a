"""The web console in headless Chromium, driven from a test.

    page = browser.page("zh-CN")
    page.sign_in("admin", "…")
    page.goto(f"/#/p/{project.key}/devices")
    page.click(test("add-device"))

A page that has logged an error, broken its Content-Security-Policy or called another host fails its
test (`Browser.assert_clean`).
"""
import json
import time

from lib.clients import JS, Lines
from lib.streams import DEADLINE_S

LANGUAGES = ("en", "zh-CN")
WIDE, NARROW = (1440, 900), (390, 800)


def test(name):
    """The selector of what the console's sources mark with `data-test`."""
    return f'[data-test="{name}"]'


test.__test__ = False  # no test, whatever pytest thinks of its name


class Browser:
    """One Chromium with one page at a time. Every method of console.js's commands is one of this."""

    def __init__(self, origin):
        self.origin = origin
        self.program = Lines("node", JS / "console.js", origin, DEADLINE_S * 1000)
        assert self._answer() == "ready"

    def _answer(self):
        # it keeps the deadline itself, and says more when it has passed
        answer = json.loads(self.program.next(time.monotonic() + 2 * DEADLINE_S + 10) or
                            '{"failed": "the program has ended"}')
        assert "failed" not in answer, answer["failed"]
        return answer["is"]

    def __getattr__(self, name):
        def command(*args):
            self.program.write({"do": name, "args": args})
            return self._answer()
        return command

    def page(self, language="en", size=WIDE):
        """A new page without any session."""
        self.start(language, *size)
        return self

    def sign_in(self, username, password):
        self.goto("/#/login")
        self.fill(test("username"), username)
        self.fill(test("password"), password)
        self.click(test("submit"))
        self.hidden(test("submit"))

    def be(self, operator):
        """Has the session of an `Api`, as one has who signed in here before."""
        self.cookie(*operator.headers["Cookie"].split("=", 1))

    def wait_live(self):
        """Until values change by themselves, and what is shown was read after that has begun."""
        self.wait(f'{test("live-state")}[data-state="live"][data-settled="true"]')
        self.quiet()

    def choose(self, selector, label):
        """Chooses from a list that opens."""
        self.click(selector)
        self.click(f'.el-select-dropdown__item:visible:has-text("{label}")')

    def confirm(self):
        """Says yes to the question that is asked."""
        self.click(".el-message-box:visible .el-button--danger")
        self.hidden(".el-message-box")

    def assert_clean(self):
        found = self.faults()
        assert not found, found

    def close(self):
        self.program.close()
