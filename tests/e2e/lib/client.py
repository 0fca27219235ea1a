"""An MQTT client that a test drives packet by packet, over any stream.

It acknowledges by itself what it receives, as a good client does, unless `acknowledges` is False.
PUBLISH packets that come while it waits for something else are kept for `receive`.
"""
import itertools
import json
from collections import deque

from lib import packets
from lib.packets import V4, V5, Prop, Type
from lib.streams import deadline

_names = itertools.count(1)


class Closed(AssertionError):
    """The server closed the connection although something was to come."""


class Client:
    def __init__(self, stream, version=V5):
        self.stream, self.version = stream, version
        self.acknowledges = True
        self.connack = None
        self._buffer = b""
        self._inbox = deque()
        self._pids = itertools.cycle(range(1, 65536))

    # ---- whole packets

    def send(self, *data):
        self.stream.send(b"".join(data))

    def recv(self):
        """The very next packet, parsed."""
        until = deadline()
        while not (size := packets.split(self._buffer)):
            data = self.stream.read(until)
            if not data:
                raise Closed(f"closed by the server, {self._buffer.hex()} left over")
            self._buffer += data
        found = packets.parse(self.version, self._buffer[:size])
        self._buffer = self._buffer[size:]
        if self.acknowledges:
            self._acknowledge(found)
        return found

    def expect(self, expected, /, **fields):
        """The next packet that is no PUBLISH (kept) and no PUBREL (of a delivery to this client);
        it must be an `expected` with these fields."""
        while True:
            found = self.recv()
            if isinstance(found, packets.Publish):
                self._inbox.append(found)
            elif not self._is_release(found):
                break
        assert isinstance(found, expected), f"expected {expected}, got {found}"
        wrong = {name: getattr(found, name) for name, value in fields.items()
                 if getattr(found, name) != value}
        assert not wrong, f"expected {fields}, got {found}"
        return found

    def expect_closed(self, code=None, why=None):
        """The end of the stream, in v5 after a DISCONNECT with `code`, if that is given; a 3.1.1
        server has no such packet. It says nothing but the code, or also a reason string with `why`
        in it. PUBLISH packets may come before."""
        last = None
        try:
            while True:
                found = self.recv()
                assert last is None, f"{found} after DISCONNECT"
                if isinstance(found, packets.Disconnect):
                    last = found
                elif isinstance(found, packets.Publish):
                    self._inbox.append(found)
                else:
                    assert self._is_release(found), f"expected the end, got {found}"
        except Closed:
            assert not self._buffer, f"half a packet before the end: {self._buffer.hex()}"
        if self.version == V5 and code is not None:
            assert last and last.code == code, f"expected {code:#x}, got {last}"
            assert says_only(last, why), last
        else:
            assert last is None, f"expected the end alone, got {last}"
        return last

    def expect_refused(self, code=None, v4=None, why=None):
        """The answer to a bad CONNECT: a CONNACK with `code`, in 3.1.1 with `v4`, that says nothing
        else but `why`; or nothing at all, when there is no code. Then the end."""
        code = code if self.version == V5 else v4
        if code is not None:
            found = self.recv()
            assert isinstance(found, packets.Connack) and found.code == code, found
            assert says_only(found, why), found
        self.expect_closed()

    # ---- exchanges

    def connect(self, client_id=None, username=None, password=None, code=0, **fields):
        """CONNECT and its answer, which must have `code`."""
        client_id = f"e2e{next(_names)}x{id(self):x}" if client_id is None else client_id
        self.send(packets.connect(self.version, client_id, username, password, **fields))
        self.connack = self.recv()
        assert isinstance(self.connack, packets.Connack), self.connack
        assert self.connack.code == code, self.connack
        if code:
            assert all(name == Prop.REASON_STRING for name, _ in self.connack.props), self.connack
            self.expect_closed()
        return self

    def subscribe(self, *filters, qos=1, props=()):
        """Subscribes to filters, or to pairs of a filter and its options; gives the SUBACK."""
        pid = next(self._pids)
        pairs = [(f, qos) if isinstance(f, (str, bytes)) else f for f in filters]
        self.send(packets.subscribe(self.version, pid, pairs, props))
        suback = self.expect(packets.Suback, pid=pid)
        assert len(suback.codes) == len(pairs), suback
        assert explains_refusals_only(suback, suback.codes), suback
        return suback

    def unsubscribe(self, *filters):
        pid = next(self._pids)
        self.send(packets.unsubscribe(self.version, pid, filters))
        unsuback = self.expect(packets.Unsuback, pid=pid)
        assert len(unsuback.codes) == (len(filters) if self.version == V5 else 0), unsuback
        assert unsuback.props == (), unsuback
        return unsuback

    def publish(self, topic, payload=b"", qos=1, **fields):
        """Publishes and completes the handshake; gives the PUBACK or PUBREC (QoS 0: None)."""
        pid = next(self._pids) if qos else None
        self.send(packets.publish(self.version, topic, payload, qos=qos, pid=pid, **fields))
        if qos == 0:
            return None
        answer = self.expect(packets.Ack, kind=Type.PUBACK if qos == 1 else Type.PUBREC, pid=pid)
        assert explains_refusals_only(answer, [answer.code]), answer
        if qos == 2 and answer.code < 0x80:
            self.send(packets.ack(Type.PUBREL, pid))
            self.expect(packets.Ack, kind=Type.PUBCOMP, pid=pid, code=0, props=())
        return answer

    def receive(self, topic=None, payload=None, *, value=None):
        """The next message; it must have this topic and this payload (or, where the platform
        writes it, a payload that is JSON of this value), as far as they are given."""
        while not self._inbox:
            found = self.recv()
            if isinstance(found, packets.Publish):
                self._inbox.append(found)
            else:
                assert self._is_release(found), f"expected PUBLISH, got {found}"
        message = self._inbox.popleft()
        if topic is not None:
            assert message.topic == topic, message
        if payload is not None:
            assert message.payload == payload, message
        if value is not None:
            assert json.loads(message.payload) == value, message
        return message

    def receive_online(self, topic, online):
        """The next message is the device's `online` of this value."""
        return self.receive(topic, value={"online": online})

    def ping(self):
        """PINGREQ and its answer: what was sent before it has been handled."""
        self.send(packets.PINGREQ)
        self.expect(packets.Pingresp)

    def has_messages(self):
        """Whether messages were read that `receive` has not given yet."""
        return bool(self._inbox)

    def expect_nothing(self):
        """Nothing has come, and nothing comes before the answer to a PINGREQ."""
        self.ping()
        assert not self._inbox, list(self._inbox)

    def disconnect(self, code=None, props=None):
        """A clean end, waited for."""
        self.send(packets.disconnect(code, props))
        self.expect_closed()

    def close(self):
        self.stream.close()

    def abort(self):
        self.stream.abort()

    # ---- delivery to this client

    def _is_release(self, found):
        """Is it the PUBREL of a delivery, which was acknowledged when it was read?"""
        return self.acknowledges and getattr(found, "kind", None) == Type.PUBREL

    def _acknowledge(self, found):
        if isinstance(found, packets.Publish) and found.qos:
            self.send(packets.ack(Type.PUBACK if found.qos == 1 else Type.PUBREC, found.pid))
        elif isinstance(found, packets.Ack) and found.kind == Type.PUBREL:
            self.send(packets.ack(Type.PUBCOMP, found.pid))


def says_only(packet, why):
    """Whether its properties are a reason string with this text in it, and nothing else; without a
    text, there are none."""
    if why is None:
        return packet.props == ()
    return len(packet.props) == 1 and why in (packet.props.get(Prop.REASON_STRING) or "")


def explains_refusals_only(packet, codes):
    """Whether it has no properties but a reason string, and that only for a code of failure."""
    return packet.props == () or (max(codes) >= 0x80 and says_only(packet, ""))


def refusal(version, v5, v4):
    """The code that a refusal has in this protocol version."""
    return v5 if version == V5 else v4


__all__ = ["Client", "Closed", "Prop", "Type", "V4", "V5", "packets", "refusal"]
