"""MQTT 3.1.1 and 5.0 packets: bytes from fields as a client sends them, fields from bytes as a
server sends them.

Written from the standards alone, so that it shares no mistake with the server. The builders check
nothing: tests need them to build what a client must not send. The parser checks everything that
the standards say about a packet by itself, so each test that reads a packet also proves its form.
"""
import struct
from dataclasses import dataclass
from enum import IntEnum

V4, V5 = 4, 5  # the protocol level of 3.1.1 and of 5.0
VERSIONS = (V4, V5)


class Type(IntEnum):
    CONNECT, CONNACK, PUBLISH, PUBACK, PUBREC, PUBREL, PUBCOMP = range(1, 8)
    SUBSCRIBE, SUBACK, UNSUBSCRIBE, UNSUBACK, PINGREQ, PINGRESP, DISCONNECT, AUTH = range(8, 16)


class Prop(IntEnum):
    PAYLOAD_FORMAT = 0x01
    MESSAGE_EXPIRY = 0x02
    CONTENT_TYPE = 0x03
    RESPONSE_TOPIC = 0x08
    CORRELATION_DATA = 0x09
    SUBSCRIPTION_ID = 0x0B
    SESSION_EXPIRY = 0x11
    ASSIGNED_CLIENT_ID = 0x12
    SERVER_KEEP_ALIVE = 0x13
    AUTH_METHOD = 0x15
    AUTH_DATA = 0x16
    REQUEST_PROBLEM = 0x17
    WILL_DELAY = 0x18
    REQUEST_RESPONSE = 0x19
    RESPONSE_INFORMATION = 0x1A
    SERVER_REFERENCE = 0x1C
    REASON_STRING = 0x1F
    RECEIVE_MAXIMUM = 0x21
    TOPIC_ALIAS_MAXIMUM = 0x22
    TOPIC_ALIAS = 0x23
    MAXIMUM_QOS = 0x24
    RETAIN_AVAILABLE = 0x25
    USER_PROPERTY = 0x26
    MAXIMUM_PACKET_SIZE = 0x27
    WILDCARD_AVAILABLE = 0x28
    SUBSCRIPTION_ID_AVAILABLE = 0x29
    SHARED_AVAILABLE = 0x2A


PROP_FORM = {
    **dict.fromkeys((Prop.PAYLOAD_FORMAT, Prop.REQUEST_PROBLEM, Prop.REQUEST_RESPONSE,
                     Prop.MAXIMUM_QOS, Prop.RETAIN_AVAILABLE, Prop.WILDCARD_AVAILABLE,
                     Prop.SUBSCRIPTION_ID_AVAILABLE, Prop.SHARED_AVAILABLE), "byte"),
    **dict.fromkeys((Prop.SERVER_KEEP_ALIVE, Prop.RECEIVE_MAXIMUM, Prop.TOPIC_ALIAS_MAXIMUM,
                     Prop.TOPIC_ALIAS), "u16"),
    **dict.fromkeys((Prop.MESSAGE_EXPIRY, Prop.SESSION_EXPIRY, Prop.WILL_DELAY,
                     Prop.MAXIMUM_PACKET_SIZE), "u32"),
    **dict.fromkeys((Prop.CONTENT_TYPE, Prop.RESPONSE_TOPIC, Prop.ASSIGNED_CLIENT_ID,
                     Prop.AUTH_METHOD, Prop.RESPONSE_INFORMATION, Prop.SERVER_REFERENCE,
                     Prop.REASON_STRING), "utf8"),
    **dict.fromkeys((Prop.CORRELATION_DATA, Prop.AUTH_DATA), "binary"),
    Prop.SUBSCRIPTION_ID: "varint",
    Prop.USER_PROPERTY: "pair",
}

# ------------------------------------------------------------------ bytes from fields


def varint(number):
    """A variable byte integer in its shortest form."""
    out = bytearray()
    while True:
        number, digit = number >> 7, number & 0x7F
        out.append(digit | (0x80 if number else 0))
        if not number:
            return bytes(out)


def binary(data):
    return struct.pack(">H", len(data)) + data


def utf8(text):
    """A string field; bytes are taken as they are, legal or not."""
    return binary(text.encode() if isinstance(text, str) else text)


