"""`$open/<pk>/<du>/command_status`: accepted, sent, delivered, and how it ended."""
import json

import pytest

from lib import packets
from lib.cases import V4, V5, table, versions
from lib.packets import Prop, Type

KEEP = {"clean": False, "props": ((Prop.SESSION_EXPIRY, 60),)}
COMMAND = b'{"method":"open","id":%d}'
REPLY = b'{"method":"open","params":{},"id":%d}'


@versions
@pytest.mark.fast_tsan
@pytest.mark.parametrize("qos", [1, 2])
def test_whole_chain(net, watch, version, qos):
    """open-api 3.2: accepted, sent, delivered, replied, each once, in the device's order: behind
    the command itself, and around its reply."""
    device, app = net.device(version=version), net.app(version)
    device.subscribe(device.own("command_send"), qos=qos)
    seen = watch(net.app(version), device.login, "command_send", "command_reply")
    app.publish(device.open("command_send"), COMMAND % 1)
    device.receive(device.own("command_send"), COMMAND % 1)
    seen.client.receive(device.open("command_send"), COMMAND % 1)
    seen.chain("accepted", "sent")
    device.ping()  # its acknowledgements are on their way
    seen.next("delivered")
    device.publish(device.own("command_reply"), REPLY % 1)
    seen.client.receive(device.open("command_reply"), REPLY % 1)
    seen.next("replied")
    net.expect_none_before_mark(device.open("command_send"), seen.client)


def test_reply_before_the_acknowledgement(net, watch):
    """open-api 3.2: in order. A reply proves that the command was delivered; a PUBACK that comes
    later says nothing new."""
    device = net.device(subscribe=["command_send"])
    device.acknowledges = False
    seen = watch(net.app(), device.login, "command_reply", "data/marker")
    net.app().publish(device.open("command_send"), COMMAND % 1)
    command = device.receive(device.own("command_send"))
    seen.chain("accepted", "sent")
    device.publish(device.own("command_reply"), REPLY % 1)
    seen.next("delivered")
    seen.client.receive(device.open("command_reply"), REPLY % 1)
    seen.next("replied")
    device.send(packets.ack(Type.PUBACK, command.pid))
    device.publish(device.own("data", "marker"), b"")
    seen.client.receive(device.open("data/marker"), b"")


def test_qos_0_is_delivered_with_its_reply(net, watch):
    """open-api 3.2: nobody acknowledges at QoS 0, so only a reply tells."""
    device = net.device()
    device.subscribe(device.own("command_send"), qos=0)
    seen = watch(net.app(), device.login, "data/marker")
    net.app().publish(device.open("command_send"), COMMAND % 1)
    device.receive(device.own("command_send"))
    seen.chain("accepted", "sent")
    device.publish(device.own("data", "marker"), b"")
    seen.client.receive(device.open("data/marker"), b"")
    device.publish(device.own("command_reply"), REPLY % 1)
    seen.chain("delivered", "replied")


@table("id, told", {"number": (b"7", 7), "string": (b'"a\\u0062"', "ab"),
                    "largest": (b"9223372036854775807", 9223372036854775807),
                    "quote": (b'"\\""', '"')})
def test_identifier(net, watch, id, told):
    """open-api 3.2: with the command's `id`; 1 and "1" differ."""
    device = net.device(subscribe=["command_send"])
    seen = watch(net.app(), device.login)
    net.app().publish(device.open("command_send"), b'{"method":"open","id":' + id + b"}")
    seen.chain("accepted", "sent", id=told)


def test_given_identifier(net, watch):
    """open-api 3.3: a command without an `id` is given one, which its status tells."""
    device = net.device(subscribe=["command_send"])
    seen = watch(net.app(), device.login)
    net.app().publish(device.open("command_send"), b'{"method":"open"}')
    given = json.loads(device.receive(device.own("command_send")).payload)["id"]
    seen.chain("accepted", "sent", "delivered", id=given)


def test_properties(net, watch):
    """open-api 3.2: Content Type and `ts`, as what the platform makes has."""
    device = net.device(subscribe=["command_send"])
    seen = watch(net.app(), device.login)
    net.app().publish(device.open("command_send"), COMMAND % 1)
    message = seen.client.receive(seen.topic)
    told = json.loads(message.payload)
    assert message.props.get(Prop.CONTENT_TYPE) == "application/json"
    assert message.props.user == {"ts": str(told["ts"])}


