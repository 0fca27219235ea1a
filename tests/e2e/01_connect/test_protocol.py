"""Protocol names and levels that are served, and CONNECT packets that are none."""
import struct

import pytest

from lib import packets
from lib.cases import BAD_UTF8, V4, V5, table, versions
from lib.packets import Prop, Will, packet, utf8


def send_connect(net, project, version, side="app", **fields):
    client = net.raw(side, version)
    login = (project.key, project.secret)
    if side == "device":
        device = project.device()
        login = (device.username, device.password)
    client.send(packets.connect(version, "id", *login, **fields))
    return client


@versions
@pytest.mark.parametrize("side", ["app", "device"])
@pytest.mark.parametrize("name", ["MQTX", "mqtt", "", "MQTTT", b"\xff\xfe"])
def test_wrong_protocol_name(net, project, version, side, name):
    """[MQTT-3.1.2-1], 3.1.1 [MQTT-3.1.2-1]: closed without an answer, which it would not
    understand."""
    send_connect(net, project, version, side, name=name).expect_refused()


@pytest.mark.parametrize("side", ["app", "device"])
@pytest.mark.parametrize("level", [0, 1, 3, 6, 0x7F, 0x84, 0xFF])
def test_unsupported_level(net, project, side, level):
    """[MQTT-3.1.2-2], 3.1.1 [MQTT-3.1.2-2]: told as 1, in the form of 3.1.1, which all know."""
    client = send_connect(net, project, V4, side, level=level)
    answer = b""
    while data := client.stream.read():
        answer += data
    assert answer == bytes.fromhex("20020001")


@pytest.mark.parametrize("level", [3, 0x83])
def test_mqtt_3_1_is_not_served(net, project, level):
    """3.1.1 [MQTT-3.1.2-1]: MQIsdp is answered 1."""
    send_connect(net, project, V4, name="MQIsdp", level=level).expect_refused(v4=1)


# Connect flags with the fields that follow them: all of these are malformed in both versions.
NAME, SECRET = utf8("name"), utf8("secret")
BAD_FLAGS = {
    "reserved bit": (0xC3, lambda p: NAME + SECRET),
    "will qos without will": (0xCA, lambda p: NAME + SECRET),
    "will retain without will": (0xE2, lambda p: NAME + SECRET),
    "will qos 3": (0xDE, lambda p: p + utf8("t") + utf8("m") + NAME + SECRET),
    "will flag, no fields": (0x06, lambda p: b""),
    "will flag, topic only": (0x06, lambda p: p + utf8("t")),
    "user name missing": (0x82, lambda p: b""),
    "user name without its flag": (0x02, lambda p: NAME),
    "password missing": (0xC2, lambda p: NAME),
    "password without its flag": (0x82, lambda p: NAME + SECRET),
    "a byte left over": (0xC2, lambda p: NAME + SECRET + b"x"),
    "password cut off": (0xC2, lambda p: NAME + SECRET[:-1]),
    "user name past the end": (0x82, lambda p: b"\xff\xffname"),
}


@versions
@table("flags, fields", BAD_FLAGS)
def test_bad_flags(net, version, flags, fields):
    """[MQTT-3.1.2-3], -9, -11, -12, -13, -16, -17, -18, -19, [MQTT-3.1.3-1], [MQTT-3.1.4-1],
    3.1.1 [MQTT-3.1.2-9], -11, -13, -14, -15, -18, -19, -20, -21, [MQTT-3.1.4-1],
    [MQTT-3.2.2-6]: a malformed CONNECT gets 0x81; 3.1.1 nothing at all."""
    client = net.raw("app", version)
    props = packets.properties(version, ())
    body = utf8("MQTT") + bytes([version, flags]) + struct.pack(">H", 0) + props
    client.send(packet(0x10, body + utf8("id") + fields(props)))
    client.expect_refused(0x81)


def test_password_without_user_name_in_3_1_1(net):
    """3.1.1 [MQTT-3.1.2-22]: closed without CONNACK (v5 allows it)."""
    client = net.raw("app", V4)
    client.send(packets.connect(V4, "id", None, "secret"))
    client.expect_closed()


VERSION_AT = 6  # in the body of a CONNECT


@versions
@pytest.mark.parametrize("cut", range(0, 16))
def test_cut_short(net, version, cut):
    """[MQTT-3.1.3-3], [MQTT-3.1.4-1], [MQTT-2.2.2-1]: a CONNECT that ends anywhere before its end
    is malformed; before its version is known, it has no answer."""
    whole = packets.connect(version, "ab", None, None)[2:]
    client = net.raw("app", version)
    client.send(packet(0x10, whole[:min(cut, len(whole) - 1)]))
    client.expect_refused(0x81 if cut > VERSION_AT else None)


@versions
@pytest.mark.parametrize("field", ["user name", "will topic"])
@table("text", BAD_UTF8)
def test_not_utf8(net, project, version, field, text):
    """[MQTT-3.1.3-11], [MQTT-3.1.3-12], [MQTT-1.5.4-1], [MQTT-1.5.4-2], 3.1.1 [MQTT-3.1.3-10],
    [MQTT-3.1.3-11], [MQTT-1.5.3-1], [MQTT-1.5.3-2]."""
    client = net.raw("app", version)
    if field == "user name":
        data = packets.connect(version, "id", text, "secret")
    else:
        data = packets.connect(version, "id", project.key, project.secret, will=Will(text))
    client.send(data)
    client.expect_refused(0x81)


