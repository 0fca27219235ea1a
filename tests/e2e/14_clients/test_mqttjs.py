"""MQTT.js in Node, and in headless Chromium on a customer's page."""
import base64
import json
import shutil

import pytest

from lib.cases import V5, versions
from lib.clients import JS

pytestmark = pytest.mark.skipif(not (JS / "node_modules").exists(),
                                reason="npm ci in tests/e2e/js was not run")



@pytest.fixture
def node(start, server, project):
    """An MQTT.js client that has connected to the application API."""
    def connect(version, service, **more):
        program = start("node", JS / "app.js")
        program.write({"url": server.demo["endpoints"][service], "ca": server.ca,
                       "username": project.key, "password": project.secret,
                       "protocolVersion": version, **more})
        return program
    return connect


def event(program, name):
    """The next event, which must be this one."""
    found = json.loads(program.next())
    assert name in found, found
    return found


@versions
@pytest.mark.parametrize("service", ["app_wss", "app_mqtts"])
@pytest.mark.parametrize("qos", [0, 1, 2])
def test_application(net, node, version, service, qos):
    """open-api 3.5: MQTT.js over wss and mqtts subscribes, receives, sends a command."""
    device, app = net.device(subscribe=["command_send"]), node(version, service)
    event(app, "connect")
    app.write({"subscribe": device.open("+"), "qos": qos})
    assert event(app, "granted")["granted"] == [qos]
    device.publish(device.own("attributes"), b'{"t": 21.5}')
    got = event(app, "message")
    assert (got["message"], got["qos"]) == (device.open("attributes"), qos)
    assert base64.b64decode(got["payload"]) == b'{"t": 21.5}'
    if version == V5:
        assert got["user"]["source"] == "report"
        assert got["contentType"] == "application/json"
    command = '{"method":"m","params":{},"id":1}'
    app.write({"publish": device.open("command_send"), "payload": command, "qos": qos})
    device.receive(device.own("command_send"), command.encode())
    app.write({"end": True})
    assert app.wait() == 0


@versions
def test_wrong_secret(node, version):
    """open-api 3: an `error` event with the code."""
    app = node(version, "app_wss", password="wrong")
    assert event(app, "error")["error"] == (0x86 if version == V5 else 4)


@versions
def test_refused_publish(net, node, version):
    """open-api 3.3: MQTT.js learns the code in v5; in 3.1.1 the connection just goes on."""
    app, device = node(version, "app_wss"), net.project.device()
    event(app, "connect")
    app.write({"publish": device.open("attributes"), "payload": "{}", "qos": 1})
    assert event(app, "published").get("code") in ((0x87,) if version == V5 else (None, 0))
    app.write({"subscribe": device.open("attributes"), "qos": 0})
    event(app, "granted")


@pytest.mark.skipif(not shutil.which("chromium"), reason="no Chromium")
@versions
def test_page_in_a_browser(net, start, server, project, version):
    """open-api 3.5: a page anywhere connects with MQTT.js to wss and shows what a device sent."""
    device = net.device()
    page = start("node", JS / "page.js", server.demo["endpoints"]["app_wss"], project.key,
                 project.secret, version, f"open/{project.key}/+/attributes")
    assert json.loads(page.until("state")) == {"state": "subscribed 1"}
    for value in ("21.5", "22"):
        device.publish(device.own("attributes"), b'{"temperature":%b}' % value.encode())
        assert json.loads(page.until("value")) == {"value": value}


@pytest.mark.skipif(not shutil.which("chromium"), reason="no Chromium")
def test_page_with_a_wrong_secret(start, server, project):
    """open-api 3: the page learns why."""
    page = start("node", JS / "page.js", server.demo["endpoints"]["app_wss"], project.key, "wrong",
                 V5, "#")
    assert json.loads(page.until("state"))["state"].startswith("error: Connection refused")
