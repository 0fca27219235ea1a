"""Commands across a clean restart of the server."""
import json
import time

import pytest

from lib.packets import Prop
from lib.server import Server, wait_until
from lib.world import Net, Project

COMMAND = b'{"method":"open","id":%d}'
REPLY = b'{"method":"open","params":{},"id":%d}'


@pytest.fixture
def two_runs():
    """A server; `again` stops it and starts it again, with everybody's connections gone."""
    own = Server()
    nets = []

    def again():
        if nets:
            nets[-1].close()
        own.stop()
        nets.append(Net(own.start(), nets[0].project))
        return nets[-1]

    try:
        nets.append(Net(own.start(), Project.add(own)))
        yield nets[0], again
        nets[-1].close()
        own.stop()
    finally:
        own.remove()


def test_outstanding_ones_survive(two_runs, watch):
    """open-api 3.3: the ledger survives: a reply after the restart belongs to its command, with
    Response Topic and Correlation Data; the same id is still not sent twice."""
    net, again = two_runs
    device, app = net.device(subscribe=["command_send"]), net.app()
    seen = watch(net.app(), device.login)
    props = ((Prop.RESPONSE_TOPIC, device.open("command_reply")),
             (Prop.CORRELATION_DATA, b"\0\xff"), (Prop.MESSAGE_EXPIRY, 1000))
    app.publish(device.open("command_send"), COMMAND % 1, props=props)
    device.receive(device.own("command_send"))
    device.ping()
    seen.chain("accepted", "sent", "delivered")
    net = again()
    device, app = net.device(device.login, subscribe=["command_send"]), net.app()
    seen = watch(app, device.login, "command_reply", "command_send")
    assert net.app().publish(device.open("command_send"), COMMAND % 1).code == 0x00
    device.publish(device.own("command_reply"), REPLY % 1)
    reply = app.receive(device.open("command_reply"), REPLY % 1)
    assert reply.props.get(Prop.RESPONSE_TOPIC) == device.open("command_reply")
    assert reply.props.get(Prop.CORRELATION_DATA) == b"\0\xff"
    seen.next("replied")


def test_ended_ones_stay_ended(two_runs, watch):
    """open-api 3.3: one command takes one reply, before or after the restart."""
    net, again = two_runs
    device = net.device(subscribe=["command_send"])
    seen = watch(net.app(), device.login)
    net.app().publish(device.open("command_send"), COMMAND % 1)
    device.receive(device.own("command_send"))
    device.publish(device.own("command_reply"), REPLY % 1)
    seen.chain("accepted", "sent", "delivered", "replied")
    net = again()
    device, app = net.device(device.login, subscribe=["command_send"]), net.app()
    seen = watch(app, device.login, "command_reply")
    device.publish(device.own("command_reply"), REPLY % 1)
    net.app().publish(device.open("command_send"), COMMAND % 1)
    seen.chain("accepted", "sent")


def test_given_identifiers_stay_unique(two_runs):
    """open-api 3.3: a given id is unique on its device, after a restart too."""
    net, again = two_runs
    login, given = net.project.device(), []
    for _ in range(2):
        device = net.device(login, subscribe=["command_send"])
        for _ in range(3):
            net.app().publish(login.open("command_send"), b'{"method":"open"}')
            given.append(json.loads(device.receive().payload)["id"])
        net = again()
    assert len(set(given)) == 6


def test_retained_downlinks_survive(two_runs):
    """open-api 3.1: retain works as the standards say on the kinds that applications publish, over
    a restart too; what has expired does not come back. [MQTT-3.3.1-5]"""
    net, again = two_runs
    login, app = net.project.device(), net.app()
    app.publish(login.open("attributes_push"), b'{"a": 1}', retain=True, qos=2,
                props=((Prop.USER_PROPERTY, ("k", "v")), (Prop.MESSAGE_EXPIRY, 1000)))
    app.publish(login.open("command_send"), COMMAND % 1, retain=True)
    other = net.project.device()
    app.subscribe(other.open("command_send"))
    app.publish(other.open("command_send"), COMMAND % 2, retain=True,
                props=((Prop.MESSAGE_EXPIRY, 1),))
    expired = time.monotonic() + 1
    app.receive(other.open("command_send"), COMMAND % 2)
    net = again()
    app = net.app()
    wait_until(lambda: time.monotonic() > expired, "the end of the second")
    app.subscribe(other.open("command_send"))
    net.expect_none_before_mark(other.open("command_send"), app)
    app.subscribe((login.open("attributes_push"), 2))
    message = app.receive(login.open("attributes_push"), b'{"a": 1}')
    assert message.retain and message.qos == 2 and message.props.user == {"k": "v"}
    assert 0 < message.props.get(Prop.MESSAGE_EXPIRY) <= 1000
    app.subscribe(login.open("command_send"))
    assert app.receive(login.open("command_send"), COMMAND % 1).retain
    device = net.device(login, subscribe=["attributes_push", "command_send"])
    device.expect_nothing()
    app.publish(login.open("command_send"), b"", retain=True)
    app.receive(login.open("command_send"), b"")
    net = again()
    app = net.app()
    app.subscribe(login.open("command_send"))
    app.expect_nothing()
