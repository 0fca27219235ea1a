"""Sessions of devices: which one keeps downlinks."""
import pytest

from lib.cases import V5, versions
from lib.packets import Prop

KEEP = {"clean": False, "props": ((Prop.SESSION_EXPIRY, 60),)}
COMMAND = b'{"method":"m","params":{},"id":%d}'


@versions
@pytest.mark.parametrize("end", ["disconnect", "abort"])
def test_keeps_downlinks(net, version, end):
    """open-api 3.3 and 4: an offline device gets commands and pushes through its own persistent
    session, in order; they count as delivered (0x00)."""
    device = net.device(version=version, client_id="kept", **KEEP,
                        subscribe=["command_send", "attributes_push"])
    app = net.app()
    app.subscribe(device.open("online"))
    getattr(device, end)()
    app.receive_online(device.open("online"), False)
    assert app.publish(device.open("command_send"), COMMAND % 1).code == 0x00
    assert app.publish(device.open("attributes_push"), b'{"a":1}').code == 0x00
    again = net.device(device.login, version, client_id="kept", **KEEP)
    assert again.connack.session_present
    again.receive(device.own("command_send"), COMMAND % 1)
    again.receive(device.own("attributes_push"), b'{"a":1}')
    app.publish(device.open("command_send"), COMMAND % 2)
    again.receive(device.own("command_send"), COMMAND % 2)


@versions
def test_only_the_newest_session_keeps_them(net, version):
    """open-api 4: an older session ends when another identifier connects."""
    old = net.device(version=version, client_id="old", **KEEP, subscribe=["command_send"])
    old.disconnect()
    new = net.device(old.login, version, client_id="new", **KEEP)
    assert not new.connack.session_present
    new.disconnect()
    net.app().publish(old.open("command_send"), COMMAND % 1)
    again = net.device(old.login, version, client_id="old", **KEEP)
    assert not again.connack.session_present
    again.subscribe(again.own("command_send"))
    net.expect_none_before_mark(again.open("command_send"), again, on=again.own("command_send"))


@versions
def test_clean_session_keeps_none(net, version):
    """open-api 3.3: without a persistent session a command is `offline` at once: 0x10, and it
    never arrives; a late "unlock" is worse than none."""
    device = net.device(version=version, client_id="clean", subscribe=["command_send"])
    app = net.app()
    app.subscribe(device.open("online"))
    device.disconnect()
    app.receive_online(device.open("online"), False)
    assert app.publish(device.open("command_send"), COMMAND % 1).code == 0x10
    again = net.device(device.login, version, client_id="clean", subscribe=["command_send"])
    net.expect_none_before_mark(again.open("command_send"), again, on=again.own("command_send"))


@versions
def test_subscriptions_are_part_of_it(net, version):
    """[MQTT-3.1.2-5]: a resumed device need not subscribe again."""
    device = net.device(version=version, client_id="s", **KEEP, subscribe=["attributes_push"])
    again = net.device(device.login, version, client_id="s", **KEEP)
    device.expect_closed(0x8E)
    assert again.connack.session_present
    net.app().publish(device.open("attributes_push"), b'{"a":1}')
    again.receive(device.own("attributes_push"), b'{"a":1}')


def test_expiry_zero_ends_it(net):
    """[MQTT-3.1.2-23]: what DISCONNECT sets to 0 is gone, and keeps nothing."""
    device = net.device(client_id="z", **KEEP, subscribe=["command_send"])
    app = net.app()
    app.subscribe(device.open("online"))
    device.disconnect(0, ((Prop.SESSION_EXPIRY, 0),))
    app.receive_online(device.open("online"), False)
    assert app.publish(device.open("command_send"), COMMAND % 1).code == 0x10
    assert not net.device(device.login, V5, client_id="z", **KEEP).connack.session_present
