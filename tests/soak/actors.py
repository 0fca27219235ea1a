"""Who takes part in a soak: devices that send numbers, applications that are owed all of them. Each
is a thread with one MQTT session that outlives its connections, as a good client's does.
"""
import itertools
import json
import random
import ssl
import threading
import time
from collections import OrderedDict

from lib import packets
from lib.packets import V4, V5, Prop, Type
from lib.streams import DEADLINE_S, TcpStream, TlsStream
from lib.ws import WsStream

STREAM = "soak"
PADDING = b"x" * 600
POLL_S = 0.05  # how long an actor looks for input before it looks at what else it has to do
EXPIRY_S = 3600
ABSENCE_S = {"away": (0.1, 1.5), "gone": (5.5, 7)}  # how long; a group waits for 5 s
PUSHED_MAX = 200  # what waits for a device
NOT_FOUND = 0x92  # of a PUBREL that had come before a kill: no error in a recovery [MQTT 5, 3.7.2.1]


class Gone(Exception):
    """The connection is over; a good client comes back."""


class Fault(AssertionError):
    """The server did what it must not do."""


class Wire:
    """Packets over a stream of which nobody knows how long it holds."""

    def __init__(self, stream, version):
        self.stream, self.version, self._buffer = stream, version, b""

    def send(self, *data):
        try:
            self.stream.send(b"".join(data))
        except (OSError, ValueError) as reason:
            raise Gone from reason

    def poll(self, seconds=POLL_S):
        """What has come, after at most so long."""
        found, self._buffer = self._split(self._buffer)
        if found:
            return found
        try:
            data = self.stream.read(time.monotonic() + seconds)
        except TimeoutError:
            return []
        except (OSError, ValueError) as reason:
            raise Gone from reason
        except AssertionError as reason:  # lib.ws: a kill may cut a frame
            if "ended inside a frame" not in str(reason):
                raise
            raise Gone from reason
        if not data:
            raise Gone
        found, self._buffer = self._split(self._buffer + data)
        return found

    def _split(self, data):
        found = []
        while size := packets.split(data):
            found.append(packets.parse(self.version, data[:size]))
            data = data[size:]
        return found, data

    def next(self, what):
        """What comes next, after at most the deadline."""
        until = time.monotonic() + DEADLINE_S
        while not (found := self.poll()):
            if time.monotonic() > until:
                raise Fault(f"in vain: waited for {what}")
        return found

    def close(self):
        self.stream.close()


class Actor(threading.Thread):
    def __init__(self, world, name, version, transport, seed):
        super().__init__(name=name, daemon=True)
        self.world, self.version, self.transport = world, version, transport
        self.project = world.project
        self.random = random.Random(f"{seed}/{name}")
        self.fault, self.connects = None, 0

    # ---- connections

    def credentials(self):
        raise NotImplementedError

    def service(self):
        raise NotImplementedError

    def _stream(self):
        port = self.world.server.port(self.service())
        if self.transport == "tcp":
            return TcpStream(port)
        stream = TlsStream(port, self.world.server.ca)
        if self.transport == "tls":
            return stream
        return WsStream(stream).open()

    def _connect_packet(self):
        props = [(Prop.SESSION_EXPIRY, EXPIRY_S)] if self.version == V5 else ()
        return packets.connect(self.version, self.name, *self.credentials(), clean=False,
                               props=props)

    def connect(self):
        """A connection with its session, as soon as there is a server; the CONNACK, and what came
        with it."""
        while True:
            try:
                wire = Wire(self._stream(), self.version)
                wire.send(self._connect_packet())
                found = wire.next("CONNACK")
                if not isinstance(found[0], packets.Connack):
                    raise Fault(f"{found[0]} instead of CONNACK")
                if found[0].code != 0:
                    raise Fault(f"refused: {found[0]}")
                self.connects += 1
                return wire, found[0], found[1:]
            except (Gone, OSError, ssl.SSLError, TimeoutError, AssertionError) as reason:
                if isinstance(reason, Fault):
                    raise
                if self.world.is_over.is_set():
                    raise Gone from reason
                time.sleep(POLL_S)

    def run(self):
        try:
            while not self.is_done():
                try:
                    self.live(*self.connect())
                except Gone:
                    pass
        except Exception as fault:  # told by the world
            self.fault = fault
            self.world.faults.append(f"{self.name}: {type(fault).__name__}: {fault}")

    def is_done(self):
        raise NotImplementedError

    def live(self, wire, connack, found):
        """One connection, until it is gone or nothing is left to do."""
        raise NotImplementedError


