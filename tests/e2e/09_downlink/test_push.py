"""`attributes_push`: from an application to the device, to the cloud values, and to watchers."""
import json

import pytest

from lib.cases import V4, V5, each_qos, table, versions

PAYLOADS = {
    "plain": b'{"target":21.5}',
    "white space": b' { "a" : 1 }\r\n',
    "doubled keys": b'{"a":1,"a":2}',
    "utf-8": '{"模式":"舒适"}'.encode(),
    "all kinds": b'{"a":null,"b":[1,{"c":2}],"d":"x","e":-1.5e-3}',
    "empty": b"{}",
    "large": b'{"a":"' + b"x" * 200000 + b'"}',
}


@pytest.mark.fast_tsan
@pytest.mark.parametrize("pushed", [V4, V5])
@pytest.mark.parametrize("received", [V4, V5])
@each_qos
def test_whole_way(net, pushed, received, qos):
    """open-api 3.3: goes to the device on `attributes_push/<du>`, cloud values are updated, an
    `attributes` open message follows; watchers see the push itself."""
    device = net.device(version=received, subscribe=["attributes_push", "attributes_get_response"])
    app, watcher = net.app(pushed), net.app()
    watcher.subscribe(device.open("attributes"), device.open("attributes_push"))
    answer = app.publish(device.open("attributes_push"), b'{"a": 1}', qos)
    assert answer is None or answer.code == 0x00
    device.receive(device.own("attributes_push"), b'{"a": 1}')
    got = {watcher.receive(payload=b'{"a": 1}').topic for _ in range(2)}
    assert got == {device.open("attributes"), device.open("attributes_push")}
    device.publish(device.own("attributes_get"), b"{}")
    assert json.loads(device.receive().payload)["attributes"] == {"a": 1}


@versions
@table("payload", PAYLOADS)
def test_byte_for_byte(net, version, payload):
    """open-api 3.2: handed on as the application sent it, to the device and to applications."""
    device, app = net.device(version=version, subscribe=["attributes_push"]), net.app(version)
    app.subscribe(device.open("attributes_push"))
    app.publish(device.open("attributes_push"), payload)
    device.receive(device.own("attributes_push"), payload)
    app.receive(device.open("attributes_push"), payload)


def test_device_reports_it_as_a_second_message(net):
    """open-api 3.2: the push is announced when it is accepted; the device's own report follows."""
    device, app = net.device(subscribe=["attributes_push"]), net.app()
    app.subscribe(device.open("attributes"))
    app.publish(device.open("attributes_push"), b'{"a":1}')
    device.publish(device.own("attributes"), device.receive().payload)
    sources = [app.receive(device.open("attributes"), b'{"a":1}').props.user["source"]
               for _ in range(2)]
    assert sources == ["push", "report"]


@versions
def test_announced_without_the_device(net, version):
    """open-api 3.2: whether the device is there or not."""
    login, app = net.project.device(), net.app(version)
    app.subscribe(login.open("attributes"), login.open("attributes_push"))
    app.publish(login.open("attributes_push"), b'{"a":1}')
    assert {app.receive(payload=b'{"a":1}').topic for _ in range(2)} == {
        login.open("attributes"), login.open("attributes_push")}


@each_qos
def test_order(net, qos):
    """open-api 3.1: pushes and commands of one application reach the device in order."""
    device, app = net.device(subscribe=["attributes_push", "command_send"]), net.app()
    for number in range(20):
        app.publish(device.open("attributes_push"), b'{"n":%d}' % number, qos)
        app.publish(device.open("command_send"), b'{"method":"m","id":%d}' % number, qos)
    for number in range(20):
        device.receive(device.own("attributes_push"), b'{"n":%d}' % number)
        device.receive(device.own("command_send"), b'{"method":"m","id":%d}' % number)


def test_reports_do_not_go_to_the_device(net):
    """open-api 4: a device does not hear its own reports."""
    device = net.device(subscribe=["attributes_push"])
    device.publish(device.own("attributes"), b'{"a":1}')
    net.expect_none_before_mark(device.open("attributes_push"), device,
                                on=device.own("attributes_push"))