def prop(identifier, value):
    """One property; an unknown identifier takes its value as raw bytes."""
    form = PROP_FORM.get(identifier)
    encoded = {
        "byte": lambda: bytes([value]),
        "u16": lambda: struct.pack(">H", value),
        "u32": lambda: struct.pack(">I", value),
        "utf8": lambda: utf8(value),
        "binary": lambda: binary(value),
        "varint": lambda: varint(value),
        "pair": lambda: utf8(value[0]) + utf8(value[1]),
        None: lambda: value,
    }[form]()
    return varint(identifier) + encoded


def properties(version, items):
    """The property field of a packet: nothing in 3.1.1; raw bytes are the field itself."""
    if version != V5:
        return b""
    if isinstance(items, bytes):
        return items
    field = b"".join(prop(identifier, value) for identifier, value in items)
    return varint(len(field)) + field


def packet(first, body=b""):
    """A control packet from its first byte and what follows the remaining length."""
    return bytes([first]) + varint(len(body)) + body


@dataclass(frozen=True)
class Will:
    topic: str
    payload: bytes = b""
    qos: int = 0
    retain: bool = False
    props: tuple = ()


def connect(version, client_id, username=None, password=None, *, clean=True, keep_alive=0,
            will=None, props=(), name="MQTT", level=None, flags=None):
    """CONNECT; `level` and `flags` replace what the other fields would give."""
    if flags is None:
        flags = clean << 1
        if will:
            flags |= 0x04 | will.qos << 3 | will.retain << 5
        flags |= 0x80 if username is not None else 0
        flags |= 0x40 if password is not None else 0
    body = utf8(name) + bytes([version if level is None else level, flags])
    body += struct.pack(">H", keep_alive) + properties(version, props) + utf8(client_id)
    if will:
        body += properties(version, will.props) + utf8(will.topic) + binary(will.payload)
    for field in (username, password):
        if field is not None:
            body += utf8(field)
    return packet(0x10, body)


def publish(version, topic, payload=b"", *, qos=0, pid=None, retain=False, dup=False, props=()):
    body = utf8(topic)
    if qos:
        body += struct.pack(">H", pid)
    return packet(0x30 | dup << 3 | qos << 1 | retain,
                  body + properties(version, props) + payload)


def ack(kind, pid, code=None, props=None):
    """PUBACK, PUBREC, PUBREL or PUBCOMP; without code and properties in the two-byte form."""
    body = struct.pack(">H", pid)
    if code is not None:
        body += bytes([code])
    if props is not None:
        body += properties(V5, props)
    return packet(kind << 4 | (2 if kind == Type.PUBREL else 0), body)


def subscribe(version, pid, filters, props=()):
    """SUBSCRIBE for pairs of a filter and its options byte."""
    body = struct.pack(">H", pid) + properties(version, props)
    return packet(0x82, body + b"".join(utf8(text) + bytes([opts]) for text, opts in filters))


def unsubscribe(version, pid, filters, props=()):
    body = struct.pack(">H", pid) + properties(version, props)
    return packet(0xA2, body + b"".join(utf8(text) for text in filters))


PINGREQ = packet(0xC0)


def disconnect(code=None, props=None):
    body = b"" if code is None else bytes([code])
    return packet(0xE0, body + (b"" if props is None else properties(V5, props)))


# ------------------------------------------------------------------ fields from bytes


class Malformed(AssertionError):
    """The server sent what the standards forbid."""


class Props(tuple):
    """Properties in the order of the wire, as pairs of identifier and value."""

    def get(self, identifier):
        return next((value for key, value in self if key == identifier), None)

    def all(self, identifier):
        return [value for key, value in self if key == identifier]

    @property
    def user(self):
        return dict(self.all(Prop.USER_PROPERTY))


@dataclass(frozen=True)
class Connack:
    session_present: bool
    code: int
    props: Props


@dataclass(frozen=True)
class Publish:
    topic: str
    payload: bytes
    qos: int
    retain: bool
    dup: bool
    pid: int
    props: Props


@dataclass(frozen=True)
class Ack:
    """PUBACK, PUBREC, PUBREL or PUBCOMP."""
    kind: Type
    pid: int
    code: int = 0
    props: Props = Props()


@dataclass(frozen=True)
class Suback:
    pid: int
    codes: tuple
    props: Props = Props()


@dataclass(frozen=True)
class Unsuback:
    pid: int
    codes: tuple = ()
    props: Props = Props()


@dataclass(frozen=True)
class Pingresp:
    pass


@dataclass(frozen=True)
class Disconnect:
    code: int
    props: Props = Props()