@pytest.mark.parametrize("why", ["never seen", "not subscribed", "clean session gone"])
def test_offline(net, watch, why):
    """open-api 3.3: offline, and no session that keeps it: `offline` at once."""
    login, app = net.project.device(), net.app()
    seen = watch(net.app(), login)
    if why == "not subscribed":
        net.device(login)
    elif why == "clean session gone":
        app.subscribe(login.open("online"))
        net.device(login, subscribe=["command_send"]).disconnect()
        app.receive_online(login.open("online"), True)
        app.receive_online(login.open("online"), False)
    assert app.publish(login.open("command_send"), COMMAND % 1).code == 0x10
    reason = seen.chain("accepted", "offline")
    assert reason == ("the device has not subscribed to this topic" if why == "not subscribed"
                      else "the device is offline")
    app.publish(login.open("command_send"), COMMAND % 1)  # it is not outstanding
    seen.chain("accepted", "offline")


def test_kept_by_a_session(net, watch):
    """open-api 3.3: an offline device gets it through its persistent session: `sent` when it
    comes, and not before."""
    device = net.device(client_id="kept", **KEEP, subscribe=["command_send"])
    app = net.app()
    seen = watch(app, device.login, "online")
    device.disconnect()
    app.receive_online(device.open("online"), False)
    assert net.app().publish(device.open("command_send"), COMMAND % 1).code == 0x00
    seen.next("accepted")
    again = net.device(device.login, client_id="kept", **KEEP)
    again.receive(device.own("command_send"), COMMAND % 1)
    again.ping()
    got = sorted(json.loads(app.receive().payload).get("status", "") for _ in range(3))
    assert got == ["", "delivered", "sent"]  # and online: true


def test_session_ends_before_it_was_sent(net, watch):
    """open-api 3.3: what its session kept and never sent will not come any more: `offline`."""
    device = net.device(client_id="old", **KEEP, subscribe=["command_send"])
    app = net.app()
    seen = watch(app, device.login, "online")
    device.disconnect()
    app.receive_online(device.open("online"), False)
    net.app().publish(device.open("command_send"), COMMAND % 1)
    seen.next("accepted")
    net.device(device.login, client_id="new")
    assert seen.next("offline") == "the session that kept it for the device ended"


def test_stays_outstanding_without_connection(net, watch):
    """open-api 3.3: it stays outstanding when the device disconnects; the reply counts."""
    device = net.device(subscribe=["command_send"])
    app = net.app()
    seen = watch(app, device.login)
    net.app().publish(device.open("command_send"), COMMAND % 1)
    device.receive(device.own("command_send"))
    device.ping()
    seen.chain("accepted", "sent", "delivered")
    device.abort()
    again = net.device(device.login)
    again.publish(device.own("command_reply"), REPLY % 1)
    seen.next("replied")


def test_resent_is_told_once(net, watch):
    """open-api 3.2: each once, also when the message is sent again on the next connection."""
    device = net.device(client_id="kept", **KEEP, subscribe=["command_send"])
    device.acknowledges = False
    seen = watch(net.app(), device.login)
    net.app().publish(device.open("command_send"), COMMAND % 1)
    device.receive(device.own("command_send"))
    seen.chain("accepted", "sent")
    device.abort()
    again = net.device(device.login, client_id="kept", **KEEP)
    assert again.receive(device.own("command_send")).dup
    again.ping()
    seen.next("delivered")


@pytest.mark.parametrize("qos", [1, 2])
def test_refused_by_the_device(net, watch, qos):
    """open-api 3.2: a device that acknowledges with an error has rejected the command."""
    device = net.device()
    device.subscribe(device.own("command_send"), qos=qos)
    device.acknowledges = False
    seen = watch(net.app(), device.login)
    net.app().publish(device.open("command_send"), COMMAND % 1)
    command = device.receive(device.own("command_send"))
    seen.chain("accepted", "sent")
    device.send(packets.ack(Type.PUBACK if qos == 1 else Type.PUBREC, command.pid, 0x83))
    assert seen.next("rejected") == "the device refused it"


