"""Keep alive: silence ends the connection as a failure."""
import pytest

from lib import packets
from lib.cases import versions
from lib.packets import Prop, Will


@versions
@pytest.mark.parametrize("side", ["app", "device"])
def test_silence(net, version, side):
    """[MQTT-3.1.2-22], [MQTT-3.2.2-22], 3.1.1 [MQTT-3.1.2-24]: the client's value counts; v5 0x8D
    first, 3.1.1 only the end."""
    client = getattr(net, side)(version=version, keep_alive=1)
    assert client.connack.props.get(Prop.SERVER_KEEP_ALIVE) in (None, 1)
    client.expect_closed(0x8D)


@versions
def test_will_is_published(net, version):
    """[MQTT-3.1.2-22], [MQTT-3.1.2-8]: the will follows, and then the device is offline."""
    login, watcher = net.project.device(), net.app()
    watcher.subscribe(login.open("#"))
    device = net.device(login, version, keep_alive=1, will=Will(login.own("data", "w"), b"bye"))
    device.expect_closed(0x8D)
    watcher.receive_online(login.open("online"), True)
    watcher.receive(login.open("data/w"), b"bye")
    watcher.receive_online(login.open("online"), False)


@versions
def test_traffic_from_the_server_does_not_count(net, version):
    """[MQTT-3.1.2-22]: only packets of the client are signs of its life."""
    device, listener = net.device(), net.app(version, keep_alive=1)
    with pytest.raises(AssertionError, match="closed by the server|Disconnect.code=141"):
        listener.subscribe(device.open("data/s"), qos=0)
        while True:
            device.publish(device.own("data", "s"), b"x")
            listener.receive(payload=b"x")


@versions
def test_half_a_packet_does_not_count(net, version):
    """[MQTT-3.1.2-22]: bytes of a packet that never becomes whole are no packet."""
    client = net.app(version, keep_alive=1)
    client.send(packets.publish(version, "t", b"x" * 100)[:50])
    client.expect_closed(0x8D)
