"""v5 properties of what an application receives."""
import json
import time

import pytest

from lib.cases import table
from lib.packets import Prop

APPLICATION_JSON = "application/json"
PUBLISHED = [
    (Prop.PAYLOAD_FORMAT, 1), (Prop.MESSAGE_EXPIRY, 1000), (Prop.CONTENT_TYPE, "text/x"),
    (Prop.RESPONSE_TOPIC, "some/where"), (Prop.CORRELATION_DATA, b"\0\xff"),
    *((Prop.USER_PROPERTY, pair) for pair in
      [("b", "1"), ("a", ""), ("b", "1"), ("\ufeffü", "\ufeff值")])]


def report(device, kind, **fields):
    topic = {"attributes": device.own("attributes"), "event_report": device.own("event_report"),
             "data/s": device.own("data", "s")}[kind]
    device.publish(topic, b'{"method":"e","params":{}}', **fields)


@table("kind, content", {"attributes": ("attributes", APPLICATION_JSON),
                         "event_report": ("event_report", APPLICATION_JSON),
                         "data": ("data/s", None)})
def test_what_the_platform_adds(net, kind, content):
    """open-api 3.2: user property ts (Unix ms of acceptance), source report, and Content Type
    application/json, which data has not. A clean session gets no `seq`."""
    device, app = net.device(), net.app()
    app.subscribe(device.open("#"))
    before = time.time() - 60
    report(device, kind)
    message = app.receive(device.open(kind))
    user = message.props.user
    assert before < int(user["ts"]) / 1000 < time.time() + 60
    assert user["source"] == "report"
    assert "seq" not in user
    assert message.props.get(Prop.CONTENT_TYPE) == content


def test_source_push(net):
    """open-api 3.2: attributes that an application pushed have source push."""
    device, app = net.device(), net.app()
    app.subscribe(device.open("attributes"))
    app.publish(device.open("attributes_push"), b'{"a":1}')
    message = app.receive(device.open("attributes"), b'{"a":1}')
    assert message.props.user["source"] == "push"
    assert "ts" in message.props.user
    assert message.props.get(Prop.CONTENT_TYPE) == APPLICATION_JSON


def test_online_has_a_reason(net):
    """open-api 3.2: `online` has ts and reason, both ways."""
    login, app = net.project.device(), net.app()
    app.subscribe(login.open("online"))
    device = net.device(login)
    came = app.receive_online(login.open("online"), True)
    device.disconnect()
    went = app.receive_online(login.open("online"), False)
    for message in (came, went):
        assert message.props.user["reason"]
        assert int(message.props.user["ts"]) > 0
        assert message.props.get(Prop.CONTENT_TYPE) == APPLICATION_JSON


@pytest.mark.parametrize("kind", ["attributes", "event_report", "data/s"])
def test_of_a_device_are_not_handed_on(net, kind):
    """open-api 3.2: a device's v5 properties end at the platform."""
    device, app = net.device(), net.app()
    app.subscribe(device.open("#"))
    report(device, kind, props=PUBLISHED)
    message = app.receive(device.open(kind))
    for identifier in (Prop.RESPONSE_TOPIC, Prop.CORRELATION_DATA, Prop.MESSAGE_EXPIRY):
        assert message.props.get(identifier) is None, identifier.name
    assert message.props.get(Prop.CONTENT_TYPE) != "text/x"
    assert not {"a", "b", "\ufeffü"} & message.props.user.keys()


@pytest.mark.parametrize("kind", ["attributes_push", "command_send"])
@table("props", {"all": PUBLISHED, "none": [], "format 0": [(Prop.PAYLOAD_FORMAT, 0)],
                 "empty correlation": [(Prop.CORRELATION_DATA, b"")]})
def test_of_a_publisher_are_handed_on(net, kind, props):
    """open-api 3.2, [MQTT-3.3.2-4], -6, -15 to -20, [MQTT-1.5.4-3]: watchers get the publisher's
    properties, unchanged and in order, and no others; of a lifetime, what is left."""
    device = net.device(subscribe=[kind])
    watcher = net.app()
    watcher.subscribe(device.open(kind))
    payload = b'{"method":"m","params":{},"id":1}'
    net.app().publish(device.open(kind), payload, props=props)
    message = watcher.receive(device.open(kind), payload)
    left = message.props.get(Prop.MESSAGE_EXPIRY)
    assert left is None or 900 < left <= 1000
    assert sorted(message.props) == sorted(
        (name, left if name == Prop.MESSAGE_EXPIRY else value) for name, value in props)
    assert message.props.all(Prop.USER_PROPERTY) == [v for k, v in props
                                                     if k == Prop.USER_PROPERTY]


def test_v4_subscriber_gets_the_payload_alone(net):
    """open-api 3.2: the user properties stand beside the payload, never in it."""
    device, app = net.device(), net.app(4)
    app.subscribe(device.open("attributes"))
    device.publish(device.own("attributes"), b'{"a":1}')
    app.receive(device.open("attributes"), b'{"a":1}')


def test_problem_information_off(net):
    """[MQTT-3.1.2-29]: with Request Problem Information 0 refusals carry no reason string."""
    app = net.app(props=((Prop.REQUEST_PROBLEM, 0),))
    device = net.project.device()
    suback = app.subscribe("$SYS/#", "open/+/x", device.open("atributes"))
    assert (suback.codes, suback.props) == ((0x87, 0x87, 0x8F), ())
    for kind, code in (("attributes", 0x87), ("command_send", 0x99)):
        answer = app.publish(device.open(kind), b"{")
        assert (answer.code, answer.props) == (code, ())
    assert app.unsubscribe("nothing").codes == (0x11,)


def test_reason_strings(net):
    """open-api 3.3: a refusal says why, in words."""
    app, device = net.app(), net.project.device()
    for topic, payload in [(device.open("command_send"), b'{"method":'),
                           (net.project.open("DU_0000000000", "command_send"), b"{}")]:
        assert app.publish(topic, payload).props.get(Prop.REASON_STRING)


def test_attributes_stay_json(net):
    """open-api 3.2: `ts` is no member of the payload."""
    device, app = net.device(), net.app()
    app.subscribe(device.open("attributes"))
    device.publish(device.own("attributes"), b'{"ts":5}')
    assert json.loads(app.receive().payload) == {"ts": 5}


def test_regress_watched_downlink_has_no_number(net):
    """open-api 3.2: what applications publish carries its publisher's properties and no others,
    also where it comes through the journal."""
    device = net.device()
    app = net.app(clean=False, client_id="watcher", props=((Prop.SESSION_EXPIRY, 60),))
    app.subscribe(device.open("attributes_push"), device.open("attributes"))
    net.app().publish(device.open("attributes_push"), b"{}",
                      props=((Prop.USER_PROPERTY, ("mine", "1")),))
    assert app.receive(device.open("attributes_push")).props.user == {"mine": "1"}
    assert "seq" in app.receive(device.open("attributes")).props.user