REJECTED = {
    "no method": (b'{"id":1}', 1, "", 0x99),
    "impossible id": (b'{"method":"open","id":1.5}', None, "open", 0x99),
    "no method, no id": (b"{}", None, "", 0x99),
}


@table("payload, id, method, code", REJECTED)
def test_rejected_by_its_form(net, watch, payload, id, method, code):
    """open-api 3.2: `rejected`, with the id if it has one, and the reason that the publisher
    hears."""
    device, app = net.device(subscribe=["command_send"]), net.app()
    seen = watch(net.app(), device.login)
    answer = app.publish(device.open("command_send"), payload)
    assert answer.code == code
    assert seen.next("rejected", id, method) == answer.props.get(Prop.REASON_STRING)


def test_no_json_has_no_status(net, watch):
    """open-api 3.3: what is no JSON object is no command: the publisher alone hears."""
    device, app = net.device(subscribe=["command_send"]), net.app()
    seen = watch(net.app(), device.login, "command_send")
    for payload in (b"open", b"[]", b'{"method":'):
        assert app.publish(device.open("command_send"), payload).code == 0x99
    net.expect_none_before_mark(device.open("command_send"), seen.client)


def test_rejection_does_not_end_another(net, watch):
    """open-api 3.3: the same id while outstanding is not sent twice; whatever is wrong with the
    second one, the first goes on."""
    device, app = net.device(subscribe=["command_send"]), net.app()
    seen = watch(net.app(), device.login)
    app.publish(device.open("command_send"), COMMAND % 1)
    device.receive()
    seen.chain("accepted", "sent", "delivered")
    assert app.publish(device.open("command_send"), COMMAND % 1).code == 0x00
    assert app.publish(device.open("command_send"), b'{"id":1}').code == 0x99
    device.publish(device.own("command_reply"), REPLY % 1)
    seen.next("replied")


def test_second_reply(net, watch):
    """open-api 3.3: one command takes one reply; a second one is recorded and changes nothing."""
    device = net.device(subscribe=["command_send"])
    seen = watch(net.app(), device.login, "command_reply", "data/marker")
    net.app().publish(device.open("command_send"), COMMAND % 1)
    device.receive()
    seen.chain("accepted", "sent", "delivered")
    device.publish(device.own("command_reply"), REPLY % 1)
    seen.client.receive(device.open("command_reply"), REPLY % 1)
    seen.next("replied")
    device.publish(device.own("command_reply"), REPLY % 1)
    device.publish(device.own("data", "marker"), b"")
    seen.client.receive(device.open("data/marker"), b"")


def test_will(net, watch):
    """open-api 3.4: wills obey the rules for publishing: a command of a will has its status."""
    device = net.device(subscribe=["command_send"])
    seen = watch(net.app(), device.login)
    app = net.app(will=packets.Will(device.open("command_send"), COMMAND % 1))
    app.abort()
    device.receive(device.own("command_send"), COMMAND % 1)
    seen.chain("accepted", "sent", "delivered")


@pytest.mark.parametrize("version", [V4, V5])
def test_persistent_session(net, watch, version):
    """open-api 3.4: a persistent session that was away gets the whole chain when it is back."""
    device = net.device(subscribe=["command_send"])
    away = net.app(version, client_id=f"away{version}", **KEEP)
    seen = watch(away, device.login)
    away.disconnect()
    net.app().publish(device.open("command_send"), COMMAND % 1)
    device.receive(device.own("command_send"))
    device.ping()
    device.publish(device.own("command_reply"), REPLY % 1)
    seen.client = net.app(version, client_id=f"away{version}", **KEEP)
    seen.chain("accepted", "sent", "delivered", "replied")


def test_shared(net, watch):
    """open-api 3.1, 3.2: subscribed like any topic: with wildcards and in share groups."""
    device, member, everything = net.device(subscribe=["command_send"]), net.app(), net.app()
    pk = device.login.project_key
    member.subscribe(f"$share/g/$open/{pk}/+/command_status")
    everything.subscribe(f"$open/{pk}/#")
    net.app().publish(device.open("command_send"), COMMAND % 1)
    device.receive()
    for client in (member, everything):
        got = [json.loads(client.receive().payload)["status"] for _ in range(3)]
        assert got == ["accepted", "sent", "delivered"]