class Device(Actor):
    """Sends 1, 2, 3 … with a window of publishes that wait for their acknowledgement; sends again
    what was not acknowledged when a connection is over, in order."""

    code_max = 0x80  # from which an acknowledgement is none

    def __init__(self, world, name, login, version, qos, seed, window=8):
        super().__init__(world, name, version, "tcp", seed)
        self.login, self.qos, self.window = login, qos, window
        self.topic = login.own("data", STREAM)
        self.made, self.accepted = 0, set()
        self.pending = OrderedDict()  # packet identifier: [number, whether PUBREC came]
        self.resent = self.begun_anew = 0
        self._pids = itertools.cycle(range(1, 65536))

    def credentials(self):
        return self.login.username, self.login.password

    def service(self):
        return "device_mqtt"

    def is_done(self):
        return self.world.is_over.is_set() or (
            self.world.is_ending.is_set() and not self.pending)

    def payload(self, number):
        return b"%d " % number + PADDING

    def _publish(self, pid, number, dup):
        return packets.publish(self.version, self.topic, self.payload(number), qos=self.qos,
                               pid=pid, dup=dup)

    def _resume(self, wire, present):
        if not present:
            self.begun_anew += 1
            if any(released for _, released in self.pending.values()):
                raise Fault("a session that had received a publish of QoS 2 is gone")
        for pid, (number, released) in self.pending.items():
            self.resent += 1
            wire.send(packets.ack(Type.PUBREL, pid) if released else
                      self._publish(pid, number, present))

    def may_send(self):
        return self.world.may_send()

    def _send(self, wire):
        while len(self.pending) < self.window and self.may_send():
            pid = next(self._pids)
            while pid in self.pending:
                pid = next(self._pids)
            self.made += 1
            self.pending[pid] = [self.made, False]
            wire.send(self._publish(pid, self.made, False))

    def _on(self, wire, found):
        if isinstance(found, packets.Disconnect):
            raise Gone
        if not isinstance(found, packets.Ack) or found.pid not in self.pending:
            raise Fault(f"unexpected {found}")
        if found.code >= self.code_max and (found.kind, found.code) != (Type.PUBCOMP, NOT_FOUND):
            raise Fault(f"refused: {found}")
        entry = self.pending[found.pid]
        self.accepted.add(entry[0])
        if found.kind == Type.PUBREC:
            entry[1] = True
            wire.send(packets.ack(Type.PUBREL, found.pid))
        else:
            del self.pending[found.pid]

    def live(self, wire, connack, found):
        self._resume(wire, connack.session_present)
        while not self.is_done():
            for packet in found:
                self._on(wire, packet)
            if not self.world.is_ending.is_set():
                self._send(wire)
            found = wire.poll()
        wire.close()


