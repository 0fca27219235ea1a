"""Which QoS a delivery has."""
import pytest

from lib.cases import versions

LEVELS = [(published, granted) for published in range(3) for granted in range(3)]


@pytest.mark.fast_tsan
@versions
@pytest.mark.parametrize("published, granted", LEVELS)
def test_open_messages(net, version, published, granted):
    """open-api 3.1: on kinds that the platform makes it is the subscription's, whatever the device
    used."""
    device, app = net.device(version=version), net.app(version)
    app.subscribe(device.open("attributes"), device.open("data/s"), qos=granted)
    device.publish(device.own("attributes"), b'{"a":1}', published)
    assert app.receive(payload=b'{"a":1}').qos == granted
    device.publish(device.own("data", "s"), b"x", published)
    assert app.receive(payload=b"x").qos == granted


@versions
@pytest.mark.parametrize("kind", ["attributes_push", "command_send"])
@pytest.mark.parametrize("published, granted", LEVELS)
def test_what_applications_publish(net, version, kind, published, granted):
    """open-api 3.1, [MQTT-3.8.4-8], 3.1.1 [MQTT-3.8.4-6]: the lower of published and granted."""
    topic, app = net.project.device().open(kind), net.app(version)
    app.subscribe(topic, qos=granted)
    net.app(version).publish(topic, b'{"method":"m","id":1}', published)
    assert app.receive(topic).qos == min(published, granted)


@versions
@pytest.mark.parametrize("kind", ["attributes_push", "command_send"])
@pytest.mark.parametrize("published, granted", LEVELS)
def test_downlinks_arrive(net, version, kind, published, granted):
    """open-api 3.3: a downlink reaches the device at every pair of levels, once; never above the
    level that the device asked for."""
    device, app = net.device(version=version), net.app(version)
    device.subscribe(device.own(kind), qos=granted)
    app.publish(device.open(kind), b'{"method":"m","id":1}', published)
    assert device.receive(device.own(kind), b'{"method":"m","id":1}').qos <= granted
    net.expect_none_before_mark(device.open(kind), device, on=device.own(kind))
