"""MQTT.js in headless Chromium, on a customer's page."""
import json
import shutil

import pytest

from lib.cases import V5, versions
from lib.clients import JS

pytestmark = [
    pytest.mark.skipif(not shutil.which("chromium-headless-shell"), reason="no Chromium"),
    pytest.mark.skipif(not (JS / "node_modules").exists(), reason="no npm ci in tests/e2e/js")]


@versions
def test_session_of_a_page(net, start, project, relay, version):
    """open-api 3.5, 3.4: a page anywhere connects with MQTT.js to wss and shows what a device
    sent, sends a command, loses its connection and comes back by itself: what came meanwhile is
    there, in order, exactly once."""
    device, cable = net.device(subscribe=["command_send"]), relay("app_wss")
    page = start("node", JS / "page.js", f"wss://localhost:{cable.port}/mqtt", project.key,
                 project.secret, version, device.open("attributes"), 2, f"page{version}")
    assert json.loads(page.until("state")) == {"state": "subscribed 2"}
    device.publish(device.own("attributes"), b'{"temperature":21.5}')
    assert json.loads(page.until("value")) == {"value": "21.5"}
    command = b'{"method":"m","params":{},"id":1}'
    page.write([device.open("command_send"), command.decode(), 2])
    device.receive(device.own("command_send"), command)
    assert json.loads(page.until("state")) == {"state": "published"}

    cable.cut()
    sent = ['{"temperature":%d}' % number for number in range(30)]
    for text in sent:
        device.publish(device.own("attributes"), text.encode())
    cable.mend()
    assert json.loads(page.until("state")) == {"state": "resumed"}
    for text in sent:
        assert json.loads(page.until("message")) == {
            "message": device.open("attributes"), "text": text, "qos": 2}


def test_page_with_a_wrong_secret(start, server, project):
    """open-api 3: the page learns why."""
    page = start("node", JS / "page.js", server.demo["endpoints"]["app_wss"], project.key, "wrong",
                 V5, "#")
    assert json.loads(page.until("state"))["state"].startswith("error: Connection refused")