# Properties of a v5 CONNECT: raw field or list, and the code.
BAD_PROPERTIES = {
    "length past the end": (b"\x7f", 0x81),
    "unknown": ([(0x7F, b"")], 0x81),
    "number 0": ([(0x00, b"")], 0x81),
    "two-byte number": ([(0x80, b"")], 0x81),
    "topic alias": ([(Prop.TOPIC_ALIAS, 1)], 0x82),
    "reason string": ([(Prop.REASON_STRING, "x")], 0x82),
    "will delay": ([(Prop.WILL_DELAY, 1)], 0x82),
    "cut off": (b"\x02\x21\x00", 0x81),
    "receive maximum 0": ([(Prop.RECEIVE_MAXIMUM, 0)], 0x82),
    "maximum packet size 0": ([(Prop.MAXIMUM_PACKET_SIZE, 0)], 0x82),
    "request problem 2": ([(Prop.REQUEST_PROBLEM, 2)], 0x82),
    "request response 2": ([(Prop.REQUEST_RESPONSE, 2)], 0x82),
    "auth data alone": ([(Prop.AUTH_DATA, b"x")], 0x82),
    "auth method": ([(Prop.AUTH_METHOD, "X-NONE")], 0x8C),
    "auth method and data": ([(Prop.AUTH_METHOD, "X"), (Prop.AUTH_DATA, b"x")], 0x8C),
    "user property, bad key": ([(Prop.USER_PROPERTY, (b"\xff", ""))], 0x81),
    "user property, bad value": ([(Prop.USER_PROPERTY, ("", b"\xc0\xaf"))], 0x81),
    **{f"{name.name} twice": ([(name, value)] * 2, 0x82) for name, value in [
        (Prop.SESSION_EXPIRY, 1), (Prop.RECEIVE_MAXIMUM, 1), (Prop.MAXIMUM_PACKET_SIZE, 1000),
        (Prop.TOPIC_ALIAS_MAXIMUM, 1), (Prop.REQUEST_PROBLEM, 1), (Prop.REQUEST_RESPONSE, 1),
        (Prop.AUTH_METHOD, "X")]},
}


@pytest.mark.parametrize("side", ["app", "device"])
@table("props, code", BAD_PROPERTIES)
def test_bad_properties(net, project, side, props, code):
    """[MQTT-1.5.7-1], [MQTT-4.12.0-1], MQTT-3.1.2-30, X-5-2.2.2.1-length, X-5-2.2.2.2-unknown,
    X-5-2.2.2.2-place, X-5-2.2.2.2-repeat, X-5-3.1.2.11.3-zero, X-5-3.1.2.11.4-zero,
    X-5-3.1.2.11.6-value, X-5-3.1.2.11.10-data."""
    why = "no authentication method is offered" if code == 0x8C else None
    send_connect(net, project, V5, side, props=props).expect_refused(code, why=why)


BAD_WILL_PROPERTIES = {
    "payload format 2": ([(Prop.PAYLOAD_FORMAT, 2)], 0x82),
    "session expiry": ([(Prop.SESSION_EXPIRY, 2)], 0x82),
    "will delay twice": ([(Prop.WILL_DELAY, 2)] * 2, 0x82),
    "content type not utf-8": ([(Prop.CONTENT_TYPE, b"\xff")], 0x81),
    "wildcard response topic": ([(Prop.RESPONSE_TOPIC, "a/+")], 0x90),
}


@table("props, code", BAD_WILL_PROPERTIES)
def test_bad_will_properties(net, project, props, code):
    """X-5-2.2.2.2-place and -repeat, X-5-3.3.2.3.2-value, [MQTT-3.3.2-14], [MQTT-3.3.2-19]."""
    device = project.device()
    will = Will(device.open("attributes_push"), b"{}", props=props)
    send_connect(net, project, V5, will=will).expect_refused(code)


@table("props", {
    "all": [(Prop.SESSION_EXPIRY, 10), (Prop.RECEIVE_MAXIMUM, 1), (Prop.MAXIMUM_PACKET_SIZE, 9999),
            (Prop.TOPIC_ALIAS_MAXIMUM, 0), (Prop.REQUEST_RESPONSE, 1), (Prop.REQUEST_PROBLEM, 0),
            (Prop.USER_PROPERTY, ("a", "")), (Prop.USER_PROPERTY, ("a", "ü"))],
    "last first": [(Prop.USER_PROPERTY, ("", "")), (Prop.REQUEST_PROBLEM, 1),
                   (Prop.RECEIVE_MAXIMUM, 65535), (Prop.SESSION_EXPIRY, 0)],
})
def test_good_properties(net, props):
    """MQTT 5.0 section 3.1.2.11: every property that is allowed, in any order."""
    net.app(props=props).ping()
    net.device(props=props).ping()
