"""Commands whose time passes."""
import itertools

import pytest

from lib.packets import Prop

SERVER_OPTIONS = ["--command-timeout", 1]
COMMAND = b'{"method":"open","id":%d}'
REPLY = b'{"method":"open","params":{},"id":%d}'
KEEP = {"clean": False, "props": ((Prop.SESSION_EXPIRY, 60),)}


def test_expired(net, watch):
    """open-api 3.3: outstanding for `command_timeout`, then `expired`; a later reply is recorded
    and not handed on."""
    device, app = net.device(subscribe=["command_send"]), net.app()
    seen = watch(net.app(), device.login, "command_reply", "data/marker")
    for number in itertools.count(1):
        app.publish(device.open("command_send"), COMMAND % number)
        device.receive(device.own("command_send"))
        seen.chain("accepted", "sent", id=number)
        status = seen.status()
        if status != "expired":
            break  # else the acknowledgement took longer than that: once more
    assert status == "delivered"
    assert seen.next("expired", number) == "no reply came in time"
    device.publish(device.own("command_reply"), REPLY % number)
    device.publish(device.own("data", "marker"), b"")
    seen.client.receive(device.open("data/marker"), b"")


def test_message_expiry(net, watch):
    """open-api 3.3: v5: its message expiry, here longer than `command_timeout`."""
    device, app = net.device(subscribe=["command_send"]), net.app()
    device.acknowledges = False
    seen = watch(net.app(), device.login)
    app.publish(device.open("command_send"), COMMAND % 1, props=((Prop.MESSAGE_EXPIRY, 100),))
    app.publish(device.open("command_send"), COMMAND % 2)
    for _ in range(2):
        device.receive()
    seen.chain("accepted", "sent", id=1)
    seen.chain("accepted", "sent", "expired", id=2)
    device.publish(device.own("command_reply"), REPLY % 1)
    seen.chain("delivered", "replied", id=1)


def test_over_at_once(net, watch):
    """open-api 3.3: a message expiry of 0: nobody takes it, and it has expired."""
    device, app = net.device(subscribe=["command_send"]), net.app()
    seen = watch(net.app(), device.login)
    answer = app.publish(device.open("command_send"), COMMAND % 1,
                         props=((Prop.MESSAGE_EXPIRY, 0),))
    assert answer.code == 0x10
    seen.chain("accepted", "expired")


@pytest.mark.parametrize("props", [(), ((Prop.MESSAGE_EXPIRY, 1),)], ids=["timeout", "expiry"])
def test_expired_is_not_sent_any_more(net, watch, props):
    """open-api 3.3: a late "unlock" is worse than none: what has expired while the device's
    session kept it does not reach the device."""
    device = net.device(client_id="kept", **KEEP, subscribe=["command_send"])
    app = net.app()
    seen = watch(app, device.login, "online")
    device.disconnect()
    app.receive_online(device.open("online"), False)
    net.app().publish(device.open("command_send"), COMMAND % 1, props=props)
    seen.chain("accepted", "expired")
    again = net.device(device.login, client_id="kept", **KEEP)
    net.expect_none_before_mark(device.open("command_send"), again,
                                on=device.own("command_send"))


def test_device_is_told_how_long(net):
    """[MQTT-3.3.2-6]: a v5 device hears how long the command has to live."""
    device, app = net.device(subscribe=["command_send"]), net.app()
    app.publish(device.open("command_send"), COMMAND % 1)
    app.publish(device.open("command_send"), COMMAND % 2, props=((Prop.MESSAGE_EXPIRY, 100),))
    assert device.receive().props.get(Prop.MESSAGE_EXPIRY) in (0, 1)
    assert device.receive().props.get(Prop.MESSAGE_EXPIRY) in (99, 100)
