"""`command_reply`: which command a reply belongs to."""
import json

import pytest

from lib.cases import V5, versions
from lib.packets import Prop

MARKER = b"marker"


def form(method, *identifier):
    """A command or a reply, with an identifier or without."""
    members = {"method": method, "params": {}, **({"id": identifier[0]} if identifier else {})}
    return json.dumps(members).encode()


class Dialogue:
    """A device, an application that sends it commands, and one that hears its replies."""

    def __init__(self, net, version=V5, **fields):
        self.device = net.device(version=version, subscribe=["command_send", "attributes_push"],
                                 **fields)
        self.app, self.hearer = net.app(version), net.app()
        self.hearer.subscribe(self.device.open("command_reply"), self.device.open("data/marker"))

    def command(self, payload, **fields):
        self.app.publish(self.device.open("command_send"), payload, **fields)
        self.device.receive(self.device.own("command_send"), payload)

    def reply(self, payload, device=None):
        device = device or self.device
        device.publish(device.own("command_reply"), payload)

    def heard(self, *payloads):
        """The hearer got exactly these replies."""
        return self.heard_from(self.device, *payloads)

    def heard_from(self, device, *payloads):
        device.publish(device.own("data", "marker"), MARKER)
        got = []
        while (message := self.hearer.receive()).payload != MARKER:
            got.append(message)
        assert [message.payload for message in got] == list(payloads)
        return got


@pytest.mark.fast_tsan
@versions
def test_by_identifier(net, version):
    """open-api 3.3: to the command with the same id, in any order, whatever the method says."""
    talk = Dialogue(net, version)
    talk.command(form("m", 1))
    talk.command(form("m", "x"))
    second = b'{"id":"x","params":{},"method":"m"}'
    first = b' {"method" : "another" , "params":{}, "id":1}'
    talk.reply(second)
    talk.reply(first)
    talk.heard(second, first)


@versions
def test_one_reply_each(net, version):
    """open-api 3.3: a second reply is recorded and not handed on; the device stays connected."""
    talk = Dialogue(net, version)
    talk.command(form("m", 1))
    for payload in (form("m", 1), b'{"method":"m","params":{"again":1},"id":1}'):
        talk.reply(payload)
    talk.heard(form("m", 1))


@versions
@pytest.mark.parametrize("reply", [form("m", 2), form("m", "1"), form("n")])
def test_matches_nothing(net, version, reply):
    """open-api 3.3: what matches no outstanding command is not handed on; 1 and "1" differ."""
    talk = Dialogue(net, version)
    talk.command(form("m", 1))
    talk.reply(reply)
    talk.heard()
    talk.reply(form("m", 1))
    talk.heard(form("m", 1))


def test_without_identifier_by_method(net):
    """open-api 3.3: to the oldest outstanding command of that method."""
    talk = Dialogue(net)
    for payload in (form("a", 1), form("b", 2), form("a", 3)):
        talk.command(payload)
    talk.reply(form("a"))     # of 1
    talk.reply(form("a", 1))  # nothing is left of it
    talk.reply(form("b"))     # of 2
    talk.reply(form("a", 3))
    talk.reply(form("a"))     # none is left
    talk.heard(form("a"), form("b"), form("a", 3))


def test_stays_outstanding_over_a_disconnect(net):
    """open-api 3.3: a reply after a reconnect counts."""
    talk = Dialogue(net)
    talk.command(form("m", 1))
    talk.device.abort()
    again = net.device(talk.device.login)
    talk.reply(form("m", 1), again)
    talk.heard_from(again, form("m", 1))


def test_of_another_device_is_nobodys(net):
    """open-api 3.3: a reply belongs to a command on that device."""
    talk, other = Dialogue(net), net.device()
    talk.hearer.subscribe(other.open("command_reply"), other.open("data/marker"))
    talk.command(form("m", 1))
    talk.reply(form("m", 1), other)
    talk.heard_from(other)


def test_offline_command_is_not_outstanding(net):
    """open-api 3.3: a command that found no session is `offline` at once; no reply can match."""
    login, app = net.project.device(), net.app()
    assert app.publish(login.open("command_send"), form("m", 1)).code == 0x10
    app.subscribe(login.open("command_reply"), login.open("data/marker"))
    device = net.device(login)
    device.publish(device.own("command_reply"), form("m", 1))
    device.publish(device.own("data", "marker"), MARKER)
    app.receive(login.open("data/marker"), MARKER)


def test_correlation_comes_back(net):
    """open-api 3.3: Response Topic and Correlation Data of a command come back on its reply, when
    the response topic is the device's own `command_reply` topic."""
    talk = Dialogue(net)
    props = ((Prop.RESPONSE_TOPIC, talk.device.open("command_reply")),
             (Prop.CORRELATION_DATA, b"\0\xffmine"))
    talk.command(form("m", 1), props=props)
    talk.command(form("m", 2))
    elsewhere = ((Prop.RESPONSE_TOPIC, "elsewhere"), (Prop.CORRELATION_DATA, b"x"))
    talk.command(form("m", 3), props=elsewhere)
    replies = [form("m", number) for number in (3, 2, 1)]
    for reply in replies:
        talk.reply(reply)
    third, second, first = talk.heard(*replies)
    assert first.props.get(Prop.CORRELATION_DATA) == b"\0\xffmine"
    assert first.props.get(Prop.RESPONSE_TOPIC) == talk.device.open("command_reply")
    for other in (second, third):
        assert other.props.get(Prop.CORRELATION_DATA) is None


def test_expires_with_the_message(net):
    """open-api 3.3: a command is outstanding for its v5 message expiry; then its identifier is
    free, and a reply matches nothing."""
    talk = Dialogue(net)
    command = form("m", 1)
    talk.command(command, props=((Prop.MESSAGE_EXPIRY, 1),))
    # The time is over as soon as the same identifier is sent again.
    while True:
        talk.app.publish(talk.device.open("command_send"), command)
        talk.app.publish(talk.device.open("attributes_push"), b'{"marker":1}')
        if talk.device.receive().payload == command:
            break
    talk.reply(form("m", 1))
    talk.heard(form("m", 1))
