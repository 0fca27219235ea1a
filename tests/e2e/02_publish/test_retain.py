"""Retain works on the two kinds that applications publish, for applications alone."""
import pytest

from lib.cases import each_qos, table, versions
from lib.packets import V4, V5, Prop, Will

PUSH, COMMAND = "attributes_push", "command_send"
RETAIN_AS_PUBLISHED, ON_NEW, NEVER = 0x08, 0x10, 0x20  # SUBSCRIBE options
FIRST, SECOND = b'{"method":"m","id":1}', b'{"method":"m","id":2}'


@pytest.mark.parametrize("kind", [PUSH, COMMAND])
@versions
@each_qos
def test_stored_for_later_subscribers(net, kind, version, qos):
    """[MQTT-3.3.1-5], [MQTT-3.3.1-9], [MQTT-3.3.4-3], 3.1.1 [MQTT-3.3.1-5] to -8: the last one is
    sent, with RETAIN 1, to a new subscription, with its identifier."""
    topic = net.project.device().open(kind)
    publisher, watcher, late = (net.app(version) for _ in range(3))
    watcher.subscribe(topic)
    for payload in (FIRST, SECOND):
        publisher.publish(topic, payload, qos, retain=True)
        watcher.receive(topic, payload)
    late.subscribe(topic, qos=2, props=((Prop.SUBSCRIPTION_ID, 77),))
    message = late.receive(topic, SECOND)
    assert message.retain and message.qos == qos
    assert message.props == (((Prop.SUBSCRIPTION_ID, 77),) if version == V5 else ())
    net.expect_none_before_mark(topic, late)


@pytest.mark.parametrize("kind", [PUSH, COMMAND])
@versions
def test_one_slot_for_each_device_and_kind(net, kind, version):
    """open-api 3.1: one slot for each device and kind; a wildcard finds them all."""
    app = net.app(version)
    devices = [net.project.device() for _ in range(2)]
    for device in devices:
        app.publish(device.open(PUSH), b'{"d":1}', retain=True)
        app.publish(device.open(COMMAND), FIRST, retain=True)
    for device in devices:
        app.subscribe(device.open(kind))
        app.receive(device.open(kind), b'{"d":1}' if kind == PUSH else FIRST)
        net.expect_none_before_mark(device.open(kind), app)


@versions
def test_empty_payload_clears(net, version):
    """open-api 3.1, [MQTT-3.3.1-6], -7, 3.1.1 [MQTT-3.3.1-10], -11: an empty retained payload
    clears the slot and goes to those who watch, and does nothing else: no refusal, nothing to the
    device, no `attributes`."""
    device, app = net.device(subscribe=[PUSH]), net.app(version)
    app.publish(device.open(PUSH), b'{"a":1}', retain=True)
    device.receive(payload=b'{"a":1}')
    watcher = net.app(version)
    watcher.subscribe(device.open("attributes"))
    app.subscribe((device.open(PUSH), 0x21 if version == V5 else 1))  # what is there is not sent
    if version == V4:
        assert app.receive(device.open(PUSH), b'{"a":1}').retain
    assert app.publish(device.open(PUSH), b"", retain=True).code == 0x00
    assert not app.receive(device.open(PUSH), b"").retain
    late = net.app(version)
    late.subscribe(device.open(PUSH))
    marker = net.mark(device.open(PUSH))
    for client in (late, device, watcher, app):
        client.receive(payload=marker)


@versions
@pytest.mark.parametrize("qos", [0, 1, 2])
@pytest.mark.parametrize("kind", [PUSH, COMMAND])
def test_without_retain_the_slot_stays(net, version, kind, qos):
    """[MQTT-3.3.1-8], 3.1.1 [MQTT-3.3.1-12]: RETAIN 0 neither stores nor deletes."""
    topic, app = net.project.device().open(kind), net.app(version)
    first, second = (b'{"method":"m","params":{},"id":%d}' % number for number in (1, 2))
    app.subscribe(topic)
    for payload, retain, stored in ((second, False, []), (first, True, [first]),
                                    (second, False, [first])):
        app.publish(topic, payload, 1 if retain else qos, retain=retain)
        app.receive(topic, payload)
        late = net.app(version)
        late.subscribe(topic)
        for expected in (*stored, net.mark(topic)):
            late.receive(topic, expected)
        app.receive(topic)


