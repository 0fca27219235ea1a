"""Every client whose connection is lost in the midst of it: what was under way arrives."""
from lib.interop import PAHO_C, commands, rows, told_on_return
from lib.packets import V5


def one_way(kind, version, transport):
    """Each version over one transport."""
    return kind.keeps_flight and transport == (
        kind.transports[0] if version == V5 else kind.transports[-1])


def publishes(kind, version, transport):
    """paho's C 1.3 may send a message again from memory that it has freed, or lose it."""
    return one_way(kind, version, transport) and kind is not PAHO_C


@rows(2, where=one_way)
def test_lost_while_receiving(net, kept, kind, version, transport, qos):
    """[MQTT-4.3.3-8], [MQTT-4.4.0-1], [MQTT-4.6.0-1]: the connection is lost while messages arrive:
    each arrives, in order, exactly once."""
    device, count = net.device(), 40
    app, cable, _ = kept(kind, version, transport)
    app.subscribe(device.open("data/s"), qos)
    sent = [b"%d" % number for number in range(count)]
    for number, payload in enumerate(sent):
        device.publish(device.own("data", "s"), payload)
        if number == count // 2:
            cable.cut()
    cable.mend()
    assert app.expect("connect") is told_on_return(kind)
    assert [app.receive()[1] for _ in sent] == sent
    device.publish(device.own("data", "s"), b"next")
    assert app.receive()[1] == b"next"


@rows(2, where=publishes)
def test_lost_while_publishing(net, kept, kind, version, transport, qos):
    """[MQTT-4.3.3-8], 3.1.1 [MQTT-4.3.3-2]: the connection is lost while commands are under way:
    each reaches the device, exactly once."""
    device = net.device(subscribe=["command_send"])
    app, cable, _ = kept(kind, version, transport)
    sent = commands(20)
    for number, payload in enumerate(sent):
        app.do("publish", topic=device.open("command_send"), payload=payload.hex(), qos=qos)
        if number == len(sent) // 2:
            device.receive(device.own("command_send"), sent[0])
            cable.cut()
    cable.mend()
    for payload in sent[1:]:
        device.receive(device.own("command_send"), payload)
    device.expect_nothing()