class App(Actor):
    """Has subscribed to all devices and keeps what it gets; `slow` takes its time for each message,
    `away` goes now and then and stays away for a while, `gone` for longer."""

    is_numbered = True  # its messages have a seq

    def __init__(self, world, name, version, transport, qos, manner, seed):
        super().__init__(world, name, version, transport, seed)
        self.qos, self.manner = qos, manner
        self.subscribed = threading.Event()
        self.got = {}      # device: its numbers, as they came
        self.seen = {}     # device: the same as a set
        self.numbers = {}  # message number (seq): device and its number
        self.count = self.distinct = self.repeated = self.absences = 0
        self._received = set()  # packet identifiers of QoS 2 that were not released
        self._stay = self._next_stay()

    def credentials(self):
        return self.project.key, self.project.secret

    def service(self):
        return "app_wss" if self.transport == "wss" else "app_mqtts"

    def is_done(self):
        return self.world.is_over.is_set()

    def _next_stay(self):
        return self.random.randrange(100, 600) if self.manner in ABSENCE_S else None

    def filter(self):
        return f"open/{self.project.key}/+/data/{STREAM}"

    def read(self, message):
        """The device and the number that a message is of."""
        return message.topic.split("/")[2], int(message.payload.split(b" ", 1)[0])

    def _keep(self, message):
        device, number = self.read(message)
        self.count += 1
        self.got.setdefault(device, []).append(number)
        seen = self.seen.setdefault(device, set())
        self.distinct += number not in seen
        seen.add(number)
        if self.version == V5 and self.is_numbered:
            seq = int(message.props.user["seq"])
            if self.numbers.setdefault(seq, (device, number)) != (device, number):
                raise Fault(f"number {seq} is of {self.numbers[seq]} and of {device} {number}")

    def _on_publish(self, wire, message):
        if message.qos != self.qos:
            raise Fault(f"QoS {message.qos} of {message.topic}")
        if self.manner == "slow":
            time.sleep(0.002)
        if message.qos == 1:
            self._keep(message)
            wire.send(packets.ack(Type.PUBACK, message.pid))
            return
        if message.pid not in self._received:
            self._received.add(message.pid)
            self._keep(message)
        else:
            self.repeated += 1
            if not message.dup:
                raise Fault(f"packet identifier {message.pid} is used again before its release")
        wire.send(packets.ack(Type.PUBREC, message.pid))

    def _on(self, wire, found):
        if isinstance(found, packets.Publish):
            self._on_publish(wire, found)
        elif isinstance(found, packets.Ack) and found.kind == Type.PUBREL:
            self._received.discard(found.pid)
            wire.send(packets.ack(Type.PUBCOMP, found.pid))
        elif isinstance(found, packets.Suback):
            if any(code > 2 for code in found.codes):
                raise Fault(f"refused: {found}")
            self.subscribed.set()
        elif isinstance(found, packets.Disconnect):
            raise Gone
        else:
            raise Fault(f"unexpected {found}")

    def _begin(self, wire, present):
        if self.subscribed.is_set() and not present:
            raise Fault("a session with a subscription that was granted is gone")
        if not self.subscribed.is_set():
            wire.send(packets.subscribe(self.version, 1, [(self.filter(), self.qos)]))

    def live(self, wire, connack, found):
        self._begin(wire, connack.session_present)
        while not self.is_done():
            for packet in found:
                self._on(wire, packet)
            if self._stay is not None and self.count >= self._stay and \
                    not self.world.is_ending.is_set():
                self._stay = self.count + self._next_stay()
                self.absences += 1
                wire.close()
                time.sleep(self.random.uniform(*ABSENCE_S[self.manner]))
                raise Gone
            found = wire.poll()
        wire.close()


class Member(App):
    """An application that shares all devices with the others of its group."""

    is_numbered = False  # shares are not told it

    def __init__(self, world, group, name, *how):
        super().__init__(world, name, *how)
        self.group = group

    def filter(self):
        return f"$share/{self.group.name}/{super().filter()}"

    def _keep(self, message):
        super()._keep(message)
        device = message.topic.split("/")[2]
        self.group.note(device, self.got[device][-1])


class Group:
    """A share group: what its members have, they have together."""

    def __init__(self, world, name, qos, members, seed):
        self.name, self.qos = name, qos
        self.members = [Member(world, self, f"{name}-{i}", version, transport, qos, manner, seed)
                        for i, (version, transport, manner) in enumerate(members)]
        self.distinct, self._seen, self._lock = 0, {}, threading.Lock()

    def note(self, device, number):
        with self._lock:
            seen = self._seen.setdefault(device, set())
            self.distinct += number not in seen
            seen.add(number)

    def seen(self, device):
        with self._lock:
            return set(self._seen.get(device, ()))

    def got(self, device):
        return [number for member in self.members for number in member.got.get(device, ())]


class Listener(App):
    """A device that is pushed attributes, in a session that outlives its connections."""

    is_numbered = False

    def __init__(self, world, name, login, version, qos, manner, seed):
        super().__init__(world, name, version, "tcp", qos, manner, seed)
        self.login = login

    def credentials(self):
        return self.login.username, self.login.password

    def service(self):
        return "device_mqtt"

    def filter(self):
        return self.login.own("attributes_push")

    def read(self, message):
        return self.login.username, json.loads(message.payload)["n"]


class Pusher(Device):
    """An application that pushes numbers to a device, whose session keeps them."""

    code_max = 0x10  # nobody would have taken it

    def __init__(self, world, name, listener, version, qos, seed):
        super().__init__(world, name, listener.login, version, qos, seed)
        self.listener, self.transport = listener, "tls"
        self.topic = listener.login.open("attributes_push")

    def credentials(self):
        return self.project.key, self.project.secret

    def service(self):
        return "app_mqtts"

    def payload(self, number):
        return b'{"n":%d}' % number

    def may_send(self):
        return self.made - self.listener.distinct < PUSHED_MAX