@versions
def test_survives_its_publisher(net, version):
    """3.1.1 [MQTT-3.1.2-7]: retained messages are not removed with a session."""
    topic, app = net.project.device().open(PUSH), net.app(version)
    app.publish(topic, b'{"a":1}', retain=True)
    app.disconnect()
    late = net.app(version)
    late.subscribe(topic)
    late.receive(topic, b'{"a":1}')


@table("options, again", {"send always": (0, True), "send when new": (ON_NEW, False),
                          "never": (NEVER, None)})
def test_retain_handling(net, options, again):
    """[MQTT-3.3.1-9], -10, -11, [MQTT-3.8.4-4]: on every SUBSCRIBE, on a new one, never."""
    topic, app = net.project.device().open(PUSH), net.app()
    app.publish(topic, b'{"a":1}', retain=True)
    app.subscribe((topic, options))
    if again is not None:
        app.receive(topic, b'{"a":1}')
    net.expect_none_before_mark(topic, app)
    app.subscribe((topic, options))
    if again:
        app.receive(topic, b'{"a":1}')
    net.expect_none_before_mark(topic, app)


@pytest.mark.parametrize("published", [False, True])
@table("version, options, kept", {"3.1.1": (V4, 0, False), "cleared": (V5, 0, False),
                                  "as published": (V5, RETAIN_AS_PUBLISHED, True)})
def test_flag_when_forwarded(net, published, version, options, kept):
    """[MQTT-3.3.1-12], -13, 3.1.1 [MQTT-3.3.1-9]: to an established subscription RETAIN is 0, or
    as published."""
    topic, app = net.project.device().open(PUSH), net.app(version)
    app.subscribe((topic, options))
    net.app().publish(topic, b'{"a":1}', retain=published)
    assert app.receive(topic, b'{"a":1}').retain == (published and kept)


@pytest.mark.parametrize("kind", [PUSH, COMMAND])
@versions
def test_never_seen_by_the_device(net, kind, version):
    """open-api 3.1: a retained command is dangerous; a device that comes gets none."""
    device = net.device(version=version, subscribe=[kind])
    net.app().publish(device.open(kind), FIRST, retain=True)
    assert not device.receive(payload=FIRST).retain
    again = net.device(device.login, version, subscribe=[kind])
    net.expect_none_before_mark(device.open(kind), again, on=device.own(kind))


def test_shared_subscriptions_get_none(net):
    """MQTT 5.0 section 4.8.2: no retained messages for a new shared subscription."""
    topic, app = net.project.device().open(PUSH), net.app()
    app.publish(topic, b'{"a":1}', retain=True)
    app.subscribe("$share/g/" + topic)
    net.expect_none_before_mark(topic, app)


def test_refused_is_not_stored(net):
    """open-api 3.3: what is refused has no effect."""
    topic, app = net.project.device().open(PUSH), net.app()
    assert app.publish(topic, b"no json", retain=True).code == 0x99
    app.subscribe(topic)
    net.expect_none_before_mark(topic, app)


@versions
def test_retained_will(net, version):
    """[MQTT-3.1.2-15], 3.1.1 [MQTT-3.1.2-17]: a will with RETAIN is stored."""
    topic, watcher = net.project.device().open(PUSH), net.app()
    watcher.subscribe(topic)
    net.app(version, will=Will(topic, b'{"w":1}', 1, True)).abort()
    watcher.receive(topic, b'{"w":1}')
    late = net.app(version)
    late.subscribe(topic)
    assert late.receive(topic, b'{"w":1}').retain