# The codes and properties that a server may put into each packet (MQTT 5.0, sections 2.2.2, 2.4).
CODES_V5 = {
    Type.CONNACK: {0x00, *range(0x80, 0x8B), 0x8C, 0x90, 0x95, 0x97, 0x99, 0x9A, 0x9B, 0x9C, 0x9D,
                   0x9F},
    Type.PUBACK: {0x00, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99},
    Type.PUBREC: {0x00, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99},
    Type.PUBREL: {0x00, 0x92},
    Type.PUBCOMP: {0x00, 0x92},
    Type.SUBACK: {0, 1, 2, 0x80, 0x83, 0x87, 0x8F, 0x91, 0x97, 0x9E, 0xA1, 0xA2},
    Type.UNSUBACK: {0x00, 0x11, 0x80, 0x83, 0x87, 0x8F, 0x91},
    Type.DISCONNECT: {0x00, 0x80, 0x81, 0x82, 0x83, 0x87, 0x89, 0x8B, 0x8D, 0x8E, 0x8F, 0x90,
                      *range(0x93, 0xA3)},
}
CODES_V4 = {Type.CONNACK: range(6), Type.SUBACK: {0, 1, 2, 0x80}}
REASONS = {Prop.REASON_STRING, Prop.USER_PROPERTY}
PROPS_OF = {
    Type.CONNACK: REASONS | {
        Prop.SESSION_EXPIRY, Prop.RECEIVE_MAXIMUM, Prop.MAXIMUM_QOS, Prop.RETAIN_AVAILABLE,
        Prop.MAXIMUM_PACKET_SIZE, Prop.ASSIGNED_CLIENT_ID, Prop.TOPIC_ALIAS_MAXIMUM,
        Prop.WILDCARD_AVAILABLE, Prop.SUBSCRIPTION_ID_AVAILABLE, Prop.SHARED_AVAILABLE,
        Prop.SERVER_KEEP_ALIVE, Prop.RESPONSE_INFORMATION, Prop.SERVER_REFERENCE,
        Prop.AUTH_METHOD, Prop.AUTH_DATA},
    Type.PUBLISH: {
        Prop.PAYLOAD_FORMAT, Prop.MESSAGE_EXPIRY, Prop.TOPIC_ALIAS, Prop.RESPONSE_TOPIC,
        Prop.CORRELATION_DATA, Prop.USER_PROPERTY, Prop.SUBSCRIPTION_ID, Prop.CONTENT_TYPE},
    Type.DISCONNECT: REASONS | {Prop.SERVER_REFERENCE},
}


class Cursor:
    """Reads the body of one packet."""

    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, count):
        if self.at + count > len(self.data):
            raise Malformed(f"cut off at byte {self.at}: {self.data.hex()}")
        self.at += count
        return self.data[self.at - count:self.at]

    def rest(self):
        return self.take(len(self.data) - self.at)

    def byte(self):
        return self.take(1)[0]

    def u16(self):
        return struct.unpack(">H", self.take(2))[0]

    def u32(self):
        return struct.unpack(">I", self.take(4))[0]

    def binary(self):
        return self.take(self.u16())

    def utf8(self):
        text = self.binary().decode("utf-8", "strict")
        if "\0" in text:
            raise Malformed("zero character in a string")
        return text

    def pair(self):
        return self.utf8(), self.utf8()

    def varint(self):
        number, size = read_varint(self.data[self.at:])
        if number is None:
            raise Malformed("variable byte integer cut off")
        self.at += size
        return number

    def properties(self, kind):
        inner = Cursor(self.take(self.varint()))
        items = []
        while inner.at < len(inner.data):
            identifier = inner.varint()
            if identifier not in PROPS_OF.get(kind, REASONS):
                raise Malformed(f"property {identifier:#x} in {kind.name}")
            identifier = Prop(identifier)
            repeats = identifier in (Prop.USER_PROPERTY, Prop.SUBSCRIPTION_ID)
            if not repeats and identifier in (key for key, _ in items):
                raise Malformed(f"{identifier.name} twice")
            items.append((identifier, getattr(inner, PROP_FORM[identifier])()))
        return Props(items)


def read_varint(data):
    """The number at the beginning of `data` and its size; (None, 0) if bytes are missing."""
    number = 0
    for size, byte in enumerate(data[:4], 1):
        number |= (byte & 0x7F) << 7 * (size - 1)
        if not byte & 0x80:
            if byte == 0 and size > 1:
                raise Malformed("variable byte integer longer than needed")
            return number, size
    if len(data) >= 4:
        raise Malformed("variable byte integer longer than four bytes")
    return None, 0


