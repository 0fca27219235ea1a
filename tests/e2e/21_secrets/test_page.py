"""open-api 3 "Browser pass", 3.5: a page with a pass that the examples of docs/secrets.md make."""
import json
import re
import shutil
import subprocess
import time

import pytest

from lib.cases import table, versions
from lib.clients import JS
from lib.passes import Secret
from lib.server import REPOSITORY

PAGES = {"English": REPOSITORY / "docs" / "secrets.md",
         "Chinese": REPOSITORY / "docs" / "zh-CN" / "secrets.md"}
needs_node = pytest.mark.skipif(not (JS / "node_modules").exists(),
                                reason="npm ci in tests/e2e/js was not run")
needs_chromium = pytest.mark.skipif(not shutil.which("chromium-headless-shell"),
                                    reason="no Chromium")


def example(page, language):
    """The first code of a language on the page."""
    return re.search(rf"```{language}\n(.*?)```", page.read_text(), re.S)[1]


def by_python(page, *args):
    names = {}
    exec(example(page, "python"), names)  # pylint: disable=exec-used
    return names["browser_pass"](*args)


def by_node(page, *args):
    program = example(page, "javascript") + \
        f"process.stdout.write(browserPass(...{json.dumps(args)}))"
    return subprocess.run(["node", "-e", program], text=True, capture_output=True, check=True).stdout


def by_php(page, *args):
    words = ", ".join(json.dumps(arg) for arg in args)
    program = example(page, "php") + f"echo browser_pass({words});"
    return subprocess.run(["php", "-r", program], text=True, capture_output=True, check=True).stdout


MAKERS = {"Python": by_python,
          "Node": pytest.param(by_node, marks=needs_node),
          "PHP": pytest.param(by_php, marks=pytest.mark.skipif(not shutil.which("php"),
                                                               reason="no PHP"))}


@table("page", PAGES)
@table("make", MAKERS)
def test_examples(net, own, page, make):
    """What is printed there makes passes that work, and end when they say."""
    app = net.app(transport="wss", project=Secret(own, "", make(
        page, own.key, "main", own.secret, "sc", 60)))
    device = net.device(own.device(), subscribe=["command_send"])
    assert app.subscribe(device.open("attributes")).codes == (1,)
    app.publish(device.open("command_send"), b'{"method":"m","id":1}')
    device.receive(device.own("command_send"), b'{"method":"m","id":1}')
    assert app.publish(device.open("attributes_push"), b"{}").code == 0x87


def test_twins_have_the_same_code():
    """The code is the same in both languages."""
    for language in ("python", "php"):
        assert len({example(page, language) for page in PAGES.values()}) == 1
    blocks = [re.findall(r"```javascript\n(.*?)```", page.read_text(), re.S)
              for page in PAGES.values()]
    assert blocks[0] == blocks[1]


@needs_chromium
@needs_node
@versions
def test_page_in_a_browser(net, start, server, own, secret, version):
    """MQTT.js in Chromium with a pass: it shows what a device sends, and is cut off when the
    secret is revoked."""
    who, device = secret("--scopes", "subscribe"), net.device(own.device())
    page = start("node", JS / "page.js", server.demo["endpoints"]["app_wss"], own.key,
                 by_python(PAGES["English"], own.key, who.name, who.secret, "s", 600), version,
                 f"open/{own.key}/+/attributes")
    assert json.loads(page.until("state")) == {"state": "subscribed 1"}
    device.publish(device.own("attributes"), b'{"temperature":21.5}')
    assert json.loads(page.until("value")) == {"value": "21.5"}
    who.cli("remove")
    # It comes back by itself, and hears that its password is none.
    assert json.loads(page.until("state"))["state"].startswith("error: Connection refused")


@needs_chromium
@needs_node
def test_page_with_a_pass_that_ends(net, start, server, own):
    """The connection is closed at the pass's expiry; the page learns that it has expired."""
    for seconds in (30, 60):  # Chromium takes its time
        expires = int(time.time()) + seconds
        page = start("node", JS / "page.js", server.demo["endpoints"]["app_wss"], own.key,
                     Secret.main(own).pass_of("s", expires).secret, 5,
                     f"open/{own.key}/+/attributes")
        state = json.loads(page.until("state"))
        if time.time() < expires:
            break
    assert state == {"state": "subscribed 1"}
    refused = json.loads(page.until("state", after=expires - time.time()))["state"]
    assert refused.startswith("error: Connection refused")
    assert time.time() >= expires
