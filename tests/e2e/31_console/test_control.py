"""To a device: pushes, commands and what becomes of them; the message log; the live tester."""
import json

import pytest

from lib.console import test


@pytest.fixture
def control(page, net):
    """The page of a device that is connected and listens."""
    page.device = net.device(subscribe=["attributes_push", "command_send"])
    page.goto(f"/#/p/{net.project.key}/devices/{page.device.login.username}/control")
    page.wait_live()
    page.wait(test("push-json"))
    return page


def test_push(control):
    """open-api 3.3: attributes that are pushed here reach the device, and the page tells that they
    did."""
    control.fill(test("push-json"), '{"window": "closed"}')
    control.click(test("push"))
    device = control.device
    assert json.loads(device.receive(device.own("attributes_push")).payload) == {"window": "closed"}
    control.wait('[data-test="delivery"][data-delivered="true"]')
    device.disconnect()
    control.contains(test("presence"), "Offline")
    control.click(test("push"))
    control.wait('[data-test="delivery"][data-delivered="false"]')


def test_broken_json_is_not_sent(control):
    """open-api 3.3: what is no JSON object is said while it is typed."""
    for text in ('{"window": }', "[1]"):
        control.fill(test("push-json"), text)
        control.wait('.fault:not(:empty)')
        assert control.count(f'{test("push")}[disabled]') == 1
    control.fill(test("push-json"), "{}")
    control.gone('.fault:not(:empty)')


def test_cloud_values(control, admin, net):
    """open-api 3.2, the cloud updates attributes: values are set here of which the device is not
    told."""
    control.click(f'{test("cloud-only")} >> xpath=ancestor-or-self::label')
    control.fill(test("push-json"), '{"note": "spare"}')
    control.click(test("push"))
    control.wait(test("was-set"))
    device = control.device
    path = "/api/v1/projects/{project_key}/devices/{device}/attributes"
    values = admin.get(path, project_key=net.project.key, device=device.login.username)["attributes"]
    assert values["note"]["value"] == "spare"
    control.click("#tab-values")
    control.contains(test("value-note"), "spare")
    net.expect_none_before_mark(device.open("attributes_push"), device,
                                on=device.own("attributes_push"))


@pytest.mark.parametrize("form, typed, sent", [("Text", "on 温", "on 温".encode()),
                                               ("Hexadecimal", "01 A0 ff", b"\x01\xa0\xff")])
def test_custom_data(page, net, form, typed, sent):
    """open-api 4, data_set: bytes typed as text or in hexadecimal reach the device unchanged."""
    device = net.device()
    device.subscribe(device.own("data_set", "bus"))
    page.goto(f"/#/p/{net.project.key}/devices/{device.login.username}/control")
    page.wait_live()
    page.fill(test("data-stream"), "bus")
    page.choose(test("data-format"), form)
    page.fill(test("data-bytes"), typed)
    page.click(test("send-data"))
    device.receive(device.own("data_set", "bus"), sent)
    page.wait('[data-test="delivery"][data-delivered="true"]')


def test_command_and_reply(control):
    """open-api 3.3, commands: the command reaches the device, its reply is shown; the list says so
    after a reload too."""
    control.fill(test("command-method"), "reboot")
    control.fill(test("command-params"), '{"after": 5}')
    control.click(test("command"))
    device = control.device
    sent = json.loads(device.receive(device.own("command_send")).payload)
    assert (sent["method"], sent["params"]) == ("reboot", {"after": 5})
    reply = {"method": "reboot", "params": {"done": True}, "id": sent["id"]}
    device.publish(device.own("command_reply"), json.dumps(reply).encode())
    control.wait(f'[data-test="command-{sent["id"]}"][data-status="replied"]')
    control.contains(test("commands"), '{"done":true}')
    control.contains(test("commands"), '{"after":5}')
    control.goto(f"/{control.path()}")
    control.wait(f'[data-test="command-{sent["id"]}"][data-status="replied"]')


def test_commands_of_others(control, net):
    """open-api 3.2 command_status: what an application sends is listed as it goes."""
    device, app = control.device, net.app()
    app.publish(device.open("command_send"), b'{"method":"beep","params":{"times":2},"id":"n1"}')
    device.receive(device.own("command_send"))
    control.wait('[data-test="command-n1"][data-status="delivered"]')
    control.contains(test("commands"), '{"times":2}')
    assert control.count('[data-test="command-n1"]') == 1
    device.disconnect()
    control.contains(test("presence"), "Offline")
    app.publish(device.open("command_send"), b'{"method":"beep","id":"n2"}')
    control.wait('[data-test="command-n2"][data-status="offline"]')


def test_log(page, net, admin):
    """open-api 3.3, recorded: the log is switched on here, shows what was there and what comes, and
    why something was refused."""
    device = net.device()
    page.goto(f"/#/p/{net.project.key}/devices/{device.login.username}/log")
    page.wait_live()
    page.wait(test("empty"))
    page.click(test("log-switch"))
    page.wait(f'{test("log-switch")}.is-checked')
    device.publish(device.own("attributes"), b'{"temperature":21.5}')
    page.contains(test("log"), '{"temperature":21.5}')
    device.publish(device.own("data", "bus"), b"\x00\xff")
    page.contains(test("log"), "00 ff")
    device.publish(device.own("attributes"), b"no JSON")
    page.contains(test("log"), "Refused")


@pytest.fixture
def tester(page, project):
    page.goto(f"/#/p/{project.key}/tester")
    page.wait_live()
    return page


def test_tester_subscribes(tester, net, project):
    """open-api 3.1: any filter can be tried; messages are shown with topic, payload and
    properties."""
    device = net.device()
    tester.fill(test("filter"), f"open/{project.key}/{device.login.username}/#")
    tester.click(test("subscribe"))
    tester.contains(test("granted"), "QoS 1")
    device.publish(device.own("attributes"), b'{"temperature":21.5}')
    tester.contains(test("message"), device.open("attributes"))
    tester.contains(test("message"), '{"temperature":21.5}')
    tester.contains(test("message"), "source=report")


def test_tester_tells_refusals(tester, net, project):
    """open-api 3.1, 3.3: what is refused is told with its code."""
    tester.fill(test("filter"), "open/PR_0000000000/#")
    tester.click(test("subscribe"))
    tester.contains(test("refused"), "0x87")
    tester.fill(test("publish-topic"), f"open/{project.key}/DU_0000000000/command_send")
    tester.fill(test("publish-payload"), '{"method": "m"}')
    tester.click(test("publish"))
    tester.contains(test("outcome"), "0x90")


def test_tester_publishes(tester, net, project):
    """open-api 3.3: a command that is published here reaches the device."""
    device = net.device(subscribe=["command_send"])
    tester.fill(test("publish-topic"), device.open("command_send"))
    tester.fill(test("publish-payload"), '{"method":"m","id":1}')
    tester.click(test("publish"))
    device.receive(device.own("command_send"), b'{"method":"m","id":1}')
    tester.contains(test("outcome"), "0x00")