def split(data):
    """The size of the first whole packet in `data`, 0 if it is not complete."""
    number, size = read_varint(data[1:5]) if data else (None, 0)
    if number is None or len(data) < 1 + size + number:
        return 0
    return 1 + size + number


def parse(version, data):
    """One whole packet of a server."""
    _, size = read_varint(data[1:5])
    kind, flags, body = Type(data[0] >> 4), data[0] & 0x0F, Cursor(data[1 + size:])
    if kind not in PARSERS or (kind == Type.DISCONNECT and version == V4):
        raise Malformed(f"a server does not send {kind.name}")
    if kind != Type.PUBLISH and flags != (2 if kind == Type.PUBREL else 0):
        raise Malformed(f"{kind.name} with flags {flags:#x}")
    found = PARSERS[kind](version, kind, flags, body)
    if body.rest():
        raise Malformed(f"bytes left over in {kind.name}: {data.hex()}")
    allowed = (CODES_V5 if version == V5 else CODES_V4).get(kind)
    codes = getattr(found, "codes", None) or (getattr(found, "code", None),)
    if allowed is not None and not all(code in allowed for code in codes):
        raise Malformed(f"{kind.name} with code {codes}")
    return found


def _connack(version, kind, _flags, body):
    acknowledge, code = body.byte(), body.byte()
    if acknowledge not in (0, 1) or (code and acknowledge):
        raise Malformed(f"CONNACK flags {acknowledge:#x} with code {code:#x}")
    props = body.properties(kind) if version == V5 else Props()
    if 0 in (props.get(Prop.RECEIVE_MAXIMUM), props.get(Prop.MAXIMUM_PACKET_SIZE)):
        raise Malformed("a limit of 0")
    if props.get(Prop.MAXIMUM_QOS) not in (None, 0, 1):
        raise Malformed("Maximum QoS above 1")
    return Connack(bool(acknowledge), code, props)


def _publish(version, kind, flags, body):
    dup, qos, retain = bool(flags & 8), flags >> 1 & 3, bool(flags & 1)
    topic = body.utf8()
    if qos == 3 or (dup and not qos):
        raise Malformed(f"PUBLISH with flags {flags:#x}")
    if "+" in topic or "#" in topic:
        raise Malformed(f"wildcard in topic {topic}")
    pid = body.u16() if qos else None
    if pid == 0:
        raise Malformed("packet identifier 0")
    props = body.properties(kind) if version == V5 else Props()
    if not topic and props.get(Prop.TOPIC_ALIAS) is None:
        raise Malformed("neither topic nor alias")
    if props.get(Prop.TOPIC_ALIAS) == 0 or 0 in props.all(Prop.SUBSCRIPTION_ID):
        raise Malformed("alias or subscription identifier 0")
    return Publish(topic, body.rest(), qos, retain, dup, pid, props)


def _ack(version, kind, _flags, body):
    pid, code, props = body.u16(), 0, Props()
    if pid == 0:
        raise Malformed("packet identifier 0")
    if version == V5 and body.at < len(body.data):
        code = body.byte()
        if body.at < len(body.data):
            props = body.properties(kind)
    return Ack(kind, pid, code, props)


def _suback(version, kind, _flags, body):
    pid, props = body.u16(), body.properties(kind) if version == V5 else Props()
    return Suback(pid, tuple(body.rest()), props)


def _unsuback(version, kind, _flags, body):
    pid, props = body.u16(), body.properties(kind) if version == V5 else Props()
    return Unsuback(pid, tuple(body.rest()) if version == V5 else (), props)


def _disconnect(_version, kind, _flags, body):
    if not body.data:
        return Disconnect(0)
    code = body.byte()
    return Disconnect(code, body.properties(kind) if body.at < len(body.data) else Props())


PARSERS = {
    Type.CONNACK: _connack, Type.PUBLISH: _publish,
    **dict.fromkeys((Type.PUBACK, Type.PUBREC, Type.PUBREL, Type.PUBCOMP), _ack),
    Type.SUBACK: _suback, Type.UNSUBACK: _unsuback, Type.DISCONNECT: _disconnect,
    Type.PINGRESP: lambda *_: Pingresp(),
}
