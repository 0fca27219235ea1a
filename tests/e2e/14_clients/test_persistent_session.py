"""Every client with a session that is kept: its connection is lost, and it comes back by itself."""
from lib.interop import commands, rows, told, told_on_return


@rows()
def test_comes_back(net, kept, drivers, kind, version, transport, qos):
    """open-api 3.4, 3.1.1 [MQTT-3.1.2-5], [MQTT-4.6.0-6]: what came while it was away is there when
    it is back, in order and once; its will was published when its connection was lost. The same
    holds for another program that takes the session up."""
    login, will = net.project.device(), b'{"gone": true}'
    app, cable, options = kept(kind, version, transport, will={
        "topic": login.open("attributes_push"), "payload": will.hex(), "qos": 1})
    app.subscribe(login.open("#"), qos)
    device = net.device(login, subscribe=["attributes_push", "command_send"])
    assert app.receive() == (device.open("online"), b'{"online": true}', qos)
    # What it publishes comes after its acknowledgement, so that one is not lost.
    app.publish(net.project.device().open("attributes_push"), b"{}", 1)

    cable.cut()
    device.receive(device.own("attributes_push"), will)
    sent = [b"%d" % number for number in range(20)]
    for payload in sent:
        device.publish(device.own("data", "s"), payload, qos=2)
    cable.mend()
    assert app.expect("connect") is told_on_return(kind)
    assert app.receive() == (device.open("attributes_push"), will, 1)
    assert app.receive() == (device.open("attributes"), will, qos)
    for payload in sent:
        assert app.receive() == (device.open("data/s"), payload, qos)

    app.publish(device.open("command_send"), commands(1)[0], qos)
    device.receive(device.own("command_send"), commands(1)[0])
    assert app.receive()[0] == device.open("command_send")
    app.close()
    cable.wait_until_idle()  # nothing that comes now is for this one
    if not kind.says_goodbye:
        device.receive(device.own("attributes_push"), will)
    device.publish(device.own("data", "s"), b"next day")
    other = drivers.client(kind)
    assert other.open(**options) is told(kind, True)
    if not kind.says_goodbye:
        assert other.receive() == (device.open("attributes_push"), will, 1)
        assert other.receive() == (device.open("attributes"), will, qos)
    assert other.receive() == (device.open("data/s"), b"next day", qos)
